//! Channels for the backends that have none with several receivers: a queue under a lock of the backend.

use std::collections::VecDeque;

use super::backend::{Condvar, Mutex};
use super::{Arc, PoisonError};

struct Queue<T> {
    waiting: Mutex<VecDeque<T>>,
    arrived: Condvar,
}

/// The end that sends.
pub struct Sender<T>(Arc<Queue<T>>);

/// The end that receives; each message reaches one receiver.
pub struct Receiver<T>(Arc<Queue<T>>);

/// A channel without bound.
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let queue = Arc::new(Queue { waiting: Mutex::new(VecDeque::new()), arrived: Condvar::new() });
    (Sender(Arc::clone(&queue)), Receiver(queue))
}

impl<T> Sender<T> {
    /// Sends; never waits.
    pub fn send(&self, message: T) {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner).push_back(message);
        self.0.arrived.notify_one();
    }
}

impl<T> Receiver<T> {
    /// Waits for a message.
    pub fn receive(&self) -> T {
        let mut waiting = self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(message) = waiting.pop_front() {
                return message;
            }
            waiting = self.0.arrived.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

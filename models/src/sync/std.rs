//! The ordinary backend: the standard library's types, crossbeam's channels and scoped threads.

pub use ::std::sync::Arc;
pub use ::std::sync::MutexGuard;
pub use ::std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
pub use ::std::thread::{Thread, current, park, yield_now};

use super::{Backend, Body, PoisonError};

/// Which backend this is.
pub const BACKEND: Backend = Backend::Os;

/// A mutual-exclusion lock without poisoning: a panic in a model is reported by the run loop, and the run that holds
/// the lock is never resumed.
#[derive(Debug, Default)]
pub struct Mutex<T>(::std::sync::Mutex<T>);

impl<T> Mutex<T> {
    /// A new, unlocked mutex around `value`.
    pub const fn new(value: T) -> Self {
        Self(::std::sync::Mutex::new(value))
    }

    /// Waits for the lock and returns its guard. Never fails.
    #[inline]
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs `others` on threads of their own and `own` on this one, and waits for all of them.
///
/// # Panics
/// If one of them does, with its message.
pub fn race(others: Vec<Body>, own: impl FnOnce()) {
    let ended = crossbeam::thread::scope(|scope| {
        let threads: Vec<_> = others.into_iter().map(|body| scope.spawn(|_| body())).collect();
        own();
        threads.into_iter().try_for_each(crossbeam::thread::ScopedJoinHandle::join)
    });
    if let Err(panic) = ended.and_then(|joined| joined) {
        ::std::panic::resume_unwind(panic);
    }
}

/// The end of a channel that sends.
pub struct Sender<T>(crossbeam::channel::Sender<T>);

/// The end of a channel that receives; each message reaches one receiver.
pub struct Receiver<T>(crossbeam::channel::Receiver<T>);

/// A channel without bound.
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = crossbeam::channel::unbounded();
    (Sender(sender), Receiver(receiver))
}

impl<T> Sender<T> {
    /// Sends; never waits.
    pub fn send(&self, message: T) {
        // A receiver that has gone has panicked, and the race reports that.
        let _ = self.0.send(message);
    }
}

impl<T> Receiver<T> {
    /// Waits for a message.
    ///
    /// # Panics
    /// If every sender is gone: whoever was to send the last message has panicked.
    pub fn receive(&self) -> T {
        self.0.recv().expect("a sender is there until the last message")
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

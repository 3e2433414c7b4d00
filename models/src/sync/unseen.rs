//! Memory that no backend looks at: shared by threads, but invisible to loom and shuttle.
//!
//! What only watches (events, counters, traces) lives here, so that watching adds no interleavings and, more
//! important, no synchronisation: two threads that both append to a log do not thereby see each other's memory.
//! Nothing that decides what a model does may be kept in it.

use std::sync::{Arc, Mutex, PoisonError};

/// A shared value that no thread backend knows about. Clones share it.
#[derive(Debug, Default)]
pub struct Unseen<T>(Arc<Mutex<T>>);

impl<T> Unseen<T> {
    /// A new value, held once.
    pub fn new(value: T) -> Self {
        Self(Arc::new(Mutex::new(value)))
    }

    /// Lends the value to `f`, which must touch nothing that a backend does see.
    #[inline]
    pub fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// How many share it.
    pub fn holders(&self) -> usize {
        Arc::strong_count(&self.0)
    }
}

impl<T> Clone for Unseen<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

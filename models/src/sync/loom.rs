//! The loom backend: every atomic access and lock is a point where loom may switch threads.

pub use ::loom::sync::atomic::{AtomicU32, AtomicU64, Ordering};
pub use ::loom::sync::{Arc, MutexGuard};

/// Loom's threads.
pub mod thread {
    pub use ::loom::thread::{spawn, yield_now};
}

/// A mutual-exclusion lock without poisoning.
#[derive(Debug)]
pub struct Mutex<T>(::loom::sync::Mutex<T>);

impl<T> Mutex<T> {
    /// A new, unlocked mutex around `value`.
    pub fn new(value: T) -> Self {
        Self(::loom::sync::Mutex::new(value))
    }

    /// Waits for the lock and returns its guard. Never fails.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(::std::sync::PoisonError::into_inner)
    }
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

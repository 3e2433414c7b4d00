//! The shuttle backend: randomised exploration of thread schedules at sizes that loom cannot reach.

pub use ::shuttle::sync::atomic::{AtomicU32, AtomicU64, Ordering};
pub use ::shuttle::sync::{Arc, MutexGuard};

/// A mutual-exclusion lock without poisoning.
#[derive(Debug)]
pub struct Mutex<T>(::shuttle::sync::Mutex<T>);

impl<T> Mutex<T> {
    /// A new, unlocked mutex around `value`.
    pub fn new(value: T) -> Self {
        Self(::shuttle::sync::Mutex::new(value))
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

//! The ordinary backend: the standard library's types.

pub use ::std::sync::Arc;
pub use ::std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
pub use ::std::sync::{MutexGuard, PoisonError};

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

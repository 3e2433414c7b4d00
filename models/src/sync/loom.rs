//! The loom backend: every atomic access, lock and reference count is a point where loom may switch threads.

use std::hash::{Hash, Hasher};
use std::ops::Deref;

pub use ::loom::sync::MutexGuard;
pub use ::loom::sync::atomic::{AtomicU32, AtomicU64, Ordering};
pub use ::loom::thread::{Thread, current, park, yield_now};

use super::{Backend, Body};

/// Which backend this is.
pub const BACKEND: Backend = Backend::Loom;

::loom::lazy_static! {
    /// What every thread touches first, so that loom tries every order of starting: it misses interleavings of threads
    /// that begin with a load.
    static ref START: AtomicU32 = AtomicU32::new(0);
}

/// Runs `others` on threads of their own and `own` on this one, and waits for all of them.
///
/// # Panics
/// If one of them does.
pub fn race(others: Vec<Body>, own: impl FnOnce()) {
    let start = || {
        START.fetch_add(1, Ordering::Relaxed);
    };
    let spawn = |body: Body| {
        ::loom::thread::spawn(move || {
            start();
            body();
        })
    };
    let threads: Vec<_> = others.into_iter().map(spawn).collect();
    start();
    own();
    threads.into_iter().for_each(|thread| thread.join().expect("loom ends an execution at its first panic"));
}

/// A reference-counted pointer that loom checks for leaks, with the comparisons that loom's own one lacks.
#[derive(Debug)]
pub struct Arc<T: ?Sized>(::loom::sync::Arc<T>);

impl<T> Arc<T> {
    /// A new pointer to `value`.
    pub fn new(value: T) -> Self {
        Self(::loom::sync::Arc::new(value))
    }
}

impl<T: ?Sized> Arc<T> {
    /// Whether both point to the same value.
    pub fn ptr_eq(this: &Self, other: &Self) -> bool {
        ::loom::sync::Arc::ptr_eq(&this.0, &other.0)
    }

    /// How many pointers share the value.
    pub fn strong_count(this: &Self) -> usize {
        ::loom::sync::Arc::strong_count(&this.0)
    }
}

impl<T: ?Sized> Clone for Arc<T> {
    fn clone(&self) -> Self {
        Self(::loom::sync::Arc::clone(&self.0))
    }
}

impl<T: ?Sized> Deref for Arc<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: ?Sized + PartialEq> PartialEq for Arc<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: ?Sized + Eq> Eq for Arc<T> {}

impl<T: ?Sized + Hash> Hash for Arc<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl<T: Clone> From<&[T]> for Arc<[T]> {
    fn from(values: &[T]) -> Self {
        Self(::loom::sync::Arc::from_std(values.into()))
    }
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

//! The shuttle backend: sampled thread schedules at sizes that loom cannot reach.
//!
//! Shuttle hides from its schedulers what a task is about to do. Strategies that sample partial orders need just that, so
//! every operation here first [announces](Pending) the object that it is about to touch as a label of its task.

pub use ::shuttle::sync::atomic::Ordering;
pub use ::shuttle::sync::{Arc, MutexGuard};
pub use ::shuttle::thread::{Thread, current, park, yield_now};

use super::{Backend, Body, PoisonError};

/// Which backend this is.
pub const BACKEND: Backend = Backend::Shuttle;

/// What a task is about to touch: the label that a scheduler finds on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Names the object during one execution; two pending operations race only if their objects are equal.
    pub object: usize,
    /// Whether the operation may change it.
    pub writes: bool,
}

fn announce<T>(object: &T, writes: bool) {
    if let Some(task) = ::shuttle::current::try_get_current_task() {
        let object = ::std::ptr::from_ref(object).addr();
        ::shuttle::current::set_label_for_task(task, Pending { object, writes });
    }
}

/// Runs `others` on threads of their own and `own` on this one, which any of them may overtake before its first step, and
/// waits for all of them.
///
/// # Panics
/// If one of them does.
pub fn race(others: Vec<Body>, own: impl FnOnce()) {
    let threads: Vec<_> = others.into_iter().map(::shuttle::thread::spawn).collect();
    // Not a yield, which schedulers take for the wish to wait.
    AtomicU32::new(0).fetch_add(1, Ordering::Relaxed);
    own();
    threads.into_iter().for_each(|thread| thread.join().expect("shuttle ends an execution at its first panic"));
}

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
        announce(self, true);
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

macro_rules! atomics {
    ($($name:ident, $value:ident;)*) => {$(
        /// The standard library's atomic of the same name, announced to schedulers.
        #[derive(Debug)]
        pub struct $name(::shuttle::sync::atomic::$name);

        #[allow(missing_docs, reason = "the standard library's methods of the same names")]
        impl $name {
            pub fn new(value: $value) -> Self {
                Self(::shuttle::sync::atomic::$name::new(value))
            }

            pub fn load(&self, order: Ordering) -> $value {
                announce(self, false);
                self.0.load(order)
            }

            pub fn store(&self, value: $value, order: Ordering) {
                announce(self, true);
                self.0.store(value, order);
            }

            pub fn fetch_add(&self, value: $value, order: Ordering) -> $value {
                announce(self, true);
                self.0.fetch_add(value, order)
            }

            pub fn fetch_sub(&self, value: $value, order: Ordering) -> $value {
                announce(self, true);
                self.0.fetch_sub(value, order)
            }

            pub fn fetch_or(&self, value: $value, order: Ordering) -> $value {
                announce(self, true);
                self.0.fetch_or(value, order)
            }

            pub fn fetch_and(&self, value: $value, order: Ordering) -> $value {
                announce(self, true);
                self.0.fetch_and(value, order)
            }

            /// # Errors
            /// The value found, if it is not `current`.
            pub fn compare_exchange(
                &self,
                current: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                announce(self, true);
                self.0.compare_exchange(current, new, success, failure)
            }
        }
    )*};
}

atomics! {
    AtomicU32, u32;
    AtomicU64, u64;
}

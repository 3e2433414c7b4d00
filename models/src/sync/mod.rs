//! The one place that picks a thread backend: the standard library, loom, or shuttle.
//!
//! Everything else in this crate takes its shared-memory types from here, so that one source builds three ways.
//! The backends offer exactly the same names: [`Arc`], [`Mutex`], [`MutexGuard`] and the atomics. Threads are
//! the callers' business: nothing in this crate starts one.
//! Where to go next: `std.rs`, `loom.rs` and `shuttle.rs` beside this file, one backend each.

#[cfg(not(any(falken_loom, falken_shuttle)))]
mod std;
#[cfg(not(any(falken_loom, falken_shuttle)))]
pub use self::std::*;

#[cfg(falken_loom)]
mod loom;
#[cfg(falken_loom)]
pub use self::loom::*;

#[cfg(falken_shuttle)]
mod shuttle;
#[cfg(falken_shuttle)]
pub use self::shuttle::*;

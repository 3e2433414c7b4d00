//! The one place that picks a thread backend: the standard library, loom, or shuttle.
//!
//! Everything else in this crate takes its shared-memory types from here, so that one source builds three ways.
//! The backends offer exactly the same names: [`Arc`], [`Mutex`], [`MutexGuard`], the atomics, [`channel`], [`race`] and
//! the few things that a waiting thread needs. Only [`threads`](crate::threads) starts threads; an engine never does.
//! [`Unseen`] is for what watches and decides nothing.
//! Where to go next: `std.rs`, `loom.rs` and `shuttle.rs` beside this file, one backend each.

#[cfg(not(any(falken_loom, falken_shuttle)))]
mod std;
#[cfg(not(any(falken_loom, falken_shuttle)))]
pub use self::std::*;

#[cfg(falken_loom)]
mod loom;
#[cfg(falken_loom)]
pub use self::loom::*;
#[cfg(falken_loom)]
use ::loom::sync as backend;

#[cfg(falken_shuttle)]
mod shuttle;
#[cfg(falken_shuttle)]
pub use self::shuttle::*;
#[cfg(falken_shuttle)]
use ::shuttle::sync as backend;

#[cfg(any(falken_loom, falken_shuttle))]
mod queue;
#[cfg(any(falken_loom, falken_shuttle))]
pub use queue::{Receiver, Sender, channel};

mod unseen;
mod waker;

pub use ::std::sync::PoisonError;
pub use unseen::Unseen;
pub use waker::waker;

/// What a thread of a [`race`] does.
pub type Body = Box<dyn FnOnce() + Send>;

/// How a backend looks at memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// The machine's own threads, whose orders nobody chooses.
    Os,
    /// Loom: every order within a bound, and what weak memory may show.
    Loom,
    /// Shuttle: sampled orders of sequentially consistent memory.
    Shuttle,
}

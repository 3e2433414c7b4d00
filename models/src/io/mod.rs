//! The cooperative async I/O library: completions, groups, and the re-entry contract.
//!
//! An operation that must wait returns [`IOResult::IO`] with a [`Completion`] and is called again later. Names and
//! shapes follow Turso's, so that code moves between the two.
//!
//! What this is not: it submits nothing and knows no device. A device (here [`crate::disk`]) takes a completion
//! together with the operation and calls [`Completion::complete`] or [`Completion::error`] when it has finished.
//!
//! # Who may call what
//! * Any thread may call any method of [`Completion`]; the first terminal result wins and later ones change nothing.
//! * A callback runs exactly once, on the thread that delivered the result, with no lock of this library held. It may
//!   abort its own completion (harmless), finish others, and submit; it must not wait.
//! * An observer that sees [`Completion::finished`] sees everything that the callback did.
//!
//! Where to go next: [`completion`](Completion) for one operation (`core.rs` behind it), [`CompletionGroup`] for several,
//! [`StateMachine`] for the operations that wait for them.

mod buffer;
mod completion;
mod core;
mod error;
mod group;
mod pool;
mod result;
mod state_machine;

pub use buffer::Buffer;
pub use completion::{Completion, CompletionKind};
pub use error::CompletionError;
pub use group::CompletionGroup;
pub use pool::BufferPool;
pub use result::{IOCompletions, IOResult};
pub use state_machine::{StateMachine, StateTransition, TransitionResult};

#[cfg(all(test, not(any(falken_loom, falken_shuttle))))]
mod tests;

//! falken-threads: real threads over the models, explored by loom, by shuttle, or left to the machine.
//!
//! Data flows one way: a [`Job`] says what is run and by which [`engine`]; a *worker* process runs it and writes
//! [`Message`]s; [`supervise()`] starts the worker, reads what it says and makes an [`Outcome`] of it, with a [`repro`] if an
//! execution has failed.
//!
//! Why a process of its own: what fails here panics inside loom or shuttle, sometimes twice, sometimes with every thread
//! stuck. The worker's panic hook writes what it knows before anything unwinds and ends the process at once, so a second
//! panic cannot happen, and a worker that dies without a word is run again with its schedule written ahead.
//!
//! What a pass does not prove stands with each engine in [`engine::TABLE`], and is printed with every report.

pub mod engine;
mod invariants;
mod job;
mod judge;
mod message;
mod programs;
mod reduce;
pub mod repro;
pub mod sampler;
mod schedule;
mod supervise;
mod worker;

pub use invariants::{invariant_of, rule};
pub use job::{Job, JobError, Subject, Task, choose};
pub use message::{Lane, Message, Panicked};
pub use reduce::{Reduced, Size, reduce};
pub use schedule::Schedule;
pub use supervise::{Failing, Outcome, SuperviseError, Workers, supervise};
pub use worker::work;

//! The engine under test, behind one trait.
//!
//! The protocol: [`open`](Subject::open) once per process life, [`connect`](Subject::connect) each connection, then for
//! each statement [`submit`](Subject::submit) and [`step`](Subject::step) until it ends; a connection has two slots for
//! statements. At any yield the run loop may [`abandon`](Subject::abandon) a statement, or
//! [`interrupt`](Subject::interrupt) or [`give up`](Subject::give_up_all) the connection, and goes on stepping until its statements
//! have ended. [`crash`](Subject::crash) takes away all memory; the disk stays. The subject submits its I/O to the
//! run's [`Disk`], whose operations the run loop finishes.

mod foreign;
mod models;

#[doc = include_str!("../../SUBJECT.md")]
pub mod another {}

use falken_models::connection::{Connection, Op, Outcome, StatementId};
use falken_models::disk::Disk;
use falken_models::event::EventLog;
use falken_models::io::{IOCompletions, IOResult};
use falken_models::session::{Error, Shared};
use falken_models::sync::Arc;
pub use foreign::{Engine, Make, Pulse, is_known, register};
pub(crate) use foreign::{make, on_own_thread};
pub use models::Models;

use crate::parser::Rows;

/// What the run loop needs of an engine.
pub trait Subject {
    /// Opens the database that lies on the disk; the process starts with empty memory.
    fn open(&mut self);

    /// Opens connection `conn`.
    fn connect(&mut self, conn: u8);

    /// Whether the connection yields wherever it can, as it does at first, or only where it must wait. An engine that
    /// cannot tell the two apart ignores it.
    fn set_micro(&mut self, _conn: u8, _micro: bool) {}

    /// Starts a statement in an idle slot.
    fn submit(&mut self, id: StatementId, op: Op);

    /// Steps a statement that has not ended.
    ///
    /// # Errors
    /// The statement has ended with this error.
    fn step(&mut self, id: StatementId) -> Result<IOResult<Outcome>, Error>;

    /// What the statement's last step waits for.
    fn awaiting(&self, id: StatementId) -> Option<&IOCompletions>;

    /// Whether the connection has an explicit transaction open.
    fn in_transaction(&self, conn: u8) -> bool;

    /// Drops or resets a suspended statement; following steps undo it and end it.
    fn abandon(&mut self, id: StatementId);

    /// Interrupts the statements of a connection that are under way; following steps undo and end them.
    fn interrupt(&mut self, conn: u8);

    /// Drops the connection: its statements are abandoned. When they have ended, [`Op::Drop`] in the first slot undoes
    /// what is left, and then it is gone. An [`Op::Close`] that has succeeded has the same end without this.
    fn give_up_all(&mut self, conn: u8);

    /// The process dies: memory is gone, nothing is undone.
    fn crash(&mut self);

    /// Another process of the same engine, over a disk of its own: it has opened nothing yet. Crash images are recovered by
    /// such a process, with nobody beside it. A registered engine is not asked: it is made anew for each image.
    #[must_use]
    fn spawn(&self, disk: Arc<Disk>, log: Arc<EventLog>) -> Self
    where
        Self: Sized;

    /// Whether its files are SQLite's, so that others can read them. If not, what a crash has left is what
    /// [`audit`](Self::audit) finds.
    fn has_sqlite_files(&self) -> bool {
        true
    }

    /// All rows, once the engine has found its database intact; asked while no statement is under way, after crashes and at
    /// the end. It may wait for its I/O inside. Whoever shows internals need not answer.
    ///
    /// # Errors
    /// What it finds damaged.
    fn audit(&mut self) -> Result<Option<Rows>, String> {
        Ok(None)
    }

    /// The internals, for invariants that read them; `None` for an engine that shows none.
    fn inspect(&self) -> Option<Internals<'_>>;
}

/// The internals of the models.
#[derive(Clone, Copy)]
pub struct Internals<'a> {
    /// What all connections share.
    pub shared: &'a Shared,
    /// The connections, by number; `None` while one is closed.
    pub connections: &'a [Option<Connection>],
}

//! What the run loop can do next: a closed enum, so that there is exactly one `apply`.

use falken_models::connection::StatementId;
use falken_models::disk::{Ending, FileId, OpId};

use crate::fault::Fault;

/// How the machine goes down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CrashKind {
    /// The process dies; completed writes stay visible and un-synced.
    Process,
    /// The power fails; only what an fsync covered is certain.
    Power,
}

impl CrashKind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::Power, Self::Process];
}

/// What is held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Held {
    /// The `ordinal`-th operation of connection `owner` does not end.
    Operation {
        /// Who submitted it.
        owner: u8,
        /// The how-manieth of that connection, from 0.
        ordinal: u32,
    },
    /// A connection gets no step.
    Statement(StatementId),
}

/// One thing that the run loop does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Step a statement; an idle client first submits its next one.
    Step(StatementId),
    /// Step a statement although what it waits for has not finished.
    Poll(StatementId),
    /// Step a statement and refuse a submission of that step, after so many others.
    StepRefused(StatementId, u32),
    /// Let an operation in flight end.
    Finish(OpId, Ending),
    /// Let an operation in flight end as a fault wants it.
    Fail(OpId, Ending, Fault),
    /// Nobody acts: something is held back for so many actions from now on.
    Hold(Held, u64),
    /// Ask the kernel to cancel what a statement waits for: its n-th unfinished operation, from 1, or with 0 all of them.
    Cancel(StatementId, u64),
    /// Drop or reset a suspended statement.
    Abandon(StatementId),
    /// Interrupt the statements of a connection.
    Interrupt(u8),
    /// Drop a connection with whatever it has under way.
    Drop(u8),
    /// Crash, judge what is left, and open the database again.
    Crash(CrashKind),
    /// The same, soon after another crash.
    SecondCrash(CrashKind),
    /// The bits of a mask flip in the byte at an offset of a file.
    Rot(FileId, u64, u8),
    /// Nothing is left to do: judge the end of the run.
    Finale,
}

//! What the run loop can do next: a closed enum, so that there is exactly one `apply`.

use falken_models::disk::{Ending, OpId};

/// How the machine goes down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CrashKind {
    /// The process dies; completed writes stay visible and un-synced.
    Process,
    /// The power fails; only what an fsync covered is certain.
    Power,
}

/// One thing that the run loop does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Step a connection; an idle one first gets its program's next statement.
    Step(u8),
    /// Let an operation in flight end.
    Finish(OpId, Ending),
    /// Drop or reset the suspended statement of a connection.
    Abandon(u8),
    /// Drop a connection with whatever it has under way.
    Drop(u8),
    /// Crash, judge what is left, and open the database again.
    Crash(CrashKind),
    /// Nothing is left to do: judge the end of the run.
    Finale,
}

//! What happened: the facts that invariants, reports and the run hash are made of.
//!
//! Events are small plain data; text is made when somebody reads it. Models append to one [`EventLog`] per database;
//! whoever drives the models drains it.

mod words;

use std::fmt;

use strum::VariantArray;

use crate::disk::{CancelOutcome, FileId, IoKind, IoResult, OpId};
use crate::io::CompletionError;
use crate::site::Site;
use crate::sync::Unseen;
use crate::wal::{CheckpointMode, LockId, LockMode};

/// Who did it: a connection, or the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Actor {
    /// The connection with this number.
    Conn(u8),
    /// The simulated disk.
    Disk,
    /// The run loop itself (crashes, client calls).
    Run,
}

/// One thing that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Event {
    /// Who did it.
    pub actor: Actor,
    /// What it was.
    pub kind: EventKind,
}

/// Where a page's bytes come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PageSource {
    /// The database file.
    Database,
    /// This frame of the log (1-based).
    Frame(u32),
}

impl fmt::Display for PageSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Database => f.write_str("the database file"),
            Self::Frame(frame) => write!(f, "frame {frame}"),
        }
    }
}

/// A point of the log: its generation and the last valid frame in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LogPoint {
    /// The checkpoint sequence number of the generation.
    pub seq: u32,
    /// The generation's salts, as one word.
    pub salts: u64,
    /// The last frame (0: none).
    pub frame: u32,
}

impl fmt::Display for LogPoint {
    /// `frame 3 of log 1 (salts 5143d83a0b1c2d3e)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seq, salts, frame } = self;
        write!(f, "frame {frame} of log {seq} (salts {salts:016x})")
    }
}

/// What a statement does to the data, for reading a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, VariantArray)]
#[allow(missing_docs, reason = "each names the client operation of the same name")]
pub enum StatementKind {
    Begin,
    Get,
    Put,
    Append,
    Delete,
    Scan,
    Count,
    Commit,
    Rollback,
    Savepoint,
    Release,
    RollbackTo,
    Checkpoint,
    Close,
    Drop,
    ChangeLayout,
}

/// The kinds of events, with the objects involved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the fields are explained by their variant")]
pub enum EventKind {
    /// A statement took its first step.
    StatementBegin { slot: u8, kind: StatementKind, key: i64 },
    /// A statement has ended.
    StatementEnd { slot: u8, kind: StatementKind, ok: bool },
    /// A savepoint was opened inside this many others; a statement that writes in a transaction opens one of its own.
    SavepointOpen { depth: u8 },
    /// A savepoint and those inside it were closed; their changes stay.
    SavepointRelease { depth: u8 },
    /// What was done since a savepoint was undone; the log is back at this point.
    SavepointUndo { depth: u8, at: LogPoint },
    /// An operation was handed to the disk. `digest` is that of a write's bytes.
    /// `from` is where in its buffer it begins: 0 unless it goes on with a short one.
    Submit { op: OpId, file: FileId, io: IoKind, offset: u64, len: u32, from: u32, digest: u64 },
    /// The kernel refused an operation at submit.
    Refused { file: FileId, io: IoKind, offset: u64, len: u32, error: CompletionError },
    /// The ring is full: the connection has this many operations that wait for room.
    Overflow { left: u32 },
    /// No buffer is free: the connection has this many operations that wait for one.
    NoBuffer { left: u32 },
    /// A transaction that commits has nothing left in its cache: all of it was spilled.
    AllSpilled,
    /// A page became the first trunk of the freelist, in front of trunk `next` (0: none).
    TrunkAdded { page: u32, next: u32 },
    /// The freelist's first trunk is used itself; `next` is the first one now (0: none).
    TrunkEmptied { page: u32, next: u32 },
    /// A connection asked the kernel to cancel operation `op`; `hit` is what the request found in flight.
    Cancel { op: OpId, hit: Option<(OpId, IoKind)> },
    /// What came of a cancel.
    CancelOutcome { op: OpId, outcome: CancelOutcome },
    /// The run loop has injected a fault: the next thing that goes wrong is its doing.
    Injected { fault: &'static str },
    /// A connection has waited for everything whose cancellation it asked for.
    Drained,
    /// The kernel has finished an operation: `digest` is that of the bytes it really moved.
    Finish {
        op: OpId,
        file: FileId,
        io: IoKind,
        offset: u64,
        len: u32,
        result: IoResult,
        digest: u64,
        submit_digest: u64,
        /// Short writes: the digest of the bytes that are left.
        rest: u64,
    },
    /// The callback of an operation has returned; how often it has run, and what the completion claims. `accepted` is false
    /// if the completion had been aborted before.
    Callback { op: OpId, runs: u32, accepted: bool, claims_success: bool, result: IoResult },
    /// A lock was taken.
    Lock { lock: LockId, mode: LockMode },
    /// A lock was busy.
    LockBusy { lock: LockId, mode: LockMode },
    /// A lock was released.
    Unlock { lock: LockId, mode: LockMode },
    /// A read transaction has its snapshot. `changed`: the page cache was dropped.
    ReadBegin { slot: u8, mark: u32, at: LogPoint, min_frame: u32, changed: bool },
    /// A read transaction has ended.
    ReadEnd,
    /// A write transaction has begun on this snapshot.
    WriteBegin { at: LogPoint },
    /// A write transaction is about to give up the WRITE lock.
    WriteEnd { committed: bool },
    /// A page's bytes have arrived in the cache.
    PageLoaded { page: u32, source: PageSource, digest: u64 },
    /// A statement uses a page: its digest when it was loaded, if it is clean.
    PageUsed { page: u32, loaded: bool, locked: bool, dirty: bool, digest: u64 },
    /// A page was looked up in the frame index.
    Lookup { page: u32, source: PageSource },
    /// A page became dirty.
    Dirtied { page: u32, locked: bool },
    /// A page left the cache.
    Evicted { page: u32, dirty: bool, pinned: bool },
    /// The header of a generation is being written to the log file.
    WalHeader { seq: u32, salts: u64 },
    /// A frame is being written. `commit_pages` is 0 except in the last frame of a commit.
    Frame { frame: u32, page: u32, commit_pages: u32, digest: u64 },
    /// The spill that was writing this frame has failed or was abandoned with its statement: the frame counts for nothing.
    SpillGivenUp { frame: u32 },
    /// A frame of the own transaction is being written over in place: its page only.
    Overwrite { frame: u32, page: u32, digest: u64 },
    /// A header copy pair was published.
    Publish { at: LogPoint, pages: u32, commit: bool },
    /// The log was restarted: this is its new, empty point.
    Restart { at: LogPoint },
    /// A transaction was rolled back.
    Rollback,
    /// A checkpoint works from this point.
    CheckpointBegin { mode: CheckpointMode, at: LogPoint },
    /// A checkpoint may copy up to this frame.
    CheckpointSafe { frame: u32 },
    /// A checkpoint writes a frame's page to the database file.
    CheckpointCopy { page: u32, frame: u32, digest: u64 },
    /// nBackfill was published.
    Backfill { frame: u32 },
    /// The log file is being cut to nothing.
    WalTruncate,
    /// The database file is known to hold a database, durably unless OFF: it has just been created, or was found.
    DatabaseReady { created: bool },
    /// The log file is being removed by the last connection; the wal-index is gone.
    WalRemove,
    /// A power loss has left a file's name to a file that it had before, or to none.
    NameLost { file: FileId },
    /// The database file is being cut.
    DbTruncate { pages: u32 },
    /// A checkpoint has ended with these figures.
    CheckpointEnd { mode: CheckpointMode, busy: bool, log: u32, backfilled: u32 },
    /// Recovery has found this point.
    Recovered { at: LogPoint, pages: u32 },
    /// A connection yielded.
    Yield { site: Site },
    /// A connection was told to give up a statement, or was dropped.
    Abandon { dropped: bool },
    /// The statements of a connection were interrupted.
    Interrupt,
    /// The process crashed (`power` false) or the power failed; `in_recovery` if somebody was just recovering the log.
    Crash { power: bool, in_recovery: bool },
    /// The kernel has performed an operation that was in flight when the process crashed; nobody was told.
    PerformedUnheard { file: FileId, io: IoKind, offset: u64, len: u32 },
    /// A statement goes by this layout: the schema cookie that it was read with, and the table's root page.
    LayoutUsed { cookie: u32, root: u32 },
    /// A statement has given the table another layout, under a new cookie.
    LayoutChanged { cookie: u32, root: u32 },
}

/// The kind of an event without its objects: what an invariant subscribes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
#[allow(missing_docs, reason = "each names the event of the same name")]
pub enum Tag {
    StatementBegin,
    StatementEnd,
    SavepointOpen,
    SavepointRelease,
    SavepointUndo,
    Submit,
    Refused,
    Overflow,
    NoBuffer,
    AllSpilled,
    TrunkAdded,
    TrunkEmptied,
    Cancel,
    CancelOutcome,
    Injected,
    Drained,
    Finish,
    Callback,
    Lock,
    LockBusy,
    Unlock,
    ReadBegin,
    ReadEnd,
    WriteBegin,
    WriteEnd,
    PageLoaded,
    PageUsed,
    Lookup,
    Dirtied,
    Evicted,
    WalHeader,
    Frame,
    SpillGivenUp,
    Overwrite,
    Publish,
    Restart,
    Rollback,
    CheckpointBegin,
    CheckpointSafe,
    CheckpointCopy,
    Backfill,
    WalTruncate,
    DatabaseReady,
    WalRemove,
    NameLost,
    DbTruncate,
    CheckpointEnd,
    Recovered,
    Yield,
    Abandon,
    Interrupt,
    Crash,
    PerformedUnheard,
    LayoutUsed,
    LayoutChanged,
}

impl Tag {
    /// How many there are.
    pub const COUNT: usize = Self::LayoutChanged as usize + 1;
}

impl EventKind {
    /// Which kind this is.
    pub const fn tag(&self) -> Tag {
        match self {
            Self::StatementBegin { .. } => Tag::StatementBegin,
            Self::StatementEnd { .. } => Tag::StatementEnd,
            Self::SavepointOpen { .. } => Tag::SavepointOpen,
            Self::SavepointRelease { .. } => Tag::SavepointRelease,
            Self::SavepointUndo { .. } => Tag::SavepointUndo,
            Self::Submit { .. } => Tag::Submit,
            Self::Refused { .. } => Tag::Refused,
            Self::Overflow { .. } => Tag::Overflow,
            Self::NoBuffer { .. } => Tag::NoBuffer,
            Self::AllSpilled { .. } => Tag::AllSpilled,
            Self::TrunkAdded { .. } => Tag::TrunkAdded,
            Self::TrunkEmptied { .. } => Tag::TrunkEmptied,
            Self::Cancel { .. } => Tag::Cancel,
            Self::CancelOutcome { .. } => Tag::CancelOutcome,
            Self::Injected { .. } => Tag::Injected,
            Self::Drained => Tag::Drained,
            Self::Finish { .. } => Tag::Finish,
            Self::Callback { .. } => Tag::Callback,
            Self::Lock { .. } => Tag::Lock,
            Self::LockBusy { .. } => Tag::LockBusy,
            Self::Unlock { .. } => Tag::Unlock,
            Self::ReadBegin { .. } => Tag::ReadBegin,
            Self::ReadEnd { .. } => Tag::ReadEnd,
            Self::WriteBegin { .. } => Tag::WriteBegin,
            Self::WriteEnd { .. } => Tag::WriteEnd,
            Self::PageLoaded { .. } => Tag::PageLoaded,
            Self::PageUsed { .. } => Tag::PageUsed,
            Self::Lookup { .. } => Tag::Lookup,
            Self::Dirtied { .. } => Tag::Dirtied,
            Self::Evicted { .. } => Tag::Evicted,
            Self::WalHeader { .. } => Tag::WalHeader,
            Self::Frame { .. } => Tag::Frame,
            Self::SpillGivenUp { .. } => Tag::SpillGivenUp,
            Self::Overwrite { .. } => Tag::Overwrite,
            Self::Publish { .. } => Tag::Publish,
            Self::Restart { .. } => Tag::Restart,
            Self::Rollback { .. } => Tag::Rollback,
            Self::CheckpointBegin { .. } => Tag::CheckpointBegin,
            Self::CheckpointSafe { .. } => Tag::CheckpointSafe,
            Self::CheckpointCopy { .. } => Tag::CheckpointCopy,
            Self::Backfill { .. } => Tag::Backfill,
            Self::WalTruncate { .. } => Tag::WalTruncate,
            Self::DatabaseReady { .. } => Tag::DatabaseReady,
            Self::WalRemove { .. } => Tag::WalRemove,
            Self::NameLost { .. } => Tag::NameLost,
            Self::DbTruncate { .. } => Tag::DbTruncate,
            Self::CheckpointEnd { .. } => Tag::CheckpointEnd,
            Self::Recovered { .. } => Tag::Recovered,
            Self::Yield { .. } => Tag::Yield,
            Self::Abandon { .. } => Tag::Abandon,
            Self::Interrupt => Tag::Interrupt,
            Self::Crash { .. } => Tag::Crash,
            Self::PerformedUnheard { .. } => Tag::PerformedUnheard,
            Self::LayoutUsed { .. } => Tag::LayoutUsed,
            Self::LayoutChanged { .. } => Tag::LayoutChanged,
        }
    }
}

/// Collects events in order. Any thread may append; to a thread backend that is no access, so that writing down what
/// happens changes nothing about what can happen.
#[derive(Debug, Default)]
pub struct EventLog(Unseen<Vec<Event>>);

impl EventLog {
    /// A log that appends to `events`, which somebody else looks at as well.
    pub fn into(events: Unseen<Vec<Event>>) -> Self {
        Self(events)
    }

    /// Appends one event.
    #[inline]
    pub fn push(&self, actor: Actor, kind: EventKind) {
        self.0.with(|events| events.push(Event { actor, kind }));
    }

    /// Moves all collected events to the end of `out`; both keep their storage.
    #[inline]
    pub fn drain_into(&self, out: &mut Vec<Event>) {
        self.0.with(|events| out.append(events));
    }
}

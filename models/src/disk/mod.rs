//! The simulated disk: files as durable and volatile sectors, operations in flight, crashes.
//!
//! An operation is *submitted*, stays in flight for as long as the driver likes, and is *finished* by the driver in any
//! order and with any legal [`Ending`]. Its effect happens when it finishes, not when it is submitted; only an fsync
//! makes earlier effects durable.
//!
//! What a fair disk may do at a crash: keep, for each sector on its own, the durable version or any later one; keep the
//! durable size or any later one. What it must not do: lose anything that a successful fsync covered, change bytes that
//! no operation touched, or finish an operation twice.
//!
//! What this is not: it decides nothing. Which operation finishes, how, and what survives a crash is asked of the
//! driver. Where to go next: [`file`](self) holds one file's two states, `versions.rs` what the platter may hold
//! between them, `crash.rs` the two kinds of crash.

mod crash;
mod file;
mod versions;

use crate::digest::digest;
use crate::event::{Actor, EventKind, EventLog};
use crate::io::{Buffer, Completion, CompletionError};
use crate::sync::{Arc, Mutex};
pub use crash::Survivor;
use file::File;
pub use versions::{Tear, Versions};

/// Which file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FileId {
    /// The database file.
    Database,
    /// The write-ahead log.
    Wal,
}

impl FileId {
    /// Every file of a database.
    pub const ALL: [Self; 2] = [Self::Database, Self::Wal];

    /// A short name for reports: `db` or `wal`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Database => "db",
            Self::Wal => "wal",
        }
    }

    const fn index(self) -> usize {
        match self {
            Self::Database => 0,
            Self::Wal => 1,
        }
    }
}

/// Identifies one submitted operation. Never used again during a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OpId(pub u32);

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names say it")]
pub enum IoKind {
    Read,
    Write,
    Sync,
    Truncate,
}

impl IoKind {
    /// The kind's name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Sync => "fsync",
            Self::Truncate => "truncate",
        }
    }
}

/// What to do, with the buffer to do it with.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the fields are explained by their variant")]
pub enum Request {
    /// Read `buffer.len()` bytes at `offset`.
    Read { file: FileId, offset: u64, buffer: Arc<Buffer> },
    /// Write all of `buffer` at `offset`. The bytes are taken when the operation finishes.
    Write { file: FileId, offset: u64, buffer: Arc<Buffer> },
    /// Make durable what was written before this was submitted.
    Sync { file: FileId },
    /// Set the file's size in bytes.
    Truncate { file: FileId, len: u64 },
}

impl Request {
    fn file(&self) -> FileId {
        match *self {
            Self::Read { file, .. } | Self::Write { file, .. } | Self::Sync { file } | Self::Truncate { file, .. } => {
                file
            }
        }
    }

    fn kind(&self) -> IoKind {
        match self {
            Self::Read { .. } => IoKind::Read,
            Self::Write { .. } => IoKind::Write,
            Self::Sync { .. } => IoKind::Sync,
            Self::Truncate { .. } => IoKind::Truncate,
        }
    }

    fn range(&self) -> (u64, u32) {
        match self {
            Self::Read { offset, buffer, .. } | Self::Write { offset, buffer, .. } => (*offset, buffer.len() as u32),
            Self::Sync { .. } => (0, 0),
            Self::Truncate { len, .. } => (*len, 0),
        }
    }
}

/// How the driver lets an operation end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are explained by their variant")]
pub enum Ending {
    /// It does all of what was asked.
    Success,
    /// It moves only the first `n` bytes and reports `n` (reads and writes).
    Short(u32),
    /// It reports `error`; a write has nevertheless left its first `moved` bytes in the file.
    Error { error: CompletionError, moved: u32 },
}

/// What the kernel reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IoResult {
    /// This many bytes were moved.
    Ok(u32),
    /// The operation failed.
    Error(CompletionError),
}

/// An operation in flight, as the driver sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpInfo {
    /// Its id.
    pub op: OpId,
    /// The connection that submitted it.
    pub owner: u8,
    /// The how-manieth operation of its owner this is, from 0.
    pub ordinal: u32,
    /// What it does.
    pub kind: IoKind,
    /// To which file.
    pub file: FileId,
    /// Where; for a truncate the new size.
    pub offset: u64,
    /// How many bytes.
    pub len: u32,
}

struct Op {
    info: OpInfo,
    request: Request,
    completion: Completion,
    /// Writes: the digest of the buffer when it was submitted.
    submit_digest: u64,
    /// Syncs: effects numbered below this happened before the submit and will be durable.
    sync_before: u64,
}

struct Inner {
    files: [File; 2],
    in_flight: Vec<Op>,
    next_op: u32,
    /// Operations submitted so far per connection, for stable names.
    ordinals: Vec<u32>,
}

/// The disk of one run. All methods may be called from any thread; callbacks run outside its lock.
pub struct Disk {
    inner: Mutex<Inner>,
    log: Arc<EventLog>,
    sector_size: usize,
}

impl Disk {
    /// A disk with sectors of `sector_size` bytes, whose database file durably holds `database` and whose log is empty.
    pub fn new(log: Arc<EventLog>, sector_size: usize, database: Vec<u8>) -> Arc<Self> {
        Arc::new(Self {
            inner: Mutex::new(Inner {
                files: [File::durable(database), File::durable(Vec::new())],
                in_flight: Vec::new(),
                next_op: 0,
                ordinals: Vec::new(),
            }),
            log,
            sector_size,
        })
    }

    /// The sector size in bytes: the unit in which un-synced writes survive a power loss.
    pub fn sector_size(&self) -> usize {
        self.sector_size
    }

    /// Hands an operation to the kernel. `completion` is finished when the driver finishes the operation.
    pub fn submit(&self, owner: u8, request: Request, completion: Completion) -> OpId {
        let (offset, len) = request.range();
        let (kind, file) = (request.kind(), request.file());
        let submit_digest = match &request {
            Request::Write { buffer, .. } => buffer.read(digest),
            Request::Read { .. } | Request::Sync { .. } | Request::Truncate { .. } => 0,
        };
        let op = {
            let mut inner = self.inner.lock();
            let op = OpId(inner.next_op);
            inner.next_op += 1;
            let slot = usize::from(owner);
            if inner.ordinals.len() <= slot {
                inner.ordinals.resize(slot + 1, 0);
            }
            let ordinal = inner.ordinals[slot];
            inner.ordinals[slot] += 1;
            let sync_before = inner.files[file.index()].next_effect();
            let info = OpInfo { op, owner, ordinal, kind, file, offset, len };
            inner.in_flight.push(Op { info, request, completion, submit_digest, sync_before });
            op
        };
        self.log.push(Actor::Conn(owner), EventKind::Submit { op, file, io: kind, offset, len, digest: submit_digest });
        op
    }

    /// Copies the operations in flight into `out`, oldest first.
    pub fn list_in_flight(&self, out: &mut Vec<OpInfo>) {
        out.clear();
        out.extend(self.inner.lock().in_flight.iter().map(|op| op.info));
    }

    /// How many operations are in flight.
    pub fn in_flight(&self) -> usize {
        self.inner.lock().in_flight.len()
    }

    /// Lets an operation in flight end: its effect happens, then its completion is finished on this thread.
    ///
    /// # Panics
    /// If no such operation is in flight: an operation cannot end twice.
    pub fn finish(&self, op: OpId, ending: Ending) {
        let (op, result, moved_digest) = {
            let mut inner = self.inner.lock();
            let at = inner.in_flight.iter().position(|other| other.info.op == op);
            let op = inner.in_flight.remove(at.expect("only an operation in flight can be finished"));
            let file = &mut inner.files[op.info.file.index()];
            let (result, moved_digest) = file.perform(&op.request, op.sync_before, ending);
            (op, result, moved_digest)
        };
        let OpInfo { op: id, file, kind, offset, len, .. } = op.info;
        let submit_digest = op.submit_digest;
        let finish =
            EventKind::Finish { op: id, file, io: kind, offset, len, result, digest: moved_digest, submit_digest };
        self.log.push(Actor::Disk, finish);
        let accepted = match result {
            IoResult::Ok(n) => op.completion.complete(n.cast_signed()),
            IoResult::Error(error) => op.completion.error(error),
        };
        let (runs, claims_success) = (op.completion.callback_runs(), op.completion.succeeded());
        self.log.push(Actor::Disk, EventKind::Callback { op: id, runs, accepted, claims_success, result });
    }

    /// The file's size in bytes as running processes see it.
    pub fn size(&self, file: FileId) -> u64 {
        self.inner.lock().files[file.index()].size()
    }

    /// The file's bytes as running processes see them.
    pub fn contents(&self, file: FileId) -> Vec<u8> {
        self.inner.lock().files[file.index()].current().to_vec()
    }

    /// Lends the file's bytes, as running processes see them, to `f`, which must not use the disk.
    pub fn with_contents<R>(&self, file: FileId, f: impl FnOnce(&[u8]) -> R) -> R {
        f(self.inner.lock().files[file.index()].current())
    }

    /// The bytes that a power loss cannot take away.
    pub fn durable_contents(&self, file: FileId) -> Vec<u8> {
        self.inner.lock().files[file.index()].durable_bytes().to_vec()
    }
}

#[cfg(all(test, not(any(falken_loom, falken_shuttle))))]
mod tests;

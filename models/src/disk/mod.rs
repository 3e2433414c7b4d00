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
//! The ring of operations in flight has a fixed number of slots, or as many as are wanted. A submit finds it full, is
//! refused with an error, or is accepted; only an accepted one leaves a trace. A *cancel* is a request: the operation it
//! names may have ended, may complete all the same, may have moved a part, or is cancelled; the driver decides.
//!
//! What this is not: it decides nothing. Which operation finishes, how, and what survives a crash is asked of the
//! driver. Where to go next: [`file`](self) holds one file's two states, `versions.rs` what the platter may hold
//! between them, `entry.rs` which file has a name, `crash.rs` the two kinds of crash, `ring.rs` the slots, `request.rs` what can be asked.

mod crash;
mod entry;
mod file;
mod request;
mod ring;
mod versions;

use std::hash::{Hash, Hasher};

use crate::event::{Actor, EventKind, EventLog};
use crate::io::{Completion, CompletionError};
use crate::sync::{Arc, Mutex};
pub use crash::Survivor;
use entry::Entry;
pub use entry::FileNumber;
pub use request::Request;
use ring::Ring;
pub use ring::{CancelOutcome, SlotId, SubmitError, Ticket};
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
    Remove,
}

impl IoKind {
    /// The kind's name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Sync => "fsync",
            Self::Truncate => "truncate",
            Self::Remove => "remove",
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
    /// It reports `error`; a write has nevertheless left its first `moved` bytes in the file. An fsync leaves everything
    /// to the next one.
    Error { error: CompletionError, moved: u32 },
    /// An fsync reports `error`, and the kernel marks its pages clean: what this one should have covered no later fsync
    /// covers, unless it is written again.
    MarkedClean { error: CompletionError },
    /// It reports success and has not done what it says: no fair disk does this.
    Lie(Lie),
}

/// What a disk that is not fair does instead of what it reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are explained by their variant")]
pub enum Lie {
    /// An fsync makes nothing durable. An honest one later covers it all.
    NotDurable,
    /// A write changes nothing.
    Lost,
    /// A write goes to another offset of its file.
    Misdirected { offset: u64 },
}

impl Ending {
    /// What this means for a cancel that was asked for.
    fn cancel_outcome(self) -> CancelOutcome {
        match self {
            Self::Error { error: CompletionError::Cancelled, moved: 0 } => CancelOutcome::Cancelled,
            Self::Error { error: CompletionError::Cancelled, .. } => CancelOutcome::Partial,
            Self::Success | Self::Short(_) | Self::Error { .. } | Self::MarkedClean { .. } | Self::Lie(_) => {
                CancelOutcome::CompletedAnyway
            }
        }
    }
}

/// Whether the power may still fail. If not, it does not matter what is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outlook {
    /// It will not.
    PowerStays,
    /// It may.
    PowerMayFail,
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
    /// Whether its cancellation was asked for.
    pub cancel_asked: bool,
}

struct Op {
    info: OpInfo,
    slot: SlotId,
    request: Request,
    completion: Completion,
    /// Which of the files that had the name it is for.
    number: FileNumber,
    /// Writes: the digest of the buffer when it was submitted.
    submit_digest: u64,
    /// Syncs: effects numbered below this happened before the submit and will be durable.
    sync_before: u64,
}

impl Op {
    /// Hashes what can still matter. `rank` is the operation's place among those in flight that change the same file:
    /// a crash may perform them, in this order.
    fn hash_state<H: Hasher>(&self, entry: &Entry, rank: usize, outlook: Outlook, state: &mut H) {
        // Names: slots, `op` and `ordinal` are only compared, and the owner is the caller's business.
        let Self { info, slot: _, request, completion, number, submit_digest, sync_before } = self;
        let OpInfo { op: _, owner: _, ordinal: _, kind, file: id, offset, len, cancel_asked } = info;
        (kind, id, offset, len, cancel_asked, rank, submit_digest).hash(state);
        request.hash(state);
        completion.hash(state);
        let file = entry.file(*number);
        (*number == entry.number(), file.is_some()).hash(state);
        if outlook == Outlook::PowerMayFail && *kind == IoKind::Sync {
            file.map(|file| file.effects_before(*sync_before)).hash(state);
        }
    }
}

struct Inner {
    files: [Entry; 2],
    in_flight: Vec<Op>,
    ring: Ring,
    /// The owner whose submission is refused next, how many of its submissions come before that, and with which error.
    refusal: Option<(u8, u32, CompletionError)>,
    next_op: u32,
    /// Operations succeed when they are submitted.
    at_once: bool,
    /// Operations submitted so far per connection, for stable names.
    ordinals: Vec<u32>,
}

impl Inner {
    fn next_ordinal(&mut self, owner: u8) -> u32 {
        let slot = usize::from(owner);
        if self.ordinals.len() <= slot {
            self.ordinals.resize(slot + 1, 0);
        }
        self.ordinals[slot] += 1;
        self.ordinals[slot] - 1
    }

    /// Whether this submission of `owner` is the one to be refused.
    fn refuses(&mut self, owner: u8) -> Option<CompletionError> {
        let (_, after, error) = self.refusal.as_mut().filter(|(whose, ..)| *whose == owner)?;
        match after.checked_sub(1) {
            Some(left) => {
                *after = left;
                None
            }
            None => {
                let error = *error;
                self.refusal = None;
                Some(error)
            }
        }
    }

    /// Whether a name is about to lose its file.
    fn removes(&self, file: FileId) -> bool {
        self.in_flight.iter().any(|op| op.info.file == file && op.info.kind == IoKind::Remove)
    }

    /// The process is gone: nobody waits for these any more.
    fn take_in_flight(&mut self) -> Vec<Op> {
        let ops = std::mem::take(&mut self.in_flight);
        ops.iter().for_each(|op| self.ring.give_back(op.slot));
        ops
    }
}

/// How long a file may get, in bytes: the room on the device. No scenario comes near it, but an engine that believes a
/// damaged page number writes anywhere.
pub const FILE_LEN_MAX: u64 = 256 << 20;

/// The disk of one run. All methods may be called from any thread; callbacks run outside its lock.
pub struct Disk {
    inner: Mutex<Inner>,
    log: Arc<EventLog>,
    sector_size: usize,
}

impl Disk {
    /// A disk with sectors of `sector_size` bytes, whose database file durably holds `database` and whose log is empty.
    /// As many operations as are wanted may be in flight.
    pub fn new(log: Arc<EventLog>, sector_size: usize, database: Vec<u8>) -> Arc<Self> {
        Self::with_slots(log, sector_size, database, None)
    }

    /// Like [`new`](Self::new), with a ring of `slots` operations in flight.
    pub fn with_slots(log: Arc<EventLog>, sector_size: usize, database: Vec<u8>, slots: Option<u16>) -> Arc<Self> {
        Arc::new(Self {
            inner: Mutex::new(Inner {
                files: [Entry::durable(database), Entry::durable(Vec::new())],
                in_flight: Vec::new(),
                ring: Ring::new(slots),
                refusal: None,
                next_op: 0,
                at_once: false,
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

    /// Hands an operation to the kernel, which has no room for a write beyond [`FILE_LEN_MAX`]. `completion` is finished when the driver finishes the operation.
    ///
    /// # Errors
    /// The ring is full, or the kernel refuses the operation. Then nothing has happened: no callback runs and no trace is
    /// left.
    pub fn submit(&self, owner: u8, request: Request, completion: Completion) -> Result<Ticket, SubmitError> {
        let (offset, len) = request.range();
        let (kind, file, from) = (request.kind(), request.file(), request.from());
        let digest = request.digest_from(0);
        let (ticket, at_once) = {
            let mut inner = self.inner.lock();
            let too_far =
                (kind == IoKind::Write && offset + u64::from(len) > FILE_LEN_MAX).then_some(CompletionError::NoSpace);
            if let Some(error) = too_far.or_else(|| inner.refuses(owner)) {
                drop(inner);
                self.log.push(Actor::Conn(owner), EventKind::Refused { file, io: kind, offset, len, error });
                return Err(SubmitError::Refused(error));
            }
            let slot = inner.ring.take().ok_or(SubmitError::RingFull)?;
            let op = OpId(inner.next_op);
            inner.next_op += 1;
            let ordinal = inner.next_ordinal(owner);
            let entry = &inner.files[file.index()];
            let (number, sync_before) = (entry.number(), entry.current().next_effect());
            let info = OpInfo { op, owner, ordinal, kind, file, offset, len, cancel_asked: false };
            inner.in_flight.push(Op { info, slot, request, completion, number, submit_digest: digest, sync_before });
            (Ticket { op, slot }, inner.at_once)
        };
        self.log
            .push(Actor::Conn(owner), EventKind::Submit { op: ticket.op, file, io: kind, offset, len, from, digest });
        if at_once {
            self.finish(ticket.op, Ending::Success);
        }
        Ok(ticket)
    }

    /// Makes the disk refuse a submission of `owner` with `error`, after `after` more of them; takes back an earlier wish.
    pub fn refuse(&self, owner: u8, after: u32, error: CompletionError) {
        self.inner.lock().refusal = Some((owner, after, error));
    }

    /// Takes back what [`refuse`](Self::refuse) asked for, if it has not happened.
    pub fn stop_refusing(&self) {
        self.inner.lock().refusal = None;
    }

    /// Asks the kernel to cancel the operation with this ticket. Returns whether it was still in flight; what comes of the
    /// request shows when the operation finishes.
    ///
    /// The slot alone does not name an operation: another one may have it by now.
    pub fn cancel(&self, owner: u8, ticket: Ticket) -> bool {
        let hit = {
            let mut inner = self.inner.lock();
            let op = inner.in_flight.iter_mut().find(|op| op.slot == ticket.slot && op.info.op == ticket.op);
            op.map(|op| {
                op.info.cancel_asked = true;
                (op.info.op, op.info.kind)
            })
        };
        self.log.push(Actor::Conn(owner), EventKind::Cancel { op: ticket.op, hit });
        if hit.is_none() {
            let outcome = CancelOutcome::AlreadyDone;
            self.log.push(Actor::Disk, EventKind::CancelOutcome { op: ticket.op, outcome });
        }
        hit.is_some()
    }

    /// The ticket of the operation in flight that a completion stands for, for somebody who only knows what is waited for.
    pub fn ticket_of(&self, awaited: &Completion) -> Option<Ticket> {
        let inner = self.inner.lock();
        let op = inner.in_flight.iter().find(|op| op.completion.same_as(awaited))?;
        Some(Ticket { slot: op.slot, op: op.info.op })
    }

    /// From now on every operation succeeds while it is submitted: there is nothing to wait for.
    pub fn finish_at_once(&self) {
        self.inner.lock().at_once = true;
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
            inner.ring.give_back(op.slot);
            let (result, moved_digest) = inner.files[op.info.file.index()].perform(&op, ending);
            (op, result, moved_digest)
        };
        let OpInfo { op: id, file, kind, offset, len, .. } = op.info;
        let submit_digest = op.submit_digest;
        let rest = match result {
            IoResult::Ok(moved) if moved < len => op.request.digest_from(moved),
            IoResult::Ok(_) | IoResult::Error(_) => 0,
        };
        let finish = EventKind::Finish {
            op: id,
            file,
            io: kind,
            offset,
            len,
            result,
            digest: moved_digest,
            submit_digest,
            rest,
        };
        self.log.push(Actor::Disk, finish);
        if op.info.cancel_asked {
            self.log.push(Actor::Disk, EventKind::CancelOutcome { op: id, outcome: ending.cancel_outcome() });
        }
        let accepted = match result {
            IoResult::Ok(n) => op.completion.complete(n.cast_signed()),
            IoResult::Error(error) => op.completion.error(error),
        };
        let (runs, claims_success) = (op.completion.callback_runs(), op.completion.succeeded());
        self.log.push(Actor::Disk, EventKind::Callback { op: id, runs, accepted, claims_success, result });
    }

    /// A byte of a file rots, on the platter and in every cache above it: the bits of `mask` flip. Nothing happens behind
    /// the end of the file.
    pub fn rot(&self, file: FileId, offset: u64, mask: u8) {
        self.inner.lock().files[file.index()].current_mut().rot(offset, mask);
    }

    /// Hashes the files. Operations in flight are hashed with their owners.
    pub fn hash_files<H: Hasher>(&self, outlook: Outlook, state: &mut H) {
        // Names are given by `next_op`, `ordinals` and the ring, and nothing depends on a name; how many slots are free
        // follows from what is in flight.
        let Inner { files, in_flight: _, ring: _, refusal, next_op: _, at_once: _, ordinals: _ } = &*self.inner.lock();
        refusal.hash(state);
        files.iter().for_each(|file| file.hash_state(outlook, state));
    }

    /// Hashes the operations in flight of one connection, oldest first.
    pub fn hash_in_flight<H: Hasher>(&self, owner: u8, outlook: Outlook, state: &mut H) {
        let inner = self.inner.lock();
        let mut changing = [0; FileId::ALL.len()];
        for op in &inner.in_flight {
            let file = op.info.file.index();
            let changes = matches!(op.info.kind, IoKind::Write | IoKind::Truncate | IoKind::Remove);
            if op.info.owner == owner {
                op.hash_state(&inner.files[file], if changes { changing[file] } else { 0 }, outlook, state);
            }
            changing[file] += usize::from(changes);
        }
    }

    /// The file's size in bytes as running processes see it.
    pub fn size(&self, file: FileId) -> u64 {
        self.inner.lock().files[file.index()].current().size()
    }

    /// The file's bytes as running processes see them.
    pub fn contents(&self, file: FileId) -> Vec<u8> {
        self.inner.lock().files[file.index()].current().current().to_vec()
    }

    /// Lends the file's bytes, as running processes see them, to `f`, which must not use the disk.
    pub fn with_contents<R>(&self, file: FileId, f: impl FnOnce(&[u8]) -> R) -> R {
        f(self.inner.lock().files[file.index()].current().current())
    }

    /// The bytes that a power loss cannot take away.
    pub fn durable_contents(&self, file: FileId) -> Vec<u8> {
        self.inner.lock().files[file.index()].current().durable_bytes().to_vec()
    }
}

#[cfg(all(test, not(any(falken_loom, falken_shuttle))))]
mod tests;

//! Copying the log into the database file (`walCheckpoint`, `sqlite3WalCheckpoint`).
//!
//! | step | PASSIVE | FULL | RESTART | TRUNCATE |
//! |---|---|---|---|---|
//! | CKPT; busy ends the checkpoint | x | x | x | x |
//! | WRITE; busy makes it PASSIVE and the answer busy | | x | x | x |
//! | the safe frame: the smallest mark of a slot in use | at once | waits | waits | waits |
//! | READ0 exclusive, salts compared, WAL fsync, copy, db truncate, db fsync, nBackfill | x | x | x | x |
//! | READ1..n exclusive, all at once | | | x | x |
//! | a new generation and an empty file | | | | x |

mod backfill;

use strum::VariantNames;

use super::header::ReadHeader;
use super::restart::ResetLog;
use super::shared::{Header, LockId, LockMode};
use crate::bug::Bug;
use crate::disk::{FileId, Request};
use crate::event::EventKind;
use crate::io::StateTransition;
use crate::io::TransitionResult::{Continue, Done};
use crate::session::{Error, Session, Turn};
use crate::site::Site;
use crate::transfer::Transfer;
use crate::turn;
use crate::visits::first_state;
use backfill::Backfill;

machines! {
    "wal.checkpoint" => State,
    "wal.backfill" => backfill::State,
}

/// How far a checkpoint goes, and whether it waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CheckpointMode {
    /// Copies what nobody holds back; never waits.
    Passive,
    /// Waits for writers and readers and copies everything.
    Full,
    /// Also waits until the next writer can restart the log.
    Restart,
    /// Also restarts the log and cuts its file.
    Truncate,
}

impl CheckpointMode {
    /// The pragma's spelling, in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Passive => "passive",
            Self::Full => "full",
            Self::Restart => "restart",
            Self::Truncate => "truncate",
        }
    }
}

/// What `PRAGMA wal_checkpoint` returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CheckpointResult {
    /// Whether something kept it from doing all that was asked.
    pub busy: bool,
    /// Frames in the log.
    pub log: u32,
    /// Frames of them in the database file.
    pub backfilled: u32,
}

/// How often a busy lock is still waited for. PASSIVE never waits.
#[derive(Clone, Copy, Debug, Hash)]
struct Patience {
    waits: bool,
    used: u32,
}

impl Patience {
    fn new(mode: CheckpointMode) -> Self {
        Self { waits: mode != CheckpointMode::Passive, used: 0 }
    }

    /// Whether to wait once more.
    fn wait(&mut self, s: &Session) -> bool {
        self.used += 1;
        self.waits && self.used <= s.shared.config.busy_retries
    }
}

/// One checkpoint.
#[derive(Debug, Hash)]
pub struct Checkpoint {
    /// The mode asked for.
    asked: CheckpointMode,
    /// The mode in effect: PASSIVE once WRITE was busy.
    mode: CheckpointMode,
    state: State,
    busy: bool,
    patience: Patience,
    /// The header it works from.
    header: Header,
    /// How many of its frames are in the database file.
    backfilled: u32,
    /// The connection's page cache belongs to `header`.
    cache_is_current: bool,
}

#[derive(Debug, Hash, VariantNames)]
enum State {
    LockCkpt,
    LockWrite,
    Header(ReadHeader),
    Backfill(Box<Backfill>),
    Finish,
    LockReaders(u8),
    UnlockReaders(u8, Retry),
    Reset(ResetLog),
    TruncateWal(Transfer),
    UnlockWrite,
    UnlockCkpt,
    Ended,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Retry {
    Yes,
    No,
}

impl Checkpoint {
    /// A checkpoint in this mode.
    pub fn new(mode: CheckpointMode) -> Self {
        Self {
            asked: mode,
            mode,
            state: State::LockCkpt,
            busy: false,
            patience: Patience::new(mode),
            header: Header::default(),
            backfilled: 0,
            cache_is_current: false,
        }
    }

    /// Adopts the header to work from. If the connection's cache belongs to another one, the private copy is voided, so
    /// that the next read transaction drops the cache.
    fn adopt(&mut self, s: &mut Session, header: Header) {
        self.header = header;
        self.cache_is_current = s.view.header == header;
        if !self.cache_is_current {
            s.view.header = if s.planted(Bug::CacheCheckpointHidesChange) { header } else { Header::default() };
        }
        s.emit(EventKind::CheckpointBegin { mode: self.asked, at: header.log_point() });
    }
}

impl StateTransition<Session> for Checkpoint {
    type Output = CheckpointResult;
    type Error = Error;

    fn transition(&mut self, s: &mut Session) -> Turn<CheckpointResult> {
        s.enter(const { first_state("wal.checkpoint") }, &self.state);
        match &mut self.state {
            State::LockCkpt => {
                if !s.try_lock(LockId::CKPT, LockMode::Exclusive) {
                    return Err(Error::Busy);
                }
                let writes = self.mode != CheckpointMode::Passive;
                self.state = if writes { State::LockWrite } else { State::Header(ReadHeader::default()) };
                s.pass(Site::CheckpointLock)
            }
            State::LockWrite => {
                if s.try_lock(LockId::WRITE, LockMode::Exclusive) {
                    self.state = State::Header(ReadHeader::default());
                    return s.pass(Site::CheckpointWriteLock);
                }
                if self.patience.wait(s) {
                    return s.give_way(Site::CheckpointBusy);
                }
                (self.mode, self.busy) = (CheckpointMode::Passive, true);
                self.patience = Patience::new(self.mode);
                self.state = State::Header(ReadHeader::default());
                s.pass(Site::CheckpointWriteLock)
            }
            State::Header(read) => {
                let header = turn!(read.transition(s));
                self.adopt(s, header);
                let patience = Patience::new(self.mode);
                self.state = State::Backfill(Box::new(Backfill::new(header, self.asked, patience)));
                Ok(Continue)
            }
            State::Backfill(backfill) => {
                // A restart publishes its header before it zeroes nBackfill, which may then be that of the old generation.
                self.backfilled = turn!(backfill.transition(s)).min(self.header.mx_frame);
                self.state = State::Finish;
                Ok(Continue)
            }
            State::Finish => {
                let assumes = s.planted(Bug::CkptTruncateAssumesComplete) && self.mode == CheckpointMode::Truncate;
                let complete = self.backfilled >= self.header.mx_frame || assumes;
                self.busy |= self.mode != CheckpointMode::Passive && !complete;
                let restarts = matches!(self.mode, CheckpointMode::Restart | CheckpointMode::Truncate);
                self.state = if restarts && complete { State::LockReaders(1) } else { State::UnlockWrite };
                Ok(Continue)
            }
            State::LockReaders(slot) => {
                let slot = *slot;
                if slot > s.read_slots() {
                    let truncates = self.mode == CheckpointMode::Truncate;
                    self.state = if truncates {
                        State::Reset(ResetLog::default())
                    } else {
                        State::UnlockReaders(slot - 1, Retry::No)
                    };
                    if truncates {
                        s.view.header = self.header;
                    }
                    return Ok(Continue);
                }
                if s.try_lock(LockId::read(slot), LockMode::Exclusive) {
                    self.state = State::LockReaders(slot + 1);
                } else {
                    let retry = if self.patience.wait(s) { Retry::Yes } else { Retry::No };
                    self.busy |= retry == Retry::No;
                    self.state = State::UnlockReaders(slot - 1, retry);
                }
                s.pass(Site::CheckpointSlotLock)
            }
            State::UnlockReaders(slot, retry) => {
                let (slot, retry) = (*slot, *retry);
                if slot > 0 {
                    s.unlock(LockId::read(slot));
                    self.state = State::UnlockReaders(slot - 1, retry);
                    return s.pass(Site::CheckpointSlotUnlock);
                }
                if retry == Retry::Yes {
                    self.state = State::LockReaders(1);
                    return s.give_way(Site::CheckpointBusy);
                }
                self.state = State::UnlockWrite;
                Ok(Continue)
            }
            State::Reset(reset) => {
                turn!(reset.transition(s));
                // The log is empty now, and that is what is reported.
                (self.header.mx_frame, self.backfilled) = (0, 0);
                if !self.cache_is_current {
                    s.view.header = Header::default();
                }
                if s.planted(Bug::CkptLockDroppedBeforeTruncate) {
                    (0..=LockId::read(s.read_slots()).0).for_each(|lock| s.unlock(LockId(lock)));
                }
                s.emit(EventKind::WalTruncate);
                let cut = Request::Truncate { file: FileId::Wal, len: 0 };
                self.state = State::TruncateWal(Transfer::of(Site::CheckpointTruncateWal, cut));
                Ok(Continue)
            }
            State::TruncateWal(cut) => {
                turn!(cut.transition(s));
                self.state = State::UnlockReaders(s.read_slots(), Retry::No);
                Ok(Continue)
            }
            State::UnlockWrite => {
                self.state = State::UnlockCkpt;
                if s.held(LockId::WRITE).is_none() {
                    return Ok(Continue);
                }
                s.unlock(LockId::WRITE);
                s.pass(Site::WriteUnlock)
            }
            State::UnlockCkpt => {
                self.state = State::Ended;
                s.unlock(LockId::CKPT);
                s.pass(Site::CheckpointUnlock)
            }
            State::Ended => {
                let (busy, log, backfilled) = (self.busy, self.header.mx_frame, self.backfilled);
                s.emit(EventKind::CheckpointEnd { mode: self.asked, busy, log, backfilled });
                Ok(Done(CheckpointResult { busy, log, backfilled }))
            }
        }
    }
}

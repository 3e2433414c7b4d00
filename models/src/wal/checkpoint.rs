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

use super::SyncMode;
use super::format;
use super::header::{LoadHeader, ReadHeader};
use super::restart::ResetLog;
use super::shared::{Header, LockId, LockMode, MARK_UNUSED};
use crate::bug::Bug;
use crate::digest::digest;
use crate::disk::{FileId, Request};
use crate::event::EventKind;
use crate::io::TransitionResult::{Continue, Done};
use crate::io::{Buffer, Completion, CompletionGroup, StateTransition};
use crate::session::{Error, Session, Turn};
use crate::site::Site;
use crate::sync::Arc;
use crate::turn;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckpointResult {
    /// Whether something kept it from doing all that was asked.
    pub busy: bool,
    /// Frames in the log.
    pub log: u32,
    /// Frames of them in the database file.
    pub backfilled: u32,
}

/// Reads and writes that a checkpoint has outstanding at a time.
const BATCH: usize = 4;

/// One checkpoint.
#[derive(Debug)]
pub struct Checkpoint {
    /// The mode asked for.
    asked: CheckpointMode,
    /// The mode in effect: PASSIVE once WRITE was busy.
    mode: CheckpointMode,
    state: State,
    busy: bool,
    retries: u32,
    /// The header it works from.
    header: Header,
    safe: u32,
    backfill: u32,
    /// What is to be copied: (page, frame), ascending.
    copies: Vec<(u32, u32)>,
    copied: usize,
    batch: Vec<(u32, u32, Arc<Buffer>)>,
    /// The connection's page cache belongs to `header`.
    cache_is_current: bool,
}

#[derive(Debug)]
enum State {
    LockCkpt,
    LockWrite,
    Header(ReadHeader),
    Backfill,
    Mark(u8),
    RetireSlot(u8, u32),
    StoreMark(u8),
    UnlockSlot(u8),
    LockSlot0,
    CompareSalts(LoadHeader),
    Attempted,
    ReadFrames,
    WritePages,
    TruncateDb(LoadHeader),
    SyncDb,
    Publish,
    UnlockSlot0,
    Finish,
    LockReaders(u8),
    UnlockReaders(u8, Retry),
    Reset(ResetLog),
    TruncateWal,
    UnlockWrite,
    UnlockCkpt,
    Ended,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
            retries: 0,
            header: Header::default(),
            safe: 0,
            backfill: 0,
            copies: Vec::new(),
            copied: 0,
            batch: Vec::new(),
            cache_is_current: false,
        }
    }

    /// Whether a busy lock should be waited for once more.
    fn may_wait(&mut self, s: &Session) -> bool {
        self.retries += 1;
        self.mode != CheckpointMode::Passive && self.retries <= s.shared.config.busy_retries
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

    /// The frames to copy: for each page its newest frame up to the header, if that is safe and not yet copied. A page
    /// whose newest frame is not safe is left alone even if an older frame of it is.
    fn plan(&mut self, s: &Session) {
        let index = s.shared.wal.index.lock();
        let wanted = self.backfill + 1..=self.safe;
        let newest = index.newest(self.header.mx_frame);
        self.copies = newest.filter(|&(page, frame)| wanted.contains(&frame) && page <= self.header.pages).collect();
        s.emit(EventKind::CheckpointSafe { frame: self.safe });
    }

    fn read_batch(&mut self, s: &mut Session) -> Completion {
        let mut group = CompletionGroup::new_planted(s.shared.config.planted, |_| {});
        self.batch.clear();
        for &(page, frame) in self.copies[self.copied..].iter().take(BATCH) {
            let buffer = Buffer::zeroed(s.page_size());
            let offset = format::frame_offset(frame, s.page_size()) + format::FRAME_HEADER_LEN as u64;
            group.add(&s.submit(Request::Read { file: FileId::Wal, offset, buffer: Arc::clone(&buffer) }));
            self.batch.push((page, frame, buffer));
        }
        group.build()
    }

    /// Writes the batch; each run of neighbouring pages is a group of its own inside the batch's.
    fn write_batch(&mut self, s: &mut Session) -> Completion {
        let planted = s.shared.config.planted;
        let mut all = CompletionGroup::new_planted(planted, |_| {});
        for run in self.batch.chunk_by(|(page, ..), (next, ..)| page + 1 == *next) {
            let mut group = CompletionGroup::new_planted(planted, |_| {});
            for (page, frame, buffer) in run {
                s.emit(EventKind::CheckpointCopy { page: *page, frame: *frame, digest: buffer.read(digest) });
                let offset = u64::from(page - 1) * s.page_size() as u64;
                let buffer = Arc::clone(buffer);
                group.add(&s.submit(Request::Write { file: FileId::Database, offset, buffer }));
            }
            all.add(&group.build());
        }
        self.copied += self.batch.len();
        all.build()
    }

    fn result(&self, s: &Session) -> CheckpointResult {
        let log =
            s.shared.wal.published().map_or(self.header.mx_frame, |now| {
                if now.salts == self.header.salts { self.header.mx_frame } else { 0 }
            });
        CheckpointResult { busy: self.busy, log, backfilled: s.shared.wal.backfill().min(log) }
    }

    fn syncs(s: &Session) -> bool {
        s.shared.config.sync != SyncMode::Off
    }
}

impl StateTransition<Session> for Checkpoint {
    type Output = CheckpointResult;
    type Error = Error;

    fn transition(&mut self, s: &mut Session) -> Turn<CheckpointResult> {
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
                if self.may_wait(s) {
                    return s.give_way(Site::CheckpointBusy);
                }
                (self.mode, self.busy) = (CheckpointMode::Passive, true);
                self.state = State::Header(ReadHeader::default());
                s.pass(Site::CheckpointWriteLock)
            }
            State::Header(read) => {
                let header = turn!(read.transition(s));
                self.adopt(s, header);
                self.state = State::Backfill;
                Ok(Continue)
            }
            State::Backfill => {
                self.backfill = s.shared.wal.backfill();
                self.safe = self.header.mx_frame;
                let pending = self.backfill < self.header.mx_frame;
                self.state = if pending { State::Mark(1) } else { State::Finish };
                s.pass(Site::CheckpointBackfill)
            }
            State::Mark(slot) => {
                let slot = *slot;
                if slot > s.read_slots() {
                    if self.backfill >= self.safe {
                        self.state = State::Finish;
                        return Ok(Continue);
                    }
                    self.plan(s);
                    self.state = State::LockSlot0;
                    return Ok(Continue);
                }
                let mark = s.shared.wal.mark(slot);
                let holds_back = self.safe > mark && !s.planted(Bug::CkptIgnoresReadMarks);
                self.state = if holds_back { State::RetireSlot(slot, mark) } else { State::Mark(slot + 1) };
                s.pass(Site::CheckpointMark)
            }
            State::RetireSlot(slot, mark) => {
                let (slot, mark) = (*slot, *mark);
                if s.try_lock(LockId::read(slot), LockMode::Exclusive) {
                    self.state = State::StoreMark(slot);
                    return s.pass(Site::CheckpointSlotLock);
                }
                if self.may_wait(s) {
                    return s.give_way(Site::CheckpointBusy);
                }
                self.safe = mark;
                self.state = State::Mark(slot + 1);
                s.pass(Site::CheckpointSlotLock)
            }
            State::StoreMark(slot) => {
                let slot = *slot;
                s.shared.wal.set_mark(slot, if slot == 1 { self.safe } else { MARK_UNUSED });
                self.state = State::UnlockSlot(slot);
                s.pass(Site::CheckpointMarkStore)
            }
            State::UnlockSlot(slot) => {
                let slot = *slot;
                s.unlock(LockId::read(slot));
                self.state = State::Mark(slot + 1);
                s.pass(Site::CheckpointSlotUnlock)
            }
            State::LockSlot0 => {
                if s.planted(Bug::CkptNoSlot0Exclusive) || s.try_lock(LockId::read(0), LockMode::Exclusive) {
                    self.state = State::CompareSalts(LoadHeader::default());
                } else if self.may_wait(s) {
                    return s.give_way(Site::CheckpointBusy);
                } else {
                    self.state = State::Finish;
                }
                s.pass(Site::CheckpointSlot0Lock)
            }
            State::CompareSalts(load) => {
                // A writer may have restarted the log since the header was read: then there is nothing to copy.
                turn!(load.turn(s));
                let same = load.copy0().salts == self.header.salts;
                self.state = if same { State::Attempted } else { State::UnlockSlot0 };
                Ok(Continue)
            }
            State::Attempted => {
                if s.planted(Bug::CkptPublishedBeforeCopy) {
                    s.shared.wal.set_backfill(self.safe);
                    s.emit(EventKind::Backfill { frame: self.safe });
                }
                s.shared.wal.set_backfill_attempted(self.safe);
                self.state = State::ReadFrames;
                if !Self::syncs(s) {
                    return s.pass(Site::CheckpointAttempted);
                }
                s.shared.wal.set_unsynced(false);
                let sync = s.submit(Request::Sync { file: FileId::Wal });
                s.wait(Site::CheckpointSyncWal, sync)
            }
            State::ReadFrames => {
                if self.copied == self.copies.len() {
                    self.state = State::TruncateDb(LoadHeader::default());
                    return Ok(Continue);
                }
                let read = self.read_batch(s);
                self.state = State::WritePages;
                s.wait(Site::CheckpointReadFrames, read)
            }
            State::WritePages => {
                let written = self.write_batch(s);
                self.state = State::ReadFrames;
                s.wait(Site::CheckpointWritePages, written)
            }
            State::TruncateDb(load) => {
                // Only a backfill of everything that is committed by now may cut the file.
                turn!(load.turn(s));
                if load.copy0().mx_frame != self.safe {
                    self.state = State::Publish;
                    return Ok(Continue);
                }
                let stale = s.planted(Bug::CkptStaleDbSize).then(|| s.pages.cached_database_pages()).flatten();
                let pages = stale.unwrap_or(self.header.pages);
                s.emit(EventKind::DbTruncate { pages });
                let len = u64::from(pages) * s.page_size() as u64;
                let cut = s.submit(Request::Truncate { file: FileId::Database, len });
                let skip = s.planted(Bug::CkptDbSyncSkipped) && self.asked == CheckpointMode::Truncate;
                self.state = if Self::syncs(s) && !skip { State::SyncDb } else { State::Publish };
                s.wait(Site::CheckpointTruncateDb, cut)
            }
            State::SyncDb => {
                let sync = s.submit(Request::Sync { file: FileId::Database });
                self.state = State::Publish;
                s.wait(Site::CheckpointSyncDb, sync)
            }
            State::Publish => {
                s.shared.wal.set_backfill(self.safe);
                s.emit(EventKind::Backfill { frame: self.safe });
                self.state = State::UnlockSlot0;
                s.pass(Site::CheckpointPublish)
            }
            State::UnlockSlot0 => {
                s.unlock(LockId::read(0));
                self.state = State::Finish;
                s.pass(Site::CheckpointSlot0Unlock)
            }
            State::Finish => {
                let complete = s.shared.wal.backfill() >= self.header.mx_frame;
                self.busy |= self.mode != CheckpointMode::Passive && !complete;
                let restarts = matches!(self.mode, CheckpointMode::Restart | CheckpointMode::Truncate);
                self.state = if restarts && complete { State::LockReaders(1) } else { State::UnlockWrite };
                s.pass(Site::CheckpointBackfill)
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
                    let retry = if self.may_wait(s) { Retry::Yes } else { Retry::No };
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
                if !self.cache_is_current {
                    s.view.header = Header::default();
                }
                self.state = State::TruncateWal;
                Ok(Continue)
            }
            State::TruncateWal => {
                s.emit(EventKind::WalTruncate);
                let cut = s.submit(Request::Truncate { file: FileId::Wal, len: 0 });
                self.state = State::UnlockReaders(s.read_slots(), Retry::No);
                s.wait(Site::CheckpointTruncateWal, cut)
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
                let result = self.result(s);
                let CheckpointResult { busy, log, backfilled } = result;
                s.emit(EventKind::CheckpointEnd { mode: self.asked, busy, log, backfilled });
                Ok(Done(result))
            }
        }
    }
}

//! The middle of a checkpoint: finding the safe frame, copying pages, publishing nBackfill.

use strum::VariantNames;

use super::{CheckpointMode, Patience};
use crate::bug::Bug;
use crate::digest::digest;
use crate::disk::{FileId, Request};
use crate::event::EventKind;
use crate::io::TransitionResult::{Continue, Done};
use crate::io::{Buffer, StateTransition};
use crate::session::{CheckpointSource, Error, Session, Turn};
use crate::site::Site;
use crate::sync::Arc;
use crate::transfer::Transfer;
use crate::turn;
use crate::visits::first_state;
use crate::wal::SyncMode;
use crate::wal::format;
use crate::wal::header::LoadHeader;
use crate::wal::shared::{Header, LockId, LockMode, MARK_UNUSED};
use crate::wal::sync::SyncLog;

/// Reads and writes that a checkpoint has outstanding at a time.
const BATCH: usize = 4;

/// Copies the frames that no reader holds back. The caller holds CKPT.
#[derive(Debug, Hash)]
pub(super) struct Backfill {
    state: State,
    asked: CheckpointMode,
    patience: Patience,
    /// The header that the checkpoint works from.
    header: Header,
    safe: u32,
    backfill: u32,
    /// What is to be copied: (page, frame), ascending.
    copies: Vec<(u32, u32)>,
    copied: usize,
    batch: Vec<(u32, u32, Arc<Buffer>)>,
}

#[derive(Debug, Hash, VariantNames)]
pub(super) enum State {
    Load,
    Mark(u8),
    RetireSlot(u8, u32),
    StoreMark(u8),
    UnlockSlot(u8),
    LockSlot0,
    CompareSalts(LoadHeader),
    Attempted,
    SyncWal(SyncLog),
    Batch,
    ReadFrames(Transfer),
    WritePages(Transfer),
    CompareSize(LoadHeader),
    TruncateDb(Transfer),
    SyncDb(Transfer),
    Publish,
    UnlockSlot0,
    Ended,
}

impl Backfill {
    pub(super) fn new(header: Header, asked: CheckpointMode, patience: Patience) -> Self {
        Self {
            state: State::Load,
            asked,
            patience,
            header,
            safe: 0,
            backfill: 0,
            copies: Vec::new(),
            copied: 0,
            batch: Vec::new(),
        }
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

    /// The reads of the next few frames; a page in the connection's cache may stand in for the frame that it is known to be.
    fn read_batch(&mut self, s: &Session) -> Transfer {
        let mut reads = Transfer::new(Site::CheckpointReadFrames);
        self.batch.clear();
        for &(page, frame) in self.copies[self.copied..].iter().take(BATCH) {
            let cached = self.cached(s, page, frame);
            let is_cached = cached.is_some();
            let buffer = cached.map_or_else(|| Buffer::zeroed(s.page_size()), Buffer::from_vec);
            if !is_cached {
                let offset = format::frame_offset(frame, s.page_size()) + format::FRAME_HEADER_LEN as u64;
                reads.push(0, Request::read(FileId::Wal, offset, Arc::clone(&buffer)));
            }
            self.batch.push((page, frame, buffer));
        }
        reads
    }

    fn cached(&self, s: &Session, page: u32, frame: u32) -> Option<Vec<u8>> {
        match s.shared.config.checkpoint_source {
            CheckpointSource::Log => None,
            CheckpointSource::Cache => {
                let any_version = s.planted(Bug::CkptCopiesUncheckedCachedPage);
                s.pages.copy_of_frame(page, (frame, self.header.salts), any_version)
            }
        }
    }

    /// The writes of the batch; each run of neighbouring pages is a group of its own inside the batch's.
    fn write_batch(&mut self, s: &Session) -> Transfer {
        let mut writes = Transfer::new(Site::CheckpointWritePages);
        for (group, run) in (0..).zip(self.batch.chunk_by(|(page, ..), (next, ..)| page + 1 == *next)) {
            for (page, frame, buffer) in run {
                s.emit(EventKind::CheckpointCopy { page: *page, frame: *frame, digest: buffer.read(digest) });
                let offset = u64::from(page - 1) * s.page_size() as u64;
                writes.push(group, Request::write(FileId::Database, offset, Arc::clone(buffer)));
            }
        }
        self.copied = (self.copied + BATCH).min(self.copies.len());
        writes
    }

    fn syncs(s: &Session) -> bool {
        s.shared.config.sync != SyncMode::Off
    }
}

impl StateTransition<Session> for Backfill {
    /// How many frames are in the database file now, as far as this checkpoint knows.
    type Output = u32;
    type Error = Error;

    fn transition(&mut self, s: &mut Session) -> Turn<u32> {
        s.enter(const { first_state("wal.backfill") }, &self.state);
        match &mut self.state {
            State::Load => {
                self.backfill = s.shared.wal.backfill();
                self.safe = self.header.mx_frame;
                let pending = self.backfill < self.header.mx_frame;
                self.state = if pending { State::Mark(1) } else { State::Ended };
                s.pass(Site::CheckpointBackfill)
            }
            State::Mark(slot) => {
                let slot = *slot;
                if slot > s.read_slots() {
                    if self.backfill >= self.safe {
                        self.state = State::Ended;
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
                if self.patience.wait(s) {
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
                } else if self.patience.wait(s) {
                    return s.give_way(Site::CheckpointBusy);
                } else {
                    self.state = State::Ended;
                }
                s.pass(Site::CheckpointSlot0Lock)
            }
            State::CompareSalts(load) => {
                // A writer may have restarted the log since the header was read: then there is nothing to copy.
                turn!(load.turn(s));
                let same = load.copy0().salts == self.header.salts || s.planted(Bug::CkptSaltsNotCompared);
                self.state = if same { State::Attempted } else { State::UnlockSlot0 };
                Ok(Continue)
            }
            State::Attempted => {
                if s.planted(Bug::CkptPublishedBeforeCopy) && s.shared.wal.backfill() < self.safe {
                    s.shared.wal.set_backfill(self.safe);
                    s.emit(EventKind::Backfill { frame: self.safe });
                    return s.pass(Site::CheckpointPublish);
                }
                s.shared.wal.set_backfill_attempted(self.safe);
                self.state = State::Batch;
                if !Self::syncs(s) {
                    return s.pass(Site::CheckpointAttempted);
                }
                s.shared.wal.set_unsynced(false);
                self.state = State::SyncWal(SyncLog::new(s, Site::CheckpointSyncWal));
                Ok(Continue)
            }
            State::SyncWal(sync) => {
                turn!(sync.transition(s));
                self.state = State::Batch;
                Ok(Continue)
            }
            State::Batch => {
                self.state = if self.copied == self.copies.len() {
                    State::CompareSize(LoadHeader::default())
                } else {
                    match self.read_batch(s) {
                        reads if reads.is_empty() => State::WritePages(self.write_batch(s)),
                        reads => State::ReadFrames(reads),
                    }
                };
                Ok(Continue)
            }
            State::ReadFrames(reads) => {
                match reads.transition(s) {
                    Err(Error::Io(_)) if s.planted(Bug::CkptFailedReadSkipped) => self.batch.clear(),
                    read => turn!(read),
                }
                self.state = State::WritePages(self.write_batch(s));
                Ok(Continue)
            }
            State::WritePages(writes) => {
                turn!(writes.transition(s));
                self.state = State::Batch;
                Ok(Continue)
            }
            State::CompareSize(load) => {
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
                let cut = Request::Truncate { file: FileId::Database, len };
                self.state = State::TruncateDb(Transfer::of(Site::CheckpointTruncateDb, cut));
                Ok(Continue)
            }
            State::TruncateDb(cut) => {
                turn!(cut.transition(s));
                let skip = s.planted(Bug::CkptDbSyncSkipped) && self.asked == CheckpointMode::Truncate;
                let sync = Transfer::of(Site::CheckpointSyncDb, Request::Sync { file: FileId::Database });
                self.state = if Self::syncs(s) && !skip { State::SyncDb(sync) } else { State::Publish };
                Ok(Continue)
            }
            State::SyncDb(sync) => {
                turn!(sync.transition(s));
                self.state = State::Publish;
                Ok(Continue)
            }
            State::Publish => {
                s.shared.wal.set_backfill(self.safe);
                s.emit(EventKind::Backfill { frame: self.safe });
                self.backfill = self.safe;
                self.state = State::UnlockSlot0;
                s.pass(Site::CheckpointPublish)
            }
            State::UnlockSlot0 => {
                s.unlock(LockId::read(0));
                self.state = State::Ended;
                s.pass(Site::CheckpointSlot0Unlock)
            }
            State::Ended => Ok(Done(self.backfill)),
        }
    }
}

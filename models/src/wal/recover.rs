//! Recovery: the longest checksum-valid prefix of the log, cut back to a commit (`walIndexRecover`).
//!
//! Writes nothing to either file. An I/O error is an error, never the end of the log.

use strum::VariantNames;

use super::format::{self, BadHeader, Checksum, LogHeader};
use super::header::StoreHeader;
use super::shared::{Header, LockId, LockMode, MARK_UNUSED};
use crate::bug::Bug;
use crate::disk::{FileId, Request};
use crate::event::EventKind;
use crate::io::TransitionResult::{Continue, Done};
use crate::io::{Buffer, StateTransition};
use crate::session::{Error, Session, Turn};
use crate::site::Site;
use crate::sync::Arc;
use crate::transfer::Transfer;
use crate::turn;
use crate::visits::first_state;

/// Rebuilds the wal-index from the files. The caller holds WRITE.
#[derive(Debug, Default, Hash)]
pub(super) struct Recover {
    state: State,
    retries: u32,
    /// CKPT was already held by the caller, who keeps it.
    kept_ckpt: bool,
    log: Option<LogHeader>,
    /// The checksum of the last valid frame.
    running: Checksum,
    /// The pages of all valid frames.
    pages: Vec<u32>,
    /// What has been found so far.
    found: Header,
}

#[derive(Debug, Default, Hash, VariantNames)]
pub(super) enum State {
    #[default]
    LockCkpt,
    LockRecover,
    Header,
    ReadHeader(Transfer, Arc<Buffer>),
    NextFrame,
    ReadFrame(Transfer, Arc<Buffer>),
    Index,
    Publish(StoreHeader),
    StoreBackfill,
    StoreAttempted,
    LockMark(u8),
    StoreMark(u8),
    UnlockMark(u8),
    Unlock(LockId),
}

impl Recover {
    fn read(site: Site, offset: u64, len: usize) -> (Transfer, Arc<Buffer>) {
        let buffer = Buffer::zeroed(len);
        (Transfer::of(site, Request::read(FileId::Wal, offset, Arc::clone(&buffer))), buffer)
    }

    fn lock_or_retry(&mut self, s: &mut Session, lock: LockId, next: State) -> Turn<()> {
        if s.try_lock(lock, LockMode::Exclusive) {
            self.state = next;
            return s.pass(Site::RecoverLock);
        }
        self.retries += 1;
        if self.retries > s.shared.config.busy_retries { Err(Error::Busy) } else { s.give_way(Site::HeaderRetry) }
    }

    /// Takes over what a log header says, as far as it can be trusted.
    fn adopt_header(&mut self, bytes: &[u8], page_size: usize) -> Result<(), Error> {
        let bytes: &[u8; format::HEADER_LEN] = bytes.try_into().map_err(|_| Error::Corrupt("short log header"))?;
        let (header, usable) = match format::decode_header(bytes, page_size) {
            Ok(header) => (header, true),
            // Sequence number and salts pass on to the next header even if the checksum is wrong.
            Err(BadHeader::Checksum(header)) => (header, false),
            Err(BadHeader::Unusable) => return Ok(()),
            Err(BadHeader::Version(_)) => {
                return Err(Error::Corrupt("log has another format version (CANTOPEN)"));
            }
        };
        (self.found.seq, self.found.salts) = (header.seq, header.salts);
        self.found.big_endian = header.big_endian;
        if usable {
            self.log = Some(header);
            self.running = header.checksum;
        }
        Ok(())
    }

    /// Whether the bytes are the next frame of the log.
    fn adopt_frame(&mut self, s: &Session, bytes: &[u8]) -> bool {
        let Some(log) = &self.log else { return false };
        let Some((frame, sum)) = format::decode_frame(bytes, log, self.running) else {
            return false;
        };
        self.running = sum;
        self.pages.push(frame.page);
        if frame.commit_pages != 0 {
            self.found.mx_frame = self.pages.len() as u32;
            self.found.pages = frame.commit_pages;
            self.found.checksum = sum;
        } else if s.planted(Bug::RecoverySeedFromUncommittedTail) {
            self.found.checksum = sum;
        }
        true
    }
}

impl StateTransition<Session> for Recover {
    type Output = ();
    type Error = Error;

    fn transition(&mut self, s: &mut Session) -> Turn<()> {
        s.enter(const { first_state("wal.recover") }, &self.state);
        let page_size = s.page_size();
        match &mut self.state {
            State::LockCkpt => {
                self.kept_ckpt = s.held(LockId::CKPT).is_some();
                if self.kept_ckpt {
                    self.state = State::LockRecover;
                    return Ok(Continue);
                }
                self.lock_or_retry(s, LockId::CKPT, State::LockRecover)
            }
            State::LockRecover => self.lock_or_retry(s, LockId::RECOVER, State::Header),
            State::Header => {
                if s.shared.disk.size(FileId::Wal) <= format::HEADER_LEN as u64 {
                    self.state = State::Index;
                    return Ok(Continue);
                }
                let (read, buffer) = Self::read(Site::RecoverReadHeader, 0, format::HEADER_LEN);
                self.state = State::ReadHeader(read, buffer);
                Ok(Continue)
            }
            State::ReadHeader(read, buffer) => {
                turn!(read.transition(s));
                let buffer = Arc::clone(buffer);
                buffer.read(|bytes| self.adopt_header(bytes, page_size))?;
                self.state = if self.log.is_some() { State::NextFrame } else { State::Index };
                Ok(Continue)
            }
            State::NextFrame => {
                let offset = format::frame_offset(self.pages.len() as u32 + 1, page_size);
                let len = format::frame_len(page_size);
                if offset + len as u64 > s.shared.disk.size(FileId::Wal) {
                    self.state = State::Index;
                    return Ok(Continue);
                }
                let (read, buffer) = Self::read(Site::RecoverReadFrame, offset, len);
                self.state = State::ReadFrame(read, buffer);
                Ok(Continue)
            }
            State::ReadFrame(read, buffer) => {
                match read.transition(s) {
                    Err(Error::Io(_)) if s.planted(Bug::RecoveryEioAsEndOfLog) => {
                        self.state = State::Index;
                        return Ok(Continue);
                    }
                    read => turn!(read),
                }
                let buffer = Arc::clone(buffer);
                let valid = buffer.read(|bytes| self.adopt_frame(s, bytes));
                self.state = if valid { State::NextFrame } else { State::Index };
                Ok(Continue)
            }
            State::Index => {
                self.found.is_init = true;
                if self.found.mx_frame == 0 {
                    // Without a commit in the log the database's size is its file's.
                    self.found.pages = s.shared.disk.size(FileId::Database).div_ceil(page_size as u64) as u32;
                }
                self.pages.truncate(self.found.mx_frame as usize);
                s.shared.wal.index.lock().append(0, &self.pages);
                s.shared.wal.set_unsynced(true);
                self.state = State::Publish(StoreHeader::new(self.found, false));
                s.pass(Site::RecoverStore)
            }
            State::Publish(store) => {
                turn!(store.transition(s));
                s.emit(EventKind::Recovered { at: self.found.log_point(), pages: self.found.pages });
                self.state = State::StoreBackfill;
                s.pass(Site::HeaderStore)
            }
            State::StoreBackfill => {
                s.shared.wal.set_backfill(0);
                self.state = State::StoreAttempted;
                s.pass(Site::RecoverStore)
            }
            State::StoreAttempted => {
                s.shared.wal.set_backfill_attempted(self.found.mx_frame);
                self.state = State::LockMark(1);
                s.pass(Site::RecoverStore)
            }
            State::LockMark(slot) => {
                let slot = *slot;
                self.state = if slot > s.read_slots() {
                    State::Unlock(LockId::RECOVER)
                } else if s.try_lock(LockId::read(slot), LockMode::Exclusive) {
                    State::StoreMark(slot)
                } else {
                    // A reader that was faster than us has set its own mark.
                    State::LockMark(slot + 1)
                };
                s.pass(Site::RecoverLock)
            }
            State::StoreMark(slot) => {
                let slot = *slot;
                let used = slot == 1 && self.found.mx_frame > 0;
                s.shared.wal.set_mark(slot, if used { self.found.mx_frame } else { MARK_UNUSED });
                self.state = State::UnlockMark(slot);
                s.pass(Site::RecoverStore)
            }
            State::UnlockMark(slot) => {
                let slot = *slot;
                s.unlock(LockId::read(slot));
                self.state = State::LockMark(slot + 1);
                s.pass(Site::RecoverUnlock)
            }
            State::Unlock(lock) => {
                let lock = *lock;
                if lock == LockId::RECOVER || !self.kept_ckpt {
                    s.unlock(lock);
                }
                if lock == LockId::CKPT {
                    return Ok(Done(()));
                }
                self.state = State::Unlock(LockId::CKPT);
                s.pass(Site::RecoverUnlock)
            }
        }
    }
}

//! Starting and ending a read transaction (`walTryBeginRead`).

use strum::VariantNames;

use super::header::{LoadHeader, ReadHeader};
use super::shared::{Header, LockId, LockMode};
use crate::bug::Bug;
use crate::event::EventKind;
use crate::io::StateTransition;
use crate::io::TransitionResult::{Continue, Done};
use crate::session::{Error, Session, Turn};
use crate::site::Site;
use crate::turn;
use crate::visits::first_state;

/// Whether a read transaction may ignore the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UseLog {
    /// A fresh snapshot: the log is ignored if it is fully backfilled.
    IfNeeded,
    /// The snapshot that the connection already has, on a mark slot: what a writer needs before its first frame.
    Always,
}

/// Gets a snapshot and the read slot that protects it.
///
/// The order *slot lock, minFrame, mark again, header again* is load-bearing: a checkpointer that works from a newer
/// header may have skipped the version of a page that this snapshot needs.
#[derive(Debug, Hash)]
pub struct BeginRead {
    use_log: UseLog,
    state: State,
    retries: u32,
    header: Header,
    slot: u8,
    mark: u32,
    min_frame: u32,
    /// Only with [`Bug::CacheHeaderAdoptedOnFailedBegin`]: the header was adopted before the cache was dropped.
    owes_reset: bool,
}

#[derive(Debug, Hash, VariantNames)]
pub(super) enum State {
    Header(ReadHeader),
    Backfill,
    LockSlot0,
    RecheckSlot0(LoadHeader),
    Pick { slot: u8, best: Option<(u8, u32)> },
    RaiseLock { slot: u8, best: Option<(u8, u32)> },
    RaiseStore(u8),
    RaiseUnlock(u8),
    LockSlot,
    MinFrame,
    RecheckMark,
    RecheckHeader(LoadHeader),
    Retry,
}

impl BeginRead {
    /// A read start.
    pub fn new(use_log: UseLog) -> Self {
        let state = match use_log {
            UseLog::IfNeeded => State::Header(ReadHeader::default()),
            UseLog::Always => State::pick(),
        };
        let header = Header::default();
        Self { use_log, state, retries: 0, header, slot: 0, mark: 0, min_frame: 0, owes_reset: false }
    }

    /// The snapshot is safe: adopt it, and drop the page cache if it is another one than before. Both happen together
    /// at the very end, so that a failed start leaves no new header over an old cache.
    fn adopt(&mut self, s: &mut Session) -> Turn<()> {
        let before = s.view.header;
        let changed = if s.planted(Bug::CacheIdentityAba) {
            before.mx_frame != self.header.mx_frame
        } else {
            before != self.header || self.owes_reset
        };
        s.view.header = self.header;
        s.view.slot = Some(self.slot);
        s.view.min_frame = self.min_frame;
        if changed && !s.planted(Bug::CacheKeptAcrossCommit) {
            s.pages.clear();
        }
        let at = self.header.log_point();
        s.emit(EventKind::ReadBegin { slot: self.slot, mark: self.mark, at, min_frame: self.min_frame, changed });
        Ok(Done(()))
    }

    fn retry(&mut self, s: &mut Session, site: Site) -> Turn<()> {
        self.state = State::Retry;
        s.pass(site)
    }
}

impl State {
    fn pick() -> Self {
        Self::Pick { slot: 1, best: None }
    }
}

impl StateTransition<Session> for BeginRead {
    type Output = ();
    type Error = Error;

    fn transition(&mut self, s: &mut Session) -> Turn<()> {
        s.enter(const { first_state("wal.read") }, &self.state);
        match &mut self.state {
            State::Header(read) => {
                self.header = turn!(read.transition(s));
                if s.planted(Bug::CacheHeaderAdoptedOnFailedBegin) {
                    self.owes_reset |= std::mem::replace(&mut s.view.header, self.header) != self.header;
                }
                self.state = State::Backfill;
                Ok(Continue)
            }
            State::Backfill => {
                let ignorable = s.shared.wal.backfill() == self.header.mx_frame;
                self.state = if ignorable { State::LockSlot0 } else { State::pick() };
                s.pass(Site::ReadBackfill)
            }
            State::LockSlot0 => {
                // Busy means that a checkpointer copies pages: fall through to the mark slots.
                let locked = s.try_lock(LockId::read(0), LockMode::Shared);
                self.state = if locked { State::RecheckSlot0(LoadHeader::default()) } else { State::pick() };
                s.pass(Site::ReadSlot0Lock)
            }
            State::RecheckSlot0(load) => {
                let now = turn!(load.turn(s));
                if now == Some(self.header) || s.planted(Bug::WalSlot0NotRevalidated) {
                    (self.slot, self.mark, self.min_frame) = (0, 0, 0);
                    return self.adopt(s);
                }
                s.unlock(LockId::read(0));
                self.retry(s, Site::ReadUnlock)
            }
            State::Pick { slot, best } => {
                if self.use_log == UseLog::Always {
                    self.header = s.view.header;
                }
                if *slot <= s.read_slots() {
                    let mark = s.shared.wal.mark(*slot);
                    if mark <= self.header.mx_frame && best.is_none_or(|(_, most)| mark >= most) {
                        *best = Some((*slot, mark));
                    }
                    *slot += 1;
                    return s.pass(Site::ReadPickMark);
                }
                self.state = match *best {
                    Some((slot, mark)) if mark == self.header.mx_frame => {
                        (self.slot, self.mark) = (slot, mark);
                        State::LockSlot
                    }
                    best => State::RaiseLock { slot: 1, best },
                };
                Ok(Continue)
            }
            State::RaiseLock { slot, best } => {
                if *slot > s.read_slots() {
                    let Some((slot, mark)) = *best else {
                        return self.retry(s, Site::ReadRaiseLock);
                    };
                    // An older mark only holds the checkpointer back further; the snapshot stays the header's.
                    (self.slot, self.mark) = (slot, mark);
                    if s.planted(Bug::WalOldMarkAsSnapshot) {
                        self.header.mx_frame = mark;
                    }
                    self.state = State::LockSlot;
                    return Ok(Continue);
                }
                if s.try_lock(LockId::read(*slot), LockMode::Exclusive) {
                    self.state = State::RaiseStore(*slot);
                } else {
                    *slot += 1;
                }
                s.pass(Site::ReadRaiseLock)
            }
            State::RaiseStore(slot) => {
                let slot = *slot;
                s.shared.wal.set_mark(slot, self.header.mx_frame);
                self.state = State::RaiseUnlock(slot);
                s.pass(Site::ReadRaiseStore)
            }
            State::RaiseUnlock(slot) => {
                (self.slot, self.mark) = (*slot, self.header.mx_frame);
                s.unlock(LockId::read(self.slot));
                self.state = State::LockSlot;
                s.pass(Site::ReadRaiseUnlock)
            }
            State::LockSlot => {
                if !s.try_lock(LockId::read(self.slot), LockMode::Shared) {
                    return self.retry(s, Site::ReadSlotLock);
                }
                self.state = State::MinFrame;
                s.pass(Site::ReadSlotLock)
            }
            State::MinFrame => {
                self.min_frame = s.shared.wal.backfill() + 1;
                self.state = State::RecheckMark;
                s.pass(Site::ReadMinFrame)
            }
            State::RecheckMark => {
                let mark = s.shared.wal.mark(self.slot);
                if s.planted(Bug::WalSkipReadMarkRecheck) || s.planted(Bug::WalOldMarkAsSnapshot) {
                    return self.adopt(s);
                }
                if mark != self.mark {
                    s.unlock(LockId::read(self.slot));
                    return self.retry(s, Site::ReadRecheckMark);
                }
                self.state = State::RecheckHeader(LoadHeader::default());
                s.pass(Site::ReadRecheckMark)
            }
            State::RecheckHeader(load) => {
                if turn!(load.turn(s)) == Some(self.header) {
                    if s.planted(Bug::WalMinFrameAfterRecheck) {
                        self.min_frame = s.shared.wal.backfill() + 1;
                    }
                    return self.adopt(s);
                }
                s.unlock(LockId::read(self.slot));
                self.retry(s, Site::ReadUnlock)
            }
            State::Retry => {
                self.retries += 1;
                if self.retries > s.shared.config.read_retries {
                    return Err(Error::Protocol);
                }
                let fresh = Self::new(self.use_log).state;
                self.state = if s.planted(Bug::WalRetryKeepsHeader) { State::pick() } else { fresh };
                s.give_way(Site::ReadRetry)
            }
        }
    }
}

/// Releases the read slot.
#[derive(Debug, Default, Hash)]
pub struct EndRead;

impl StateTransition<Session> for EndRead {
    type Output = ();
    type Error = Error;

    fn transition(&mut self, s: &mut Session) -> Turn<()> {
        // Read ahead for a statement that has failed: without the slot the log may be restarted under it. It may be gone
        // already: who was on the way from one slot to another has none.
        s.give_up_reads_of_snapshot();
        let Some(slot) = s.view.slot.take() else {
            return Ok(Done(()));
        };
        s.unlock(LockId::read(slot));
        s.emit(EventKind::ReadEnd);
        // The next turn finds no slot and is done.
        s.pass(Site::ReadUnlock)
    }
}

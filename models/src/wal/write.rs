//! Starting a write transaction on a read transaction, and ending it either way.

use super::header::LoadHeader;
use super::read::EndRead;
use super::shared::{Header, LockId, LockMode};
use crate::bug::Bug;
use crate::event::EventKind;
use crate::io::StateTransition;
use crate::io::TransitionResult::{Continue, Done};
use crate::session::{Error, Session, Turn};
use crate::site::Site;
use crate::turn;

/// Takes WRITE and makes sure that the snapshot is still the newest commit (`sqlite3WalBeginWriteTransaction`).
///
/// Fails with BUSY if somebody writes, and with BUSY_SNAPSHOT if somebody has; the read transaction stays.
#[derive(Debug, Default, Hash)]
pub struct BeginWrite {
    state: BeginState,
}

#[derive(Debug, Default, Hash)]
enum BeginState {
    #[default]
    Lock,
    Compare(LoadHeader),
    Stale,
}

impl StateTransition<Session> for BeginWrite {
    type Output = ();
    type Error = Error;

    fn transition(&mut self, s: &mut Session) -> Turn<()> {
        match &mut self.state {
            BeginState::Lock => {
                if !s.try_lock(LockId::WRITE, LockMode::Exclusive) {
                    return Err(Error::Busy);
                }
                self.state = BeginState::Compare(LoadHeader::default());
                s.pass(Site::WriteLock)
            }
            BeginState::Compare(load) => {
                let now = turn!(load.turn(s));
                if self.is_current(s, now) {
                    s.view.writing = true;
                    s.emit(EventKind::WriteBegin { at: s.view.header.log_point() });
                    return Ok(Done(()));
                }
                s.unlock(LockId::WRITE);
                self.state = BeginState::Stale;
                s.pass(Site::WriteUnlock)
            }
            BeginState::Stale => Err(Error::BusySnapshot),
        }
    }
}

impl BeginWrite {
    fn is_current(&self, s: &Session, now: Option<Header>) -> bool {
        if s.planted(Bug::CacheIdentityAba) {
            return now.is_some_and(|now| now.mx_frame == s.view.header.mx_frame);
        }
        now == Some(s.view.header) || s.planted(Bug::WalNoBusySnapshotCheck)
    }
}

/// Gives up WRITE after a commit.
#[derive(Debug, Default, Hash)]
pub struct EndWrite;

impl StateTransition<Session> for EndWrite {
    type Output = ();
    type Error = Error;

    fn transition(&mut self, s: &mut Session) -> Turn<()> {
        if !s.view.writing {
            return Ok(Done(()));
        }
        s.view.writing = false;
        s.emit(EventKind::WriteEnd { committed: true });
        s.unlock(LockId::WRITE);
        s.pass(Site::WriteUnlock)
    }
}

/// Undoes whatever a connection has begun: waits for its writes in flight, forgets its dirty pages and unpublished
/// frames, and releases every lock. Does nothing to a connection that has begun nothing.
///
/// Frames leave the index *before* WRITE is released: afterwards those behind the published ones may be another
/// writer's.
#[derive(Debug, Default, Hash)]
pub struct Rollback {
    state: RollbackState,
}

#[derive(Debug, Default, Hash)]
enum RollbackState {
    #[default]
    Cancel,
    Drain,
    Discard,
    Load(LoadHeader),
    Trim,
    Unlock(u8),
    EndRead(EndRead),
}

impl StateTransition<Session> for Rollback {
    type Output = ();
    type Error = Error;

    fn transition(&mut self, s: &mut Session) -> Turn<()> {
        match &mut self.state {
            RollbackState::Cancel => {
                s.give_up_reads();
                self.state = if s.cancel_writes() { RollbackState::Drain } else { RollbackState::Discard };
                Ok(Continue)
            }
            RollbackState::Drain => {
                // A cancel is only a request: until the last of them has ended, locks and buffers are still needed.
                if let Some(write) = s.unfinished_write().cloned() {
                    return s.wait(Site::RollbackDrain, write);
                }
                s.emit(EventKind::Drained);
                self.state = RollbackState::Discard;
                Ok(Continue)
            }
            RollbackState::Discard => {
                s.pages.discard_uncommitted();
                s.spilling = false;
                // A writer that is just moving to another slot holds none.
                if s.view.slot.is_some() || s.view.writing {
                    s.emit(EventKind::Rollback);
                }
                self.state =
                    if s.view.writing { RollbackState::Load(LoadHeader::default()) } else { RollbackState::Unlock(0) };
                Ok(Continue)
            }
            RollbackState::Load(load) => {
                s.view.header = turn!(load.turn(s)).unwrap_or_default();
                self.state = RollbackState::Trim;
                Ok(Continue)
            }
            RollbackState::Trim => {
                s.shared.wal.index.lock().trim(s.view.header.mx_frame);
                s.view.writing = false;
                s.emit(EventKind::WriteEnd { committed: false });
                self.state = RollbackState::Unlock(0);
                s.pass(Site::RollbackIndex)
            }
            RollbackState::Unlock(next) => {
                let lock = LockId(*next);
                if usize::from(lock.0) == LockId::COUNT {
                    self.state = RollbackState::EndRead(EndRead);
                    return Ok(Continue);
                }
                *next += 1;
                let is_slot = s.view.slot.is_some_and(|slot| lock == LockId::read(slot));
                if is_slot || s.held(lock).is_none() {
                    return Ok(Continue);
                }
                s.unlock(lock);
                s.pass(Site::WriteUnlock)
            }
            RollbackState::EndRead(end) => end.transition(s),
        }
    }
}

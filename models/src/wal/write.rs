//! Starting a write transaction on a read transaction, and ending it either way.

use strum::VariantNames;

use super::header::LoadHeader;
use super::shared::{Header, LockId, LockMode};
use crate::bug::Bug;
use crate::event::EventKind;
use crate::io::StateTransition;
use crate::io::TransitionResult::{Continue, Done};
use crate::session::{Error, Session, Turn};
use crate::site::Site;
use crate::turn;
use crate::visits::first_state;

/// Takes WRITE and makes sure that the snapshot is still the newest commit (`sqlite3WalBeginWriteTransaction`).
///
/// Fails with BUSY if somebody writes, and with BUSY_SNAPSHOT if somebody has; the read transaction stays.
#[derive(Debug, Default, Hash)]
pub struct BeginWrite {
    state: BeginState,
}

#[derive(Debug, Default, Hash, VariantNames)]
pub(super) enum BeginState {
    #[default]
    Lock,
    Compare(LoadHeader),
    Stale,
}

impl StateTransition<Session> for BeginWrite {
    type Output = ();
    type Error = Error;

    fn transition(&mut self, s: &mut Session) -> Turn<()> {
        s.enter(const { first_state("wal.write") }, &self.state);
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
                    s.view.base = s.view.header;
                    s.view.recheck = None;
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
        s.end_write();
        s.emit(EventKind::WriteEnd { committed: true });
        s.unlock(LockId::WRITE);
        s.pass(Site::WriteUnlock)
    }
}

/// Waits until nothing that the statement has submitted can change a file any more: gives up reads, asks the disk to
/// cancel the rest, and waits for the last of it. A cancel is only a request: until then locks and buffers are needed.
#[derive(Debug, Default, Hash)]
pub struct Drain {
    asked: bool,
}

impl StateTransition<Session> for Drain {
    type Output = ();
    type Error = Error;

    fn transition(&mut self, s: &mut Session) -> Turn<()> {
        if !std::mem::replace(&mut self.asked, true) {
            s.give_up_reads();
            if !s.cancel_writes() {
                return Ok(Done(()));
            }
        }
        if let Some(write) = s.unfinished_write().cloned() {
            return s.wait(Site::RollbackDrain, write);
        }
        s.emit(EventKind::Drained);
        Ok(Done(()))
    }
}

/// Undoes the write transaction: waits for its writes in flight, forgets its dirty pages and unpublished frames, and
/// releases WRITE. The read transaction stays.
///
/// Frames leave the index *before* WRITE is released: afterwards those behind the published ones may be another
/// writer's.
#[derive(Debug, Default, Hash)]
pub struct Rollback {
    state: RollbackState,
}

impl Default for RollbackState {
    fn default() -> Self {
        Self::Drain(Drain::default())
    }
}

#[derive(Debug, Hash, VariantNames)]
pub(super) enum RollbackState {
    Drain(Drain),
    Discard,
    Load(LoadHeader),
    Trim,
    /// Only with [`Bug::WalIndexRollbackAfterUnlock`].
    TrimLate(u32),
    Release(ReleaseLocks),
}

impl StateTransition<Session> for Rollback {
    type Output = ();
    type Error = Error;

    fn transition(&mut self, s: &mut Session) -> Turn<()> {
        s.enter(const { first_state("wal.rollback") }, &self.state);
        match &mut self.state {
            RollbackState::Drain(drain) => {
                turn!(drain.transition(s));
                self.state = RollbackState::Discard;
                Ok(Continue)
            }
            RollbackState::Discard => {
                s.pages.discard_uncommitted();
                s.reset_allocation();
                s.savepoints.clear();
                s.note_change();
                s.emit(EventKind::Rollback);
                self.state = if s.view.writing {
                    RollbackState::Load(LoadHeader::default())
                } else {
                    RollbackState::Release(ReleaseLocks::default())
                };
                Ok(Continue)
            }
            RollbackState::Load(load) => {
                s.view.header = turn!(load.turn(s)).unwrap_or_default();
                self.state = RollbackState::Trim;
                Ok(Continue)
            }
            RollbackState::Trim => {
                s.end_write();
                s.emit(EventKind::WriteEnd { committed: false });
                if s.planted(Bug::WalIndexRollbackAfterUnlock) {
                    self.state = RollbackState::TrimLate(s.view.header.mx_frame);
                    s.unlock(LockId::WRITE);
                    return s.pass(Site::WriteUnlock);
                }
                s.shared.wal.index.lock().trim(s.view.header.mx_frame);
                self.state = RollbackState::Release(ReleaseLocks::default());
                s.pass(Site::RollbackIndex)
            }
            RollbackState::TrimLate(mx_frame) => {
                s.shared.wal.index.lock().trim(*mx_frame);
                self.state = RollbackState::Release(ReleaseLocks::default());
                s.pass(Site::RollbackIndex)
            }
            RollbackState::Release(release) => release.transition(s),
        }
    }
}

/// Releases every lock that the connection's transaction does not call for, once its writes in flight have ended: what a
/// protocol that was given up in the middle has left behind.
#[derive(Debug, Default, Hash)]
pub struct ReleaseLocks {
    drain: Drain,
    next: u8,
}

impl StateTransition<Session> for ReleaseLocks {
    type Output = ();
    type Error = Error;

    fn transition(&mut self, s: &mut Session) -> Turn<()> {
        if self.next == 0 {
            turn!(self.drain.transition(s));
        }
        let left = |lock: &LockId| s.held(*lock).is_some() && !s.owes_lock(*lock);
        let Some(lock) = (self.next..LockId::COUNT as u8).map(LockId).find(left) else {
            return Ok(Done(()));
        };
        self.next = lock.0 + 1;
        s.unlock(lock);
        s.pass(Site::WriteUnlock)
    }
}

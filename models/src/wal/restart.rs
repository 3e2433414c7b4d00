//! Starting a new generation of the log (`walRestartLog`, `walRestartHdr`).

use strum::VariantNames;

use super::header::StoreHeader;
use super::read::{BeginRead, UseLog};
use super::shared::{Header, LockId, LockMode, MARK_UNUSED};
use crate::bug::Bug;
use crate::event::EventKind;
use crate::io::StateTransition;
use crate::io::TransitionResult::{Continue, Done};
use crate::session::{Error, Session, Turn};
use crate::site::Site;
use crate::turn;
use crate::visits::first_state;

/// Publishes the header of a new, empty generation and then zeroes the counters and marks. The caller holds WRITE and
/// READ1 to READn exclusively. Finished even if the statement is abandoned meanwhile.
#[derive(Debug, Default, Hash)]
pub(super) struct ResetLog {
    state: ResetState,
}

#[derive(Debug, Default, Hash, VariantNames)]
pub(super) enum ResetState {
    #[default]
    Begin,
    Header(StoreHeader),
    Backfill,
    Attempted,
    Mark(u8),
}

impl StateTransition<Session> for ResetLog {
    type Output = ();
    type Error = Error;

    fn transition(&mut self, s: &mut Session) -> Turn<()> {
        s.enter(const { first_state("wal.reset") }, &self.state);
        match &mut self.state {
            ResetState::Begin => {
                let before = s.view.header;
                let salts = [before.salts[0].wrapping_add(1), s.shared.random_salt()];
                s.view.header = Header { seq: before.seq + 1, mx_frame: 0, salts, ..before };
                s.view.base = s.view.header;
                s.emit(EventKind::Restart { at: s.view.header.log_point() });
                self.state = ResetState::Header(StoreHeader::new(s.view.header, false));
                Ok(Continue)
            }
            ResetState::Header(store) => {
                turn!(store.transition(s));
                self.state = ResetState::Backfill;
                s.mine().must_finish = true;
                s.pass(Site::HeaderStore)
            }
            ResetState::Backfill => {
                s.shared.wal.set_backfill(0);
                self.state = ResetState::Attempted;
                s.pass(Site::RestartStore)
            }
            ResetState::Attempted => {
                s.shared.wal.set_backfill_attempted(0);
                self.state = ResetState::Mark(1);
                s.pass(Site::RestartStore)
            }
            ResetState::Mark(slot) => {
                if *slot > s.read_slots() {
                    s.mine().must_finish = false;
                    return Ok(Done(()));
                }
                s.shared.wal.set_mark(*slot, if *slot == 1 { 0 } else { MARK_UNUSED });
                *slot += 1;
                s.pass(Site::RestartStore)
            }
        }
    }
}

/// What a writer does before its first frame: if its snapshot ignores the log, it restarts the log when no reader needs
/// it, and in any case moves to a mark slot, so that it finds its own frames.
#[derive(Debug, Default, Hash)]
pub(super) struct RestartLog {
    state: State,
}

#[derive(Debug, Default, Hash, VariantNames)]
pub(super) enum State {
    #[default]
    Backfill,
    LockSlot(u8),
    Reset(ResetLog),
    UnlockSlot(u8),
    LeaveSlot0,
    Move(BeginRead),
}

impl StateTransition<Session> for RestartLog {
    type Output = ();
    type Error = Error;

    fn transition(&mut self, s: &mut Session) -> Turn<()> {
        s.enter(const { first_state("wal.restart") }, &self.state);
        match &mut self.state {
            State::Backfill => {
                if s.view.slot != Some(0) {
                    return Ok(Done(()));
                }
                let backfilled = s.shared.wal.backfill() > 0;
                self.state = if backfilled { State::LockSlot(1) } else { State::LeaveSlot0 };
                if backfilled && s.planted(Bug::WalRestartUnderReaders) {
                    self.state = State::Reset(ResetLog::default());
                }
                s.pass(Site::RestartBackfill)
            }
            State::LockSlot(slot) => {
                let slot = *slot;
                self.state = if slot > s.read_slots() {
                    State::Reset(ResetLog::default())
                } else if s.try_lock(LockId::read(slot), LockMode::Exclusive) {
                    State::LockSlot(slot + 1)
                } else {
                    // A reader needs the log: append to it instead.
                    State::UnlockSlot(slot - 1)
                };
                s.pass(Site::RestartSlotLock)
            }
            State::Reset(reset) => {
                turn!(reset.transition(s));
                self.state = State::UnlockSlot(s.read_slots());
                Ok(Continue)
            }
            State::UnlockSlot(slot) => {
                let slot = *slot;
                if slot == 0 {
                    self.state = State::LeaveSlot0;
                    return Ok(Continue);
                }
                s.unlock(LockId::read(slot));
                self.state = State::UnlockSlot(slot - 1);
                s.pass(Site::RestartSlotUnlock)
            }
            State::LeaveSlot0 if s.planted(Bug::WalOwnFramesIgnoredOnSlot0) => Ok(Done(())),
            State::LeaveSlot0 => {
                s.unlock(LockId::read(0));
                s.view.slot = None;
                s.emit(EventKind::ReadEnd);
                self.state = State::Move(BeginRead::new(UseLog::Always));
                s.pass(Site::ReadUnlock)
            }
            State::Move(begin) => begin.transition(s),
        }
    }
}

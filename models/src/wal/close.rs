//! Closing a connection: whoever closes last copies the log into the database file and removes it (`sqlite3WalClose`).

use strum::VariantNames;

use super::checkpoint::{Checkpoint, CheckpointMode};
use super::write::ReleaseLocks;
use crate::disk::{FileId, Request};
use crate::event::EventKind;
use crate::io::StateTransition;
use crate::io::TransitionResult::Continue;
use crate::session::{Error, Session, Turn};
use crate::site::Site;
use crate::transfer::Transfer;
use crate::turn;
use crate::visits::first_state;

/// The end of a connection that has no transaction open any more. It does not fail: what cannot be copied or removed stays
/// in the log, for the next process to recover.
///
/// The lock of the database file decides who is last: every open connection holds it shared, so whoever gets it exclusively
/// is alone, and stays alone until the log is gone, because nobody can open the database meanwhile. No fsync follows the
/// removal: a log that a power loss brings back is wholly in the database file.
#[derive(Debug, Default, Hash)]
pub struct CloseLog {
    state: State,
}

#[derive(Debug, Default, Hash, VariantNames)]
pub(super) enum State {
    #[default]
    Upgrade,
    Checkpoint(Box<Checkpoint>),
    Forget,
    Remove(Transfer),
    Release(ReleaseLocks),
}

impl StateTransition<Session> for CloseLog {
    type Output = ();
    type Error = Error;

    fn transition(&mut self, s: &mut Session) -> Turn<()> {
        s.enter(const { first_state("wal.close") }, &self.state);
        match &mut self.state {
            State::Upgrade => {
                self.state = if s.is_last_to_close() {
                    State::Checkpoint(Box::new(Checkpoint::new(CheckpointMode::Passive)))
                } else {
                    State::Release(ReleaseLocks::default())
                };
                s.pass(Site::CloseLock)
            }
            State::Checkpoint(checkpoint) => {
                self.state = match checkpoint.transition(s) {
                    Err(_) => State::Release(ReleaseLocks::default()),
                    copied => {
                        turn!(copied);
                        State::Forget
                    }
                };
                Ok(Continue)
            }
            State::Forget => {
                // From here on there is no wal-index that knows the log, so there must soon be no log.
                s.mine().must_finish = true;
                s.emit(EventKind::WalRemove);
                s.shared.wal.forget();
                let removal = Request::Remove { file: FileId::Wal };
                self.state = State::Remove(Transfer::of(Site::CloseRemove, removal));
                s.pass(Site::CloseForget)
            }
            State::Remove(removal) => {
                self.state = match removal.transition(s) {
                    // The log stays: the next to open it recovers what it has already been copied from.
                    Err(_) => State::Release(ReleaseLocks::default()),
                    removed => {
                        turn!(removed);
                        State::Release(ReleaseLocks::default())
                    }
                };
                s.mine().must_finish = false;
                Ok(Continue)
            }
            State::Release(release) => release.transition(s),
        }
    }
}

//! How long a run is to somebody who follows it.

use falken_models::connection::StatementId;
use falken_models::disk::Ending;

use crate::action::Action;

/// Counts what a reader has to follow. A connection that takes step after step does one thing; what counts is that another
/// one goes on ([`switches`](Self::switches)), that an operation of the disk ends, and that a fault strikes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How often another statement went on than the one that took the step before.
    pub switches: u64,
    /// Operations of the disk that ended, in whatever way.
    pub endings: u64,
    /// Failed operations, abandoned or interrupted statements, dropped connections, crashes.
    pub faults: u64,
    last: Option<StatementId>,
}

impl Tally {
    /// Context switches, ends of operations and faults: the *actions* of a shrunk repro.
    pub fn actions(&self) -> u64 {
        self.switches + self.endings + self.faults
    }

    #[inline]
    pub(super) fn note(&mut self, action: Action) {
        match action {
            Action::Step(id) | Action::Poll(id) | Action::StepRefused(id, _) => {
                self.faults += u64::from(!matches!(action, Action::Step(_)));
                self.switches += u64::from(self.last.is_some_and(|last| last != id));
                self.last = Some(id);
            }
            Action::Finish(_, Ending::Success) => self.endings += 1,
            // It ends and it is a fault: one action.
            Action::Finish(..)
            | Action::Fail(..)
            | Action::Hold(..)
            | Action::Cancel(..)
            | Action::Abandon(_)
            | Action::Interrupt(_)
            | Action::Drop(_)
            | Action::Crash(_)
            | Action::SecondCrash(_)
            | Action::Rot(..) => self.faults += 1,
            Action::Finale => {}
        }
    }
}

//! A run told action by action: what was done, what happened, who was woken, and how everything stood afterwards.
//!
//! For whoever looks at one failure from the inside. It is data only; what it looks like is the business of reports. A
//! recording costs far more than the run, so it is made of one case at a time ([`Case::record`](crate::case::Case::record)).
//!
//! What it is not: the truth about a run that nobody watched. The recorder reads the subject's memory between actions, so
//! what changes twice within one action shows in the events and not in the states.

mod snapshot;

use falken_models::connection::StatementId;
use falken_models::event::Event;

use crate::action::Action;
use crate::choice::Until;
use crate::shrink::Race;
pub use snapshot::{ConnectionState, FrameState, LogState, PageState, State, StatementState};

/// The most actions that a recording keeps; of a longer run it keeps the last ones.
pub const ACTIONS_MAX: usize = 2_000;

/// One run.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    /// Connections of the scenario.
    pub connections: u8,
    /// Actions at the beginning that are not kept.
    pub skipped: u64,
    /// How everything stood before the first action that is kept.
    pub before: State,
    /// The actions, in order.
    pub actions: Vec<Recorded>,
    /// The positions in `actions` of the two steps that race, if that is known.
    pub race: Option<[usize; 2]>,
}

/// One action.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Its number, from 1.
    pub step: u64,
    /// What was done; `None` if there was nothing left to do and that is what is wrong.
    pub action: Option<Action>,
    /// Of a step: where it has led.
    pub place: Option<Until>,
    /// What happened.
    pub events: Vec<Event>,
    /// The statements that were woken.
    pub woken: Vec<StatementId>,
    /// How everything stood afterwards.
    pub state: State,
}

impl Recorded {
    /// The statement that took a step.
    pub fn stepped(&self) -> Option<StatementId> {
        match self.action? {
            Action::Step(id) | Action::Poll(id) | Action::StepRefused(id, _) => Some(id),
            Action::Finish(..)
            | Action::Fail(..)
            | Action::Hold(..)
            | Action::Cancel(..)
            | Action::Abandon(_)
            | Action::Interrupt(_)
            | Action::Drop(_)
            | Action::Crash(_)
            | Action::SecondCrash(_)
            | Action::Rot(..)
            | Action::Finale => None,
        }
    }
}

impl Recording {
    /// Finds the two steps that race. They stay unknown if the recording does not hold them.
    pub fn mark(&mut self, race: &Race) {
        let at = |id: StatementId, place: Until| {
            self.actions.iter().rposition(|one| one.stepped() == Some(id) && one.place == Some(place))
        };
        let (stopped, place) = race.stopped;
        let (overtook, to) = race.overtook;
        let Some(stop) = at(stopped, place) else { return };
        let next = self.actions.iter().skip(stop + 1).position(|one| one.stepped() == Some(stopped));
        let last = self.actions.len() - 1;
        let passed = to.map_or(Some(last), |to| at(overtook, to)).filter(|passed| *passed > stop);
        // A connection that never goes on races with its own stop.
        let resumed = next.map_or(stop, |next| stop + 1 + next);
        self.race = passed.map(|passed| [passed.min(resumed), passed.max(resumed)]);
    }
}

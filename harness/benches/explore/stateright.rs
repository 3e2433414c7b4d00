//! The same protocol in stateright.

use falken_harness::protocol::{Protocol, Step};
use stateright::{Checker, Model, Property};

use crate::two_phase::TwoPhase;
use crate::{Searched, timed};

/// Falken's protocol as a model of stateright.
struct Adapted<const N: usize>;

impl<const N: usize> Model for Adapted<N> {
    type State = TwoPhase<N>;
    type Action = Step;

    fn init_states(&self) -> Vec<TwoPhase<N>> {
        vec![TwoPhase::new()]
    }

    fn actions(&self, state: &TwoPhase<N>, actions: &mut Vec<Step>) {
        state.enabled(actions);
    }

    fn next_state(&self, state: &TwoPhase<N>, step: Step) -> Option<TwoPhase<N>> {
        let mut next = state.clone();
        next.step(step);
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always("consistent", |_, state: &TwoPhase<N>| state.check().is_ok())]
    }
}

/// Searches breadth first on one thread.
pub fn search<const N: usize>() -> Searched {
    let (checker, seconds) = timed(|| Adapted::<N>.checker().threads(1).spawn_bfs().join());
    checker.assert_properties();
    // It counts generated states; the first one is no step.
    let transitions = checker.state_count() as u64 - 1;
    Searched { states: checker.unique_state_count() as u64, transitions, seconds }
}

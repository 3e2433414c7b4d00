//! One run of a protocol under a strategy.

use falken_models::connection::StatementId;

use super::{Failure, Protocol, Step, judge};
use crate::choice::{Choice, Kind, OptionId, Standing};
use crate::strategy::Strategy;

/// What came out of a walk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Walk {
    /// Steps taken.
    pub steps: u64,
    /// The failure, if there was one; its path replays the walk.
    pub failure: Option<Failure>,
}

/// Walks from `state` to an end, to the first failure, or for `steps_max` steps. An actor is chosen first, then one of the
/// things that it can do.
///
/// A strategy sees who is enabled and nothing else: a protocol's steps do not say what they touch. So POS and SURW, which
/// aim at steps that race, draw blindly here and have no guarantee; the others keep theirs.
pub fn walk(state: &mut impl Protocol, strategy: &mut dyn Strategy, steps_max: u64) -> Walk {
    let (mut path, mut steps, mut actors) = (Vec::new(), Vec::new(), Vec::new());
    let mut standing: Vec<Standing> = Vec::new();
    loop {
        steps.clear();
        state.enabled(&mut steps);
        let taken = path.len() as u64;
        if let Err(evidence) = judge(state, &steps) {
            return Walk { steps: taken, failure: Some(Failure { path, evidence }) };
        }
        if steps.is_empty() || taken >= steps_max {
            return Walk { steps: taken, failure: None };
        }
        actors.clear();
        actors.extend(steps.chunk_by(|a, b| a.actor == b.actor).map(|own| step_of(own[0].actor)));
        let last = StatementId::first(steps[steps.len() - 1].actor);
        standing.resize(standing.len().max(last.index() + 1), Standing::default());
        let step = choose(strategy, &steps, &actors, &standing, taken);
        state.step(step);
        path.push(step);
    }
}

fn step_of(actor: u8) -> OptionId {
    OptionId::Step(StatementId::first(actor))
}

fn choose(strategy: &mut dyn Strategy, steps: &[Step], actors: &[OptionId], standing: &[Standing], taken: u64) -> Step {
    let choice = Choice { kind: Kind::Who, key: taken, options: actors, weights: &[], standing, events: 0 };
    let actor = actors[strategy.choose(&choice)];
    let from = steps.partition_point(|step| step_of(step.actor) < actor);
    let count = steps[from..].iter().take_while(|step| step_of(step.actor) == actor).count();
    let option = if count > 1 { strategy.number(Kind::Value, taken, count as u64 - 1) } else { 0 };
    steps[from + option as usize]
}

//! Searching and walking protocols: exact counts, equal results of both ways back to a state, symmetry, limits, strategies.

#[allow(dead_code, reason = "the bench uses the rest")]
#[path = "../benches/explore/group.rs"]
mod group;
#[path = "../benches/explore/two_phase.rs"]
mod two_phase;

use std::collections::BTreeSet;
use std::hash::{Hash, Hasher};

use falken_harness::explore::Ended;
use falken_harness::protocol::{Again, Fork, Limits, Outcome, Protocol, Step, Way, search, walk};
use falken_harness::strategy;
use falken_harness::verdict::Evidence;
use group::Group;
use two_phase::{Participant, TwoPhase};

fn whole<P: Protocol>(way: &impl Way<P>) -> Outcome {
    search(way, &Limits::default(), &Default::default())
}

fn states_of<const N: usize>() -> u64 {
    let forked = whole(&Fork(TwoPhase::<N>::new()));
    let again = whole(&Again(TwoPhase::<N>::new));
    assert_eq!((forked.ended, again.ended), (Ended::Finished, Ended::Finished));
    assert_eq!(forked.figures, again.figures);
    forked.figures.states
}

/// The numbers that other model checkers count for this specification.
#[test]
fn two_phase_commit_has_exactly_these_states() {
    assert_eq!([states_of::<3>(), states_of::<4>(), states_of::<5>()], [288, 1568, 8832]);
}

/// All participants' states, with what was sent and received, without who is who.
fn without_names<const N: usize>(state: &TwoPhase<N>) -> [(Participant, bool, bool); N] {
    let bit = |bits: u16, at: usize| bits >> at & 1 == 1;
    let one = |at: usize| (state.participants[at], bit(state.sent, at), bit(state.received, at));
    let mut all = std::array::from_fn(one);
    all.sort_unstable();
    all
}

/// Two-phase commit whose hash forgets who is who.
#[derive(Clone)]
struct Nameless(TwoPhase<5>);

impl Hash for Nameless {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let TwoPhase { participants: _, manager, received: _, sent: _, commit_sent, abort_sent } = self.0;
        (without_names(&self.0), manager, commit_sent, abort_sent).hash(state);
    }
}

impl Protocol for Nameless {
    fn enabled(&self, steps: &mut Vec<Step>) {
        self.0.enabled(steps);
    }

    fn step(&mut self, step: Step) {
        self.0.step(step);
    }

    fn check(&self) -> Result<(), Evidence> {
        self.0.check()
    }
}

/// Every state of the whole search, seen without names, is one state of the search that forgets them, and no others are.
#[test]
fn a_hash_without_names_finds_each_class_once() {
    let mut classes = BTreeSet::new();
    let mut pending = vec![TwoPhase::<5>::new()];
    let mut seen = BTreeSet::new();
    while let Some(state) = pending.pop() {
        let shared = (state.manager as u8, state.commit_sent, state.abort_sent);
        if !seen.insert((state.participants, state.sent, state.received, shared)) {
            continue;
        }
        classes.insert((without_names(&state), shared));
        let mut steps = Vec::new();
        state.enabled(&mut steps);
        for step in steps {
            let mut next = state.clone();
            next.step(step);
            pending.push(next);
        }
    }
    assert_eq!(seen.len(), 8832);
    let nameless = whole(&Fork(Nameless(TwoPhase::new())));
    assert_eq!((nameless.ended, nameless.figures.states), (Ended::Finished, classes.len() as u64));
    assert!(classes.len() < 1000, "{}", classes.len());
}

#[test]
fn a_search_says_when_it_was_cut_short() {
    let with = |limits| search(&Fork(TwoPhase::<4>::new()), &limits, &Default::default());
    let shallow = with(Limits { depth: 3, ..Limits::default() });
    assert_eq!((shallow.ended, shallow.figures.depth), (Ended::Limit, 3));
    let few = with(Limits { states: 100, ..Limits::default() });
    assert!(few.ended == Ended::Limit && (100..200).contains(&few.figures.states), "{few:?}");
    let stopped = search(&Fork(TwoPhase::<4>::new()), &Limits::default(), &true.into());
    assert_eq!(stopped.ended, Ended::Stopped);
}

#[test]
fn a_group_whose_waiter_does_not_look_again_can_sleep_for_ever() {
    let right = whole(&Fork(Group::<3>::new(group::Waiter::LooksAgain)));
    assert_eq!((right.ended, right.failure), (Ended::Finished, None));
    assert!(right.figures.ends > 0);

    let wrong = whole(&Fork(Group::<3>::new(group::Waiter::DoesNot)));
    let failure = wrong.failure.expect("the wake can be lost");
    let mut again = Group::<3>::new(group::Waiter::DoesNot);
    failure.path.iter().for_each(|step| again.step(*step));
    assert_eq!(again.check_end(), Err(failure.evidence));
}

#[test]
fn every_strategy_walks_to_an_end_and_the_same_walk_twice() {
    for entry in strategy::TABLE {
        let mut found = 0;
        for seed in 0..300 {
            let once = || walk(&mut Group::<3>::new(group::Waiter::DoesNot), &mut *(entry.new)(seed), 1000);
            let result = once();
            assert_eq!(result, once(), "{} {seed}", entry.name);
            assert!(result.steps < 1000, "{} {seed}", entry.name);
            found += u32::from(result.failure.is_some());
            let right = walk(&mut Group::<3>::new(group::Waiter::LooksAgain), &mut *(entry.new)(seed), 1000);
            assert_eq!(right.failure, None, "{} {seed}", entry.name);
        }
        let is_blind = ["round-robin", "pct-2", "pct-3", "pct-6", "pct-12"].contains(&entry.name);
        assert!(found > 0 || is_blind, "{} finds the lost wake in none of 300 walks", entry.name);
    }
}

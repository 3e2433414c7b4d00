//! [`StateMachine`]: turns, waits, the end, and the guard behind it.

use super::*;
use crate::io::{IOCompletions, IOResult, StateMachine, StateTransition, TransitionResult};
use crate::turn;

/// Plays a list of turns, noting each in the context.
struct Script(std::vec::IntoIter<Turn>);

impl<const N: usize> From<[Turn; N]> for Script {
    fn from(turns: [Turn; N]) -> Self {
        Self(Vec::from(turns).into_iter())
    }
}

#[derive(Clone, Copy, Debug)]
enum Turn {
    Continue,
    Wait,
    Done(u32),
    Fail,
}

impl StateTransition<u32> for Script {
    type Output = u32;
    type Error = &'static str;

    fn transition(&mut self, turns: &mut u32) -> Result<TransitionResult<u32>, &'static str> {
        *turns += 1;
        match self.0.next().expect("the script goes on") {
            Turn::Continue => Ok(TransitionResult::Continue),
            Turn::Wait => Ok(TransitionResult::Io(IOCompletions::Single(Completion::new_yield()))),
            Turn::Done(value) => Ok(TransitionResult::Done(value)),
            Turn::Fail => Err("failed"),
        }
    }
}

fn script<const N: usize>(turns: [Turn; N]) -> StateMachine<Script> {
    StateMachine::new(Script::from(turns))
}

#[test]
fn a_step_takes_turns_until_the_machine_waits_and_goes_on_where_it_stopped() {
    let mut machine = script([Turn::Continue, Turn::Wait, Turn::Continue, Turn::Continue, Turn::Done(5)]);
    let mut turns = 0;
    assert!(matches!(machine.step(&mut turns), Ok(IOResult::IO(_))));
    assert_eq!((turns, machine.ended()), (2, false));
    assert!(matches!(machine.step(&mut turns), Ok(IOResult::Done(5))));
    assert_eq!((turns, machine.ended()), (5, true));
}

#[test]
fn an_error_ends_the_machine() {
    let mut machine = script([Turn::Continue, Turn::Fail]);
    assert!(matches!(machine.step(&mut 0), Err("failed")));
    assert!(machine.ended());
}

#[test]
fn a_machine_that_has_ended_must_not_be_stepped_again() {
    for last in [Turn::Done(1), Turn::Fail] {
        let mut machine = script([last, Turn::Done(2)]);
        let _ = machine.step(&mut 0).map(|outcome| outcome.is_io());
        let again = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(machine.step(&mut 0))));
        let panic = again.expect_err("the guard is always on");
        assert_eq!(panic.downcast_ref(), Some(&"a state machine that has ended was stepped again"), "{last:?}");
    }
}

/// Runs an inner script as part of an outer turn.
struct Outer(Script);

impl StateTransition<u32> for Outer {
    type Output = u32;
    type Error = &'static str;

    fn transition(&mut self, turns: &mut u32) -> Result<TransitionResult<u32>, &'static str> {
        let inner = turn!(self.0.transition(turns));
        Ok(TransitionResult::Done(inner * 10))
    }
}

#[test]
fn an_inner_machines_turns_are_turns_of_the_outer_one() {
    let inner = Script::from([Turn::Continue, Turn::Wait, Turn::Done(4)]);
    let mut machine = StateMachine::new(Outer(inner));
    let mut turns = 0;
    assert!(matches!(machine.step(&mut turns), Ok(IOResult::IO(_))));
    assert_eq!(turns, 2);
    assert!(matches!(machine.step(&mut turns), Ok(IOResult::Done(40))));

    let mut failing = StateMachine::new(Outer(Script::from([Turn::Fail])));
    assert!(matches!(failing.step(&mut turns), Err("failed")));
}

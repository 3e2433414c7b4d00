//! Groups whose members are finished by several threads at once: the group finishes once, after all of them, with one of
//! their errors, and not before its callback has run.

use super::Stage;
use super::stage::{Calls, End};
use crate::io::CompletionError::{Io, NoSpace};
use crate::io::{Completion, CompletionError};
use crate::sync::{Body, race};

const LANES: [&str; 4] = ["device 1", "device 2", "device 3", "device 4"];

/// One completer thread per member, and a waiter that looks once.
fn flat(stage: &Stage, ends: &[End], allowed: &[Result<i32, CompletionError>]) {
    let (calls, of_members) = (Calls::default(), Calls::default());
    let members: Vec<_> = ends.iter().map(|_| stage.write("callbacks", &of_members)).collect();
    let all = stage.group("group", &members, &calls);
    let devices = LANES.into_iter().zip(&members).zip(ends);
    race(devices.map(|((lane, member), end)| stage.device(lane, member, *end)).collect(), || {
        let finished = all.finished();
        stage.note("waiter", || format!("looks: the group's finished is {finished}"));
        if finished {
            assert_eq!(calls.seen().len(), 1, "IO-2: the group finished before its callback ran");
        }
    });
    check(&all, &calls, allowed);
    assert_eq!(of_members.seen().len(), ends.len(), "IO-1: each member's callback runs exactly once");
}

fn check(all: &Completion, calls: &Calls, allowed: &[Result<i32, CompletionError>]) {
    let seen = calls.seen();
    assert!(all.finished(), "IO-3: a member's end was lost");
    assert_eq!(seen.len(), 1, "IO-3: the group's callback runs exactly once: {seen:?}");
    assert!(allowed.contains(&seen[0]), "IO-3: the group ended with {:?}, which is no member's", seen[0]);
    assert_eq!(all.get_error(), seen[0].err(), "IO-3: the group's callback and its handle tell the same");
}

pub(super) fn two(stage: &Stage) {
    flat(stage, &[End::Complete(1), End::Error(Io)], &[Err(Io)]);
}

pub(super) fn two_successes(stage: &Stage) {
    flat(stage, &[End::Complete(1), End::Complete(1)], &[Ok(0)]);
}

pub(super) fn two_errors(stage: &Stage) {
    flat(stage, &[End::Error(NoSpace), End::Error(Io)], &[Err(NoSpace), Err(Io)]);
}

pub(super) fn three(stage: &Stage) {
    flat(stage, &[End::Error(NoSpace), End::Complete(1), End::Error(Io)], &[Err(NoSpace), Err(Io)]);
}

/// An inner group of two with one error, and a third member beside it.
pub(super) fn nested(stage: &Stage) {
    let (inner_calls, calls, of_members) = (Calls::default(), Calls::default(), Calls::default());
    let [a, b, c] = ["a", "b", "c"].map(|name| stage.write(name, &of_members));
    let inner = stage.group("inner", [&a, &b], &inner_calls);
    let outer = stage.group("outer", [&inner, &c], &calls);
    let devices = [
        stage.device(LANES[0], &a, End::Complete(1)),
        stage.device(LANES[1], &b, End::Error(Io)),
        stage.device(LANES[2], &c, End::Complete(1)),
    ];
    race(devices.into(), || {});
    check(&inner, &inner_calls, &[Err(Io)]);
    check(&outer, &calls, &[Err(Io)]);
}

/// Eight members: the fourth and the seventh fail.
pub(super) const EIGHT: usize = 8;
/// How often the waiter of eight members looks.
const LOOKS: usize = 64;
/// With what they fail.
pub(super) const FAILURES: [CompletionError; 2] = [Io, NoSpace];

/// Eight members that report to `calls`.
pub(super) fn eight_members(stage: &Stage, calls: &Calls) -> Vec<Completion> {
    (0..EIGHT).map(|_| stage.write("callbacks", calls)).collect()
}

/// Threads that finish eight members, thread `t` those whose number leaves the rest `t`.
pub(super) fn completers(stage: &Stage, members: &[Completion], threads: usize) -> Vec<Body> {
    let completer = |t: usize| -> Body {
        let own: Vec<_> = members.iter().cloned().enumerate().filter(|(at, _)| at % threads == t).collect();
        let stage = stage.clone();
        Box::new(move || {
            for (at, member) in own {
                let end = match at {
                    3 => End::Error(Io),
                    6 => End::Error(NoSpace),
                    _ => End::Complete(at as i32),
                };
                stage.end(LANES[t], &member, end);
            }
        })
    };
    (0..threads).map(completer).collect()
}

/// The group of eight has ended once, with one of `allowed`, and each member once.
pub(super) fn check_eight(all: &Completion, calls: &Calls, of_members: &Calls, allowed: &[CompletionError]) {
    check(all, calls, &allowed.iter().map(|error| Err(*error)).collect::<Vec<_>>());
    assert_eq!(of_members.seen().len(), EIGHT, "IO-1: each member's callback runs exactly once");
}

pub(super) fn eight(stage: &Stage) {
    let (calls, of_members) = (Calls::default(), Calls::default());
    let members = eight_members(stage, &of_members);
    let all = stage.group("group", &members, &calls);
    race(completers(stage, &members, 4), || {
        // The end comes at any of many moments, so one look would seldom be there in time.
        for _ in 0..LOOKS {
            if all.finished() {
                assert_eq!(calls.seen().len(), 1, "IO-2: the group finished before its callback ran");
                break;
            }
        }
    });
    check_eight(&all, &calls, &of_members, &FAILURES);
}

pub(super) fn eight_nested(stage: &Stage) {
    let (calls, of_members) = (Calls::default(), Calls::default());
    let members = eight_members(stage, &of_members);
    let inner_calls = [Calls::default(), Calls::default()];
    let mut groups = None;
    race(completers(stage, &members, 4), || {
        let (left, right) = members.split_at(EIGHT / 2);
        let inner = [stage.group("left", left, &inner_calls[0]), stage.group("right", right, &inner_calls[1])];
        let all = stage.group("outer", &inner, &calls);
        groups = Some((inner, all));
    });
    let ([left, right], all) = groups.expect("the main thread has built them");
    check(&left, &inner_calls[0], &[Err(Io)]);
    check(&right, &inner_calls[1], &[Err(NoSpace)]);
    check_eight(&all, &calls, &of_members, &FAILURES);
}

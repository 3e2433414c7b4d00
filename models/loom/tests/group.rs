//! Groups whose members are finished by several threads at once: the group finishes once, after all of them, with one
//! of their errors.
//!
//! Bounds: two completer threads fully; three with at most 3 preemptions, 4 for nested groups.

mod support;

use falken_models_loom::bug::{Bug, Planted};
use falken_models_loom::io::CompletionError::{Io, NoSpace};
use falken_models_loom::io::{Completion, CompletionError};
use support::{Bound, CORRECT, Calls, expect_failure, explore, group, join, thread, with, write};

type End = Result<i32, CompletionError>;

fn finish(member: Completion, end: End) -> impl FnOnce() + 'static {
    move || {
        match end {
            Ok(n) => member.complete(n),
            Err(error) => member.error(error),
        };
    }
}

/// One completer thread per member; afterwards the group must have finished with one of `allowed`.
fn flat<const N: usize>(ends: [End; N], allowed: &[End]) {
    let (calls, of_members) = (Calls::default(), Calls::default());
    let members = ends.map(|_| write(CORRECT, &of_members));
    let all = group(CORRECT, &members.each_ref(), &calls);
    let mut ends = ends.into_iter();
    let devices = members.map(|member| thread(finish(member, ends.next().expect("one per member"))));
    join(devices);

    assert_eq!(calls.seen().len(), 1, "the group's callback runs exactly once");
    assert!(allowed.contains(&calls.seen()[0]), "{:?}", calls.seen());
    assert!(all.finished());
    assert_eq!(all.get_error(), calls.seen()[0].err());
    assert_eq!(of_members.seen().len(), N);
}

#[test]
fn a_group_of_two_finishes_once_with_one_of_its_errors() {
    explore("2 members, no error", Bound::Full, || flat([Ok(1), Ok(1)], &[Ok(0)]));
    explore("2 members, one error", Bound::Full, || flat([Ok(1), Err(Io)], &[Err(Io)]));
    explore("2 members, two errors", Bound::Full, || flat([Err(NoSpace), Err(Io)], &[Err(NoSpace), Err(Io)]));
}

#[test]
fn a_group_of_three_finishes_once_with_one_of_its_errors() {
    let ends = [Err(NoSpace), Ok(1), Err(Io)];
    explore("3 members", Bound::Preemptions(3), move || flat(ends, &[Err(NoSpace), Err(Io)]));
}

/// An inner group of two with one error, and a third member beside it.
fn nested(planted: Planted) {
    let (inner_calls, calls, of_members) = (Calls::default(), Calls::default(), Calls::default());
    let [a, b, c] = [(); 3].map(|()| write(CORRECT, &of_members));
    let inner = group(planted, &[&a, &b], &inner_calls);
    let outer = group(planted, &[&inner, &c], &calls);
    let devices = [thread(finish(a, Ok(1))), thread(finish(b, Err(Io))), thread(finish(c, Ok(1)))];
    join(devices);

    assert_eq!((inner_calls.seen(), inner.get_error()), (vec![Err(Io)], Some(Io)));
    assert_eq!(calls.seen(), [Err(Io)], "the outer group hears of the inner one");
    assert_eq!(outer.get_error(), Some(Io));
}

#[test]
fn a_nested_groups_error_reaches_the_outer_group_once() {
    explore("nested groups", Bound::Preemptions(4), || nested(CORRECT));
}

#[test]
fn loom_finds_an_inner_group_that_does_not_tell_its_parent() {
    expect_failure("nested parent not told", Bound::Full, "the outer group hears", || {
        nested(with(Bug::GroupNestedParentNotTold));
    });
}

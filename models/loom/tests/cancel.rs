//! Cancelling a group while the device finishes its members: each member ends one way, the group once.
//!
//! Bounds: the main thread cancels, one completer thread fully, two with at most 4 preemptions.

mod support;

use falken_models_loom::bug::{Bug, Planted};
use falken_models_loom::io::CompletionError::Aborted;
use falken_models_loom::io::{Completion, CompletionGroup};
use support::{Bound, CORRECT, Calls, expect_failure, explore, group, join, take_part, thread, with, write};

fn check(members: &[Completion], of_members: &Calls, all: &Completion, calls: &Calls) {
    assert_eq!(of_members.seen().len(), members.len(), "each member ends exactly once");
    let aborted = members.iter().any(|member| member.get_error() == Some(Aborted));
    assert_eq!(calls.seen(), [if aborted { Err(Aborted) } else { Ok(0) }]);
    assert_eq!(all.get_error(), aborted.then_some(Aborted));
    for member in members {
        assert!(member.succeeded() || member.get_error() == Some(Aborted));
    }
}

fn abort_built<const N: usize>(planted: Planted) {
    let (calls, of_members) = (Calls::default(), Calls::default());
    let members = [(); N].map(|()| write(planted, &of_members));
    let all = group(CORRECT, &members.each_ref(), &calls);
    let devices = members.each_ref().map(|member| {
        let member = member.clone();
        thread(move || member.complete(1))
    });
    take_part();
    all.abort();
    join(devices);
    check(&members, &of_members, &all, &calls);
}

#[test]
fn aborting_a_built_group_races_with_its_members_ends() {
    explore("abort group x 1 member", Bound::Full, || abort_built::<1>(CORRECT));
    explore("abort group x 2 members", Bound::Preemptions(4), || abort_built::<2>(CORRECT));
}

#[test]
fn cancelling_before_the_group_is_built_races_with_its_members_ends() {
    explore("cancel builder x 2 members", Bound::Preemptions(4), || {
        let (calls, of_members) = (Calls::default(), Calls::default());
        let members = [(); 2].map(|()| write(CORRECT, &of_members));
        let devices = members.each_ref().map(|member| {
            let member = member.clone();
            thread(move || member.complete(1))
        });
        take_part();
        let mut builder = CompletionGroup::new(calls.recorder());
        members.iter().for_each(|member| builder.add(member));
        builder.cancel();
        let all = builder.build();
        join(devices);
        check(&members, &of_members, &all, &calls);
    });
}

#[test]
fn loom_finds_the_double_end_of_a_cancelled_member() {
    expect_failure("cancel with double complete", Bound::Full, "exactly once", || {
        abort_built::<1>(with(Bug::CompletionDoubleComplete));
    });
}

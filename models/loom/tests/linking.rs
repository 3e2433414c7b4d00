//! Building a group while its members finish on other threads: no member is lost and none is counted twice.
//!
//! Bounds: the main thread links; one completer thread fully, two with at most 4 preemptions.

mod support;

use falken_models_loom::bug::{Bug, Planted};
use falken_models_loom::io::{CompletionError, CompletionGroup};
use support::{Bound, CORRECT, Calls, expect_failure, explore, group, join, take_part, thread, with, write};

/// Links `N` members, each of which its own thread finishes meanwhile.
fn link_while_finishing<const N: usize>(planted: Planted) {
    let calls = Calls::default();
    let members = [(); N].map(|()| write(CORRECT, &Calls::default()));
    let devices = members.each_ref().map(|member| {
        let member = member.clone();
        thread(move || member.complete(1))
    });
    take_part();
    let all = group(planted, &members.each_ref(), &calls);
    join(devices);

    assert!(all.finished(), "a member's end was lost");
    assert_eq!(calls.seen(), [Ok(0)]);
}

#[test]
fn a_member_that_finishes_while_it_is_linked_is_counted_once() {
    explore("link 1 finishing member", Bound::Full, || link_while_finishing::<1>(CORRECT));
    explore("link 2 finishing members", Bound::Preemptions(4), || link_while_finishing::<2>(CORRECT));
}

#[test]
fn a_group_that_finishes_while_it_is_linked_is_counted_once() {
    explore("link a finishing group", Bound::Preemptions(4), || {
        let (inner_calls, calls) = (Calls::default(), Calls::default());
        let members = [(); 2].map(|()| write(CORRECT, &Calls::default()));
        let inner = group(CORRECT, &members.each_ref(), &inner_calls);
        let [a, b] = members;
        let devices = [thread(move || a.complete(1)), thread(move || b.error(CompletionError::Io))];
        take_part();
        let outer = group(CORRECT, &[&inner], &calls);
        join(devices);
        assert!(outer.finished());
        assert_eq!(
            (inner_calls.seen(), calls.seen()),
            (vec![Err(CompletionError::Io)], vec![Err(CompletionError::Io)])
        );
    });
}

#[test]
fn giving_a_group_up_while_its_member_finishes_loses_neither() {
    explore("give up x finish", Bound::Full, || {
        let (given_up, calls, of_member) = (Calls::default(), Calls::default(), Calls::default());
        let member = write(CORRECT, &of_member);
        let device = member.clone();
        let mut builder = CompletionGroup::new(given_up.recorder());
        builder.add(&member);
        let device = thread(move || device.complete(1));
        take_part();
        drop(builder);
        let second = group(CORRECT, &[&member], &calls);
        device.join().expect("no panic");
        assert!(second.finished());
        assert_eq!((calls.seen(), of_member.seen(), given_up.seen()), (vec![Ok(0)], vec![Ok(1)], vec![]));
    });
}

#[test]
fn loom_finds_a_member_that_finishes_between_the_check_and_the_link() {
    expect_failure("link after finish", Bound::Full, "a member's end was lost", || {
        link_while_finishing::<1>(with(Bug::GroupLinkAfterFinish));
    });
}

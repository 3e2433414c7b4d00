//! Groups: when they finish, with what, and what cancelling and giving up mean.

use super::*;
use CompletionError::{Aborted, Io, NoSpace, ShortWrite};

fn assert_ended(group: &Completion, calls: &Calls, result: Result<i32, CompletionError>) {
    assert!(group.finished());
    assert_eq!(group.get_error(), result.err());
    assert_eq!(calls.seen(), [result], "the callback runs exactly once");
    assert_eq!(group.callback_runs(), 1);
}

#[test]
fn a_group_finishes_with_its_last_member_whatever_their_number() {
    for count in [0, 1, 2, 3, 100] {
        let members: Vec<_> = (0..count).map(|_| idle()).collect();
        let calls = Calls::default();
        let group = group_of(&members.iter().collect::<Vec<_>>(), &calls);
        assert_eq!(group.kind(), CompletionKind::Group);
        assert_eq!(group.members().len(), count);
        for member in &members {
            assert!(!group.finished() && calls.seen().is_empty());
            member.complete(1);
        }
        assert_ended(&group, &calls, Ok(0));
    }
}

#[test]
fn members_that_need_no_waiting_finish_the_group_when_it_is_built() {
    let done = || {
        let completion = idle();
        completion.complete(5);
        completion
    };
    let cases: [(&str, Vec<Completion>); 5] = [
        ("a finished member", vec![done()]),
        ("an explicit yield", vec![Completion::new_yield()]),
        ("the same finished member twice", vec![done(); 2]),
        ("an empty group", vec![CompletionGroup::new(|_| {}).build()]),
        ("some of each", vec![done(), Completion::new_yield(), CompletionGroup::new(|_| {}).build()]),
    ];
    for (what, members) in cases {
        let calls = Calls::default();
        let mut group = CompletionGroup::new(calls.recorder());
        members.iter().for_each(|member| group.add(member));
        assert!(calls.seen().is_empty(), "{what}: a group that is not built has not finished");
        assert_ended(&group.build(), &calls, Ok(0));
    }
}

#[test]
fn a_finished_member_still_leaves_the_others_to_wait_for() {
    let (done, open, calls) = (idle(), idle(), Calls::default());
    done.complete(0);
    let group = group_of(&[&done, &Completion::new_yield(), &open], &calls);
    assert!(!group.finished());
    open.complete(0);
    assert_ended(&group, &calls, Ok(0));
}

#[test]
fn the_first_error_in_order_of_finishing_wins() {
    // Per row: the order in which three members finish, each with its result; then the group's.
    type Row = ([(usize, Result<i32, CompletionError>); 3], Result<i32, CompletionError>);
    let rows: [Row; 5] = [
        ([(0, Ok(1)), (1, Ok(1)), (2, Ok(1))], Ok(0)),
        ([(0, Ok(1)), (1, Ok(1)), (2, Err(Io))], Err(Io)),
        ([(2, Err(NoSpace)), (0, Err(Io)), (1, Ok(1))], Err(NoSpace)),
        ([(1, Err(ShortWrite)), (2, Err(Aborted)), (0, Err(Io))], Err(ShortWrite)),
        ([(0, Ok(1)), (2, Err(Aborted)), (1, Err(Io))], Err(Aborted)),
    ];
    for (order, expected) in rows {
        let (members, calls) = ([idle(), idle(), idle()], Calls::default());
        let group = group_of(&members.each_ref(), &calls);
        for (at, result) in order {
            assert!(!group.finished());
            match result {
                Ok(n) => members[at].complete(n),
                Err(error) => members[at].error(error),
            };
        }
        assert_ended(&group, &calls, expected);
    }
}

#[test]
fn a_member_that_had_failed_before_counts_from_when_it_is_added() {
    let (early, late, calls) = (idle(), idle(), Calls::default());
    early.error(Io);
    let mut group = CompletionGroup::new(calls.recorder());
    group.add(&late);
    late.error(NoSpace);
    group.add(&early);
    assert_ended(&group.build(), &calls, Err(NoSpace));
}

#[test]
fn nested_groups_pass_their_end_and_their_error_outwards() {
    for depth in [1, 2, 20] {
        for result in [Ok(0), Err(Io)] {
            let (leaf, calls) = (idle(), Calls::default());
            let mut nested = leaf.clone();
            for _ in 0..depth {
                nested = group_of(&[&nested, &Completion::new_yield()], &calls);
            }
            match result {
                Ok(n) => leaf.complete(n),
                Err(error) => leaf.error(error),
            };
            assert_eq!(nested.get_error(), result.err());
            assert!(nested.finished());
            assert_eq!(calls.seen(), vec![result; depth], "each level's callback runs once");
        }
    }
}

#[test]
fn inner_groups_finish_before_the_outer_one() {
    let order = Arc::new(Mutex::new(Vec::new()));
    let note = |name: &'static str| {
        let order = Arc::clone(&order);
        move |_| order.lock().push(name)
    };
    let leaf = Completion::new_sync(note("leaf"));
    let mut inner = CompletionGroup::new(note("inner"));
    inner.add(&leaf);
    let mut outer = CompletionGroup::new(note("outer"));
    outer.add(&inner.build());
    let outer = outer.build();
    leaf.complete(0);
    assert!(outer.finished());
    assert_eq!(*order.lock(), ["leaf", "inner", "outer"]);
}

#[test]
fn cancel_aborts_exactly_the_unfinished_members_at_every_depth() {
    let (done, open, deep) = (idle(), idle(), idle());
    let (inner_calls, calls) = (Calls::default(), Calls::default());
    let inner = group_of(&[&deep], &inner_calls);
    let mut group = CompletionGroup::new(calls.recorder());
    [&done, &open, &inner].into_iter().for_each(|member| group.add(member));
    done.complete(4);
    group.cancel();
    assert_eq!(done.transferred(), Some(4));
    assert_eq!([&open, &deep, &inner].map(Completion::get_error), [Some(Aborted); 3]);
    assert!(calls.seen().is_empty(), "a cancelled group is still not built");
    assert_ended(&group.build(), &calls, Err(Aborted));
}

#[test]
fn aborting_a_built_group_aborts_its_members_and_is_harmless_afterwards() {
    let (a, b, calls) = (idle(), idle(), Calls::default());
    let group = group_of(&[&a, &b], &calls);
    group.abort();
    group.abort();
    assert_eq!([&a, &b].map(Completion::get_error), [Some(Aborted); 2]);
    assert!(!a.complete(1), "the device is late");
    assert_ended(&group, &calls, Err(Aborted));
}

#[test]
fn a_group_may_be_aborted_in_the_callback_of_a_member() {
    let slot = Arc::new(Mutex::new(None::<Completion>));
    let own = Arc::clone(&slot);
    let first = Completion::new_write(move |_| own.lock().take().expect("built").abort());
    let (second, calls) = (idle(), Calls::default());
    let group = group_of(&[&first, &second], &calls);
    *slot.lock() = Some(group.clone());
    first.complete(1);
    assert_eq!((first.transferred(), second.get_error()), (Some(1), Some(Aborted)));
    assert_ended(&group, &calls, Err(Aborted));
}

#[test]
#[should_panic(expected = "IO-3: a completion was added to a second group")]
fn an_unfinished_completion_cannot_be_in_two_groups() {
    let member = idle();
    let _first = group_of(&[&member], &Calls::default());
    let _second = group_of(&[&member], &Calls::default());
}

#[test]
fn a_finished_completion_may_be_in_many_groups() {
    let member = idle();
    let (first, second) = (Calls::default(), Calls::default());
    let group = group_of(&[&member], &first);
    member.error(Io);
    assert_ended(&group, &first, Err(Io));
    assert_ended(&group_of(&[&member], &second), &second, Err(Io));
}

#[test]
fn the_members_of_a_given_up_group_go_on_by_themselves() {
    let (member, given_up, calls) = (idle(), Calls::default(), Calls::default());
    let mut group = CompletionGroup::new(given_up.recorder());
    group.add(&member);
    drop(group);
    let second = group_of(&[&member], &calls);
    member.complete(0);
    assert_ended(&second, &calls, Ok(0));
    assert!(given_up.seen().is_empty());
}

//! Groups at sizes that loom cannot reach: eight members, three to eight completer threads, and a waiter that parks.

mod support;

use falken_models_shuttle::bug::{Bug, Planted};
use falken_models_shuttle::io::{Completion, CompletionError};
use shuttle::thread::{self, JoinHandle};
use support::{CORRECT, Calls, expect_failure, explore, group, wait_for, with, write};

const MEMBERS: usize = 8;
const EXECUTIONS: usize = 2_000;

/// Threads that finish every member, thread `t` those with `index % threads == t`; member 3 and 6 fail.
fn completers(members: &[Completion], threads: usize) -> Vec<JoinHandle<()>> {
    (0..threads)
        .map(|t| {
            let own: Vec<_> = members.iter().cloned().enumerate().filter(|(at, _)| at % threads == t).collect();
            thread::spawn(move || {
                for (at, member) in own {
                    match at {
                        3 => member.error(CompletionError::Io),
                        6 => member.error(CompletionError::NoSpace),
                        _ => member.complete(at as i32),
                    };
                }
            })
        })
        .collect()
}

fn join(threads: Vec<JoinHandle<()>>) {
    threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
}

fn members(planted: Planted) -> (Vec<Completion>, Calls) {
    let calls = Calls::default();
    ((0..MEMBERS).map(|_| write(planted, &calls)).collect(), calls)
}

/// The group ended once, with the error of a member, and every member ended once.
fn check(all: &Completion, calls: &Calls, of_members: &Calls, allowed: &[CompletionError]) {
    assert!(all.finished(), "a member's end was lost");
    assert_eq!(of_members.seen().len(), MEMBERS, "each member's callback runs exactly once");
    let [Err(error)] = calls.seen()[..] else { panic!("the group's callback saw {:?}", calls.seen()) };
    assert!(allowed.contains(&error) && all.get_error() == Some(error), "{error:?}");
}

const FAILURES: [CompletionError; 2] = [CompletionError::Io, CompletionError::NoSpace];

#[test]
fn a_group_of_eight_finishes_once_however_many_threads_finish_its_members() {
    for threads in [3, 5, 8] {
        explore(&format!("{MEMBERS} members, {threads} threads"), EXECUTIONS, move || {
            let ((members, of_members), calls) = (members(CORRECT), Calls::default());
            let all = group(CORRECT, &members, &calls);
            let threads = completers(&members, threads);
            wait_for(&all);
            check(&all, &calls, &of_members, &FAILURES);
            join(threads);
        });
    }
}

/// Links while the members finish; the main thread then waits for the group.
fn link_while_finishing(planted: Planted, threads: usize) {
    let ((members, of_members), calls) = (members(CORRECT), Calls::default());
    let threads = completers(&members, threads);
    let all = group(planted, &members, &calls);
    join(threads);
    check(&all, &calls, &of_members, &FAILURES);
}

#[test]
fn members_that_finish_while_they_are_linked_are_counted_once() {
    for threads in [3, 8] {
        explore(&format!("link while {threads} threads finish"), EXECUTIONS, move || {
            link_while_finishing(CORRECT, threads);
        });
    }
}

#[test]
fn nested_groups_that_are_linked_while_they_finish_end_once() {
    explore("nested groups", EXECUTIONS, || {
        let ((members, of_members), calls) = (members(CORRECT), Calls::default());
        let inner_calls = [Calls::default(), Calls::default()];
        let threads = completers(&members, 4);
        let (left, right) = members.split_at(4);
        let inner = [group(CORRECT, left, &inner_calls[0]), group(CORRECT, right, &inner_calls[1])];
        let all = group(CORRECT, &inner, &calls);
        wait_for(&all);
        check(&all, &calls, &of_members, &FAILURES);
        assert_eq!(inner_calls.map(|calls| calls.seen()), FAILURES.map(|error| vec![Err(error)]));
        join(threads);
    });
}

#[test]
fn a_cancel_leaves_each_member_with_one_end_and_the_group_with_one() {
    explore("cancel", EXECUTIONS, || {
        let ((members, of_members), calls) = (members(CORRECT), Calls::default());
        let all = group(CORRECT, &members, &calls);
        let threads = completers(&members, 3);
        let canceller = all.clone();
        let canceller = thread::spawn(move || canceller.abort());
        wait_for(&all);
        let [io, no_space] = FAILURES;
        check(&all, &calls, &of_members, &[io, no_space, CompletionError::Aborted]);
        join(threads);
        canceller.join().expect("no panic");
    });
}

#[test]
fn shuttle_finds_a_member_that_finishes_between_the_check_and_the_link() {
    expect_failure("link after finish", EXECUTIONS, "a member's end was lost", || {
        link_while_finishing(with(Bug::GroupLinkAfterFinish), 3);
    });
}

#[test]
fn shuttle_finds_the_double_end_of_a_cancelled_member() {
    expect_failure("double complete", EXECUTIONS, "each member's callback runs exactly once", || {
        let ((members, of_members), calls) = (members(with(Bug::CompletionDoubleComplete)), Calls::default());
        let all = group(CORRECT, &members, &calls);
        let threads = completers(&members, 3);
        all.abort();
        join(threads);
        let [io, no_space] = FAILURES;
        check(&all, &calls, &of_members, &[io, no_space, CompletionError::Aborted]);
    });
}

//! Each planted bug of the `io` class that shows on one thread really breaks the rule that it claims to break.
//!
//! `CompletionDoneBeforeCallback` shows here through the callback itself; `GroupLinkAfterFinish` needs a second thread
//! and is found by loom and shuttle.

use super::*;
use crate::bug::{Bug, Planted};

/// One rule: whether it holds with this planted.
type Rule = fn(Planted) -> bool;

fn write(planted: Planted, calls: &Calls) -> Completion {
    Completion::new_planted(CompletionKind::Write, planted, calls.recorder())
}

fn group(planted: Planted, members: &[&Completion], calls: &Calls) -> Completion {
    let mut group = CompletionGroup::new_planted(planted, calls.recorder());
    members.iter().for_each(|member| group.add(member));
    group.build()
}

fn callback_runs_once(planted: Planted) -> bool {
    let calls = Calls::default();
    let completion = write(planted, &calls);
    completion.complete(1);
    completion.abort();
    calls.seen() == [Ok(1)] && completion.callback_runs() == 1
}

fn a_member_is_counted_once(planted: Planted) -> bool {
    let (member, sibling, calls) = (write(planted, &Calls::default()), idle(), Calls::default());
    let group = group_of(&[&member, &sibling], &calls);
    member.complete(1);
    member.abort();
    !group.finished()
}

fn an_error_is_no_success(planted: Planted) -> bool {
    let completion = write(planted, &Calls::default());
    completion.error(CompletionError::Io);
    !completion.succeeded() && completion.failed()
}

fn a_nested_group_tells_its_parent(planted: Planted) -> bool {
    let (leaf, calls) = (idle(), Calls::default());
    let inner = group(planted, &[&leaf], &Calls::default());
    let outer = group(planted, &[&inner], &calls);
    leaf.complete(0);
    inner.finished() && outer.finished() && calls.seen() == [Ok(0)]
}

fn each_member_wakes_the_waiter(planted: Planted) -> bool {
    let (first, last) = (idle(), idle());
    let group = group(planted, &[&first, &last], &Calls::default());
    let (watch, waker) = counting_waker();
    group.set_waker(&waker);
    first.complete(0);
    watch.calls() == 1
}

fn finished_means_that_the_callback_has_run(planted: Planted) -> bool {
    let slot = Arc::new(Mutex::new(None::<Completion>));
    let seen = Arc::new(AtomicU32::new(0));
    let (own, note) = (Arc::clone(&slot), Arc::clone(&seen));
    let completion = Completion::new_planted(CompletionKind::Write, planted, move |_| {
        let own = own.lock().take().expect("set before the end");
        note.store(u32::from(own.finished()), Ordering::Relaxed);
    });
    *slot.lock() = Some(completion.clone());
    completion.complete(0);
    seen.load(Ordering::Relaxed) == 0
}

const TABLE: [(Bug, Rule); 6] = [
    (Bug::CompletionDoubleComplete, callback_runs_once),
    (Bug::CompletionDoubleComplete, a_member_is_counted_once),
    (Bug::CompletionErrorCountsAsSuccess, an_error_is_no_success),
    (Bug::GroupNestedParentNotTold, a_nested_group_tells_its_parent),
    (Bug::GroupNoProgressWake, each_member_wakes_the_waiter),
    (Bug::CompletionDoneBeforeCallback, finished_means_that_the_callback_has_run),
];

#[test]
fn each_planted_bug_breaks_its_rule_and_no_rule_is_broken_without_one() {
    for (bug, rule) in TABLE {
        assert!(rule(Planted::default()), "{}: the rule holds for the correct code", bug.id());
        assert!(!rule(Planted(Some(bug))), "{}: the planted bug breaks the rule", bug.id());
    }
}

//! Building a group while its members finish on other threads: no member is lost and none is counted twice.

use super::Stage;
use super::group::{FAILURES, check_eight, completers, eight_members};
use super::stage::{Calls, End};
use crate::io::CompletionError::Io;
use crate::io::{Completion, CompletionError, CompletionGroup};
use crate::sync::{current, park, race, waker};

const LANES: [&str; 2] = ["device 1", "device 2"];

fn check(all: &Completion, calls: &Calls, result: Result<i32, CompletionError>) {
    assert!(all.finished(), "IO-3: a member's end was lost");
    assert_eq!(calls.seen(), [result], "IO-3: the group's callback runs exactly once, with its result");
}

/// Links `N` members, each of which its own thread finishes meanwhile.
fn link<const N: usize>(stage: &Stage) {
    let calls = Calls::default();
    let members = [(); N].map(|()| stage.write("callbacks", &Calls::default()));
    let devices = LANES.into_iter().zip(&members);
    let mut all = None;
    race(devices.map(|(lane, member)| stage.device(lane, member, End::Complete(1))).collect(), || {
        stage.note("waiter", || "links …".into());
        all = Some(stage.group("group", &members, &calls));
        stage.note("waiter", || "… and has built its group".into());
    });
    check(&all.expect("the main thread has built it"), &calls, Ok(0));
}

pub(super) fn one(stage: &Stage) {
    link::<1>(stage);
}

pub(super) fn two(stage: &Stage) {
    link::<2>(stage);
}

pub(super) fn eight(stage: &Stage) {
    let (calls, of_members) = (Calls::default(), Calls::default());
    let members = eight_members(stage, &of_members);
    let mut all = None;
    race(completers(stage, &members, 3), || all = Some(stage.group("group", &members, &calls)));
    check_eight(&all.expect("the main thread has built it"), &calls, &of_members, &FAILURES);
}

/// Links two members while they finish, then waits for the group as a runtime's worker does: leaves a waker, looks, sleeps.
pub(super) fn and_wait(stage: &Stage) {
    let calls = Calls::default();
    let members = [(); 2].map(|()| stage.write("callbacks", &Calls::default()));
    let devices = LANES.into_iter().zip(&members);
    race(devices.map(|(lane, member)| stage.device(lane, member, End::Complete(1))).collect(), || {
        let all = stage.group("group", &members, &calls);
        stage.note("waiter", || "has built its group, and waits".into());
        let waiter = current();
        let waker = waker(move || waiter.unpark());
        while !all.finished() {
            all.set_waker(&waker);
            if !all.finished() {
                park();
            }
        }
        check(&all, &calls, Ok(0));
    });
}

/// The inner group finishes while the outer one links it.
pub(super) fn group(stage: &Stage) {
    let (inner_calls, calls) = (Calls::default(), Calls::default());
    let [a, b] = ["a", "b"].map(|name| stage.write(name, &Calls::default()));
    let inner = stage.group("inner", [&a, &b], &inner_calls);
    let devices = [stage.device(LANES[0], &a, End::Complete(1)), stage.device(LANES[1], &b, End::Error(Io))];
    let mut outer = None;
    race(devices.into(), || outer = Some(stage.group("outer", [&inner], &calls)));
    check(&inner, &inner_calls, Err(Io));
    check(&outer.expect("the main thread has built it"), &calls, Err(Io));
}

/// A builder is dropped, and another group takes its member, while that finishes.
pub(super) fn give_up(stage: &Stage) {
    let (given_up, calls, of_member) = (Calls::default(), Calls::default(), Calls::default());
    let member = stage.write("callback", &of_member);
    let mut builder = CompletionGroup::new_planted(stage.planted, given_up.recorder(stage, "given up"));
    builder.add(&member);
    let mut second = None;
    race(vec![stage.device(LANES[0], &member, End::Complete(1))], || {
        drop(builder);
        second = Some(stage.group("second", [&member], &calls));
    });
    check(&second.expect("the main thread has built it"), &calls, Ok(0));
    assert_eq!(
        (of_member.seen(), given_up.seen()),
        (vec![Ok(1)], vec![]),
        "IO-1: one end of the member, none given up"
    );
}

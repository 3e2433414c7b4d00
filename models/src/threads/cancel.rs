//! Cancelling a group while the device finishes its members: each member ends one way, the group once.

use super::Stage;
use super::group::{FAILURES, check_eight, completers, eight_members};
use super::stage::{Calls, End};
use crate::io::CompletionError::Aborted;
use crate::io::{Completion, CompletionGroup};
use crate::sync::{Body, race};

const LANES: [&str; 2] = ["device 1", "device 2"];

fn check(members: &[Completion], of_members: &Calls, all: &Completion, calls: &Calls) {
    assert_eq!(of_members.seen().len(), members.len(), "IO-1: each member ends exactly once");
    let aborted = members.iter().any(|member| member.get_error() == Some(Aborted));
    let result = if aborted { Err(Aborted) } else { Ok(0) };
    assert_eq!(calls.seen(), [result], "IO-3: the group ends once, and aborted if a member was");
    assert_eq!(all.get_error(), result.err(), "IO-3: the group's callback and its handle tell the same");
    for member in members {
        assert!(member.succeeded() || member.get_error() == Some(Aborted), "IO-1: a member ends as somebody said");
    }
}

fn devices(stage: &Stage, members: &[Completion]) -> Vec<Body> {
    let devices = LANES.into_iter().zip(members);
    devices.map(|(lane, member)| stage.device(lane, member, End::Complete(1))).collect()
}

fn abort_built<const N: usize>(stage: &Stage) {
    let (calls, of_members) = (Calls::default(), Calls::default());
    let members = [(); N].map(|()| stage.write("callbacks", &of_members));
    let all = stage.group("group", &members, &calls);
    race(devices(stage, &members), || {
        stage.end("waiter", &all, End::Abort);
    });
    check(&members, &of_members, &all, &calls);
}

pub(super) fn one(stage: &Stage) {
    abort_built::<1>(stage);
}

pub(super) fn two(stage: &Stage) {
    abort_built::<2>(stage);
}

pub(super) fn unbuilt(stage: &Stage) {
    let (calls, of_members) = (Calls::default(), Calls::default());
    let members = [(); 2].map(|()| stage.write("callbacks", &of_members));
    let mut all = None;
    race(devices(stage, &members), || {
        let mut builder = CompletionGroup::new_planted(stage.planted, calls.recorder(stage, "group"));
        members.iter().for_each(|member| builder.add(member));
        stage.note("waiter", || "cancels".into());
        builder.cancel();
        all = Some(builder.build());
    });
    check(&members, &of_members, &all.expect("the main thread has built it"), &calls);
}

pub(super) fn eight(stage: &Stage) {
    let (calls, of_members) = (Calls::default(), Calls::default());
    let members = eight_members(stage, &of_members);
    let all = stage.group("group", &members, &calls);
    let mut threads = completers(stage, &members, 3);
    let (canceller, canceller_stage) = (all.clone(), stage.clone());
    threads.push(Box::new(move || {
        canceller_stage.end("canceller", &canceller, End::Abort);
    }));
    race(threads, || {});
    let [io, no_space] = FAILURES;
    check_eight(&all, &calls, &of_members, &[io, no_space, Aborted]);
}

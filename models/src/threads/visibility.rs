//! Whoever sees that a completion has finished sees everything that its callback did, also through groups.
//!
//! The callbacks' effects are relaxed stores: nothing but the completion itself can order them.

use super::Stage;
use super::stage::{Calls, End};
use crate::io::{Completion, CompletionKind};
use crate::sync::{Arc, AtomicU32, Ordering::Relaxed, race};

fn storing(stage: &Stage, effect: &Arc<AtomicU32>) -> Completion {
    let (stage, effect) = (stage.clone(), Arc::clone(effect));
    Completion::new_planted(CompletionKind::Write, stage.planted, move |_| {
        effect.store(7, Relaxed);
        stage.note("callback", || "has stored its effect".into());
    })
}

pub(super) fn observer(stage: &Stage) {
    let effect = Arc::new(AtomicU32::new(0));
    let completion = storing(stage, &effect);
    race(vec![stage.device("device", &completion, End::Complete(1))], || {
        let finished = completion.finished();
        stage.note("waiter", || format!("looks: finished is {finished}"));
        if finished {
            assert_eq!(effect.load(Relaxed), 7, "IO-2: finished before its callback's effect");
            assert_eq!(completion.transferred(), Some(1), "IO-2: finished without its result");
        }
    });
    assert!(completion.succeeded());
}

pub(super) fn group_observer(stage: &Stage) {
    let effects = [0, 1].map(|_| Arc::new(AtomicU32::new(0)));
    let members = effects.each_ref().map(|effect| storing(stage, effect));
    let all = stage.group("group", &members, &Calls::default());
    let devices = ["device 1", "device 2"].into_iter().zip(&members);
    race(devices.map(|(lane, member)| stage.device(lane, member, End::Complete(0))).collect(), || {
        let finished = all.finished();
        stage.note("waiter", || format!("looks: the group's finished is {finished}"));
        if finished {
            let seen = effects.each_ref().map(|effect| effect.load(Relaxed));
            assert_eq!(seen, [7, 7], "IO-2: the group finished before its members' effects");
        }
        for (member, effect) in members.iter().zip(&effects) {
            if member.finished() {
                assert_eq!(effect.load(Relaxed), 7, "IO-2: a member finished before its callback's effect");
            }
        }
    });
    assert!(all.succeeded());
}

//! Whoever sees that a completion has finished sees everything that its callback did, also through groups and wakers.
//!
//! The callbacks' effects are relaxed stores: nothing but the completion itself can order them.
//! Bounds: one or two completer threads beside the observing main thread; fully explored.

mod support;

use falken_models_loom::bug::{Bug, Planted};
use falken_models_loom::io::{Completion, CompletionKind};
use falken_models_loom::sync::Arc;
use loom::sync::atomic::{AtomicU32, Ordering::Relaxed};
use support::{Bound, CORRECT, Calls, expect_failure, explore, group, join, take_part, thread, with};

fn storing(planted: Planted, effect: &Arc<AtomicU32>, value: u32) -> Completion {
    let effect = Arc::clone(effect);
    Completion::new_planted(CompletionKind::Write, planted, move |_| effect.store(value, Relaxed))
}

fn observer_of_one(planted: Planted) {
    let effect = Arc::new(AtomicU32::new(0));
    let completion = storing(planted, &effect, 7);
    let device = completion.clone();
    let device = thread(move || device.complete(1));
    take_part();
    if completion.finished() {
        assert_eq!(effect.load(Relaxed), 7, "finished before its callback's effect");
        assert_eq!(completion.transferred(), Some(1));
    }
    device.join().expect("no panic");
    assert!(completion.succeeded());
}

#[test]
fn finished_means_that_the_callbacks_effect_is_visible() {
    explore("observer of one completion", Bound::Full, || observer_of_one(CORRECT));
}

#[test]
fn a_finished_group_means_that_every_members_effect_is_visible() {
    explore("observer of a group", Bound::Full, || {
        let effects = [0, 1].map(|_| Arc::new(AtomicU32::new(0)));
        let members = effects.each_ref().map(|effect| storing(CORRECT, effect, 7));
        let all = group(CORRECT, &members.each_ref(), &Calls::default());
        let devices = members.map(|member| thread(move || member.complete(0)));
        take_part();
        if all.finished() {
            assert!(effects.iter().all(|effect| effect.load(Relaxed) == 7), "the group finished too early");
        }
        join(devices);
        assert!(all.succeeded());
    });
}

#[test]
fn loom_finds_a_completion_that_is_done_before_its_callback() {
    expect_failure("done before callback", Bound::Full, "finished before its callback's effect", || {
        observer_of_one(with(Bug::CompletionDoneBeforeCallback));
    });
}

//! A callback runs while its thread holds no lock (IO-7), so it may ask for whatever another callback asks for.
//!
//! Bounds: two completions, one completer thread each; fully explored.

mod support;

use std::sync::{Arc as StdArc, OnceLock};
use std::task::Waker;

use falken_models_loom::bug::{Bug, Planted};
use falken_models_loom::io::{Completion, CompletionKind};
use support::{Bound, CORRECT, expect_failure, explore, take_part, thread, with};

/// Two operations end on two threads, and the callback of each registers a waker with the other.
fn crossed(planted: Planted) {
    // Invisible to loom: only so that each can know the other.
    let second: StdArc<OnceLock<Completion>> = StdArc::default();
    let later = StdArc::clone(&second);
    let a = Completion::new_planted(CompletionKind::Write, planted, move |_| {
        later.get().expect("both are made before one ends").set_waker(Waker::noop());
    });
    let first = a.clone();
    let b = Completion::new_planted(CompletionKind::Write, planted, move |_| first.set_waker(Waker::noop()));
    second.set(b.clone()).expect("it is set once");
    let device = a.clone();
    let device = thread(move || device.complete(1));
    take_part();
    b.complete(1);
    device.join().expect("no panic");
    assert!(a.succeeded() && b.succeeded());
}

#[test]
fn callbacks_that_use_each_others_completions_do_not_block_each_other() {
    explore("crossed callbacks", Bound::Full, || crossed(CORRECT));
}

#[test]
fn a_lock_held_across_a_callback_is_found() {
    let planted = with(Bug::CallbackLockReentry);
    expect_failure("callback.lock-reentry", Bound::Full, "deadlock", move || crossed(planted));
}

//! Registering a waker while the result arrives: no wake is lost, and none comes before the result is visible.
//!
//! Bounds: the main thread registers, one or two completer threads; fully explored.

mod support;

use std::sync::Arc as StdArc;
use std::task::{Wake, Waker};

use falken_models_loom::bug::{Bug, Planted};
use falken_models_loom::io::{Completion, CompletionKind};
use falken_models_loom::sync::Arc;
use loom::sync::atomic::{AtomicU32, Ordering::Relaxed};
use support::{Bound, CORRECT, Calls, Wakes, expect_failure, explore, group, join, take_part, thread, with, write};

#[test]
fn a_waker_registered_while_the_completion_finishes_is_called_once() {
    explore("register x complete", Bound::Full, || {
        let completion = write(CORRECT, &Calls::default());
        let device = completion.clone();
        let device = thread(move || device.complete(1));
        take_part();
        let (wakes, waker) = Wakes::new();
        completion.set_waker(&waker);
        device.join().expect("no panic");
        assert_eq!(wakes.count(), 1);
    });
}

#[test]
fn of_two_wakers_the_last_is_called_and_the_first_at_most_once() {
    explore("register twice x complete", Bound::Full, || {
        let completion = write(CORRECT, &Calls::default());
        let device = completion.clone();
        let device = thread(move || device.complete(1));
        take_part();
        let ((first, first_waker), (last, last_waker)) = (Wakes::new(), Wakes::new());
        completion.set_waker(&first_waker);
        completion.set_waker(&last_waker);
        device.join().expect("no panic");
        assert_eq!(last.count(), 1);
        assert!(first.count() <= 1);
    });
}

/// A member finishes while the group's waiter is replaced by another; then the last member finishes.
fn progress(planted: Planted) {
    let [member, last] = [(); 2].map(|()| write(CORRECT, &Calls::default()));
    let all = group(planted, &[&member, &last], &Calls::default());
    let ((old, old_waker), (new, new_waker)) = (Wakes::new(), Wakes::new());
    all.set_waker(&old_waker);
    let device = thread(move || member.complete(1));
    take_part();
    all.set_waker(&new_waker);
    device.join().expect("no panic");
    assert_eq!(old.count() + new.count(), 1, "one of them is woken for progress");
    last.complete(1);
    assert!(all.finished());
    assert!(new.count() >= 1 && old.count() + new.count() == 2, "the waiter in place is woken at the end");
}

#[test]
fn a_members_end_wakes_whoever_waits_for_the_group() {
    explore("group progress", Bound::Full, || progress(CORRECT));
}

/// Two members that finish at once may share one wake: the one that comes second finds the waiter already told.
#[test]
fn a_waker_registered_while_a_group_finishes_is_not_lost() {
    for registered_first in [true, false] {
        explore("register on group x 2 members", Bound::Full, move || {
            let members = [(); 2].map(|()| write(CORRECT, &Calls::default()));
            let all = group(CORRECT, &members.each_ref(), &Calls::default());
            let (wakes, waker) = Wakes::new();
            if registered_first {
                all.set_waker(&waker);
            }
            let devices = members.map(|member| thread(move || member.complete(1)));
            take_part();
            if !registered_first {
                all.set_waker(&waker);
            }
            join(devices);
            assert!((1..=2).contains(&wakes.count()), "{} wakes", wakes.count());
        });
    }
}

/// A waker that checks what a woken task checks: that the callback's relaxed store is visible.
struct Observer {
    completion: std::sync::Mutex<Option<Completion>>,
    effect: Arc<AtomicU32>,
    woken: std::sync::atomic::AtomicBool,
}

impl Wake for Observer {
    fn wake(self: StdArc<Self>) {
        let completion = self.completion.lock().expect("never poisoned").take();
        assert!(completion.is_some_and(|completion| completion.finished()), "woken before the end");
        assert_eq!(self.effect.load(Relaxed), 7, "woken before the callback's effect");
        self.woken.store(true, Relaxed);
    }
}

#[test]
fn the_result_and_the_callbacks_effect_are_visible_to_whoever_is_woken() {
    explore("woken observer", Bound::Full, || {
        let effect = Arc::new(AtomicU32::new(0));
        let stored = Arc::clone(&effect);
        let completion = Completion::new_planted(CompletionKind::Write, CORRECT, move |_| stored.store(7, Relaxed));
        let observer = StdArc::new(Observer {
            completion: std::sync::Mutex::new(Some(completion.clone())),
            effect,
            woken: std::sync::atomic::AtomicBool::new(false),
        });
        let device = completion.clone();
        let device = thread(move || device.complete(1));
        take_part();
        completion.set_waker(&Waker::from(StdArc::clone(&observer)));
        device.join().expect("no panic");
        assert!(observer.woken.load(Relaxed));
    });
}

#[test]
fn loom_finds_a_group_that_does_not_wake_for_progress() {
    expect_failure("no progress wake", Bound::Preemptions(2), "woken for progress", || {
        progress(with(Bug::GroupNoProgressWake));
    });
}

//! Registering a waker while the result arrives: no wake is lost, and none comes before the result and the callback's
//! effect are visible.

use std::task::Waker;

use super::Stage;
use super::stage::{Calls, End};
use crate::io::{Completion, CompletionKind};
use crate::sync::{Arc, AtomicU32, Ordering::Relaxed, Unseen, race, waker};

/// A waker that counts its calls.
fn counting(stage: &Stage, name: &'static str) -> (Unseen<u32>, Waker) {
    let (count, stage) = (Unseen::new(0), stage.clone());
    let counted = count.clone();
    let waker = waker(move || {
        stage.note(name, || "is woken".into());
        counted.with(|count| *count += 1);
    });
    (count, waker)
}

fn count(wakes: &Unseen<u32>) -> u32 {
    wakes.with(|count| *count)
}

/// A completion whose callback has an effect, and a waker that checks what a woken task checks.
fn observed(stage: &Stage) -> (Completion, Unseen<u32>, Waker) {
    let effect = Arc::new(AtomicU32::new(0));
    let stored = Arc::clone(&effect);
    let completion = Completion::new_planted(CompletionKind::Write, stage.planted, move |_| stored.store(7, Relaxed));
    let (wakes, counted) = counting(stage, "waiter");
    // The waker lies in the completion, so it must not own the completion for good.
    let own = Unseen::new(Some(completion.clone()));
    let observer = waker(move || {
        if let Some(completion) = own.with(Option::take) {
            assert!(completion.finished(), "IO-8: woken before the end");
            assert_eq!(effect.load(Relaxed), 7, "IO-2: woken before the callback's effect");
        }
        counted.wake_by_ref();
    });
    (completion, wakes, observer)
}

pub(super) fn registration(stage: &Stage) {
    let (completion, wakes, observer) = observed(stage);
    race(vec![stage.device("device", &completion, End::Complete(1))], || {
        stage.note("waiter", || "registers its waker".into());
        completion.set_waker(&observer);
    });
    assert_eq!(count(&wakes), 1, "IO-8: whoever waits is woken once");
}

pub(super) fn replaced(stage: &Stage) {
    let (completion, wakes, observer) = observed(stage);
    let (first, first_waker) = counting(stage, "first waiter");
    race(vec![stage.device("device", &completion, End::Complete(1))], || {
        completion.set_waker(&first_waker);
        completion.set_waker(&observer);
    });
    assert_eq!(count(&wakes), 1, "IO-8: the waker registered last is called");
    assert!(count(&first) <= 1, "IO-8: a replaced waker is called at most once");
}

/// A member finishes while the group's waiter is replaced by another; then the last member finishes.
pub(super) fn progress(stage: &Stage) {
    let [member, last] = ["a", "b"].map(|name| stage.write(name, &Calls::default()));
    let all = stage.group("group", [&member, &last], &Calls::default());
    let ((old, old_waker), (new, new_waker)) = (counting(stage, "old waiter"), counting(stage, "new waiter"));
    all.set_waker(&old_waker);
    race(vec![stage.device("device", &member, End::Complete(1))], || all.set_waker(&new_waker));
    assert_eq!(count(&old) + count(&new), 1, "IO-8: one of the waiters is woken for progress");
    last.complete(1);
    assert!(all.finished());
    assert!(count(&new) >= 1 && count(&old) + count(&new) == 2, "IO-8: the waiter in place is woken at the end");
}

/// Two members that finish at once may share one wake: the one that comes second finds the waiter already told.
pub(super) fn group(stage: &Stage) {
    let members = [(); 2].map(|()| observed(stage).0);
    let effects = Calls::default();
    let all = stage.group("group", &members, &effects);
    let own = Unseen::new(Some(all.clone()));
    let (wakes, counted) = counting(stage, "waiter");
    let (told, seen_by_waker) = (effects.clone(), own.clone());
    let observer = waker(move || {
        // Taken out, because a backend must see neither its use nor its drop while it is lent.
        if let Some(all) = seen_by_waker.with(Option::take) {
            if all.finished() {
                assert_eq!(told.seen().len(), 1, "IO-2: woken by a group whose callback has not run");
            }
            seen_by_waker.with(|own| *own = Some(all));
        }
        counted.wake_by_ref();
    });
    let devices = ["device 1", "device 2"].into_iter().zip(&members);
    race(devices.map(|(lane, member)| stage.device(lane, member, End::Complete(1))).collect(), || {
        all.set_waker(&observer);
    });
    // The waker lies in the group, so what it owns must not own the group for good.
    drop(own.with(Option::take));
    assert!((1..=2).contains(&count(&wakes)), "IO-8: the waiter is woken once or twice, not {}", count(&wakes));
}

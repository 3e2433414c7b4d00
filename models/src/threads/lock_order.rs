//! Callbacks run with no lock held, so a callback may use its own completion, and those of two completions each other's.

use super::Stage;
use super::stage::End;
use crate::io::{Buffer, Completion, CompletionKind};
use crate::sync::{Unseen, race, waker};

/// Two completions whose callbacks each hand a buffer to the other one, finished by two threads.
pub(super) fn cross(stage: &Stage) {
    let (others, runs) = ([Unseen::new(None), Unseen::new(None)], Unseen::new(0));
    let of = |own: &'static str, other: &Unseen<Option<Completion>>| {
        let (stage, other, runs) = (stage.clone(), other.clone(), runs.clone());
        Completion::new_planted(CompletionKind::Write, stage.planted, move |_| {
            let other: Completion = other.with(Option::take).expect("the other one is known before the threads start");
            stage.note(own, || "uses the other completion …".into());
            other.keep_buffer_alive(Buffer::zeroed(1));
            stage.note(own, || "… and returns".into());
            runs.with(|runs| *runs += 1);
        })
    };
    let completions = [of("callback 1", &others[0]), of("callback 2", &others[1])];
    for (other, completion) in others.iter().zip(completions.iter().rev()) {
        // What a backend sees is cloned and dropped outside of what it does not see.
        let handle = completion.clone();
        other.with(|other| *other = Some(handle));
    }
    let devices = ["device 1", "device 2"].into_iter().zip(&completions);
    race(devices.map(|(lane, completion)| stage.device(lane, completion, End::Complete(1))).collect(), || {});
    assert_eq!(runs.with(|runs| *runs), 2, "IO-1: each callback runs exactly once");
}

/// A completion whose callback uses the completion itself, while the waiter leaves a waker.
pub(super) fn own(stage: &Stage) {
    let (own, runs) = (Unseen::new(None), Unseen::new(0));
    let (taken, counted, notes) = (own.clone(), runs.clone(), stage.clone());
    let completion = Completion::new_planted(CompletionKind::Write, stage.planted, move |_| {
        let own: Completion = taken.with(Option::take).expect("it is known before the threads start");
        notes.note("callback", || "uses its own completion …".into());
        own.keep_buffer_alive(Buffer::zeroed(1));
        notes.note("callback", || "… and returns".into());
        counted.with(|runs| *runs += 1);
    });
    let handle = completion.clone();
    own.with(|own| *own = Some(handle));
    race(vec![stage.device("device", &completion, End::Complete(1))], || completion.set_waker(&waker(|| ())));
    assert_eq!(runs.with(|runs| *runs), 1, "IO-1: the callback runs exactly once");
    assert!(completion.succeeded(), "IO-4: a result was lost");
}

//! Races for the terminal result of one completion: exactly one contender wins, its result stays, the callback runs once
//! with it.

use super::Stage;
use super::stage::{Calls, End};
use crate::io::CompletionError::Io;
use crate::sync::{Body, Unseen, race};

const LANES: [&str; 3] = ["first", "second", "third"];

/// All contenders on threads of their own; the main thread looks when they are through.
fn contend(stage: &Stage, ends: &[End]) {
    let calls = Calls::default();
    let completion = stage.write("callback", &calls);
    let told: Unseen<Vec<Option<bool>>> = Unseen::new(vec![None; ends.len()]);
    let contender = |(at, &end): (usize, &End)| -> Body {
        let (stage, completion, told) = (stage.clone(), completion.clone(), told.clone());
        Box::new(move || {
            let first = stage.end(LANES[at], &completion, end);
            told.with(|told| told[at] = first);
        })
    };
    race(ends.iter().enumerate().map(contender).collect(), || {});

    let seen = calls.seen();
    assert_eq!(seen.len(), 1, "IO-1: the callback runs exactly once: {seen:?}");
    let winner = ends.iter().position(|end| end.result() == seen[0]).expect("a contender's result");
    for (at, told) in told.with(|told| told.clone()).into_iter().enumerate() {
        assert_eq!(told.unwrap_or(at == winner), at == winner, "IO-1: the winner is told, the others too");
    }
    assert_eq!(completion.get_error(), seen[0].err(), "IO-1: the first result stays");
    assert_eq!(completion.transferred(), seen[0].ok(), "IO-1: the first result stays");
    assert_eq!(completion.callback_runs(), 1, "IO-1: the callback runs exactly once");
}

pub(super) fn complete_complete(stage: &Stage) {
    contend(stage, &[End::Complete(1), End::Complete(2)]);
}

pub(super) fn complete_abort(stage: &Stage) {
    contend(stage, &[End::Complete(1), End::Abort]);
}

pub(super) fn error_abort(stage: &Stage) {
    contend(stage, &[End::Error(Io), End::Abort]);
}

pub(super) fn complete_error(stage: &Stage) {
    contend(stage, &[End::Complete(1), End::Error(Io)]);
}

pub(super) fn complete_error_abort(stage: &Stage) {
    contend(stage, &[End::Complete(1), End::Error(Io), End::Abort]);
}

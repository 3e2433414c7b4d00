//! Races for the terminal result of one completion: exactly one contender wins, its result stays, the callback runs
//! once with it.
//!
//! Bounds: two contenders beside the main thread fully; three with at most 4 preemptions.

mod support;

use falken_models_loom::bug::{Bug, Planted};
use falken_models_loom::io::{Completion, CompletionError};
use support::{Bound, CORRECT, Calls, expect_failure, explore, thread, with, write};

/// What one contender does.
#[derive(Clone, Copy)]
enum End {
    Complete(i32),
    Error(CompletionError),
    Abort,
}

impl End {
    fn apply(self, completion: &Completion) -> Option<bool> {
        match self {
            Self::Complete(n) => Some(completion.complete(n)),
            Self::Error(error) => Some(completion.error(error)),
            Self::Abort => {
                completion.abort();
                None
            }
        }
    }

    fn result(self) -> Result<i32, CompletionError> {
        match self {
            Self::Complete(n) => Ok(n),
            Self::Error(error) => Err(error),
            Self::Abort => Err(CompletionError::Aborted),
        }
    }
}

/// All contenders on threads of their own; the main thread looks when they are through.
fn race(planted: Planted, ends: &[End]) {
    let calls = Calls::default();
    let completion = write(planted, &calls);
    let threads: Vec<_> = ends
        .iter()
        .map(|&end| {
            let handle = completion.clone();
            thread(move || end.apply(&handle))
        })
        .collect();
    let won: Vec<_> = threads.into_iter().map(|thread| thread.join().expect("no panic")).collect();

    let seen = calls.seen();
    assert_eq!(seen.len(), 1, "the callback runs exactly once");
    let winner = ends.iter().position(|end| end.result() == seen[0]).expect("a contender's result");
    for (at, won) in won.into_iter().enumerate() {
        assert_eq!(won.unwrap_or(at == winner), at == winner, "the winner is told, the others too");
    }
    assert_eq!(completion.get_error(), seen[0].err());
    assert_eq!(completion.transferred(), seen[0].ok());
    assert_eq!(completion.callback_runs(), 1);
}

#[test]
fn the_first_of_two_terminal_results_wins() {
    let io = End::Error(CompletionError::Io);
    for (what, ends) in [
        ("complete x complete", [End::Complete(1), End::Complete(2)]),
        ("complete x abort", [End::Complete(1), End::Abort]),
        ("error x abort", [io, End::Abort]),
        ("complete x error", [End::Complete(1), io]),
    ] {
        explore(what, Bound::Full, move || race(CORRECT, &ends));
    }
}

#[test]
fn the_first_of_three_terminal_results_wins() {
    let ends = [End::Complete(1), End::Error(CompletionError::Io), End::Abort];
    explore("complete x error x abort", Bound::Preemptions(4), move || race(CORRECT, &ends));
}

#[test]
fn loom_finds_the_second_callback_of_a_double_complete() {
    let ends = [End::Complete(1), End::Abort];
    expect_failure("double complete", Bound::Full, "exactly once", move || {
        race(with(Bug::CompletionDoubleComplete), &ends);
    });
}

//! One completion: its terminal result, its callback, and the order between the two.

use super::*;

/// One way to give a completion its terminal result.
#[derive(Clone, Copy, Debug)]
enum End {
    Complete(i32),
    Error(CompletionError),
    Abort,
}

impl End {
    const ALL: [Self; 4] = [Self::Complete(0), Self::Complete(512), Self::Error(CompletionError::Io), Self::Abort];

    /// Applies it; `None` for an abort, which does not tell whether it was first.
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

fn assert_has(completion: &Completion, result: Result<i32, CompletionError>) {
    assert!(completion.finished());
    assert_eq!(completion.succeeded(), result.is_ok());
    assert_eq!(completion.failed(), result.is_err());
    assert_eq!(completion.get_error(), result.err());
    assert_eq!(completion.transferred(), result.ok());
}

#[test]
fn a_new_completion_is_unfinished_and_claims_nothing() {
    for completion in one_of_each(&Calls::default()) {
        assert!(!completion.finished() && !completion.succeeded() && !completion.failed());
        assert_eq!((completion.get_error(), completion.transferred()), (None, None));
        assert_eq!(completion.callback_runs(), 0);
    }
}

#[test]
fn the_first_terminal_result_wins_and_a_second_changes_nothing() {
    for first in End::ALL {
        for second in End::ALL {
            let calls = Calls::default();
            for completion in one_of_each(&calls) {
                assert_ne!(first.apply(&completion), Some(false), "{first:?} came first");
                assert_ne!(second.apply(&completion), Some(true), "{second:?} came after {first:?}");
                assert_has(&completion, first.result());
                assert_eq!(completion.callback_runs(), 1);
            }
            assert_eq!(calls.seen(), [first.result(); 4], "{first:?} then {second:?}");
        }
    }
}

#[test]
fn every_error_is_reported_as_itself() {
    for error in CompletionError::ALL {
        let completion = idle();
        assert!(completion.error(error));
        assert_has(&completion, Err(error));
    }
}

#[test]
fn a_read_hands_its_buffer_to_the_callback() {
    let buffer = Buffer::from_vec(vec![7; 4]);
    let seen = Arc::new(Mutex::new(None));
    let slot = Arc::clone(&seen);
    let read = Completion::new_read(Arc::clone(&buffer), move |result| *slot.lock() = result.ok());
    read.complete(4);
    let (got, n) = seen.lock().take().expect("the callback ran");
    assert!(Arc::ptr_eq(&got, &buffer));
    assert_eq!(n, 4);
}

#[test]
fn a_negative_transfer_count_survives_the_atomic_word() {
    let completion = idle();
    completion.complete(-1);
    assert_eq!(completion.transferred(), Some(-1));
}

#[test]
fn handles_are_clones_of_one_outcome() {
    let (a, other) = (idle(), idle());
    let b = a.clone();
    b.complete(3);
    assert_has(&a, Ok(3));
    assert!(a.same_as(&b) && !a.same_as(&other));
    assert!(!Completion::new_yield().same_as(&Completion::new_yield()), "a yield is nothing to be the same as");
}

#[test]
fn an_explicit_yield_is_always_finished_and_takes_no_result() {
    let completion = Completion::new_yield();
    assert!(completion.is_explicit_yield());
    assert_eq!(completion.kind(), CompletionKind::Yield);
    for end in End::ALL {
        assert_ne!(end.apply(&completion), Some(true));
        assert_has(&completion, Ok(0));
    }
    assert_eq!(completion.callback_runs(), 0);
}

/// A completion whose callback calls `f` with the completion itself.
fn with_own_handle(f: impl Fn(&Completion) + Send + 'static) -> Completion {
    let slot = Arc::new(Mutex::new(None));
    let own = Arc::clone(&slot);
    let completion = Completion::new_write(move |_| {
        let own: Option<Completion> = own.lock().take();
        f(&own.expect("set before the end"));
    });
    *slot.lock() = Some(completion.clone());
    completion
}

#[test]
fn a_completion_is_not_finished_while_its_callback_runs_and_never_again_unfinished() {
    let completion = with_own_handle(|own| {
        assert!(!own.finished() && !own.succeeded() && !own.failed());
        assert_eq!((own.get_error(), own.transferred()), (None, None));
    });
    completion.complete(1);
    for end in End::ALL {
        assert!(completion.finished());
        end.apply(&completion);
    }
    assert_has(&completion, Ok(1));
}

#[test]
fn ending_a_completion_in_its_own_callback_is_harmless() {
    for end in End::ALL {
        let completion = with_own_handle(move |own| assert_ne!(end.apply(own), Some(true)));
        assert!(completion.complete(9));
        assert_has(&completion, Ok(9));
        assert_eq!(completion.callback_runs(), 1);
    }
}

#[test]
fn a_callback_may_finish_other_completions() {
    let other = idle();
    let inner = other.clone();
    let completion = Completion::new_sync(move |_| {
        inner.complete(2);
    });
    completion.complete(1);
    assert_has(&other, Ok(2));
}

#[test]
fn the_debug_form_names_kind_and_state() {
    let completion = Completion::new_trunc(|_| {});
    assert_eq!(format!("{completion:?}"), "Completion(Truncate, pending)");
    completion.complete(0);
    assert_eq!(format!("{completion:?}"), "Completion(Truncate, ok)");
    let failed = idle();
    failed.abort();
    assert_eq!(format!("{failed:?}"), "Completion(Sync, failed)");
    assert_eq!(format!("{:?}", Completion::new_yield()), "Completion(yield)");
}

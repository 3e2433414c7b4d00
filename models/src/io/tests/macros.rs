//! The macros and the small methods around [`IOResult`].

use super::*;
use crate::io::{IOCompletions, IOResult};
use crate::{io_yield_one, return_and_restore_if_io, return_if_io};

type Outcome = Result<IOResult<u32>, &'static str>;

fn wait() -> Outcome {
    io_yield_one!(Completion::new_yield())
}

#[test]
fn return_if_io_gives_the_value_or_leaves_with_the_wait_or_the_error() {
    fn caller(inner: Outcome, after: &mut bool) -> Outcome {
        let value = return_if_io!(inner);
        *after = true;
        Ok(IOResult::Done(value + 1))
    }
    let mut after = false;
    assert!(matches!(caller(wait(), &mut after), Ok(IOResult::IO(_))));
    assert!(matches!(caller(Err("broken"), &mut after), Err("broken")));
    assert!(!after, "nothing behind the macro ran");
    assert!(matches!(caller(Ok(IOResult::Done(1)), &mut after), Ok(IOResult::Done(2))));
    assert!(after);
}

#[test]
fn return_and_restore_if_io_puts_the_state_back_on_every_way_out() {
    fn caller(place: &mut Vec<u8>, inner: Outcome) -> Outcome {
        let saved = std::mem::take(place);
        let value = return_and_restore_if_io!(*place, saved, inner);
        Ok(IOResult::Done(value + saved.len() as u32))
    }
    let mut place = vec![1, 2, 3];
    assert!(matches!(caller(&mut place, wait()), Ok(IOResult::IO(_))));
    assert_eq!(place, [1, 2, 3]);
    assert!(matches!(caller(&mut place, Err("broken")), Err("broken")));
    assert_eq!(place, [1, 2, 3]);
    assert!(matches!(caller(&mut place, Ok(IOResult::Done(4))), Ok(IOResult::Done(7))));
    assert!(place.is_empty(), "a finished caller keeps what it took");
}

#[test]
fn io_yield_one_waits_for_the_given_completion() {
    fn caller(c: &Completion) -> Outcome {
        io_yield_one!(c.clone())
    }
    let completion = idle();
    let Ok(IOResult::IO(io)) = caller(&completion) else {
        panic!("it waits");
    };
    assert!(!io.finished() && !io.is_explicit_yield());
    let (watch, waker) = counting_waker();
    io.set_waker(&waker);
    io.abort();
    assert_eq!(completion.get_error(), Some(CompletionError::Aborted));
    assert_eq!((io.get_error(), watch.calls()), (Some(CompletionError::Aborted), 1));
}

#[test]
fn an_explicit_yield_is_a_wait_that_is_already_over() {
    let Ok(IOResult::IO(io)) = wait() else {
        panic!("it waits");
    };
    assert!(io.finished() && io.is_explicit_yield());
    assert_eq!(io.get_error(), None);
}

#[test]
fn map_changes_the_value_and_keeps_the_wait() {
    assert!(matches!(IOResult::Done(2).map(|n| n * 2), IOResult::Done(4)));
    let waiting = IOResult::<u32>::IO(IOCompletions::Single(idle()));
    assert!(waiting.is_io());
    assert!(waiting.map(|n| n * 2).is_io());
}

//! The contract of re-entry, in its wrong and its right form.
//!
//! A function that yielded is called again *from its top*. What it changed before the yield it changes again, unless
//! the change comes after the last possible yield or the function remembers how far it got. Each pair below does the
//! same work, collecting a chain of pages; the wrong form is the shape of real defects.

use super::*;
use crate::io::{IOCompletions, IOResult, StateMachine, StateTransition, TransitionResult};
use crate::return_if_io;

type Outcome<T> = Result<IOResult<T>, CompletionError>;

/// Pages 1 to 3, each of which must be waited for `waits` times.
struct Pages {
    waits: u32,
    waited: u32,
}

const CHAIN: [u32; 3] = [1, 2, 3];

impl Pages {
    fn load(&mut self, page: u32) -> Outcome<u32> {
        if self.waited < self.waits {
            self.waited += 1;
            return Ok(IOResult::IO(IOCompletions::Single(Completion::new_yield())));
        }
        self.waited = 0;
        Ok(IOResult::Done(page * 100))
    }
}

/// Calls an operation until it is done, as every caller must.
fn drive<T>(mut step: impl FnMut() -> Outcome<T>) -> T {
    loop {
        if let IOResult::Done(value) = step().expect("no faults") {
            return value;
        }
    }
}

#[derive(Default)]
struct Collect {
    next: usize,
    attempts: u32,
    out: Vec<u32>,
}

/// Wrong: the attempt is counted and the position moved before the yield, so re-entry does both again.
fn collect_wrong(op: &mut Collect, pages: &mut Pages) -> Outcome<Vec<u32>> {
    while op.next < CHAIN.len() {
        op.next += 1;
        op.attempts += 1;
        let page = return_if_io!(pages.load(CHAIN[op.next - 1]));
        op.out.push(page);
    }
    Ok(IOResult::Done(std::mem::take(&mut op.out)))
}

/// Right: nothing changes before the yield; all of a page's changes come together behind it.
fn collect_right(op: &mut Collect, pages: &mut Pages) -> Outcome<Vec<u32>> {
    while op.next < CHAIN.len() {
        let page = return_if_io!(pages.load(CHAIN[op.next]));
        op.next += 1;
        op.attempts += 1;
        op.out.push(page);
    }
    Ok(IOResult::Done(std::mem::take(&mut op.out)))
}

/// Runs a form with so many waits per page; returns what it collected and what it counted.
fn run(form: fn(&mut Collect, &mut Pages) -> Outcome<Vec<u32>>, waits: u32) -> (Vec<u32>, u32) {
    let (mut op, mut pages) = (Collect::default(), Pages { waits, waited: 0 });
    let out = drive(|| form(&mut op, &mut pages));
    (out, op.attempts)
}

#[test]
fn both_forms_agree_when_nothing_waits() {
    for form in [collect_wrong, collect_right] {
        assert_eq!(run(form, 0), (vec![100, 200, 300], 3));
    }
}

#[test]
fn changing_state_before_a_yield_skips_pages_on_re_entry() {
    assert_eq!(run(collect_wrong, 1), (vec![200], 3), "page 1 was passed over, page 3 never arrived");
    assert_eq!(run(collect_wrong, 3), (vec![], 3), "with more waits nothing is left");
}

#[test]
fn changing_state_only_behind_the_yield_gives_the_same_result_for_any_number_of_waits() {
    for waits in 0..10 {
        assert_eq!(run(collect_right, waits), (vec![100, 200, 300], 3), "{waits} waits per page");
    }
}

/// A state machine that frees a page and then waits for it to be gone.
struct Free {
    freed: bool,
    remembers: bool,
}

struct Freelist {
    count: u32,
    pages: Pages,
}

impl StateTransition<Freelist> for Free {
    type Output = ();
    type Error = CompletionError;

    fn transition(&mut self, list: &mut Freelist) -> Result<TransitionResult<()>, CompletionError> {
        // The right form sets its next state before it yields; the wrong one starts over.
        if !self.freed || !self.remembers {
            self.freed = true;
            list.count += 1;
        }
        match list.pages.load(1)? {
            IOResult::Done(_) => Ok(TransitionResult::Done(())),
            IOResult::IO(io) => Ok(TransitionResult::Io(io)),
        }
    }
}

#[test]
fn a_machine_that_remembers_its_step_frees_once_and_one_that_does_not_frees_per_wait() {
    for (remembers, waits, expected) in [(true, 0, 1), (true, 4, 1), (false, 0, 1), (false, 4, 5)] {
        let mut list = Freelist { count: 0, pages: Pages { waits, waited: 0 } };
        let mut machine = StateMachine::new(Free { freed: false, remembers });
        drive(|| machine.step(&mut list));
        assert_eq!(list.count, expected, "remembers: {remembers}, waits: {waits}");
    }
}

#[test]
fn an_operation_is_called_again_only_when_its_completion_has_finished() {
    /// Starts one write and waits for it; the completion it keeps is how it knows that it has started.
    fn write_once(slot: &mut Option<Completion>, submitted: &mut u32) -> Outcome<i32> {
        let write = slot.get_or_insert_with(|| {
            *submitted += 1;
            Completion::new_write(|_| {})
        });
        match (write.transferred(), write.get_error()) {
            (Some(n), _) => Ok(IOResult::Done(n)),
            (None, Some(error)) => Err(error),
            (None, None) => Ok(IOResult::IO(IOCompletions::Single(write.clone()))),
        }
    }
    for (end, expected) in [(Ok(512), Ok(512)), (Err(CompletionError::NoSpace), Err(CompletionError::NoSpace))] {
        let (mut slot, mut submitted) = (None, 0);
        // Spurious calls are allowed and submit nothing new.
        for _ in 0..3 {
            assert!(write_once(&mut slot, &mut submitted).expect("waits").is_io());
        }
        let write = slot.clone().expect("submitted");
        match end {
            Ok(n) => write.complete(n),
            Err(error) => write.error(error),
        };
        let outcome = write_once(&mut slot, &mut submitted).map(|outcome| match outcome {
            IOResult::Done(n) => n,
            IOResult::IO(_) => panic!("the wait is over"),
        });
        assert_eq!((outcome, submitted), (expected, 1));
    }
}

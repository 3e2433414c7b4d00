//! Every form under shuttle's own schedulers, those that are too large for loom above all; and the bugs that it must find.
//!
//! The bodies are those of `falken threads`; its samplers are tested where they are, in the threads crate.

mod support;

use falken_models_shuttle::bug::{Bug, Planted};
use falken_models_shuttle::threads::{Bound, Form, Stage, TABLE};
use shuttle::scheduler::{DfsScheduler, RandomScheduler, UncontrolledNondeterminismCheckScheduler};
use support::{SEED, explore, failure, run};

/// Schedules after which a depth-first search gives up.
const MOST: usize = 1_000_000;

fn is_large(form: &Form) -> bool {
    form.bound == Bound::TooLarge
}

#[test]
fn forms_too_large_for_loom_hold_in_samples() {
    for form in TABLE.iter().filter(|form| is_large(form)) {
        explore(form.name, 1_000, || (form.body)(&Stage::default()));
    }
}

#[test]
fn small_forms_hold_in_samples_too() {
    for form in TABLE.iter().filter(|form| !is_large(form)) {
        explore(form.name, 200, || (form.body)(&Stage::default()));
    }
}

#[test]
fn every_schedule_of_the_smallest_forms_is_tried() {
    for name in ["done-after-callback", "link-while-finishing", "waker-registration"] {
        let form = TABLE.iter().find(|form| form.name == name).expect("a form");
        let executions = run(DfsScheduler::new(Some(MOST), false), || (form.body)(&Stage::default()));
        println!("{name}: {executions} schedules, depth first");
        assert!(executions < MOST, "{name}: the search was not finished");
    }
}

#[test]
fn forms_do_the_same_twice_under_the_same_schedule() {
    for form in TABLE {
        let scheduler = UncontrolledNondeterminismCheckScheduler::new(RandomScheduler::new_from_seed(SEED, 20));
        run(scheduler, || (form.body)(&Stage::default()));
    }
}

#[test]
fn shuttle_finds_the_bugs_that_large_forms_show() {
    for form in TABLE.iter().filter(|form| is_large(form)) {
        for &bug in form.shows {
            let what = format!("{} with {}", form.name, bug.id());
            let stage = move || Stage { planted: Planted(Some(bug)), ..Stage::default() };
            let text = failure(&what, 200_000, move || (form.body)(&stage()));
            let names = bug.violates().iter().any(|id| text.starts_with(&format!("{id}:")));
            assert!(names, "{what}: failed with {text}");
        }
    }
}

#[test]
fn shuttle_finds_a_member_that_finishes_between_the_check_and_the_link() {
    let form = TABLE.iter().find(|form| form.name == "link-while-finishing").expect("a form");
    let stage = || Stage { planted: Planted(Some(Bug::GroupLinkAfterFinish)), ..Stage::default() };
    let text = failure(form.name, 1_000, move || (form.body)(&stage()));
    assert!(text.starts_with("IO-3:"), "{text}");
}

//! What every loom test here uses: exploring with a stated bound, and checking that something wrong is found.
//!
//! Rules for loom 0.7.3 that the forms keep to (`litmus.rs` shows why):
//! * A thread starts with a read-modify-write of one word that all threads share: `sync::race` sees to that.
//! * A bound limits preemptions, never time, so that a test explores the same executions everywhere.
//! * Nothing spins: a loom thread that waits for another one joins it or parks.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use falken_models_loom::threads::Bound;

/// Explores `model` within `bound`, prints how many executions that took, and returns their number.
///
/// # Panics
/// If the model does, in any execution; or if there was nothing to explore.
pub fn explore(what: &str, bound: Bound, model: impl Fn() + Send + Sync + 'static) -> usize {
    let executions = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&executions);
    let mut builder = loom::model::Builder::new();
    builder.max_branches = 20_000;
    (builder.max_duration, builder.max_permutations) = (None, None);
    builder.preemption_bound = match bound {
        Bound::Full => None,
        Bound::Preemptions(most) => Some(most.into()),
        Bound::TooLarge => panic!("{what} is too large for loom"),
    };
    builder.check(move || {
        counter.fetch_add(1, Relaxed);
        model();
    });
    let executions = executions.load(Relaxed);
    println!("{what}: {executions} executions ({bound:?})");
    assert!(executions > 1, "{what}: no two threads met");
    executions
}

/// Explores `model` and returns the message of the execution that fails.
///
/// # Panics
/// If none does.
#[allow(dead_code, reason = "the litmus tests expect no failure")]
pub fn failure(what: &str, bound: Bound, model: impl Fn() + Send + Sync + 'static) -> String {
    let name = what.to_owned();
    // A thread of its own: a failed execution may leave loom's thread-local state behind.
    let failure = std::thread::spawn(move || explore(&name, bound, model)).join();
    let panic = failure.err().unwrap_or_else(|| panic!("{what}: loom must find what is wrong"));
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    // What `assert_eq!` puts before the message it is given.
    let text = text.unwrap_or_default().trim_start_matches("assertion `left == right` failed: ").to_owned();
    println!("{what}: found: {}", text.lines().next().unwrap_or_default());
    text
}

//! What every loom test here uses: exploring with a stated bound, and checking that a planted bug is found.
//!
//! Rules for loom 0.7.3 that the tests keep to (`litmus.rs` shows why):
//! * A thread starts with a read-modify-write of one word that all threads share: [`thread`] and [`take_part`] see to
//!   that.
//! * A bound limits preemptions, never time, so that a test explores the same executions everywhere.
//! * Nothing spins: a loom thread that waits for another one joins it.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::sync::Arc as StdArc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Wake, Waker};

use falken_models_loom::bug::{Bug, Planted};
use falken_models_loom::io::{Completion, CompletionError, CompletionGroup, CompletionKind};
use loom::sync::atomic::AtomicU32;
use loom::thread::JoinHandle;

/// How far a model is explored.
#[derive(Clone, Copy, Debug)]
pub enum Bound {
    /// Every execution that loom knows to try.
    Full,
    /// Those with at most this many preemptive switches.
    Preemptions(usize),
}

/// Explores `model` within `bound`, prints how many executions that took, and returns their number.
///
/// # Panics
/// If the model does, in any execution; or if there was nothing to explore.
pub fn explore(what: &str, bound: Bound, model: impl Fn() + Send + Sync + 'static) -> usize {
    let executions = StdArc::new(AtomicUsize::new(0));
    let counter = StdArc::clone(&executions);
    let mut builder = loom::model::Builder::new();
    builder.max_branches = 20_000;
    (builder.max_duration, builder.max_permutations) = (None, None);
    builder.preemption_bound = match bound {
        Bound::Full => None,
        Bound::Preemptions(most) => Some(most),
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

/// Explores `model` and expects an execution that fails with a message that contains `message`.
pub fn expect_failure(what: &str, bound: Bound, message: &str, model: impl Fn() + Send + Sync + 'static) {
    let name = what.to_owned();
    // A thread of its own: a failed execution may leave loom's thread-local state behind.
    let failure = std::thread::spawn(move || explore(&name, bound, model)).join();
    let panic = failure.err().unwrap_or_else(|| panic!("{what}: loom must find the planted bug"));
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    assert!(text.is_some_and(|text| text.contains(message)), "{what}: failed with {text:?}, not with {message:?}");
    println!("{what}: found the planted bug");
}

loom::lazy_static! {
    /// What every thread touches first, so that loom tries every order of starting.
    static ref START: AtomicU32 = AtomicU32::new(0);
}

/// Starts a loom thread that takes part in the race.
pub fn thread<T: 'static>(body: impl FnOnce() -> T + 'static) -> JoinHandle<T> {
    loom::thread::spawn(move || {
        take_part();
        body()
    })
}

/// What a thread does first when it takes part in a race; the main thread does it after it has started the others.
pub fn take_part() {
    START.fetch_add(1, Relaxed);
}

/// Waits for several threads.
pub fn join<T: 'static>(threads: impl IntoIterator<Item = JoinHandle<T>>) {
    for thread in threads {
        thread.join().expect("no panic");
    }
}

/// What callbacks were called with. Invisible to loom, so counting adds no interleavings.
#[derive(Clone, Default)]
pub struct Calls(StdArc<std::sync::Mutex<Vec<Result<i32, CompletionError>>>>);

impl Calls {
    pub fn recorder(&self) -> impl FnMut(Result<i32, CompletionError>) + Send + use<> {
        let calls = self.clone();
        move |result| calls.0.lock().expect("never poisoned").push(result)
    }

    pub fn seen(&self) -> Vec<Result<i32, CompletionError>> {
        self.0.lock().expect("never poisoned").clone()
    }
}

/// A waker that counts its calls.
#[derive(Default)]
pub struct Wakes(AtomicUsize);

impl Wakes {
    pub fn new() -> (StdArc<Self>, Waker) {
        let wakes = StdArc::new(Self::default());
        (StdArc::clone(&wakes), Waker::from(wakes))
    }

    pub fn count(&self) -> usize {
        self.0.load(Relaxed)
    }
}

impl Wake for Wakes {
    fn wake(self: StdArc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

/// No planted bug.
pub const CORRECT: Planted = Planted(None);

/// With `bug` planted.
pub fn with(bug: Bug) -> Planted {
    Planted(Some(bug))
}

/// A write that reports to `calls`.
pub fn write(planted: Planted, calls: &Calls) -> Completion {
    Completion::new_planted(CompletionKind::Write, planted, calls.recorder())
}

/// A built group that reports to `calls`.
pub fn group(planted: Planted, members: &[&Completion], calls: &Calls) -> Completion {
    let mut group = CompletionGroup::new_planted(planted, calls.recorder());
    members.iter().for_each(|member| group.add(member));
    group.build()
}

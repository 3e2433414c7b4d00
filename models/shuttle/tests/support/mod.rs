//! What every shuttle test here uses: exploring with two schedulers and fixed seeds, checking that a planted bug is
//! found, and waiting for a completion the way a runtime does.
//!
//! Shuttle samples schedules; a pass proves nothing about those that it did not take. It treats every atomic access as
//! sequentially consistent, so weak-memory bugs are loom's business.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::sync::Arc as StdArc;
use std::task::{Wake, Waker};

use falken_models_shuttle::bug::{Bug, Planted};
use falken_models_shuttle::io::{Completion, CompletionError, CompletionGroup, CompletionKind};
use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, FailurePersistence, MaxSteps, Runner, thread};

const SEED: u64 = 0x0057_4F50_5221;
/// How many priority changes PCT makes in one execution.
const PCT_DEPTH: usize = 4;
/// Far more than any of these tests needs: who gets here waits for something that never comes.
const STEPS_MAX: usize = 2_000_000;

fn run(scheduler: impl Scheduler + 'static, persistence: FailurePersistence, model: impl Fn() + Send + Sync + 'static) {
    let mut config = Config::new();
    config.stack_size = 0x4_0000;
    config.max_steps = MaxSteps::FailAfter(STEPS_MAX);
    config.failure_persistence = persistence;
    config.silence_warnings = true;
    Runner::new(scheduler, config).run(model);
}

/// Runs `model` under `executions` random schedules and as many of PCT's.
pub fn explore(what: &str, executions: usize, model: impl Fn() + Send + Sync + Clone + 'static) {
    run(RandomScheduler::new_from_seed(SEED, executions), FailurePersistence::Print, model.clone());
    run(PctScheduler::new_from_seed(SEED, PCT_DEPTH, executions), FailurePersistence::Print, model);
    println!("{what}: {executions} random and {executions} PCT schedules");
}

/// Runs `model` under up to `executions` schedules of each scheduler and expects both to find a failure whose message
/// contains `message`.
pub fn expect_failure(
    what: &str,
    executions: usize,
    message: &'static str,
    model: impl Fn() + Send + Sync + Clone + 'static,
) {
    let schedulers: [(&str, Box<dyn Scheduler + Send>); 2] = [
        ("random", Box::new(RandomScheduler::new_from_seed(SEED, executions))),
        ("PCT", Box::new(PctScheduler::new_from_seed(SEED, PCT_DEPTH, executions))),
    ];
    for (name, scheduler) in schedulers {
        let model = model.clone();
        // A thread of its own: a failed execution may leave shuttle's thread-local state behind.
        let failure = std::thread::spawn(move || run(scheduler, FailurePersistence::None, model)).join();
        let panic = failure.err().unwrap_or_else(|| panic!("{what}: {name} must find the planted bug"));
        let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
        assert!(text.is_some_and(|text| text.contains(message)), "{what}: {name} failed with {text:?}");
        println!("{what}: {name} found the planted bug");
    }
}

/// Waits like a runtime's worker: registers a waker that unparks this thread, looks, and parks. A lost wake is a
/// deadlock, which shuttle reports.
pub fn wait_for(completion: &Completion) {
    struct Unpark(thread::Thread);
    impl Wake for Unpark {
        fn wake(self: StdArc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(StdArc::new(Unpark(thread::current())));
    while !completion.finished() {
        completion.set_waker(&waker);
        if !completion.finished() {
            thread::park();
        }
    }
}

/// What callbacks were called with. Invisible to shuttle.
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
pub fn group<'a>(planted: Planted, members: impl IntoIterator<Item = &'a Completion>, calls: &Calls) -> Completion {
    let mut group = CompletionGroup::new_planted(planted, calls.recorder());
    members.into_iter().for_each(|member| group.add(member));
    group.build()
}

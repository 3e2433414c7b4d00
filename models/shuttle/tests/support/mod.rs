//! What every shuttle test here uses: exploring with shuttle's own schedulers and fixed seeds.
//!
//! Shuttle samples schedules; a pass proves nothing about those that it did not take. It treats every atomic access as
//! sequentially consistent, so weak-memory bugs are loom's business.

use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, FailurePersistence, MaxSteps, Runner};

/// From which all schedules here are drawn.
pub const SEED: u64 = 0x0057_4F50_5221;
/// How many priority changes PCT makes in one execution.
const PCT_DEPTH: usize = 4;
/// Far more than any of these tests needs: who gets here waits for something that never comes.
const STEPS_MAX: usize = 2_000_000;

/// Runs `model` under a scheduler and returns how many executions there were.
pub fn run(scheduler: impl Scheduler + 'static, model: impl Fn() + Send + Sync + 'static) -> usize {
    run_up_to(MaxSteps::FailAfter(STEPS_MAX), scheduler, model)
}

/// The same with another bound on the steps of an execution.
pub fn run_up_to(
    max_steps: MaxSteps,
    scheduler: impl Scheduler + 'static,
    model: impl Fn() + Send + Sync + 'static,
) -> usize {
    let mut config = Config::new();
    config.stack_size = 0x4_0000;
    config.max_steps = max_steps;
    config.failure_persistence = FailurePersistence::None;
    config.silence_warnings = true;
    Runner::new(scheduler, config).run(model)
}

/// Runs `model` under `executions` random schedules and as many of PCT's.
pub fn explore(what: &str, executions: usize, model: impl Fn() + Send + Sync + Clone + 'static) {
    run(RandomScheduler::new_from_seed(SEED, executions), model.clone());
    run(PctScheduler::new_from_seed(SEED, PCT_DEPTH, executions), model);
    println!("{what}: {executions} random and {executions} PCT schedules");
}

/// Runs `model` under up to `executions` random schedules and returns the message of the one that fails.
///
/// # Panics
/// If none does.
pub fn failure(what: &str, executions: usize, model: impl Fn() + Send + Sync + 'static) -> String {
    failure_under(what, RandomScheduler::new_from_seed(SEED, executions), model)
}

/// Runs `model` under up to `executions` schedules of each scheduler and expects both to find a failure whose message
/// contains `message`.
///
/// # Panics
/// If one of them finds none, or another one.
#[allow(dead_code, reason = "only transactions have bugs that both must find")]
pub fn expect_failure(what: &str, executions: usize, message: &str, model: impl Fn() + Send + Sync + Clone + 'static) {
    let random = failure(&format!("{what}, random"), executions, model.clone());
    let pct = failure_under(&format!("{what}, PCT"), PctScheduler::new_from_seed(SEED, PCT_DEPTH, executions), model);
    for text in [random, pct] {
        assert!(text.contains(message), "{what}: failed with {text}");
    }
}

/// Runs `model` under a scheduler and returns the message of the execution that fails.
fn failure_under(
    what: &str,
    scheduler: impl Scheduler + Send + 'static,
    model: impl Fn() + Send + Sync + 'static,
) -> String {
    // A thread of its own: a failed execution may leave shuttle's thread-local state behind.
    let ended = std::thread::spawn(move || run(scheduler, model)).join();
    let panic = ended.err().unwrap_or_else(|| panic!("{what}: shuttle must find the planted bug"));
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    // What `assert_eq!` puts before the message it is given.
    let text = text.unwrap_or_default().trim_start_matches("assertion `left == right` failed: ").to_owned();
    println!("{what}: found: {}", text.lines().next().unwrap_or_default());
    text
}

//! The same group of three children under loom, under shuttle and in the cooperative explorer, in one run, ratios first.
//!
//! `cargo bench -p falken-threads --bench three_children`. Loom and shuttle run the form `group-three`: the completions of
//! `models/src/io` on four threads, every atomic access and lock a place to switch. The explorer has no threads to preempt:
//! it searches the protocol of `harness/benches/explore/group.rs`, in which three members count down and a waiter leaves its
//! waker, one shared access a step, and remembers states, so that it counts states and the schedules that lead through them.
//! Executions of loom include its search for the next one.

#[path = "../../benches/explore/group.rs"]
#[allow(dead_code, reason = "nothing is planted here")]
mod group;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use falken_harness::explore::Ended;
use falken_harness::protocol::{Fork, Limits, search, walk};
use falken_harness::strategy;
use group::{Group, Waiter};

const CHILDREN: usize = 3;
const FORM: &str = "group-three";
/// Schedules that shuttle and the walks take.
const RUNS: u64 = 20_000;
/// The bound on loom's preemptions: all of its executions are made.
const PREEMPTIONS: usize = 2;

struct Row {
    name: &'static str,
    executions: u64,
    seconds: f64,
    says: String,
}

impl Row {
    fn per_second(&self) -> f64 {
        self.executions as f64 / self.seconds
    }
}

fn loom() -> Row {
    let form = falken_models_loom::threads::find(FORM).expect("the form is there");
    let executions = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&executions);
    let mut builder = ::loom::model::Builder::new();
    builder.max_branches = 20_000;
    builder.preemption_bound = Some(PREEMPTIONS);
    let started = Instant::now();
    builder.check(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        (form.body)(&falken_models_loom::threads::Stage::default());
    });
    let says = format!("every one with at most {PREEMPTIONS} preemptions");
    let seconds = started.elapsed().as_secs_f64();
    Row { name: "loom", executions: executions.load(Ordering::Relaxed), seconds, says }
}

fn shuttle() -> Row {
    let form = falken_models_shuttle::threads::find(FORM).expect("the form is there");
    let mut config = ::shuttle::Config::new();
    config.failure_persistence = ::shuttle::FailurePersistence::None;
    config.silence_warnings = true;
    config.silence_warnings = true;
    let scheduler = ::shuttle::scheduler::RandomScheduler::new_from_seed(1, RUNS as usize);
    let started = Instant::now();
    let executions = ::shuttle::Runner::new(scheduler, config).run(|| {
        (form.body)(&falken_models_shuttle::threads::Stage::default());
    });
    let seconds = started.elapsed().as_secs_f64();
    Row { name: "shuttle", executions: executions as u64, seconds, says: "a sample, random".into() }
}

fn walks() -> Row {
    let random = strategy::TABLE.iter().find(|entry| entry.name == "random").expect("a strategy of the table");
    let started = Instant::now();
    for seed in 0..RUNS {
        let walked = walk(&mut Group::<CHILDREN>::new(Waiter::LooksAgain), &mut *(random.new)(seed), 1000);
        assert_eq!(walked.failure, None);
    }
    let seconds = started.elapsed().as_secs_f64();
    Row { name: "falken, walks", executions: RUNS, seconds, says: "a sample, random".into() }
}

/// The whole search; small as it is, it is made many times.
fn explorer() -> Row {
    const SEARCHES: u64 = 2_000;
    let whole = || search(&Fork(Group::<CHILDREN>::new(Waiter::LooksAgain)), &Limits::default(), &Default::default());
    let started = Instant::now();
    let outcomes: Vec<_> = (0..SEARCHES).map(|_| whole()).collect();
    let seconds = started.elapsed().as_secs_f64();
    assert!(outcomes.iter().all(|outcome| outcome.ended == Ended::Finished));
    let figures = &outcomes[0].figures;
    let says = format!("all schedules: {} states and {} steps a search", figures.states, figures.transitions);
    Row { name: "falken, searches", executions: SEARCHES, seconds, says }
}

fn main() {
    let [loom, shuttle, walks, explorer] = [loom(), shuttle(), walks(), explorer()];
    println!("a group of {CHILDREN} children, one core");
    println!("  shuttle : loom          {:.1} : 1 in executions a second", shuttle.per_second() / loom.per_second());
    println!("  falken walks : shuttle  {:.1} : 1 in schedules a second", walks.per_second() / shuttle.per_second());
    println!("  falken searches : loom  {:.0} : 1 in whole searches a second", explorer.per_second() * loom.seconds);
    for Row { name, executions, seconds, says } in [&loom, &shuttle, &walks, &explorer] {
        let per_second = *executions as f64 / seconds;
        println!("  {name:18} {executions:>8} in {seconds:>6.2} s {per_second:>10.0} a second; {says}");
    }
}

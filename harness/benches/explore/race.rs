//! A completion group with a planted race: runs a second and runs to the bug, under falken's strategies and under shuttle's.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc as StdArc;
use std::sync::atomic::{AtomicU64, Ordering as StdOrdering};

use falken_harness::protocol::walk;
use falken_harness::strategy;
use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::sync::Arc;
use shuttle::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use shuttle::{Config, FailurePersistence, Runner, thread};

use crate::group::{Group, Waiter};
use crate::timed;

const MEMBERS: usize = 4;

/// Searches for the bug, each from another seed, and the runs of one of them that finds nothing for the speed.
const SEARCHES: u64 = 100;

/// Runs after which a search gives up.
const CAP: usize = 10_000;

struct Figures {
    name: String,
    runs_per_second: f64,
    mean_runs: f64,
}

fn falken(entry: &strategy::Entry, runs: u64) -> Figures {
    let mut runs_to_bug = 0;
    for search in 0..SEARCHES {
        let seeds = (0..CAP as u64).map(|run| search * CAP as u64 + run);
        let fails = |seed: &u64| {
            walk(&mut Group::<MEMBERS>::new(Waiter::DoesNot), &mut *(entry.new)(*seed), 1000).failure.is_some()
        };
        runs_to_bug += seeds.take_while(|seed| !fails(seed)).count() + 1;
    }
    let (_, seconds) = timed(|| {
        for seed in 0..runs {
            let walked = walk(&mut Group::<MEMBERS>::new(Waiter::LooksAgain), &mut *(entry.new)(seed), 1000);
            assert_eq!(walked.failure, None);
        }
    });
    let name = format!("falken {}", entry.name);
    Figures { name, runs_per_second: runs as f64 / seconds, mean_runs: runs_to_bug as f64 / SEARCHES as f64 }
}

/// What [`Group`] says, with threads and atomics.
fn with_threads(kind: Waiter) {
    let pending = Arc::new(AtomicUsize::new(MEMBERS));
    let (waker_left, woken) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let member = |_| {
        let (pending, waker_left, woken) = (Arc::clone(&pending), Arc::clone(&waker_left), Arc::clone(&woken));
        thread::spawn(move || {
            if pending.fetch_sub(1, Ordering::SeqCst) == 1 && waker_left.swap(false, Ordering::SeqCst) {
                // Not an access of the protocol: it says for the check below what the waker has done.
                woken.store(true, Ordering::SeqCst);
            }
        })
    };
    let members: Vec<_> = (0..MEMBERS).map(member).collect();
    let finished = |pending: &AtomicUsize| pending.load(Ordering::SeqCst) == 0;
    let sleeps = if finished(&pending) {
        false
    } else {
        waker_left.store(true, Ordering::SeqCst);
        kind == Waiter::DoesNot || !finished(&pending)
    };
    members.into_iter().for_each(|member| member.join().expect("a member does not panic"));
    assert!(!sleeps || woken.load(Ordering::SeqCst), "the waiter sleeps for ever");
}

fn runner<S: Scheduler + 'static>(scheduler: S) -> Runner<S> {
    let mut config = Config::new();
    config.failure_persistence = FailurePersistence::None;
    Runner::new(scheduler, config)
}

fn shuttle<S: Scheduler + 'static>(name: &str, runs: u64, new: impl Fn(u64, usize) -> S) -> Figures {
    let made = StdArc::new(AtomicU64::new(0));
    for search in 0..SEARCHES {
        let counted = StdArc::clone(&made);
        let run = move || {
            counted.fetch_add(1, StdOrdering::Relaxed);
            with_threads(Waiter::DoesNot);
        };
        let _ = catch_unwind(AssertUnwindSafe(|| runner(new(search, CAP)).run(run)));
    }
    let (_, seconds) = timed(|| runner(new(0, runs as usize)).run(|| with_threads(Waiter::LooksAgain)));
    let runs_to_bug = made.load(StdOrdering::Relaxed);
    Figures {
        name: format!("shuttle {name}"),
        runs_per_second: runs as f64 / seconds,
        mean_runs: runs_to_bug as f64 / SEARCHES as f64,
    }
}

/// Compares them.
pub fn compare(runs: u64) {
    let entry = |name: &str| strategy::TABLE.iter().find(|entry| entry.name == name).expect("a strategy of the table");
    // A search that finds the bug panics, a hundred times.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let all = [
        falken(entry("random"), runs),
        falken(entry("pct"), runs),
        falken(entry("pct-2"), runs),
        shuttle("random", runs, RandomScheduler::new_from_seed),
        shuttle("PCT, depth 2", runs, |seed, runs| PctScheduler::new_from_seed(seed, 2, runs)),
        shuttle("PCT, depth 3", runs, |seed, runs| PctScheduler::new_from_seed(seed, 3, runs)),
    ];
    std::panic::set_hook(hook);
    println!("a group of {MEMBERS} whose waiter does not look again, {SEARCHES} searches of at most {CAP} runs");
    println!("  falken : shuttle {:.1} : 1 in random runs a second", all[0].runs_per_second / all[3].runs_per_second);
    for Figures { name, runs_per_second, mean_runs } in all {
        println!("  {name:34} {runs_per_second:>10.0} runs/s {mean_runs:>9.1} runs to the bug");
    }
    println!();
}

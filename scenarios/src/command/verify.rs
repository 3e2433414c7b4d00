//! `falken run --verify-determinism`: every run twice.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use falken_harness::run::{self, Settings};
use falken_harness::scenario::Scenario;
use falken_harness::strategy;
use falken_harness::verify::{Difference, verify};
use falken_models::bug::Planted;
use serde_json::json;

use crate::cli;
use crate::exit::{Exit, Failure};

/// Makes the runs that the options ask for twice each, and compares them.
///
/// # Errors
/// The result cannot be written.
pub(super) fn determinism(
    options: &cli::Run,
    scenario: &Scenario,
    strategy: &strategy::Entry,
    planted: Planted,
    jobs: usize,
    stop: &AtomicBool,
) -> Result<Exit, Failure> {
    let (next, made) = (AtomicU64::new(0), AtomicU64::new(0));
    let first: Mutex<Option<(u64, Box<Difference>)>> = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let mut found = first.lock().expect("nobody panics while holding it");
                    if index >= options.runs || found.is_some() || stop.load(Ordering::Relaxed) {
                        return;
                    }
                    drop(found);
                    let seed = options.seed.wrapping_add(index);
                    let difference = verify(&|| (strategy.new)(seed), &mut |strategy| {
                        run::run(scenario, Settings { seed, planted, strategy, oracle: None })
                    });
                    made.fetch_add(1, Ordering::Relaxed);
                    if let Err(difference) = difference {
                        found = first.lock().expect("nobody panics while holding it");
                        if found.as_ref().is_none_or(|(earlier, _)| seed < *earlier) {
                            *found = Some((seed, difference));
                        }
                    }
                }
            });
        }
    });
    let first = first.into_inner().expect("nobody panics while holding it");
    let (name, made, asked) = (&scenario.name, made.into_inner(), options.runs);
    let interrupted = first.is_none() && made < asked;
    let text = match (&first, options.json) {
        (None, false) if interrupted => {
            format!("{name}: interrupted; {made} of {asked} runs, each made twice, were the same at every choice\n")
        }
        (None, false) if asked == 1 => format!("{name}: 1 run, made twice, was the same at every choice\n"),
        (None, false) => format!("{name}: {asked} runs, each made twice, were the same at every choice\n"),
        (Some((seed, difference)), false) => {
            format!("{name}: NOT DETERMINISTIC under seed {seed}\n  {difference}\n")
        }
        (_, true) => {
            let difference = first.as_ref().map(|(seed, d)| {
                json!({"seed": seed, "choice": d.choice, "what": d.what, "first": d.first, "second": d.second})
            });
            format!(
                "{:#}\n",
                json!({"scenario": name, "runs": made, "runs_asked": asked, "interrupted": interrupted, "difference": difference})
            )
        }
    };
    super::print(&text)?;
    let exit = if first.is_some() { Exit::Nondeterminism } else { Exit::Pass };
    Ok(exit.unless_cut(interrupted))
}

//! `falken run --catalogue`: every scenario of the catalogue, one table, one exit code.

use std::sync::atomic::Ordering;

use falken_harness::probe::Hits;
use falken_models::bug::Planted;
use falken_reports::Catalogue;

use crate::batch::Batch;
use crate::catalog;
use crate::cli::Run;
use crate::exit::{Exit, Failure};
use crate::repro_file::{self, Unfinished};
use crate::subject::skipped;

use super::run::{Progress, default_jobs, find_strategy, known, oracle, stop_on_ctrl_c, summarise, tuned};

/// A run that enumerates its crash images looks at thousands of crashes, so it counts for as many.
const RUNS_OF_CRASH_IMAGES: u64 = 20;

/// Runs the catalogue, going on with the next scenario after a violation.
///
/// # Errors
/// The options make no sense, or files cannot be written.
pub fn catalogue(options: &Run) -> Result<Exit, Failure> {
    repro_file::prepare(&options.repro_dir)?;
    let strategy = find_strategy(options.strategy.as_deref().unwrap_or(falken_harness::strategy::PORTFOLIO))?;
    let jobs = options.jobs.map_or_else(default_jobs, usize::from);
    let oracle = oracle(options.oracle)?;
    let known = known(options)?;
    let stop = stop_on_ctrl_c()?;
    let (mut scenarios, mut probes, mut interrupted) = (Vec::new(), Hits::default(), false);
    for (name, _) in catalog::TABLE {
        if stop.load(Ordering::Relaxed) {
            interrupted = true;
            break;
        }
        let scenario = catalog::find(name)?;
        if let Some(why) = skipped(&scenario, options.subject) {
            eprintln!("note: skipped {why}");
            continue;
        }
        let scenario = tuned(scenario, options)?;
        let share = if scenario.crash_images.is_some() { RUNS_OF_CRASH_IMAGES } else { 1 };
        let runs = options.runs.div_ceil(share);
        let planted = Planted(None);
        let (seed, oracle) = (options.seed, &*oracle);
        let batch = Batch { scenario: &scenario, strategy, planted, seed, runs, jobs, oracle, stop: &stop };
        let mut progress = Progress::new(name, runs);
        let unfinished = Unfinished::new(&options.repro_dir, &scenario, planted, jobs);
        let begins = |job, strategy, seed| unfinished.begin(job, strategy, seed);
        let totals = batch.go_behind(&known, &begins, |totals| progress.update(totals));
        progress.finish();
        probes.add(&totals.probes);
        let summary = summarise(options, &scenario, &batch, totals);
        interrupted |= summary.interrupted;
        scenarios.push(summary);
    }
    let report = Catalogue { scenarios, interrupted, probes: options.probes.then_some(probes) };
    super::print(&if options.json { report.json() } else { report.text() })?;
    let first = report.failed().find_map(|summary| summary.failure.as_ref());
    Ok(super::exit_of(first.map(|failure| &failure.violation)).unless_cut(interrupted))
}

//! `falken bugs`: what catches planted bugs, and how soon.

use std::time::Instant;

use falken_harness::scenario::Sync;
use falken_harness::strategy;
use falken_models::bug::Bug;
use falken_reports::Night;
use falken_reports::alone::{self, Alone};
use falken_reports::duel::DuelReport;
use falken_reports::table::Style;

use super::progress::Progress;
use super::run::{check_names, default_jobs, find_bug, find_strategy, stop_on_ctrl_c};
use crate::catalog;
use crate::cli::{Bugs, SyncName, TableFormat};
use crate::duel::Duel;
use crate::exit::{Exit, Failure};
use crate::matrix::Matrix;
use crate::plant::shown_by;
use crate::report_files;

/// Does what is asked with planted bugs.
///
/// # Errors
/// A bug or a strategy is unknown or cannot be shown.
pub fn bugs(options: &Bugs) -> Result<Exit, Failure> {
    check_names(&options.checks)?;
    report_files::prepare(&options.report.files)?;
    let strategies = if options.strategy.is_empty() {
        strategy::TABLE.iter().collect()
    } else {
        options.strategy.iter().map(|name| find_strategy(name)).collect::<Result<Vec<_>, _>>()?
    };
    match () {
        () if options.duel => duel(options, strategies),
        () if options.matrix => matrix(options, strategies),
        () if options.alone => alone(options, strategies),
        () => Err(Failure::Input(
            "say what to do with the planted bugs: --matrix shows what catches them, --alone tries each named invariant by \
             itself, --duel compares strategies"
                .into(),
        )),
    }
}

/// How a report is written; `None` for JSON.
fn style(options: &Bugs) -> Option<Style> {
    match options.format {
        _ if options.json => None,
        TableFormat::Json => None,
        TableFormat::Text => Some(Style::Text),
        TableFormat::Markdown => Some(Style::Markdown),
    }
}

/// Writes the reports that were asked for; `night` is given how many jobs there were.
fn deliver(options: &Bugs, night: impl FnOnce(u64) -> Night) -> Result<(), Failure> {
    let jobs = options.jobs.map_or_else(default_jobs, usize::from) as u64;
    report_files::deliver(&options.report.files, &report_files::of_kills(night(jobs)))
}

/// The bugs that were named, or all.
fn named(options: &Bugs) -> Result<Vec<Bug>, Failure> {
    if options.bug.is_empty() {
        return Ok(Bug::ALL.to_vec());
    }
    options.bug.iter().map(|id| find_bug(id)).collect()
}

fn matrix_of(options: &Bugs, strategies: Vec<&'static strategy::Entry>) -> Result<Matrix, Failure> {
    let mode = |name: &SyncName| match name {
        SyncName::Full => Sync::Full,
        SyncName::Normal => Sync::Normal,
    };
    let modes =
        if options.mode.is_empty() { vec![Sync::Full, Sync::Normal] } else { options.mode.iter().map(mode).collect() };
    Ok(Matrix {
        bugs: named(options)?,
        strategies,
        modes,
        trials: options.trials.unwrap_or(3),
        runs: options.cap,
        seconds: options.seconds.into(),
        shrink_seconds: options.shrink_seconds.into(),
        checks: options.checks.clone(),
        jobs: options.jobs.map_or_else(default_jobs, usize::from),
        stop: stop_on_ctrl_c()?,
    })
}

fn matrix(options: &Bugs, strategies: Vec<&'static strategy::Entry>) -> Result<Exit, Failure> {
    let mut progress = Progress::new("matrix", "cells");
    let report = matrix_of(options, strategies)?.go(|done, total| progress.update(done, total))?;
    progress.finish();
    super::print(&match style(options) {
        None => report.to_json(),
        Some(style) if options.brief => report.to_brief_table(style),
        Some(style) => report.to_table(style),
    })?;
    deliver(options, |jobs| Night::of_kills(&report, options.cap, jobs))?;
    Ok(exit_of(!report.survivors().is_empty(), report.is_stopped))
}

fn alone(options: &Bugs, strategies: Vec<&'static strategy::Entry>) -> Result<Exit, Failure> {
    let (started, mut progress) = (Instant::now(), Progress::new("alone", "checks"));
    let (pairs, is_stopped) = matrix_of(options, strategies)?.alone(|done, total| progress.update(done, total))?;
    progress.finish();
    super::print(&style(options).map_or_else(|| alone::to_json(&pairs), |style| alone::to_table(&pairs, style)))?;
    if is_stopped {
        eprintln!("alone: interrupted; the rows are those that were done");
    }
    let seconds = started.elapsed().as_secs_f64();
    deliver(options, |jobs| Night::of_alone(&pairs, is_stopped, options.cap, seconds, jobs))?;
    Ok(exit_of(pairs.iter().any(Alone::is_missed), is_stopped))
}

/// A survivor is a finding, whether the work was cut off or not.
const fn exit_of(has_survivors: bool, is_stopped: bool) -> Exit {
    let exit = if has_survivors { Exit::Violation } else { Exit::Pass };
    exit.unless_cut(is_stopped)
}

fn duel(options: &Bugs, strategies: Vec<&'static strategy::Entry>) -> Result<Exit, Failure> {
    let mut bugs = Vec::new();
    for bug in named(options)? {
        match shown_by(bug) {
            Some((name, _)) => bugs.push((bug, catalog::find(name)?)),
            None if options.bug.is_empty() => {}
            None => {
                let why = format!("`{}` shows only on real threads, so nothing here finds it", bug.id());
                return Err(Failure::Input(why));
            }
        }
    }
    bugs.iter_mut().for_each(|(_, scenario)| scenario.checks.only.clone_from(&options.checks));
    let jobs = options.jobs.map_or_else(default_jobs, usize::from);
    let trials = options.trials.unwrap_or(20);
    let compared = strategies.len();
    let duel = Duel { bugs, strategies, trials, cap: options.cap, jobs, stop: stop_on_ctrl_c()? };
    let (started, mut progress) = (Instant::now(), Progress::new("duel", "trials"));
    let cells = duel.go(|done| progress.update(done, duel.total() as u64));
    progress.finish();
    let (made, asked) = (cells.len() / compared, duel.bugs.len());
    let is_stopped = made < asked;
    if is_stopped {
        eprintln!("duel: interrupted after {made} of {asked} bugs");
    }
    let report = DuelReport { trials, cap: options.cap, portfolio: strategy::PORTFOLIO, is_stopped, cells };
    super::print(&style(options).map_or_else(|| report.to_json(), |style| report.to_table(style)))?;
    let seconds = started.elapsed().as_secs_f64();
    deliver(options, |jobs| Night::of_duel(&report, seconds, jobs))?;
    Ok(Exit::Pass.unless_cut(is_stopped))
}

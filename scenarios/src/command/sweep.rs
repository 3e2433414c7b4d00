//! `falken sweep`: every statement of a scenario disturbed at each of its yields in turn.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use falken_harness::run::RunReport;
use falken_harness::strategy::{Aim, Point};
use falken_harness::sweep;
use falken_models::bug::{Bug, Planted};
use falken_reports::{Covered, Failure as Found, Sweep as Report};

use super::{replay, run};
use crate::catalog;
use crate::cli::Sweep;
use crate::exit::{Exit, Failure};
use crate::repro_file;

/// Sweeps a scenario.
///
/// # Errors
/// The options make no sense, the scenario fails undisturbed, or files cannot be written.
pub fn sweep(options: &Sweep) -> Result<Exit, Failure> {
    let planted = Planted(options.plant.as_deref().map(run::find_bug).transpose()?);
    let mut scenario = catalog::find(&options.scenario)?;
    if let Some(steps) = options.steps {
        scenario.bounds.steps = steps;
    }
    crate::subject::choose(&mut scenario, None)?;
    scenario.validate().map_err(|error| Failure::Input(error.to_string()))?;
    let strategy = run::find_strategy(&options.strategy)?;
    repro_file::prepare(&options.repro_dir)?;
    let stop = run::stop_on_ctrl_c()?;
    let jobs = options.jobs.map_or_else(run::default_jobs, usize::from);
    let mut report = Report {
        scenario: scenario.name.clone(),
        strategy: strategy.name.into(),
        planted: planted.0.map(Bug::id),
        seed: options.seed,
        schedules: 0,
        points: 0,
        disturbed: 0,
        covered: Vec::new(),
        interrupted: false,
        failure: None,
        notes: Vec::new(),
    };
    let mut covered: BTreeMap<(&'static str, &'static str, &'static str), u64> = BTreeMap::new();
    let mut nothing_to_cancel = 0;
    for seed in (0..options.schedules).map(|index| options.seed.wrapping_add(index)) {
        if stop.load(Ordering::Relaxed) {
            report.interrupted = true;
            break;
        }
        let sweep = sweep::Sweep::new(&scenario, seed, planted, strategy, &aims(options));
        let survey = sweep.survey();
        report.schedules += 1;
        report.points += survey.points.len() as u64;
        let repro = |report: &RunReport| found(options, &sweep, report);
        if survey.report.verdict.violation().is_some() {
            report.notes.push("it fails without any disturbance".into());
            report.failure = Some(repro(&survey.report));
            break;
        }
        let points: Vec<Point> = survey.points.iter().map(|(point, _)| *point).collect();
        let is_covered: Vec<AtomicBool> = points.iter().map(|_| AtomicBool::new(false)).collect();
        let disturb = |index: usize| {
            let report = sweep.disturb(points[index])?;
            is_covered[index].store(sweep::Sweep::is_covered(points[index], &report), Ordering::Relaxed);
            Some(report)
        };
        let (done, failed) = disturb_all(&disturb, &points, jobs, &stop)?;
        report.disturbed += done as u64;
        for ((point, statement), is_covered) in survey.points[..done].iter().zip(is_covered) {
            if is_covered.into_inner() {
                *covered.entry((statement, point.site.name(), point.aim.name())).or_default() += 1;
            } else {
                nothing_to_cancel += 1;
            }
        }
        eprintln!("{}: seed {seed}, {done} points", scenario.name);
        if let Some((point, run)) = failed {
            report.notes.push(format!("disturbed: {point}"));
            report.failure = Some(repro(&run));
            break;
        }
        report.interrupted |= done < points.len();
    }
    if report.schedules > 0 && report.points == 0 && report.failure.is_none() {
        let with: Vec<&str> = aims(options).into_iter().map(Aim::name).collect();
        let text = format!("`{}` has no point at which to disturb it with {}", scenario.name, with.join(", "));
        return Err(Failure::Input(format!("{text}: nothing was swept")));
    }
    if nothing_to_cancel > 0 {
        report.notes.push(format!(
            "points of cancels with nothing to cancel, which were plain abandons or nothing: {nothing_to_cancel}"
        ));
    }
    let covered = covered.into_iter();
    report.covered = covered.map(|((statement, site, aim), points)| Covered { statement, aim, site, points }).collect();
    super::print(&if options.json { report.json() } else { report.text() })?;
    let violation = report.failure.as_ref().map(|failure| &failure.violation);
    Ok(super::exit_of(violation).unless_cut(report.interrupted))
}

fn aims(options: &Sweep) -> Vec<Aim> {
    let mut aims = options.with.clone();
    aims.sort_unstable();
    aims.dedup();
    aims
}

/// Reads a disturbance's name from the command line.
///
/// # Errors
/// Names the known ones.
pub fn aim(text: &str) -> Result<Aim, String> {
    Aim::ALL.into_iter().find(|aim| aim.name() == text).ok_or_else(|| {
        let known = Aim::ALL.map(Aim::name).join(", ");
        format!("known disturbances are {known}")
    })
}

type Failed = Option<(Point, Box<RunReport>)>;

/// Disturbs at all points, several at a time, until one fails or somebody says stop: how many were done up to the first failure, and that one.
fn disturb_all(
    disturb: &(dyn Fn(usize) -> Option<RunReport> + Sync),
    points: &[Point],
    jobs: usize,
    stop: &AtomicBool,
) -> Result<(usize, Failed), Failure> {
    let next = AtomicUsize::new(0);
    // The first point that failed, or that was not reached.
    let first: Mutex<Option<(usize, Option<Box<RunReport>>)>> = Mutex::new(None);
    crossbeam::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|_| {
                // What is taken is done, so that what is done has no gaps.
                while !stop.load(Ordering::Relaxed) {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let beyond = || first.lock().expect("no panic").as_ref().is_some_and(|(at, _)| *at < index);
                    if index >= points.len() || beyond() {
                        return;
                    }
                    let report = disturb(index);
                    if report.as_ref().is_none_or(|report| report.verdict.violation().is_some()) {
                        let mut first = first.lock().expect("no panic");
                        if first.as_ref().is_none_or(|(at, _)| index < *at) {
                            *first = Some((index, report.map(Box::new)));
                        }
                    }
                }
            });
        }
    })
    .expect("a worker catches the panics of its runs");
    match first.into_inner().expect("no panic") {
        None => Ok((next.into_inner().min(points.len()), None)),
        Some((index, Some(report))) => Ok((index + 1, Some((points[index], report)))),
        Some((index, None)) => Err(Failure::Harness(format!("nondeterminism: {:?} was not reached", points[index]))),
    }
}

/// Describes a failure; its repro file is on the disk before.
fn found(options: &Sweep, sweep: &sweep::Sweep, report: &RunReport) -> Found {
    let repro = repro_file::repro(sweep.case_of(report), &options.strategy, report);
    let path = repro_file::path(&options.repro_dir, &repro);
    let written = repro_file::save_or_print(&path, &repro.to_toml());
    replay::found(&repro.case, report, written)
}

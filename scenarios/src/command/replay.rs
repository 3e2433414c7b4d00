//! `falken replay`: does a repro file still fail, and in the same way?

use std::time::{Duration, Instant};

use falken_harness::case::Case;
use falken_harness::fault::Damage;
use falken_harness::invariant::{self, Selection};
use falken_harness::repro::Repro;
use falken_harness::run::RunReport;
use falken_harness::shrink::Failing;
use falken_models::bug::Bug;
use falken_reports::{Failure as Found, Summary};

use crate::cli::Replay;
use crate::exit::{Exit, Failure};
use crate::history_file::Target;
use crate::{report_files, repro_file, watchdog};

use super::hung;

/// Replays a repro file.
///
/// # Errors
/// The file cannot be read or is none.
pub fn replay(options: &Replay) -> Result<Exit, Failure> {
    let path = options.file.display().to_string();
    if let Some(repro) = super::threads::read_repro(&options.file)? {
        return super::threads::replay(options, &repro);
    }
    let mut repro = repro_file::read(&options.file)?;
    super::run::choose_checks(&mut repro.case.scenario, &options.checks)?;
    must_be_checked(&repro, &options.checks)?;
    report_files::prepare(&options.report.files)?;
    let started = Instant::now();
    if repro.is_unfinished {
        return unfinished(options, repro, started);
    }
    let target = options.history.as_deref().map(Target::prepare).transpose()?;
    let report = watched(options, &repro.case, || repro.case.run());
    let invariant = repro.verdict.split(':').next().unwrap_or_default();
    let violation = report.verdict.violation();
    let still_there = violation.is_some_and(|violation| violation.invariant == invariant);
    let is_exact = report.hash == repro.hash;
    let mut notes = vec![format!("the file says: {} at action {}", repro.verdict, repro.step)];
    notes.push(match (is_exact, still_there) {
        (true, _) => format!("reproduced bit for bit: event hash {:#018x}", report.hash),
        (false, true) => format!(
            "the violation is still there, but NOT reproduced bit for bit: event hash {:#018x}, the file has {:#018x}",
            report.hash, repro.hash
        ),
        (false, false) => format!(
            "NOT reproduced: the violation is gone; event hash {:#018x}, the file has {:#018x}",
            report.hash, repro.hash
        ),
    });
    if !is_exact {
        notes.extend(report.divergence.as_ref().map(ToString::to_string));
    }
    let exit =
        if is_exact || (still_there && !options.strict) { super::exit_of(violation) } else { Exit::Nondeterminism };
    let mut found = violation.map(|_| found(&repro.case, &report, Ok(path)));
    if options.explain
        && let (Some(found), Some(failing)) = (&mut found, Failing::of(repro.case.clone()))
    {
        found.story = Some(super::shrink::tell(&failing));
    }
    let summary = Summary { notes, ..summarise(&repro.case, &report, found, started.elapsed()) };
    super::print(&falken_reports::write(if options.json { "json" } else { "text" }, &summary))?;
    let files = &options.report.files;
    let reported = report_files::deliver(files, &report_files::of_batch("replay", &summary, files));
    let exported = target.map_or(Ok(()), |target| {
        target.ended(repro.case.seed, &report.history).and_then(|()| target.finish(&report.history))
    });
    reported.and(exported)?;
    Ok(exit)
}

/// Complains about checks that leave out what the file is about: that nothing is found then would mean nothing.
fn must_be_checked(repro: &Repro, list: &[String]) -> Result<(), Failure> {
    let invariant = repro.verdict.split(':').next().unwrap_or_default();
    let is_chosen = Selection::of(list).is_ok_and(|selection| selection.has(invariant));
    if repro.is_unfinished || list.is_empty() || is_chosen || invariant::known().all(|known| known != invariant) {
        return Ok(());
    }
    let says = "so a replay could not tell whether it is still broken";
    Err(Failure::Input(format!(
        "the file is about {invariant}, which is not among the checks {}, {says}",
        list.join(",")
    )))
}

/// Runs a case while somebody looks whether its engine returns.
fn watched(options: &Replay, case: &Case, run: impl FnOnce() -> RunReport) -> RunReport {
    let started = Instant::now();
    let hangs = |_| {
        let found = hung::found(&case.scenario, case.seed, options.call_limit, Ok(options.file.display().to_string()));
        let summary = Summary { failure: Some(found), ..summary_of(case, started.elapsed()) };
        hung::end("replay", &summary, options.json, &options.report);
    };
    watchdog::watched(Duration::from_secs_f64(options.call_limit), hangs, run)
}

/// Makes the run that was under way when somebody killed falken, from its seed.
fn unfinished(options: &Replay, repro: Repro, started: Instant) -> Result<Exit, Failure> {
    let entry = super::run::find_strategy(&repro.strategy)?;
    let strategy = (entry.new)(repro.case.seed);
    let report = watched(options, &repro.case, || repro.case.run_under(strategy));
    let found = report.verdict.violation().map(|_| {
        found(&repro.case, &report, Err("the run was made from its seed; `falken run --seed` writes its file".into()))
    });
    let exit = super::exit_of(report.verdict.violation());
    let notes = vec!["the file is about a run that was under way; it has been made again from its seed".into()];
    let strategy = repro.strategy.clone();
    let summary = Summary { notes, strategy, ..summarise(&repro.case, &report, found, started.elapsed()) };
    super::print(&falken_reports::write(if options.json { "json" } else { "text" }, &summary))?;
    Ok(exit)
}

/// Describes a failure whose repro file is this one.
pub(super) fn found(case: &Case, report: &RunReport, repro: Result<String, String>) -> Found {
    let replay = repro.as_ref().ok().map(|path| super::replay_command(path));
    let (again, scene) = case.run_and_look();
    Found {
        seed: case.seed,
        violation: report.verdict.violation().expect("the run has failed").clone(),
        hash: report.hash,
        connections: case.scenario.connections(),
        last_events: report.last_events.clone(),
        scene: (again.hash == report.hash).then_some(scene),
        repro,
        replay,
        story: None,
    }
}

/// Describes one run.
pub(super) fn summarise(case: &Case, report: &RunReport, failure: Option<Found>, elapsed: Duration) -> Summary {
    Summary {
        actions: report.actions,
        commits: report.commits,
        crashes: report.crashes,
        hash: report.hash,
        invariants: Summary::count_invariants(&report.evaluated),
        probes: Summary::count_probes(&report.probes, &[]),
        damage: Damage::of(report),
        images: report.images,
        failure,
        ..summary_of(case, elapsed)
    }
}

/// One run of which nothing is known but that it was made.
fn summary_of(case: &Case, elapsed: Duration) -> Summary {
    Summary {
        scenario: case.scenario.name.clone(),
        strategy: "replay".into(),
        planted: case.planted.0.map(Bug::id),
        seed: case.seed,
        runs: 1,
        runs_asked: 1,
        interrupted: false,
        jobs: 1,
        actions: 0,
        commits: 0,
        crashes: 0,
        seconds: elapsed.as_secs_f64(),
        hash: 0,
        invariants: Vec::new(),
        probes: Vec::new(),
        never_hit: None,
        damage: Damage::default(),
        images: None,
        failure: None,
        notes: Vec::new(),
    }
}

//! `falken run`: many runs of a scenario.

use std::fs;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use falken_harness::case::Case;
use falken_harness::invariant::{self, Selection};
use falken_harness::repro::Repro;
use falken_harness::run::{Oracle, RunReport};
use falken_harness::scenario::Scenario;
use falken_harness::strategy;
use falken_models::bug::{Bug, Planted};
use falken_reports::{Failure as Found, Summary};
use indicatif::{ProgressBar, ProgressStyle};

use crate::batch::{Batch, Totals};
use crate::catalog;
use crate::cli::{OracleKind, Run, RunCheck};
use crate::exit::{Exit, Failure, suggest};
use crate::history_file::Target;
use crate::known::Known;
use crate::plant::shown_by;
use crate::report_files;
use crate::repro_file::{self, Unfinished};
use crate::watchdog::watched;

use super::{catalogue, hung, invariance, replay, shrink};

/// How often a line of progress is printed where there is no terminal.
const PLAIN_PROGRESS: Duration = Duration::from_secs(10);

/// Runs a scenario.
///
/// # Errors
/// The options make no sense, or files cannot be written.
pub fn run(options: &Run) -> Result<Exit, Failure> {
    if options.catalogue {
        return catalogue::catalogue(options);
    }
    let planted = options.plant.as_deref().map(find_bug).transpose()?;
    let (scenario, strategy) = what_to_run(options, planted)?;
    let stop = stop_on_ctrl_c()?;
    if options.check == Some(RunCheck::YieldInvariance) {
        return invariance::check(options, &scenario, strategy, Planted(planted), &stop);
    }
    report_files::prepare(&options.report.files)?;
    repro_file::prepare(&options.repro_dir)?;
    options.keep_files.as_deref().map(prepare_directory).transpose()?;
    let histories = options.history.as_deref().map(Target::prepare).transpose()?;
    let jobs = options.jobs.map_or_else(default_jobs, usize::from);
    if options.verify_determinism {
        return super::verify::determinism(options, &scenario, strategy, Planted(planted), jobs, &stop);
    }
    let oracle = oracle(options.oracle)?;
    let batch = Batch {
        scenario: &scenario,
        strategy,
        planted: Planted(planted),
        seed: options.seed,
        runs: options.runs,
        jobs,
        oracle: &*oracle,
        stop: &stop,
    };
    let mut progress = Progress::new(&scenario.name, options.runs);
    let unfinished = Unfinished::new(&options.repro_dir, &scenario, batch.planted, jobs);
    let begins = |job, strategy, seed| unfinished.begin(job, strategy, seed);
    let mut exported = Ok(());
    let known = known(options)?;
    let hangs = |seed: u64| give_up(options, &batch, seed, unfinished.leave(seed));
    let mut totals = watched(Duration::from_secs_f64(options.call_limit), hangs, || {
        batch.go_behind(&known, &begins, |totals| {
            progress.update(totals);
            if let (Some(target), Ok(())) = (&histories, &exported) {
                exported = target.ended(options.seed.wrapping_add(totals.runs - 1), &totals.history);
            }
        })
    });
    drop(unfinished);
    progress.finish();
    let (history, last) = (std::mem::take(&mut totals.history), totals.last.take());
    let summary = summarise(options, &scenario, &batch, totals);
    super::print(&falken_reports::write(if options.json { "json" } else { "text" }, &summary))?;
    // The verdict is out before anything is written that a full disk may refuse.
    let files = &options.report.files;
    let reported = report_files::deliver(files, &report_files::of_batch("run", &summary, files));
    let finished = histories.map_or(Ok(()), |target| target.finish(&history));
    let kept = match (&options.keep_files, &last) {
        (Some(dir), Some((_, files))) => keep_files(dir, files),
        _ => Ok(()),
    };
    reported.and(exported).and(finished).and(kept)?;
    Ok(exit_of(&summary))
}

/// The exit code of a batch.
pub(super) fn exit_of(summary: &Summary) -> Exit {
    let violation = summary.failure.as_ref().map(|failure| &failure.violation);
    super::exit_of(violation).unless_cut(summary.interrupted)
}

/// An engine does not return, so falken ends without it, and leaves the file that makes the run again.
fn give_up(options: &Run, batch: &Batch<'_>, seed: u64, repro: Option<PathBuf>) {
    let repro = repro.map(|path| path.display().to_string()).ok_or_else(|| "its file could not be written".to_owned());
    let found = hung::found(batch.scenario, seed, options.call_limit, repro);
    let summary = Summary {
        failure: Some(found),
        interrupted: false,
        ..summarise(options, batch.scenario, batch, Totals::default())
    };
    hung::end("run", &summary, options.json, &options.report);
}

/// What the user says is known.
pub(super) fn known(options: &Run) -> Result<Known, Failure> {
    options.known.as_deref().map_or_else(|| Ok(Known::default()), Known::read)
}

/// The scenario and the strategy: what the user named, else what shows the planted bug, else the defaults.
fn what_to_run(options: &Run, planted: Option<Bug>) -> Result<(Scenario, &'static strategy::Entry), Failure> {
    let shown = planted.and_then(shown_by).filter(|_| options.scenario.is_none());
    let (default_scenario, default_strategy) = shown.unwrap_or((catalog::DEFAULT, strategy::PORTFOLIO));
    let scenario = catalog::find(options.scenario.as_deref().unwrap_or(default_scenario))?;
    Ok((tuned(scenario, options)?, find_strategy(options.strategy.as_deref().unwrap_or(default_strategy))?))
}

/// A scenario with what the user wants to be different in it.
pub(super) fn tuned(mut scenario: Scenario, options: &Run) -> Result<Scenario, Failure> {
    if let Some(steps) = options.steps {
        scenario.bounds.steps = steps;
    }
    if let Some(model) = options.model {
        scenario.history.model = model;
    }
    choose_checks(&mut scenario, &options.checks)?;
    let left_out = crate::subject::choose(&mut scenario, options.subject)?;
    crate::subject::note_left_out(&scenario, &left_out);
    scenario.validate().map_err(|error| Failure::Input(error.to_string()))?;
    Ok(scenario)
}

/// Takes what `--checks` says into a scenario; nothing said leaves the scenario's own choice.
pub(super) fn choose_checks(scenario: &mut Scenario, list: &[String]) -> Result<(), Failure> {
    check_names(list)?;
    if !list.is_empty() {
        scenario.checks.only = list.to_vec();
    }
    Ok(())
}

/// Complains about the first entry of a list that is no invariant.
pub(super) fn check_names(list: &[String]) -> Result<(), Failure> {
    Selection::of(list).map(|_| ()).map_err(|unknown| {
        if unknown.is_empty() {
            return Failure::Input("--checks has an empty entry: is there a comma too many?".into());
        }
        if let Some((id, _)) = super::list::of_threads().find(|(id, _)| *id == unknown) {
            let says = "only racing threads can break, so only `falken threads` judges it, and always does";
            return Failure::Input(format!("{id} is an invariant that {says}"));
        }
        let hint = suggest(unknown, invariant::known());
        Failure::Input(format!("there is no invariant `{unknown}` to check{hint} (see `falken list invariants`)"))
    })
}

pub(super) fn find_bug(id: &str) -> Result<Bug, Failure> {
    Bug::from_id(id).ok_or_else(|| {
        let hint = suggest(id, Bug::ALL.iter().map(|bug| bug.id()));
        Failure::Input(format!("there is no bug `{id}` to plant{hint} (see `falken list bugs`)"))
    })
}

pub(super) fn find_strategy(name: &str) -> Result<&'static strategy::Entry, Failure> {
    strategy::TABLE.iter().find(|entry| entry.name == name).ok_or_else(|| {
        let hint = suggest(name, strategy::TABLE.iter().map(|entry| entry.name));
        Failure::Input(format!("there is no strategy `{name}`{hint} (see `falken list strategies`)"))
    })
}

pub(super) fn default_jobs() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Makes sure, before any work is done, that files can be written there.
pub(crate) fn prepare_directory(dir: &Path) -> Result<(), Failure> {
    let failed =
        |error: std::io::Error| Failure::Input(format!("cannot write to directory {}: {error}", dir.display()));
    fs::create_dir_all(dir).map_err(failed)?;
    let probe = dir.join(".falken-write-test");
    fs::write(&probe, b"").and_then(|()| fs::remove_file(&probe)).map_err(failed)
}

pub(super) type MakeOracle = Box<dyn Fn() -> Option<Box<dyn Oracle>> + Sync>;

#[cfg(feature = "sqlite-oracle")]
pub(super) fn oracle(kind: OracleKind) -> Result<MakeOracle, Failure> {
    match kind {
        OracleKind::None => Ok(Box::new(|| None)),
        OracleKind::Sqlite => {
            let directory = tempfile::tempdir()
                .map_err(|error| Failure::Harness(format!("cannot make a directory for SQLite's copies: {error}")))?;
            let directory = Arc::new(directory);
            Ok(Box::new(move || Some(Box::new(crate::oracle::Sqlite::new(Arc::clone(&directory))))))
        }
    }
}

#[cfg(not(feature = "sqlite-oracle"))]
pub(super) fn oracle(kind: OracleKind) -> Result<MakeOracle, Failure> {
    match kind {
        OracleKind::None => Ok(Box::new(|| None)),
        OracleKind::Sqlite => {
            Err(Failure::Input("this build has no SQLite; build with the feature sqlite-oracle".into()))
        }
    }
}

/// Signals closer together than this are one: `timeout` sends its own to the process and to its group.
const ONE_SIGNAL: Duration = Duration::from_millis(50);

/// The first Ctrl-C lets the runs under way end and reports what there is; a second one kills.
pub(super) fn stop_on_ctrl_c() -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    let mut first: Option<Instant> = None;
    ctrlc::set_handler(move || {
        flag.store(true, Ordering::Relaxed);
        if first.get_or_insert_with(Instant::now).elapsed() > ONE_SIGNAL {
            std::process::exit(130);
        }
    })
    .map_err(|error| Failure::Harness(format!("cannot listen for Ctrl-C: {error}")))?;
    Ok(stop)
}

/// A bar on a terminal, a line now and then elsewhere.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    scenario: String,
    runs: u64,
    last_line: Instant,
}

impl Progress {
    pub(super) fn new(scenario: &str, runs: u64) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} runs, {per_sec}, {eta} left")
                .expect("the template is well formed");
            ProgressBar::new(runs).with_style(style).with_message(scenario.to_owned())
        });
        Self { bar, scenario: scenario.to_owned(), runs, last_line: Instant::now() }
    }

    pub(super) fn update(&mut self, totals: &Totals) {
        match &self.bar {
            Some(bar) => bar.set_position(totals.runs),
            None if self.last_line.elapsed() >= PLAIN_PROGRESS => {
                eprintln!("{}: {} of {} runs, {} actions", self.scenario, totals.runs, self.runs, totals.actions);
                self.last_line = Instant::now();
            }
            None => {}
        }
    }

    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn keep_files(dir: &Path, [database, log]: &[Vec<u8>; 2]) -> Result<(), Failure> {
    let failed = |error| Failure::Harness(format!("cannot keep files in {}: {error}", dir.display()));
    fs::write(dir.join("falken.db"), database).map_err(failed)?;
    fs::write(dir.join("falken.db-wal"), log).map_err(failed)
}

pub(super) fn summarise(options: &Run, scenario: &Scenario, batch: &Batch<'_>, totals: Totals) -> Summary {
    let has_all = totals.failure.is_some() || totals.runs >= batch.runs;
    let interrupted = batch.stop.load(Ordering::Relaxed) && !has_all;
    let failure = totals.failure.map(|(index, report)| {
        let seed = options.seed.wrapping_add(index);
        found(options, scenario, batch, seed, totals.failed_by.unwrap_or(batch.strategy.name), *report)
    });
    let mut notes = Vec::new();
    if !totals.shares.is_empty() {
        let shares: Vec<String> = totals.shares.iter().map(|(name, runs)| format!("{name} {runs}")).collect();
        notes.push(format!("runs of each strategy: {}", shares.join(", ")));
    }
    if let Some(bug) = batch.planted.0.filter(|bug| bug.needs_threads()) {
        notes.push(format!("`{}` shows only on real threads: cargo test -p falken-models-loom finds it", bug.id()));
    }
    if !totals.known.is_empty() {
        let known: Vec<String> = totals.known.iter().map(|(name, runs)| format!("{name} {runs}")).collect();
        notes.push(format!("runs that failed as a known one does, and count as passed: {}", known.join(", ")));
    }
    if let Some(path) = &options.history {
        notes.push(match Target::of(path) {
            Target::File(path) => format!("falken check judges the history in {}", path.display()),
            Target::Directory(dir) => {
                format!("falken check judges the histories in the directory {}, SEED.edn for each run", dir.display())
            }
        });
    }
    if let Some(dir) = &options.keep_files {
        notes.push(format!("the last run's files are {0}/falken.db and {0}/falken.db-wal", dir.display()));
    }
    Summary {
        scenario: scenario.name.clone(),
        strategy: batch.strategy.name.into(),
        planted: batch.planted.0.map(Bug::id),
        seed: options.seed,
        runs: totals.runs,
        runs_asked: batch.runs,
        interrupted,
        jobs: batch.jobs,
        actions: totals.actions,
        commits: totals.commits,
        crashes: totals.crashes,
        seconds: totals.seconds,
        hash: totals.hash,
        invariants: Summary::count_invariants(&totals.evaluated),
        probes: Summary::count_probes(&totals.probes, &scenario.probes.expected),
        never_hit: options.probes.then_some(totals.probes),
        damage: totals.damage,
        images: totals.images,
        failure,
        notes,
    }
}

/// Describes a failure. Its repro file is on the disk before anything else is done about it; the shrunk one is put beside
/// it, and is what is reported.
fn found(options: &Run, scenario: &Scenario, batch: &Batch<'_>, seed: u64, strategy: &str, report: RunReport) -> Found {
    let case = Case { scenario: scenario.clone(), seed, planted: batch.planted, tape: report.tape.clone() };
    let repro = repro_file::repro(case, strategy, &report);
    let path = repro_file::path(&options.repro_dir, &repro);
    let written = |path: &Path, repro: &Repro| repro_file::save_or_print(path, &repro.to_toml());
    if options.no_shrink {
        return replay::found(&repro.case, &report, written(&path, &repro));
    }
    let raw_path = shrink::raw_path(&path);
    let raw = repro_file::save(&raw_path, &repro.to_toml());
    let limit = Duration::from_secs(options.shrink_seconds.into());
    let Some(shrunk) = shrink::within(repro.case.clone(), limit, batch.stop) else {
        // A run that does not come again is nondeterministic; what was seen is still the truth.
        return replay::found(&repro.case, &report, raw.or_else(|_| written(&raw_path, &repro)));
    };
    let smaller = repro_file::repro(shrunk.smallest.case.clone(), strategy, &shrunk.smallest.report);
    let found = replay::found(&smaller.case, &shrunk.smallest.report, written(&path, &smaller));
    Found { story: shrink::story(&shrunk, limit, raw.ok(), batch.stop), ..found }
}

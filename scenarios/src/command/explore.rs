//! `falken explore`: every schedule of a small scenario.

use std::fs;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use falken_harness::case::Case;
use falken_harness::explore::{Bounds, Ended, Limits, Outcome, Subjects, Successor, Tree};
use falken_harness::run::RunReport;
use falken_models::bug::{Bug, Planted};
use falken_reports::{Exploration, Failure as Found};
use indicatif::{ProgressBar, ProgressStyle};

use super::run::{choose_checks, default_jobs, find_bug, prepare_directory, stop_on_ctrl_c};
use crate::catalog;
use crate::cli::Explore;
use crate::exit::{Exit, Failure};
use crate::{report_files, repro_file};

/// How often the search is saved, if it is to be.
const SAVED_EVERY: Duration = Duration::from_secs(30);
/// How often a line of progress is printed where there is no terminal.
const PLAIN_PROGRESS: Duration = Duration::from_secs(10);

/// Searches a scenario.
///
/// # Errors
/// The options make no sense, or files cannot be read or written.
pub fn explore(options: &Explore) -> Result<Exit, Failure> {
    let planted = Planted(options.plant.as_deref().map(find_bug).transpose()?);
    let mut scenario = catalog::find(&options.scenario)?;
    crate::subject::must_be_models(&scenario)?;
    choose_checks(&mut scenario, &options.checks)?;
    if !scenario.is_finite() {
        let name = &scenario.name;
        return Err(Failure::Input(format!(
            "{name} draws from mixes, which never end; explore needs clients with a `program`"
        )));
    }
    report_files::prepare(&options.report.files)?;
    repro_file::prepare(&options.repro_dir)?;
    let bounds = Bounds { preemptions: options.preemptions, faults: options.faults, actions: None };
    let subjects = Subjects { scenario: &scenario, planted, seed: options.seed, bounds };
    let mut limits = Limits { jobs: options.jobs.map_or_else(default_jobs, usize::from), ..Limits::default() };
    limits.depth = options.depth.unwrap_or(limits.depth);
    limits.states = options.states.unwrap_or(limits.states);
    let store = options.state_dir.as_deref().map(|dir| Store::new(dir, &subjects)).transpose()?;
    let mut tree = match store.as_ref().map(Store::load).transpose()?.flatten() {
        Some(tree) => tree,
        None => start(&subjects)?,
    };
    let known = tree.figures().states;
    let stop = stop_on_ctrl_c()?;
    let started = Instant::now();
    let (outcome, saved) = search(&subjects, &mut tree, &limits, &stop, store.as_ref());
    let report = Exploration {
        scenario: scenario.name.clone(),
        seed: options.seed,
        planted: planted.0.map(Bug::id),
        ended: outcome.ended,
        figures: tree.figures().clone(),
        waiting: tree.waiting() as u64,
        bounds: in_words(options),
        jobs: limits.jobs,
        seconds: started.elapsed().as_secs_f64(),
        found_now: tree.figures().states - known,
        notes: notes(options, known),
        failure: outcome.failure.map(|report| found(options, &subjects, &report)),
    };
    super::print(&if options.json { report.to_json() } else { report.to_text() })?;
    let files = &options.report.files;
    report_files::deliver(files, &report_files::of_search(&report, files)).and(saved)?;
    Ok(match (&report.failure, report.ended) {
        (Some(failure), _) => super::exit_of(Some(&failure.violation)),
        (None, Ended::Finished) => Exit::Pass,
        (None, Ended::Limit | Ended::Stopped | Ended::Violation) => Exit::Unknown,
    })
}

fn start(subjects: &Subjects<'_>) -> Result<Tree, Failure> {
    match subjects.initial() {
        Successor::State(hash) => Ok(Tree::new(hash)),
        Successor::End | Successor::OutOfBounds => Err(Failure::Harness("the scenario ends before it starts".into())),
        Successor::Violation(violation) => {
            let summary = &violation.evidence.summary;
            let broken = format!("the setup of {} already breaks {}", subjects.scenario.name, violation.invariant);
            Err(Failure::Input(format!("{broken}: {summary} (falken run {0} shows it)", subjects.scenario.name)))
        }
    }
}

/// Searches with progress on stderr, and saves now and then and at the end. What could not be saved has been searched.
fn search(
    subjects: &Subjects<'_>,
    tree: &mut Tree,
    limits: &Limits,
    stop: &AtomicBool,
    store: Option<&Store>,
) -> (Outcome, Result<(), Failure>) {
    let mut progress = Progress::new(&subjects.scenario.name);
    let mut saved = Instant::now();
    let mut result = Ok(());
    let outcome = subjects.search(tree, limits, stop, |tree| {
        progress.update(tree);
        if let Some(store) = store.filter(|_| saved.elapsed() >= SAVED_EVERY) {
            result = store.save(tree);
            saved = Instant::now();
        }
    });
    progress.finish();
    // A violation ends a search in the middle of a round: it is found again from the last save.
    if let Some(store) = store.filter(|_| outcome.ended != Ended::Violation) {
        result = store.save(tree);
    }
    (outcome, result)
}

fn in_words(options: &Explore) -> Vec<String> {
    let bound = |most: Option<u32>, what: &str| most.map(|most| format!("at most {most} {what}"));
    [bound(options.preemptions, "preemptions"), bound(options.faults, "faults")].into_iter().flatten().collect()
}

fn notes(options: &Explore, known: u64) -> Vec<String> {
    let Some(dir) = &options.state_dir else { return Vec::new() };
    let resumed = if known > 1 { format!("resumed with {known} states; ") } else { String::new() };
    vec![format!("{resumed}the search is kept in {}: the same command goes on", dir.display())]
}

/// Describes a failure; its repro file is on disk before anything is printed. It is not shrunk: no run with the same
/// programs breaks an invariant after fewer actions.
fn found(options: &Explore, subjects: &Subjects<'_>, report: &RunReport) -> Found {
    let Subjects { scenario, planted, seed, .. } = *subjects;
    let case = Case { scenario: scenario.clone(), seed, planted, tape: report.tape.clone() };
    let repro = repro_file::repro(case, "explore", report);
    let path = repro_file::path(&options.repro_dir, &repro);
    let written = repro_file::save_or_print(&path, &repro.to_toml());
    super::replay::found(&repro.case, report, written)
}

/// Where a search is kept.
struct Store {
    path: PathBuf,
    key: String,
}

impl Store {
    fn new(dir: &Path, subjects: &Subjects<'_>) -> Result<Self, Failure> {
        prepare_directory(dir)?;
        Ok(Self {
            path: dir.join(format!("{}.search", subjects.scenario.name)),
            key: subjects.key(env!("CARGO_PKG_VERSION")),
        })
    }

    fn load(&self) -> Result<Option<Tree>, Failure> {
        let path = self.path.display();
        match fs::read(&self.path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Failure::Input(format!("cannot read {path}: {error}"))),
            Ok(bytes) => Tree::from_bytes(&bytes, &self.key)
                .map(Some)
                .map_err(|error| Failure::Input(format!("cannot go on from {path}: {error}; name another directory"))),
        }
    }

    fn save(&self, tree: &Tree) -> Result<(), Failure> {
        repro_file::write_whole(&self.path, &tree.to_bytes(&self.key))
            .map_err(|error| Failure::Harness(format!("cannot save the search in {}: {error}", self.path.display())))
    }
}

/// A line that changes on a terminal, a line now and then elsewhere.
struct Progress {
    bar: Option<ProgressBar>,
    scenario: String,
    started: Instant,
    last_line: Instant,
}

impl Progress {
    fn new(scenario: &str) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{spinner} {msg}").expect("the template is well formed");
            ProgressBar::new_spinner().with_style(style)
        });
        Self { bar, scenario: scenario.to_owned(), started: Instant::now(), last_line: Instant::now() }
    }

    fn update(&mut self, tree: &Tree) {
        if self.bar.is_none() && self.last_line.elapsed() < PLAIN_PROGRESS {
            return;
        }
        let (figures, waiting) = (tree.figures(), tree.waiting());
        let seconds = self.started.elapsed().as_secs();
        let line = format!(
            "{}: {} states, {waiting} waiting, depth {}, {seconds} s",
            self.scenario, figures.states, figures.depth
        );
        match &self.bar {
            Some(bar) => {
                bar.set_message(line);
                bar.tick();
            }
            None => {
                eprintln!("{line}");
                self.last_line = Instant::now();
            }
        }
    }

    fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

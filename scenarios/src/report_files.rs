//! `--report FORMAT=FILE,…`: reports as files, and what GitHub Actions is told.

use std::collections::BTreeMap;
use std::env;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use falken_harness::case::Case;
use falken_harness::recording::Recording;
use falken_harness::repro::Repro;
use falken_harness::shrink::{self, Failing};
use falken_reports::format::{self, FORMATS, FormatEntry, Report, Shows};
use falken_reports::night::Group;
use falken_reports::threads::Threads;
use falken_reports::{Exploration, Night, Summary, github};

use crate::exit::{Failure, suggest};
use crate::repro_file::{self, read_again, write_whole};

/// A report that was asked for.
#[derive(Clone)]
pub struct ReportFile {
    /// The format.
    pub format: &'static FormatEntry,
    /// The file.
    pub path: PathBuf,
}

impl std::fmt::Debug for ReportFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}={}", self.format.name, self.path.display())
    }
}

/// Reads `FORMAT=FILE`.
///
/// # Errors
/// There is no such format, or no file.
pub fn parse(text: &str) -> Result<ReportFile, String> {
    let known = || FORMATS.iter().map(|entry| entry.name);
    let (name, path) = text.split_once('=').filter(|(_, path)| !path.is_empty()).ok_or_else(|| {
        format!("a report is FORMAT=FILE, where FORMAT is one of {}", known().collect::<Vec<_>>().join(", "))
    })?;
    let format = format::find(name).ok_or_else(|| {
        let hint = suggest(name, known());
        format!("there is no format `{name}`{hint} (known: {})", known().collect::<Vec<_>>().join(", "))
    })?;
    Ok(ReportFile { format, path: path.into() })
}

/// The help of the option, made from the table.
pub fn help() -> String {
    let formats: String = FORMATS.iter().map(|entry| format!("\n  {:9} {}", entry.name, entry.about)).collect();
    format!(
        "Write reports to files as well, for example `junit=report.xml,md=report.md`; - is stdout. Formats:{formats}"
    )
}

/// Makes sure, before any work is done, that the files can be written.
///
/// # Errors
/// Names the first one that cannot.
pub fn prepare(files: &[ReportFile]) -> Result<(), Failure> {
    for (at, ReportFile { format, path }) in files.iter().enumerate() {
        if let Some(other) = files[..at].iter().find(|other| is_same(&other.path, path)) {
            let (one, two) = (other.format.name, format.name);
            return Err(Failure::Input(format!("{} cannot hold two reports, {one} and {two}", path.display())));
        }
        if !is_stdout(path) {
            repro_file::must_be_writable(path)?;
        }
    }
    Ok(())
}

fn is_same(one: &Path, other: &Path) -> bool {
    let absolute = |path| std::path::absolute(path).ok();
    absolute(one) == absolute(other)
}

fn is_stdout(path: &Path) -> bool {
    path == Path::new("-")
}

/// Writes the reports, and tells GitHub Actions what was found if this is one of its jobs.
///
/// # Errors
/// A file cannot be written; the others are.
pub fn deliver(files: &[ReportFile], report: &Report) -> Result<(), Failure> {
    let mut delivered = Ok(());
    for ReportFile { format, path } in files {
        let text = format.format.write(report);
        if is_stdout(path) {
            delivered = delivered.and(crate::command::print(&text).map(|_| ()));
            continue;
        }
        match write_whole(path, &text) {
            Ok(()) => eprintln!("report: {}", path.display()),
            Err(error) => {
                let says = format!("cannot write the report {}: {error}", path.display());
                delivered = delivered.and(Err(Failure::Harness(says)));
            }
        }
    }
    if env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true") {
        // GitHub reads both streams; stdout may be somebody's JSON.
        eprint!("{}", github::annotations(&report.night));
    }
    match env::var_os("GITHUB_STEP_SUMMARY") {
        Some(path) if !path.is_empty() => delivered.and(summarise_step(Path::new(&path), report)),
        _ => delivered,
    }
}

/// Appends the Markdown report to the page of the step; earlier steps of the job may have written there.
fn summarise_step(path: &Path, report: &Report) -> Result<(), Failure> {
    let markdown = format::find("md").expect("Markdown is a format").format.write(report);
    let file = OpenOptions::new().create(true).append(true).open(path);
    file.and_then(|mut file| file.write_all(markdown.as_bytes()))
        .map_err(|error| Failure::Harness(format!("cannot append to GITHUB_STEP_SUMMARY: {error}")))
}

/// Whether any of the reports shows recordings, which cost a replay each.
pub fn need_recordings(files: &[ReportFile]) -> bool {
    files.iter().any(|file| file.format.shows == Shows::Recordings)
}

/// The recording of a case, with the steps that race marked if there are any.
pub fn record(case: &Case) -> Recording {
    let (_, mut recording) = case.record();
    // Explaining replays the case for every entry of its tape, so that is for those that were shrunk.
    if case.tape.entries().len() <= EXPLAINED_MAX
        && let Some(race) = Failing::of(case.clone()).and_then(|failing| shrink::explain(&failing, &mut || true).race)
    {
        recording.mark(&race);
    }
    recording
}

/// The longest tape whose race is looked for.
const EXPLAINED_MAX: usize = 200;

/// The most violations of a night whose repros are recorded: the page of a night in which everything breaks must still open.
const RECORDED_MAX: usize = 20;

/// A night as a report, with recordings of its repros if a format shows them.
pub fn of_night(night: Night, shows: Shows) -> Report {
    let case = |text: &str| Some(Repro::from_toml(text).ok().filter(|repro| !repro.is_unfinished)?.case);
    let recorded = |group: &Group| Some((group.id.clone(), record(&case(&group.repro)?)));
    let recordings = match shows {
        Shows::Night => BTreeMap::new(),
        Shows::Recordings => night.facts.groups.iter().filter_map(recorded).take(RECORDED_MAX).collect(),
    };
    Report { night, recordings }
}

/// A batch that `command` has run, as a report. What the texts of the repro say is read from its file.
pub fn of_batch(command: &str, summary: &Summary, files: &[ReportFile]) -> Report {
    let path = summary.failure.as_ref().and_then(|failure| failure.repro.as_ref().ok());
    with_repro(Night::of_batch(command, summary), path, files)
}

/// A search, as a report.
pub fn of_search(search: &Exploration, files: &[ReportFile]) -> Report {
    let path = search.failure.as_ref().and_then(|failure| failure.repro.as_ref().ok());
    with_repro(Night::of_search(search), path, files)
}

/// An exploration of racing threads, as a report. Its repro file is no case that could be recorded.
pub fn of_racing(threads: &Threads) -> Report {
    let mut night = ended_now(Night::of_racing(threads));
    let path = threads.failure.as_ref().and_then(|failure| failure.repro.as_ref().ok());
    if let (Some(group), Some(text)) =
        (night.facts.groups.first_mut(), path.and_then(|path| fs::read_to_string(path).ok()))
    {
        group.repro = text;
    }
    Report { night, ..Report::default() }
}

/// Hunts for planted bugs, as a report.
pub fn of_kills(night: Night) -> Report {
    Report { night: ended_now(night), ..Report::default() }
}

/// A night whose only failure has its repro in a file of the simulator.
fn with_repro(night: Night, path: Option<&String>, files: &[ReportFile]) -> Report {
    let mut night = ended_now(night);
    let mut recordings = BTreeMap::new();
    if let (Some(group), Some(repro)) =
        (night.facts.groups.first_mut(), path.and_then(|path| read_again(Path::new(path)).ok()))
    {
        group.repro = repro.to_toml();
        group.test = falken_reports::rust_test::write(&repro);
        if need_recordings(files) {
            recordings.insert(group.id.clone(), record(&repro.case));
        }
    }
    Report { night, recordings }
}

/// A night that ends now.
fn ended_now(mut night: Night) -> Night {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    (night.timing.began, night.timing.ended) = (now.saturating_sub(night.timing.seconds as u64), now);
    night
}

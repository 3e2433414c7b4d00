//! What was known before the night: the corpus of regressions, and the groups of earlier nights. All of it is replayed first.

use std::path::{Path, PathBuf};

use falken_harness::repro::Repro;
use falken_harness::subject::Engine;
use falken_reports::night::{Baseline, Group, Regression, RegressionOutcome, ScenarioTiming, Standing};
use serde::{Deserialize, Serialize};

use super::child::Stopped;
use super::state::{read_json, write_json};
use super::triage::Trait;
use super::worker::{Replayed, Reply};
use crate::catalog::CANARY;
use crate::exit::Failure;
use crate::repro_file::write_whole;

/// Where the corpus of regressions is looked for if the user names no other place.
const REGRESSIONS: &str = "scenarios/regressions";

/// And what is known of another engine.
const FINDINGS: &str = "scenarios/findings";

/// Where repros of an engine are looked for if the user names no other place.
pub fn usual_place(subject: Option<Engine>) -> PathBuf {
    match subject.filter(|subject| !subject.is_models()) {
        Some(subject) => Path::new(FINDINGS).join(subject.name()),
        None => REGRESSIONS.into(),
    }
}

/// A group that an earlier night has found, with what is needed to know it again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct KnownGroup {
    /// As it was.
    pub group: Group,
    /// What its failures have in common with others of the same cause.
    pub cause: Trait,
    /// The night that found it first.
    pub from: String,
    /// When that was, in seconds since 1970.
    pub since: u64,
}

/// The figures of an earlier night that this one is compared with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Earlier {
    /// Where it is, its runs and its rate.
    pub baseline: Baseline,
    /// The machine that made it, if it was one.
    pub host: String,
    /// Seconds of each scenario.
    pub scenarios: Vec<ScenarioTiming>,
    /// Runs and actions of each scenario.
    pub actions: Vec<(String, u64, u64)>,
}

/// Everything that was known, replayed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Replays {
    /// The corpus of regressions.
    pub regressions: Vec<Regression>,
    /// Its files, as groups that can be known again.
    pub from_regressions: Vec<KnownGroup>,
    /// The groups of earlier nights; their standing is that of this commit.
    pub groups: Vec<KnownGroup>,
    /// What the canary did.
    pub canary: Option<Result<(), String>>,
    /// The last night.
    pub earlier: Option<Earlier>,
    /// What the reader should know besides.
    pub notes: Vec<String>,
}

/// The repro files of the corpus of regressions, in order: those in the directory, and the `repro.toml` of each one in it.
///
/// # Errors
/// The user has named a directory that cannot be read.
pub fn regressions(named: Option<&Path>, subject: Option<Engine>) -> Result<Vec<PathBuf>, Failure> {
    let dir = named.map_or_else(|| usual_place(subject), Path::to_owned);
    let entries = match std::fs::read_dir(&dir) {
        Ok(entries) => entries,
        Err(_) if named.is_none() => return Ok(Vec::new()),
        Err(error) => return Err(Failure::Input(format!("cannot read regressions {}: {error}", dir.display()))),
    };
    let file = |path: PathBuf| if path.is_dir() { path.join("repro.toml") } else { path };
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| file(entry.path())).collect();
    files.retain(|path| path.is_file());
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    Ok(files)
}

/// Judges the replay of one file of the corpus.
pub fn judge(path: &Path, text: &str, replay: &Result<Reply, Stopped>) -> (Regression, Option<KnownGroup>) {
    let directory = path.parent().filter(|_| path.ends_with("repro.toml"));
    let file = directory.unwrap_or(path).file_name().unwrap_or_default().to_string_lossy().into_owned();
    let unreadable = |what: String| Regression {
        file: file.clone(),
        outcome: RegressionOutcome::Unreadable,
        what,
        ..Regression::default()
    };
    let repro = match Repro::from_toml(text) {
        Ok(repro) => repro,
        Err(error) => return (unreadable(error.to_string()), None),
    };
    let replayed = match replay {
        Ok(Reply::Replayed(replayed)) => replayed,
        Ok(Reply::Refused(why)) => return (unreadable(why.clone()), None),
        Ok(Reply::Run(_) | Reply::Shrunk(_)) => return (unreadable("it was not replayed".into()), None),
        Err(stopped) => return (unreadable(format!("its replay {}", stopped.what)), None),
    };
    let invariant = repro.verdict.split(':').next().unwrap_or_default().to_owned();
    let planted = repro.case.planted.0.map(|bug| bug.id().to_owned());
    let (outcome, what) = outcome(&invariant, planted.is_some(), replayed);
    // A published engine is not going to change overnight: what was found in it is there to be known again.
    let (outcome, what) = match outcome {
        RegressionOutcome::Failing if !repro.case.scenario.subject.is_models() => (RegressionOutcome::Kept, what),
        outcome => (outcome, what),
    };
    let known = KnownGroup {
        cause: replayed.cause.as_ref().map(|cause| Trait::new(&invariant, cause)).unwrap_or_default(),
        from: format!("regressions/{file}"),
        ..KnownGroup::default()
    };
    (Regression { file, invariant, planted, outcome, what }, Some(known))
}

fn outcome(invariant: &str, is_planted: bool, replayed: &Replayed) -> (RegressionOutcome, String) {
    let fails_the_same = replayed.cause.as_ref().is_some_and(|cause| cause.split(' ').next() == Some(invariant));
    match (is_planted, &replayed.cause_without_bug, fails_the_same) {
        (true, Some(cause), _) => (RegressionOutcome::Failing, format!("it fails without its bug: {cause}")),
        (true, None, true) => (RegressionOutcome::Kept, format!("{invariant} fails with its bug and holds without it")),
        (true, None, false) => (RegressionOutcome::Stale, format!("{invariant} does not fail any more with its bug")),
        (false, _, true) => (RegressionOutcome::Failing, format!("{invariant} still fails")),
        (false, _, false) => match &replayed.cause {
            Some(cause) => (RegressionOutcome::Failing, format!("it fails otherwise: {cause}")),
            None => (RegressionOutcome::Fixed, format!("{invariant} holds now")),
        },
    }
}

/// The standing of an earlier group whose repro was replayed.
pub fn standing(replay: &Result<Reply, Stopped>) -> Standing {
    match replay {
        Ok(Reply::Replayed(replayed)) if replayed.cause.is_none() => Standing::Fixed,
        // A repro that hangs or kills its process is not fixed, and neither is one that cannot be read any more.
        Ok(_) | Err(_) => Standing::Failing,
    }
}

/// What the canary has done, told by its run.
pub fn judge_canary(reply: &Result<Reply, Stopped>) -> Result<(), String> {
    match reply {
        Ok(Reply::Run(line)) if line.failed().is_some() => Ok(()),
        Ok(Reply::Run(_)) => Err(format!("`{}` must always fail, and it passed: violations do not surface", CANARY.0)),
        Ok(Reply::Refused(why)) => Err(format!("`{}` was not run: {why}", CANARY.0)),
        Ok(Reply::Shrunk(_) | Reply::Replayed(_)) => Err(format!("`{}` was not run", CANARY.0)),
        Err(stopped) => Err(format!("`{}` {}", CANARY.0, stopped.what)),
    }
}

/// Reads the corpus of an earlier night.
///
/// # Errors
/// It is there and cannot be read.
pub fn read_corpus(dir: &Path) -> Result<Vec<KnownGroup>, Failure> {
    let path = dir.join("corpus/groups.json");
    if path.exists() { read_json(&path) } else { Ok(Vec::new()) }
}

/// Writes the corpus of this night: what was known, and what it has found.
///
/// # Errors
/// The disk's.
pub fn write_corpus(dir: &Path, groups: &[KnownGroup]) -> Result<(), Failure> {
    for KnownGroup { group, .. } in groups {
        let path = dir.join("corpus").join(format!("{}.toml", group.id));
        write_whole(&path, &group.repro)
            .map_err(|error| Failure::Harness(format!("cannot write {}: {error}", path.display())))?;
    }
    write_json(&dir.join("corpus/groups.json"), &groups)
}

//! Starts workers and makes an outcome of what they say.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use falken_harness::scenario::ThreadEngine;
use thiserror::Error;

use crate::engine::schedule_of;
use crate::invariants::invariant_of;
use crate::job::{Job, Task};
use crate::message::{Lane, Message};
use crate::schedule::Schedule;

/// Why there is no outcome.
#[derive(Debug, Error)]
pub enum SuperviseError {
    /// The worker could not be started or read.
    #[error("the worker process: {0}")]
    Io(#[from] std::io::Error),
    /// The worker has said something else than it should.
    #[error("the worker process {0}")]
    Worker(String),
}

/// A failing execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failing {
    /// The message of its panic.
    pub text: String,
    /// Which one it was, from 1.
    pub execution: u64,
    /// Its choices; `None` if nobody made them.
    pub schedule: Option<Schedule>,
    /// What happened in it.
    pub lanes: Vec<Lane>,
    /// Whether running the schedule again has failed with the same message.
    pub is_reproduced: bool,
}

/// What has come of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// How many executions have begun.
    pub executions: u64,
    /// Whether no others are left within the bound.
    pub exhaustive: bool,
    /// The failing execution, if there is one.
    pub failure: Option<Failing>,
    /// What happened in the only execution of a replay that has passed.
    pub lanes: Vec<Lane>,
}

impl Failing {
    /// The invariant that its message names; loom and shuttle have words of their own for deadlocks and leaks.
    pub fn invariant(&self) -> &'static str {
        invariant_of(&self.text)
    }
}

/// What one worker has said in the end.
enum Said {
    Ended {
        executions: u64,
        exhaustive: bool,
        lanes: Vec<Lane>,
    },
    Panicked(crate::message::Panicked),
    Shrunk(Schedule),
    /// It has died without a word.
    Nothing {
        executions: u64,
        how: String,
    },
}

/// Where a worker's files go: a name that no other process has.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        let scratch = Self(std::env::temp_dir().join(format!("falken-threads-{}.path", std::process::id())));
        // A process of the same number may have been killed before.
        let _ = fs::remove_file(&scratch.0);
        scratch
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Does a job in processes of their own; `worker` is the command that becomes a worker. `progress` is told how many executions
/// have begun.
///
/// # Errors
/// A worker cannot be started, or is not what it should be.
pub fn supervise(
    worker: &dyn Fn() -> Command,
    job: &Job,
    progress: &mut dyn FnMut(u64),
) -> Result<Outcome, SuperviseError> {
    let scratch = Scratch::new();
    let explore = match &job.task {
        Task::Replay(schedule, _) => Task::Replay(schedule.clone(), scratch.0.clone()),
        Task::Explore(_) | Task::WriteAhead(_) | Task::Shrink(..) => Task::Explore(scratch.0.clone()),
    };
    let is_replay = matches!(explore, Task::Replay(..));
    let said = listen(worker, &Job { task: explore, ..job.clone() }, progress)?;
    let (executions, text, schedule, lanes) = match said {
        Said::Ended { executions, exhaustive, lanes } => {
            return Ok(Outcome { executions, exhaustive, failure: None, lanes });
        }
        Said::Shrunk(_) => return Err(SuperviseError::Worker("has shrunk what it should explore".into())),
        Said::Panicked(panicked) => (panicked.execution, panicked.text, panicked.schedule, panicked.lanes),
        Said::Nothing { executions, how } => (executions, format!("LIVE-3: the process died: {how}"), None, Vec::new()),
    };
    let mut failure = Failing { text, execution: executions, schedule, lanes, is_reproduced: false };
    if !is_replay {
        find_schedule(worker, job, &scratch.0, &mut failure)?;
        tell(worker, job, &scratch.0, &mut failure)?;
    }
    Ok(Outcome { executions, exhaustive: false, failure: Some(failure), lanes: Vec::new() })
}

/// Makes the failing execution's schedule known, and shorter where that can be done.
fn find_schedule(
    worker: &dyn Fn() -> Command,
    job: &Job,
    scratch: &Path,
    failure: &mut Failing,
) -> Result<(), SuperviseError> {
    if job.engine == ThreadEngine::Os {
        return Ok(());
    }
    if failure.schedule.is_none() {
        let again = Job { task: Task::WriteAhead(scratch.to_owned()), ..job.clone() };
        listen(worker, &again, &mut |_| {})?;
        failure.schedule = match job.engine {
            ThreadEngine::Loom => Some(schedule_of(scratch).map_err(SuperviseError::Worker)?),
            ThreadEngine::Shuttle | ThreadEngine::Os => {
                let text = fs::read_to_string(scratch)?;
                Some(Schedule::try_from(vec![text]).map_err(SuperviseError::Worker)?)
            }
        };
    }
    shrink_schedule(worker, job, failure)
}

/// Makes the schedule of a failing execution shorter, and tells it again.
///
/// # Errors
/// A worker cannot be started, or is not what it should be.
pub(crate) fn shorten(worker: &dyn Fn() -> Command, job: &Job, failure: &mut Failing) -> Result<(), SuperviseError> {
    let scratch = Scratch::new();
    shrink_schedule(worker, job, failure)?;
    tell(worker, job, &scratch.0, failure)
}

fn shrink_schedule(worker: &dyn Fn() -> Command, job: &Job, failure: &mut Failing) -> Result<(), SuperviseError> {
    if let (ThreadEngine::Shuttle, Some(schedule)) = (job.engine, &failure.schedule) {
        let shrink = Job { task: Task::Shrink(schedule.clone(), failure.text.clone()), ..job.clone() };
        if let Said::Shrunk(shorter) = listen(worker, &shrink, &mut |_| {})? {
            failure.schedule = Some(shorter);
        }
    }
    Ok(())
}

/// Runs the failing execution once more, to see that it is the schedule that fails, and to read what happens.
fn tell(worker: &dyn Fn() -> Command, job: &Job, scratch: &Path, failure: &mut Failing) -> Result<(), SuperviseError> {
    let Some(schedule) = &failure.schedule else { return Ok(()) };
    let replay = Job { task: Task::Replay(schedule.clone(), scratch.to_owned()), ..job.clone() };
    if let Said::Panicked(again) = listen(worker, &replay, &mut |_| {})? {
        failure.is_reproduced = invariant_of(&again.text) == failure.invariant();
        (failure.text, failure.lanes) = (again.text, again.lanes);
    }
    Ok(())
}

fn listen(worker: &dyn Fn() -> Command, job: &Job, progress: &mut dyn FnMut(u64)) -> Result<Said, SuperviseError> {
    let mut child = worker().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let text = serde_json::to_string(job).map_err(|error| SuperviseError::Worker(error.to_string()))?;
    child.stdin.take().expect("it is piped").write_all(text.as_bytes())?;
    let mut said = None;
    let mut executions = 0;
    for line in BufReader::new(child.stdout.take().expect("it is piped")).lines() {
        let line = line?;
        match serde_json::from_str(&line) {
            Ok(Message::Progress(so_far)) => {
                executions = so_far;
                progress(so_far);
            }
            Ok(Message::Panicked(panicked)) => said = Some(Said::Panicked(panicked)),
            Ok(Message::Ended { executions, exhaustive, lanes }) => {
                said = Some(Said::Ended { executions, exhaustive, lanes });
            }
            Ok(Message::Shrunk(schedule)) => said = Some(Said::Shrunk(schedule)),
            Err(error) => return Err(SuperviseError::Worker(format!("has said `{line}`: {error}"))),
        }
    }
    let status = child.wait()?;
    Ok(said.unwrap_or(Said::Nothing { executions, how: status.to_string() }))
}

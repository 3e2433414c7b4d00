//! Starts workers and makes an outcome of what they say.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

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
    /// Somebody has said stop before all was done; a failure that was found by then has not been run again.
    pub stopped: bool,
}

/// How workers are started, and for how long they may work.
#[derive(Clone, Copy)]
pub struct Workers<'a> {
    /// The command that becomes a worker.
    pub command: &'a dyn Fn() -> Command,
    /// Workers are killed as soon as this is set.
    pub stop: &'a AtomicBool,
}

/// How often somebody looks whether workers are to stop.
const LOOK_EVERY: Duration = Duration::from_millis(50);

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
    /// It was killed because somebody has said stop.
    Stopped {
        executions: u64,
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

/// Does a job in processes of their own. `progress` is told how many executions have begun.
///
/// # Errors
/// A worker cannot be started, or is not what it should be.
pub fn supervise(workers: Workers<'_>, job: &Job, progress: &mut dyn FnMut(u64)) -> Result<Outcome, SuperviseError> {
    let scratch = Scratch::new();
    let explore = match &job.task {
        Task::Replay(schedule, _) => Task::Replay(schedule.clone(), scratch.0.clone()),
        Task::Explore(_) | Task::WriteAhead(_) | Task::Shrink(..) => Task::Explore(scratch.0.clone()),
    };
    let is_replay = matches!(explore, Task::Replay(..));
    let said = listen(workers, &Job { task: explore, ..job.clone() }, progress)?;
    let (executions, text, schedule, lanes) = match said {
        Said::Ended { executions, exhaustive, lanes } => {
            return Ok(Outcome { executions, exhaustive, failure: None, lanes, stopped: false });
        }
        Said::Stopped { executions } => {
            return Ok(Outcome { executions, exhaustive: false, failure: None, lanes: Vec::new(), stopped: true });
        }
        Said::Shrunk(_) => return Err(SuperviseError::Worker("has shrunk what it should explore".into())),
        Said::Panicked(panicked) => (panicked.execution, panicked.text, panicked.schedule, panicked.lanes),
        Said::Nothing { executions, how } => (executions, format!("LIVE-3: the process died: {how}"), None, Vec::new()),
    };
    let mut failure = Failing { text, execution: executions, schedule, lanes, is_reproduced: false };
    if !is_replay {
        find_schedule(workers, job, &scratch.0, &mut failure)?;
        tell(workers, job, &scratch.0, &mut failure)?;
    }
    let stopped = workers.stop.load(Ordering::Relaxed) && !is_replay && !failure.is_reproduced;
    Ok(Outcome { executions, exhaustive: false, failure: Some(failure), lanes: Vec::new(), stopped })
}

/// Makes the failing execution's schedule known, and shorter where that can be done.
fn find_schedule(workers: Workers<'_>, job: &Job, scratch: &Path, failure: &mut Failing) -> Result<(), SuperviseError> {
    if job.engine == ThreadEngine::Os {
        return Ok(());
    }
    if failure.schedule.is_none() {
        let again = Job { task: Task::WriteAhead(scratch.to_owned()), ..job.clone() };
        if let Said::Stopped { .. } = listen(workers, &again, &mut |_| {})? {
            return Ok(());
        }
        failure.schedule = match job.engine {
            ThreadEngine::Loom => Some(schedule_of(scratch).map_err(SuperviseError::Worker)?),
            ThreadEngine::Shuttle | ThreadEngine::Os => {
                let text = fs::read_to_string(scratch)?;
                Some(Schedule::try_from(vec![text]).map_err(SuperviseError::Worker)?)
            }
        };
    }
    shrink_schedule(workers, job, failure)
}

/// Makes the schedule of a failing execution shorter, and tells it again.
///
/// # Errors
/// A worker cannot be started, or is not what it should be.
pub(crate) fn shorten(workers: Workers<'_>, job: &Job, failure: &mut Failing) -> Result<(), SuperviseError> {
    let scratch = Scratch::new();
    shrink_schedule(workers, job, failure)?;
    tell(workers, job, &scratch.0, failure)
}

fn shrink_schedule(workers: Workers<'_>, job: &Job, failure: &mut Failing) -> Result<(), SuperviseError> {
    if let (ThreadEngine::Shuttle, Some(schedule)) = (job.engine, &failure.schedule) {
        let shrink = Job { task: Task::Shrink(schedule.clone(), failure.text.clone()), ..job.clone() };
        if let Said::Shrunk(shorter) = listen(workers, &shrink, &mut |_| {})? {
            failure.schedule = Some(shorter);
        }
    }
    Ok(())
}

/// Runs the failing execution once more, to see that it is the schedule that fails, and to read what happens.
fn tell(workers: Workers<'_>, job: &Job, scratch: &Path, failure: &mut Failing) -> Result<(), SuperviseError> {
    let Some(schedule) = &failure.schedule else { return Ok(()) };
    let replay = Job { task: Task::Replay(schedule.clone(), scratch.to_owned()), ..job.clone() };
    if let Said::Panicked(again) = listen(workers, &replay, &mut |_| {})? {
        failure.is_reproduced = invariant_of(&again.text) == failure.invariant();
        (failure.text, failure.lanes) = (again.text, again.lanes);
    }
    Ok(())
}

/// Starts a worker and hears it out.
fn listen(workers: Workers<'_>, job: &Job, progress: &mut dyn FnMut(u64)) -> Result<Said, SuperviseError> {
    let Workers { command, stop } = workers;
    let mut child = command().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let text = serde_json::to_string(job).map_err(|error| SuperviseError::Worker(error.to_string()))?;
    child.stdin.take().expect("it is piped").write_all(text.as_bytes())?;
    let out = child.stdout.take().expect("it is piped");
    let (child, is_over, mut executions) = (Mutex::new(child), AtomicBool::new(false), 0);
    let said = std::thread::scope(|scope| {
        let watch = scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                if stop.load(Ordering::Relaxed) {
                    // Whoever has ended already cannot be killed, and need not be.
                    let _ = child.lock().expect("nobody panics while holding it").kill();
                    return;
                }
                std::thread::park_timeout(LOOK_EVERY);
            }
        });
        let said = hear(out, &mut |so_far| {
            executions = so_far;
            progress(so_far);
        });
        is_over.store(true, Ordering::Relaxed);
        watch.thread().unpark();
        said
    });
    let status = child.into_inner().expect("nobody panics while holding it").wait()?;
    match said {
        Ok(Some(said)) => Ok(said),
        // What it was killed at may be a line by half.
        _ if stop.load(Ordering::Relaxed) => Ok(Said::Stopped { executions }),
        Ok(None) => Ok(Said::Nothing { executions, how: status.to_string() }),
        Err(error) => Err(error),
    }
}

/// What a worker says last, if it says anything.
fn hear(out: ChildStdout, progress: &mut dyn FnMut(u64)) -> Result<Option<Said>, SuperviseError> {
    let mut said = None;
    for line in BufReader::new(out).lines() {
        let line = line?;
        match serde_json::from_str(&line) {
            Ok(Message::Progress(so_far)) => progress(so_far),
            Ok(Message::Panicked(panicked)) => said = Some(Said::Panicked(panicked)),
            Ok(Message::Ended { executions, exhaustive, lanes }) => {
                said = Some(Said::Ended { executions, exhaustive, lanes });
            }
            Ok(Message::Shrunk(schedule)) => said = Some(Said::Shrunk(schedule)),
            Err(error) => return Err(SuperviseError::Worker(format!("has said `{line}`: {error}"))),
        }
    }
    Ok(said)
}

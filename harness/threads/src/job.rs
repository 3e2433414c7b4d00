//! What a worker is asked to do.

use std::path::PathBuf;

use falken_harness::scenario::{Scenario, ThreadEngine};
use falken_models::bug::Bug;
use falken_models::threads::{self, Bound, Form};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::engine;
use crate::schedule::Schedule;

/// What is run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// The form of this name.
    Form(String),
    /// The programs of this scenario.
    Scenario(Box<Scenario>),
}

/// What to do with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    /// Look for a failing execution. Now and then the place in the search is written to this file.
    Explore(PathBuf),
    /// The same again from that file, with every execution's schedule written there before it is run.
    WriteAhead(PathBuf),
    /// Run one execution; the file is for the engine's use.
    Replay(Schedule, PathBuf),
    /// Look for a shorter schedule that fails in the same way, with this message.
    Shrink(Schedule, String),
}

/// A worker's job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// What explores.
    pub engine: ThreadEngine,
    /// What is run.
    pub subject: Subject,
    /// The planted bug's id.
    pub planted: Option<String>,
    /// Loom: the most preemptions, `None` for all executions.
    pub preemptions: Option<u8>,
    /// Shuttle and the machine: how many executions.
    pub runs: u64,
    /// Shuttle: from which schedules are drawn.
    pub seed: u64,
    /// Shuttle: what samples schedules, one of [`sampler::TABLE`](crate::sampler::TABLE).
    pub sampler: String,
    /// What to do.
    pub task: Task,
}

/// Why a job makes no sense.
#[derive(Debug, Error)]
pub enum JobError {
    /// The subject is not made for that engine.
    #[error("{subject} does not run under {engine}; it runs under {supported}")]
    Engine {
        /// What was to be run.
        subject: String,
        /// The engine asked for.
        engine: &'static str,
        /// The engines that it supports.
        supported: String,
    },
    /// Loom models only so many threads.
    #[error("{subject} has {threads} threads, and loom models at most {max} (with the main one)")]
    Threads {
        /// What was to be run.
        subject: String,
        /// How many threads it has.
        threads: usize,
        /// How many loom allows.
        max: usize,
    },
    /// The scenario says nothing about threads.
    #[error("scenario {0} has no `[threads]` section: `falken list threads` names those that have, and the forms")]
    NoThreads(String),
}

impl Subject {
    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Self::Form(name) => name,
            Self::Scenario(scenario) => &scenario.name,
        }
    }

    fn form(&self) -> Option<&'static Form> {
        match self {
            Self::Form(name) => threads::find(name),
            Self::Scenario(_) => None,
        }
    }

    /// The engines for which it is made.
    ///
    /// # Errors
    /// It is a scenario that says nothing about threads.
    pub fn engines(&self) -> Result<Vec<ThreadEngine>, JobError> {
        match self {
            Self::Form(_) if self.form().is_some_and(|form| form.bound == Bound::TooLarge) => {
                Ok(vec![ThreadEngine::Shuttle, ThreadEngine::Os])
            }
            Self::Form(_) => Ok(vec![ThreadEngine::Loom, ThreadEngine::Shuttle, ThreadEngine::Os]),
            Self::Scenario(scenario) => {
                let threads = scenario.threads.as_ref().ok_or_else(|| JobError::NoThreads(scenario.name.clone()))?;
                Ok(threads.engines.clone())
            }
        }
    }

    /// How far loom explores it if nothing else is asked for: a number of preemptions, or everything.
    pub fn preemptions(&self) -> Option<u8> {
        match (self, self.form().map(|form| form.bound)) {
            (Self::Scenario(scenario), _) => scenario.threads.as_ref().map(|threads| threads.preemptions),
            (_, Some(Bound::Preemptions(most))) => Some(most),
            (_, Some(Bound::Full | Bound::TooLarge) | None) => None,
        }
    }

    fn threads(&self) -> usize {
        match self {
            Self::Form(_) => self.form().map_or(1, |form| usize::from(form.threads)),
            Self::Scenario(scenario) => 1 + usize::from(scenario.connections()),
        }
    }
}

impl Job {
    /// Says whether the job can be done.
    ///
    /// # Errors
    /// The engine does not support the subject, or cannot model so many threads.
    pub fn validate(&self) -> Result<(), JobError> {
        let subject = || self.subject.name().to_owned();
        let threads = self.subject.threads();
        if self.engine == ThreadEngine::Loom && threads > loom::MAX_THREADS {
            return Err(JobError::Threads { subject: subject(), threads, max: loom::MAX_THREADS });
        }
        let engines = self.subject.engines()?;
        if !engines.contains(&self.engine) {
            let names: Vec<_> = engines.iter().map(|engine| engine::of(*engine).name).collect();
            let engine = engine::of(self.engine).name;
            return Err(JobError::Engine { subject: subject(), engine, supported: names.join(", ") });
        }
        Ok(())
    }
}

/// A form that shows a bug, and the engine that finds it there: loom where the form is small enough.
pub fn choose(bug: Bug) -> Option<(&'static Form, ThreadEngine)> {
    let form = threads::TABLE.iter().find(|form| form.shows.contains(&bug))?;
    let engine = if form.bound == Bound::TooLarge { ThreadEngine::Shuttle } else { ThreadEngine::Loom };
    Some((form, engine))
}

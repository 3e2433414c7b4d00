//! Repro files of failing executions: TOML, like those of the simulator, told apart by their `engine`.

use falken_harness::scenario::{Scenario, ThreadEngine};
use falken_models::threads;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::job::{Job, JobError, Subject};
use crate::schedule::Schedule;

/// The version of the format that this code writes and reads.
pub const FORMAT: u32 = 1;

/// Why a repro file cannot be used.
#[derive(Debug, Error)]
pub enum ThreadsReproError {
    /// It is not TOML, or has an unknown or missing field.
    #[error("{0}")]
    Syntax(#[from] toml::de::Error),
    /// Another version wrote it.
    #[error("this file has threads-format {found}; this version of falken reads {FORMAT}")]
    Format {
        /// The version found.
        found: u32,
    },
    /// It names neither a form that this version has nor a scenario, or both.
    #[error("`form` must name a form, or there must be a `[scenario]`")]
    Subject,
    /// The embedded scenario makes no sense.
    #[error("in the embedded scenario: {0}")]
    Scenario(#[from] falken_harness::scenario::ScenarioError),
    /// The engine does not run the subject.
    #[error("{0}")]
    Job(#[from] JobError),
    /// It plants a bug that this version does not have.
    #[error("the planted bug `{0}` is unknown to this version")]
    Bug(String),
}

/// One failing execution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ThreadsRepro {
    /// [`FORMAT`].
    pub threads_format: u32,
    /// The version of falken that wrote it.
    pub falken: String,
    /// What explored.
    pub engine: ThreadEngine,
    /// The form that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub form: Option<String>,
    /// The planted bug.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub planted: Option<String>,
    /// Loom: the bound under which it was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preemptions: Option<u8>,
    /// The invariant that was broken, and how.
    pub verdict: String,
    /// In which execution of the exploration, from 1.
    pub execution: u64,
    /// Its choices.
    pub schedule: Schedule,
    /// The scenario that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scenario: Option<Box<Scenario>>,
}

/// Reads only what tells the kind of file.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Kind {
    threads_format: Option<u32>,
}

impl ThreadsRepro {
    /// The file's text.
    ///
    /// # Panics
    /// Never: everything in it has a TOML form.
    pub fn to_toml(&self) -> String {
        toml::to_string_pretty(self).expect("a repro has a TOML form")
    }

    /// Reads a file's text; `None` if it is a repro file of another kind, or none.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn from_toml(text: &str) -> Option<Result<Self, ThreadsReproError>> {
        let Kind { threads_format } = toml::from_str(text).ok()?;
        Some(match threads_format? {
            FORMAT => Self::read(text),
            found => Err(ThreadsReproError::Format { found }),
        })
    }

    fn read(text: &str) -> Result<Self, ThreadsReproError> {
        let repro: Self = toml::from_str(text)?;
        match (&repro.form, &repro.scenario) {
            (Some(form), None) if threads::find(form).is_some() => {}
            (None, Some(scenario)) => scenario.validate()?,
            (Some(_), _) | (None, None) => return Err(ThreadsReproError::Subject),
        }
        if let Some(id) = &repro.planted
            && falken_models::bug::Bug::from_id(id).is_none()
        {
            return Err(ThreadsReproError::Bug(id.clone()));
        }
        repro.job().validate()?;
        Ok(repro)
    }

    /// The job that replays it.
    ///
    /// # Panics
    /// Never: a repro is about a form or a scenario.
    pub fn job(&self) -> Job {
        let form = self.form.clone().map(Subject::Form);
        let scenario = || self.scenario.clone().map(Subject::Scenario);
        Job {
            engine: self.engine,
            subject: form.or_else(scenario).expect("a repro has a subject"),
            planted: self.planted.clone(),
            preemptions: self.preemptions,
            runs: 1,
            seed: 0,
            sampler: String::new(),
            task: crate::job::Task::Replay(self.schedule.clone(), std::path::PathBuf::new()),
        }
    }
}

//! Repro files: one failure, replayable on its own, readable by a person.
//!
//! TOML: the format's version, how the run was made (seed, strategy, planted bug), the scenario where it differs from the
//! defaults, the verdict and the run hash, and the tape. A replay needs only scenario, seed (for salts), planted bug and
//! tape, which together are a [`Case`].

use falken_models::bug::{Bug, Planted};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use toml::{Table, Value};

use crate::case::Case;
use crate::choice::Tape;
use crate::scenario::{Scenario, ScenarioError};

/// The version of the format that this code writes and reads.
pub const FORMAT: u32 = 2;

/// Why a repro file cannot be used.
#[derive(Debug, Error)]
pub enum ReproError {
    /// It is not TOML, or has an unknown or missing field.
    #[error("{0}")]
    Syntax(#[from] toml::de::Error),
    /// Another version wrote it.
    #[error("this file has repro format {found}; this version of falken reads format {FORMAT}")]
    Format {
        /// The version found.
        found: u32,
    },
    /// The embedded scenario makes no sense.
    #[error("in the embedded scenario: {0}")]
    Scenario(#[from] ScenarioError),
    /// It plants a bug that this version does not have.
    #[error("the planted bug `{0}` is unknown to this version")]
    Bug(String),
    /// The tape holds something that is no choice.
    #[error("in the tape: {0}")]
    Tape(String),
    /// A number is not hexadecimal.
    #[error("`{field}` is not a hexadecimal number")]
    Number {
        /// The field.
        field: &'static str,
    },
}

/// One failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repro {
    /// The version of falken that wrote it.
    pub version: String,
    /// The strategy that found it.
    pub strategy: String,
    /// The invariant that was broken, and how, in one line.
    pub verdict: String,
    /// The action at which it was noticed.
    pub step: u64,
    /// The hash of all events up to there.
    pub hash: u64,
    /// The run was under way when the file was written: its tape is not known, but seed and strategy decide it.
    pub is_unfinished: bool,
    /// What was run.
    pub case: Case,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: u32,
    falken: String,
    seed: String,
    strategy: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    planted: Option<String>,
    verdict: String,
    step: u64,
    hash: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    unfinished: bool,
    #[serde(default)]
    tape: Vec<String>,
    scenario: Table,
}

/// Reads only the version, so that a file of another version gets that error and not one about its fields.
#[derive(Deserialize)]
struct Version {
    format: u32,
}

fn hexadecimal(text: &str, field: &'static str) -> Result<u64, ReproError> {
    let digits = text.strip_prefix("0x").ok_or(ReproError::Number { field })?;
    u64::from_str_radix(digits, 16).map_err(|_| ReproError::Number { field })
}

/// The scenario's text form with only what differs from the defaults.
fn without_defaults(scenario: &Scenario) -> Table {
    let table = |scenario: &Scenario| Table::try_from(scenario).expect("a scenario has a TOML form");
    let defaults = table(&Scenario::with_defaults());
    let mut written = table(scenario);
    for (name, section) in &mut written {
        let (Value::Table(section), Some(Value::Table(usual))) = (section, defaults.get(name)) else { continue };
        section.retain(|key, value| usual.get(key) != Some(value));
    }
    written.retain(|_, section| section.as_table().is_none_or(|section| !section.is_empty()));
    written
}

impl Repro {
    /// The file's text.
    ///
    /// # Panics
    /// Never: everything in a repro has a TOML form.
    pub fn to_toml(&self) -> String {
        let file = File {
            format: FORMAT,
            falken: self.version.clone(),
            seed: format!("{:#x}", self.case.seed),
            strategy: self.strategy.clone(),
            planted: self.case.planted.0.map(|bug| bug.id().into()),
            verdict: self.verdict.clone(),
            step: self.step,
            hash: format!("{:#018x}", self.hash),
            unfinished: self.is_unfinished,
            tape: self.case.tape.to_lines(),
            scenario: without_defaults(&self.case.scenario),
        };
        toml::to_string_pretty(&file).expect("a repro has a TOML form")
    }

    /// Reads a file's text.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn from_toml(text: &str) -> Result<Self, ReproError> {
        let Version { format } = toml::from_str(text)?;
        if format != FORMAT {
            return Err(ReproError::Format { found: format });
        }
        let file: File = toml::from_str(text)?;
        let scenario: Scenario = file.scenario.try_into().map_err(ReproError::Syntax)?;
        scenario.validate()?;
        let bug = |id: String| Bug::from_id(&id).ok_or(ReproError::Bug(id));
        Ok(Self {
            version: file.falken,
            strategy: file.strategy,
            verdict: file.verdict,
            step: file.step,
            hash: hexadecimal(&file.hash, "hash")?,
            is_unfinished: file.unfinished,
            case: Case {
                scenario,
                seed: hexadecimal(&file.seed, "seed")?,
                planted: Planted(file.planted.map(bug).transpose()?),
                tape: Tape::from_lines(file.tape.iter().map(String::as_str)).map_err(ReproError::Tape)?,
            },
        })
    }
}

//! What a plan and the code decide, whatever machine makes the runs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Group, Hex};

/// The sums over all runs, and what was found in them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Facts {
    /// Runs that have ended.
    pub runs: u64,
    /// Their actions.
    pub actions: u64,
    /// Their commits.
    pub commits: u64,
    /// Their crashes.
    pub crashes: u64,
    /// Runs that did not pass.
    pub failed: u64,
    /// The hash of all runs, in any order.
    pub hash: Hex,
    /// One entry per scenario of the plan, in the order of the catalogue.
    pub scenarios: Vec<ScenarioFacts>,
    /// One entry per strategy.
    pub strategies: Vec<StrategyFacts>,
    /// One entry per invariant of the table.
    pub invariants: Vec<Evaluated>,
    /// Violations grouped by cause, those with most runs first.
    pub groups: Vec<Group>,
    /// Known repros that were replayed before anything else.
    pub regressions: Vec<Regression>,
    /// The runs that were made twice.
    pub determinism: Determinism,
    /// Gates that look at facts only.
    pub gates: Vec<Gate>,
}

/// The runs of one scenario.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScenarioFacts {
    /// Its name.
    pub name: String,
    /// One sentence about it.
    pub about: String,
    /// Its share of the runs, relative to the other scenarios.
    pub weight: u64,
    /// Runs that have ended.
    pub runs: u64,
    /// Of these, runs that did not pass.
    pub failed: u64,
    /// Actions of all runs.
    pub actions: u64,
    /// Commits of all runs.
    pub commits: u64,
    /// Crashes of all runs.
    pub crashes: u64,
    /// The hash of its runs, in any order.
    pub hash: Hex,
    /// Every probe of the table that was hit or is expected.
    pub probes: Vec<Probe>,
    /// For each invariant of [`Facts::invariants`], in that order, how often it was evaluated.
    pub evaluated: Vec<u64>,
}

impl ScenarioFacts {
    /// The probes that should have been hit and were not.
    pub fn missed_probes(&self) -> impl Iterator<Item = &str> {
        self.probes.iter().filter(|probe| probe.expected && probe.hits == 0).map(|probe| probe.name.as_str())
    }
}

/// How often a probe was hit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Probe {
    /// Its name.
    pub name: String,
    /// How often.
    pub hits: u64,
    /// Whether the scenario expects it to be hit.
    pub expected: bool,
}

/// How often an invariant was evaluated.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Evaluated {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How often, over all scenarios.
    pub evaluated: u64,
}

/// The runs of one strategy.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StrategyFacts {
    /// Its name.
    pub name: String,
    /// Runs that have ended.
    pub runs: u64,
    /// Of these, runs that did not pass.
    pub failed: u64,
    /// Actions of all runs.
    pub actions: u64,
}

/// A share of the runs is made twice and compared choice by choice.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Determinism {
    /// Runs that were made twice.
    pub twice: u64,
    /// Those that were not the same again.
    pub differences: Vec<Difference>,
}

/// A run that was another one the second time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Difference {
    /// The number of the run in the plan.
    pub run: u64,
    /// Its scenario.
    pub scenario: String,
    /// Its strategy.
    pub strategy: String,
    /// Its seed.
    pub seed: Hex,
    /// The first difference, in a sentence.
    pub what: String,
    /// The command that makes it twice again.
    pub replay: String,
}

/// A known repro, replayed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Regression {
    /// Its file, without directories.
    pub file: String,
    /// The invariant that it broke.
    pub invariant: String,
    /// The bug that it plants, if any.
    pub planted: Option<String>,
    /// What became of it.
    pub outcome: RegressionOutcome,
    /// One sentence about it.
    pub what: String,
}

/// What became of a known repro.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RegressionOutcome {
    /// With its bug planted it fails as its file says, and without it passes: as it should be.
    #[default]
    Kept,
    /// It plants no bug and passes: what it shows is fixed.
    Fixed,
    /// It plants no bug and fails: what it shows is not fixed.
    Failing,
    /// Its bug is planted and it does not fail any more: the repro shows nothing now.
    Stale,
    /// The file cannot be used.
    Unreadable,
}

/// A condition on the whole night.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Gate {
    /// Its name: `probes`, `canary`, `rate`, …
    pub name: String,
    /// Whether it held.
    pub outcome: GateOutcome,
    /// What it found, in a sentence.
    pub what: String,
}

/// Whether a gate held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GateOutcome {
    /// It held.
    #[default]
    Held,
    /// It did not.
    Failed,
    /// There was too little to judge it; [`Gate::what`] says why.
    NotJudged,
}

//! What is written down about a run, one JSON line each.

use std::collections::BTreeSet;

use falken_harness::run::RunReport;
use falken_harness::shrink::cause;
use falken_harness::verdict::Verdict;
use falken_reports::night::{Figures, Hex, Kind, NightFact, NightStory};
use serde::{Deserialize, Serialize};

use super::plan::Spec;

/// How a run ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// Every invariant held.
    #[default]
    Pass,
    /// It did not pass.
    Failed(Failed),
}

/// Why a run did not pass.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Failed {
    /// What kind of failure.
    pub kind: Kind,
    /// The invariant, or `RUN-…` if the run did not get as far as a verdict.
    pub invariant: String,
    /// The invariant and what is said about it, without numbers: runs with the same words may have the same cause.
    pub cause: String,
}

impl Failed {
    /// A run that was stopped from outside.
    pub fn stopped(kind: Kind, what: &str) -> Self {
        let invariant = match kind {
            Kind::Hung => "RUN-HUNG",
            Kind::Memory => "RUN-MEMORY",
            Kind::Violation | Kind::Liveness | Kind::Died => "RUN-DIED",
        };
        Self { kind, invariant: invariant.into(), cause: format!("{invariant} {what}") }
    }
}

/// What a run counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Actions.
    pub actions: u64,
    /// Commits.
    pub commits: u64,
    /// Crashes.
    pub crashes: u64,
    /// The run hash.
    pub hash: Hex,
    /// Per invariant of the table how often it was evaluated.
    pub evaluated: Vec<u64>,
    /// Per probe of the table how often it was hit.
    pub probes: Vec<u64>,
}

/// A run that has ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunLine {
    /// What was run.
    #[serde(flatten)]
    pub spec: Spec,
    /// How it ended.
    pub end: End,
    /// What it counted; nothing if it was stopped from outside.
    pub counts: Counts,
    /// It was made twice: the first difference, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference: Option<String>,
    /// How long it took.
    pub ms: f64,
    /// When it ended, in seconds of work since the night began.
    pub at: f64,
    /// When it ended, in seconds since 1970.
    pub ended: u64,
}

impl RunLine {
    /// A run that came to a verdict; clocks are put in by whoever has one.
    pub fn of(spec: Spec, report: &RunReport, difference: Option<String>) -> Self {
        let end = match &report.verdict {
            Verdict::Pass | Verdict::Detected(_) => End::Pass,
            Verdict::Violation(violation) => End::Failed(Failed {
                kind: kind_of(violation.invariant),
                invariant: violation.invariant.into(),
                cause: cause(violation),
            }),
        };
        let counts = Counts {
            actions: report.actions,
            commits: report.commits,
            crashes: report.crashes,
            hash: Hex(report.hash),
            evaluated: report.evaluated.clone(),
            probes: report.probes.iter().map(|(_, hits)| hits).collect(),
        };
        Self { spec, end, counts, difference, ..Self::default() }
    }

    /// Why it did not pass, if it did not.
    pub fn failed(&self) -> Option<&Failed> {
        match &self.end {
            End::Pass => None,
            End::Failed(failed) => Some(failed),
        }
    }
}

/// Whether an invariant is about progress.
pub fn kind_of(invariant: &str) -> Kind {
    if matches!(invariant, "LIVE-1" | "LIVE-2") { Kind::Liveness } else { Kind::Violation }
}

/// A failed run, shrunk and explained: what groups are made of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Shrunk {
    /// The run.
    #[serde(flatten)]
    pub spec: Spec,
    /// Why the run failed.
    pub failed: Failed,
    /// The invariant's rule in words.
    pub rule: String,
    /// What was found, in one sentence.
    pub summary: String,
    /// The happens-before slice.
    pub slice: Vec<String>,
    /// Where its race and its failure are.
    pub stages: BTreeSet<String>,
    /// The facts that it rests on.
    pub evidence: Vec<NightFact>,
    /// What leads to it. `None` if the run could not be shrunk.
    pub story: Option<NightStory>,
    /// The text of the repro file.
    pub repro: String,
    /// The run hash of the repro.
    pub hash: Hex,
    /// A Rust test of it.
    pub test: String,
    /// Somebody has said stop before it was shrunk: it is to be shrunk when the night goes on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_put_off: bool,
}

impl Shrunk {
    /// What makes one repro smaller than another: figures first, then the number of the run.
    pub fn size(&self) -> (bool, u64, u64, u64, u64) {
        let Figures { actions, steps, statements, .. } =
            self.story.as_ref().map(|story| story.after).unwrap_or_default();
        (self.story.is_none(), actions, statements, steps, self.spec.run)
    }
}

//! A night: the complete data that every report is written from.
//!
//! [`Night`] is plain data with a JSON form (serde), so a report can be made on another machine and at another time than
//! the runs. It is in two halves. [`Facts`] are decided by the plan and the code alone: the same plan gives the same facts
//! on one machine and on ten, bit for bit. [`Timing`] is what the machines add: clocks, rates, who ran what.
//!
//! A batch of `falken run` is a night of one scenario. An exhaustive search, an exploration of threads and a kill matrix are
//! nights without runs, with a part of their own: [`Night::work`] says which it is. What a night is not: it holds no run
//! that passed, only their sums.

mod batch;
mod facts;
mod group;
mod kills;
mod racing;
mod search;
mod timing;

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use facts::{
    Determinism, Difference, Evaluated, Facts, Gate, GateOutcome, Probe, Regression, RegressionOutcome, ScenarioFacts,
    StrategyFacts,
};
pub use group::{Figures, Group, Kind, Known, LaneEvent, NightFact, NightOrder, NightStory, Sighting, Standing, Way};
pub use kills::{KillCell, KillMatrix, KillRow, KillStatus, RacingKill};
pub use racing::Racing;
pub use search::{Search, SearchEnd};
pub use timing::{Baseline, GroupTimes, Machine, Point, ScenarioTiming, Timing};

/// The version of [`Night`]'s form. It grows when a field changes its meaning or goes away, not when one is added.
pub const FORMAT: u32 = 1;

/// The command of a real night: the only one that knows earlier ones.
pub const NIGHTLY: &str = "nightly";

/// A 64-bit number that is written as `"0x…"`: JSON readers keep only 53 bits of a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hex(pub u64);

impl fmt::Display for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#018x}", self.0)
    }
}

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Hex {
    fn schema_name() -> Cow<'static, str> {
        "Hex".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": "^0x[0-9a-f]{16}$", "description": "A 64-bit number."})
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits = text.strip_prefix("0x").ok_or_else(|| serde::de::Error::custom("a number without 0x"))?;
        u64::from_str_radix(digits, 16).map(Self).map_err(serde::de::Error::custom)
    }
}

/// What was asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    /// The command that the night began with: `nightly`, `run`, `explore`, …
    pub command: String,
    /// From which every seed is made.
    pub seed: Hex,
    /// The text that the seed is the hash of (a commit, say); `None` if the seed was drawn afresh or given as a number.
    pub seed_from: Option<String>,
    /// Runs asked for, on all machines together; `None` if a time was asked for.
    pub runs: Option<u64>,
    /// Seconds asked for; `None` if a number of runs was.
    pub seconds: Option<u64>,
    /// Ids of the planted bugs; each run has one of them. Empty on a real night.
    pub planted: Vec<String>,
}

/// A night, or several shards of one joined together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Night {
    /// [`FORMAT`] of the code that wrote it.
    pub format: u32,
    /// The version of falken that made the runs.
    pub falken: String,
    /// What was asked for.
    pub plan: Plan,
    /// What is the same on every machine.
    pub facts: Facts,
    /// What is not.
    pub timing: Timing,
    /// What an exhaustive search has covered, if it was one.
    #[serde(default)]
    pub search: Option<Search>,
    /// What an exploration of racing threads has covered, if it was one.
    #[serde(default)]
    pub racing: Option<Racing>,
    /// How soon each strategy finds each planted bug, if that was measured.
    pub kill_matrix: Option<KillMatrix>,
    /// Whether the user ended it before everything was done that was asked for.
    #[serde(default)]
    pub interrupted: bool,
    /// What the reader should know besides: what was skipped, cut off, or could not be read.
    pub notes: Vec<String>,
}

/// What was done, and what every report says about it besides groups, gates and notes.
#[derive(Clone, Copy, Debug)]
pub enum Work<'a> {
    /// Runs of scenarios.
    Runs,
    /// An exhaustive search.
    Search(&'a Search),
    /// An exploration of racing threads.
    Racing(&'a Racing),
    /// Hunts for planted bugs.
    Kills(&'a KillMatrix),
}

impl Night {
    /// What was done.
    pub fn work(&self) -> Work<'_> {
        match (&self.search, &self.racing, &self.kill_matrix) {
            (Some(search), ..) => Work::Search(search),
            (None, Some(racing), _) => Work::Racing(racing),
            (None, None, Some(kills)) => Work::Kills(kills),
            (None, None, None) => Work::Runs,
        }
    }

    /// `pass` or `violation`, or what kept it from either.
    pub fn verdict(&self) -> &'static str {
        if self.facts.groups.iter().any(|group| group.standing == Standing::Failing) {
            "violation"
        } else if !self.facts.determinism.differences.is_empty() {
            "nondeterminism"
        } else if self.failed_gates().next().is_some() {
            "gate failed"
        } else {
            match self.work() {
                Work::Search(search) if search.end != SearchEnd::Finished => "unknown",
                Work::Kills(kills) if kills.survivors().next().is_some() => "survivors",
                _ if self.interrupted => "interrupted",
                Work::Runs | Work::Search(_) | Work::Racing(_) | Work::Kills(_) => "pass",
            }
        }
    }

    /// Every gate, first those that are facts.
    pub fn gates(&self) -> impl Iterator<Item = &Gate> {
        self.facts.gates.iter().chain(&self.timing.gates)
    }

    /// The gates that did not hold.
    pub fn failed_gates(&self) -> impl Iterator<Item = &Gate> {
        self.gates().filter(|gate| gate.outcome == GateOutcome::Failed)
    }

    /// Actions per second of wall-clock time, on all jobs together.
    pub fn rate(&self) -> f64 {
        if self.timing.seconds > 0.0 { self.facts.actions as f64 / self.timing.seconds } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_night_reads_back_from_its_json_form() {
        let mut night = Night { format: FORMAT, ..Night::default() };
        night.plan.seed = Hex(u64::MAX - 1);
        night.facts.groups.push(Group { id: "wal-7-0123abcd".into(), ..Group::default() });
        let text = serde_json::to_string(&night).unwrap();
        assert!(text.contains("\"0xfffffffffffffffe\""), "{text}");
        assert_eq!(serde_json::from_str::<Night>(&text).unwrap(), night);
        assert!(serde_json::from_str::<Hex>("\"12\"").is_err());
    }

    #[test]
    fn a_fixed_group_is_no_violation_and_a_gate_comes_after_everything_else() {
        let mut night = Night::default();
        night.facts.groups.push(Group { standing: Standing::Fixed, ..Group::default() });
        assert_eq!(night.verdict(), "pass");
        night.interrupted = true;
        assert_eq!(night.verdict(), "interrupted");
        night.timing.gates.push(Gate { outcome: GateOutcome::Failed, ..Gate::default() });
        assert_eq!(night.verdict(), "gate failed");
        night.facts.determinism.differences.push(Difference::default());
        assert_eq!(night.verdict(), "nondeterminism");
        night.facts.groups.push(Group::default());
        assert_eq!(night.verdict(), "violation");
    }
}

//! What clocks and machines add to a night. Two nights with the same facts differ here and nowhere else.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Gate;

/// Clocks, rates, machines.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Timing {
    /// When the first run began, in seconds since 1970.
    pub began: u64,
    /// When the last one ended, in seconds since 1970.
    pub ended: u64,
    /// Wall-clock seconds during which runs were made: of the machine that took longest, without pauses.
    pub seconds: f64,
    /// Runs at a time, on all machines together.
    pub jobs: u64,
    /// Actions per second of every job while it worked: comparable between nights with other numbers of jobs.
    pub actions_per_second_per_job: f64,
    /// Who made the runs.
    pub machines: Vec<Machine>,
    /// How the night went, oldest first; sums since it began.
    pub points: Vec<Point>,
    /// What each scenario took, in the order of the facts.
    pub scenarios: Vec<ScenarioTiming>,
    /// When each group was seen, in the order of the facts.
    pub groups: Vec<GroupTimes>,
    /// The earlier night that this one is compared with.
    pub baseline: Option<Baseline>,
    /// Gates that look at clocks.
    pub gates: Vec<Gate>,
}

/// A machine, or one shard of the plan.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Machine {
    /// Its name.
    pub host: String,
    /// Which shard it made, from 1; 1 of 1 if the plan was not split.
    pub shard: u64,
    /// Of how many.
    pub shards: u64,
    /// Processors that it could use.
    pub cores: u64,
    /// Runs at a time.
    pub jobs: u64,
    /// Runs that it made.
    pub runs: u64,
    /// Wall-clock seconds that it worked.
    pub seconds: f64,
}

/// The sums at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Point {
    /// Seconds of work since the night began.
    pub second: f64,
    /// Runs so far.
    pub runs: u64,
    /// Actions so far.
    pub actions: u64,
    /// Failed runs so far.
    pub failed: u64,
}

/// What one scenario took.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScenarioTiming {
    /// Its name.
    pub name: String,
    /// Seconds of all its runs, added up over the jobs.
    pub seconds: f64,
    /// The longest run, in seconds.
    pub slowest: f64,
}

/// When a group was seen.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GroupTimes {
    /// The group's id.
    pub id: String,
    /// First, in seconds since 1970; of an earlier night if it is known from there.
    pub first: Option<u64>,
    /// Last.
    pub last: Option<u64>,
}

/// An earlier night.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Baseline {
    /// Its state directory.
    pub from: String,
    /// Its [`Timing::actions_per_second_per_job`].
    pub actions_per_second_per_job: f64,
    /// Its runs.
    pub runs: u64,
}

//! Violations with one cause.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Hex;

/// Runs that failed for one cause, as far as it shows: the same invariant in the same words.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Group {
    /// A stable name, the same on every machine and every night: the invariant and a hash of its words.
    pub id: String,
    /// What kind of failure it is.
    pub kind: Kind,
    /// The invariant, for example `WAL-7`; for runs that ended otherwise `RUN-HUNG`, `RUN-MEMORY` or `RUN-DIED`.
    pub invariant: String,
    /// The invariant's rule in words.
    pub rule: String,
    /// What was found in the smallest repro, in one sentence.
    pub summary: String,
    /// The slice: the sites of the steps that the failure hangs on, in order, without numbers.
    pub slice: Vec<String>,
    /// Parts of the group whose happens-before slices have nothing in common, if there are several: one of them may be another
    /// bug.
    #[serde(default)]
    pub ways: Vec<Way>,
    /// Failed runs, of this night.
    pub count: u64,
    /// Of these, the runs that were shrunk; the others broke the same invariant in the same words and the same scenario.
    pub shrunk: u64,
    /// Failed runs of each scenario, by its name.
    pub scenarios: Vec<(String, u64)>,
    /// The bugs that were planted in its runs; more than one means that the grouping has mixed causes up.
    pub planted: Vec<String>,
    /// The first failed run of this night by its number in the plan; `None` if it did not come up this night.
    pub first: Option<Sighting>,
    /// The last one.
    pub last: Option<Sighting>,
    /// Where it was known from before this night.
    pub known: Option<Known>,
    /// Whether it fails at this commit.
    pub standing: Standing,
    /// The pages, frames, locks and connections involved, of the smallest repro.
    pub evidence: Vec<NightFact>,
    /// The smallest repro, told.
    pub story: Option<NightStory>,
    /// What racing threads did in the failing execution, in order. Empty for failures of the simulator.
    #[serde(default)]
    pub lanes: Vec<LaneEvent>,
    /// The smallest repro, as the text of its file.
    pub repro: String,
    /// Its file, relative to the state directory.
    pub repro_file: String,
    /// The run hash of the smallest repro.
    pub hash: Hex,
    /// The command that replays it.
    pub replay: String,
    /// A Rust test of it.
    pub test: String,
}

/// One way to a failure that others come to in another way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Way {
    /// The slice of its smallest repro.
    pub slice: Vec<String>,
    /// How many shrunk runs went it.
    pub shrunk: u64,
    /// The run of its smallest repro, by its number in the plan.
    pub run: u64,
    /// The command that replays it.
    pub replay: String,
}

/// What kind of failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// An invariant was broken.
    #[default]
    Violation,
    /// Nothing moved any more, or for ever.
    Liveness,
    /// The run did not end within its wall-clock limit and was stopped.
    Hung,
    /// The run wanted more memory than it may have.
    Memory,
    /// The process that made the run ended.
    Died,
}

/// One failed run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Sighting {
    /// Its number in the plan.
    pub run: u64,
    /// Its scenario.
    pub scenario: String,
    /// Its strategy.
    pub strategy: String,
    /// Its seed.
    pub seed: Hex,
}

/// Where a group was known from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Known {
    /// The directory of the earlier night, or the file of the regressions corpus.
    pub from: String,
    /// When it was first seen, in seconds since 1970, if an earlier night says so.
    pub since: Option<u64>,
}

/// Whether a group fails at this commit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It came up this night, or its earlier repro fails still.
    #[default]
    Failing,
    /// It is known, did not come up, and its repro passes.
    Fixed,
}

/// A fact that a violation rests on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NightFact {
    /// What it is about.
    pub label: String,
    /// What was found.
    pub value: String,
}

/// Something that a thread did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LaneEvent {
    /// Who.
    pub lane: String,
    /// What.
    pub text: String,
}

/// A shrunk case, told: [`crate::Story`] with a JSON form.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NightStory {
    /// For each connection what it runs.
    pub programs: Vec<Vec<String>>,
    /// In which order.
    pub orders: Vec<NightOrder>,
    /// What is unusual about the database, its disk and the schedule, as `name = value`.
    pub settings: Vec<String>,
    /// The two steps that race, in a sentence.
    pub race: Option<String>,
    /// How large the failure was when it was found.
    pub before: Figures,
    /// How large it is now.
    pub after: Figures,
    /// How many runs shrinking took.
    pub replays: u64,
    /// Whether nothing more was found to take away, and not merely the limit was reached.
    pub is_fixed_point: bool,
}

/// One order of a shrunk case.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NightOrder {
    /// As it stands on the tape.
    pub text: String,
    /// What is known about its place among the others.
    pub note: Option<String>,
}

/// How large a case is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Figures {
    /// Switches, ends of operations and faults.
    pub actions: u64,
    /// How often another connection went on.
    pub switches: u64,
    /// Faults that struck.
    pub faults: u64,
    /// Everything that the run loop counts.
    pub steps: u64,
    /// Connections.
    pub connections: u64,
    /// Statements.
    pub statements: u64,
}

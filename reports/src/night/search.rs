//! An exhaustive search of a small scenario, as a night.

use falken_harness::explore::{Ended, collision_probability};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::batch::group;
use super::{FORMAT, Facts, Hex, Night, Plan, ScenarioFacts, Sighting, Timing};
use crate::Exploration;
use crate::text::grouped;

/// What an exhaustive search has covered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Search {
    /// Why it has ended.
    pub end: SearchEnd,
    /// Different states.
    pub states: u64,
    /// Of these, states that were not looked at.
    pub waiting: u64,
    /// The most actions from the first state to any other.
    pub depth: u64,
    /// Transitions taken.
    pub transitions: u64,
    /// Of these, transitions to known states.
    pub pruned: u64,
    /// Transitions to the end of every client.
    pub ends: u64,
    /// Transitions that broke an invariant.
    pub violations: u64,
    /// What was left out on purpose, in words.
    pub bounds: Vec<String>,
    /// Transitions at which that forbade something.
    pub bounded: u64,
    /// States that this session has found; the others were in the state directory.
    pub found_now: u64,
    /// The probability that a state was hidden by another one's hash.
    pub collision_probability: f64,
}

/// Why a search has ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SearchEnd {
    /// Every state that the bounds allow has been looked at.
    #[default]
    Finished,
    /// A limit of depth or states was hit.
    Limit,
    /// Somebody said stop.
    Stopped,
    /// A violation was found.
    Violation,
}

impl Search {
    /// How far it came, in a sentence.
    pub fn reach(&self) -> &'static str {
        match self.end {
            SearchEnd::Finished if self.bounds.is_empty() => "finished, every schedule was tried",
            SearchEnd::Finished => "finished, every schedule within the bounds was tried",
            SearchEnd::Limit => "a limit was hit before every state was looked at",
            SearchEnd::Stopped => "stopped before every state was looked at",
            SearchEnd::Violation => "ended at the first violation",
        }
    }

    /// What it counted, as label and value.
    pub fn figures(&self, timing: &Timing) -> Vec<(&'static str, String)> {
        let [states, waiting, transitions, pruned, ends, violations] =
            [self.states, self.waiting, self.transitions, self.pruned, self.ends, self.violations].map(grouped);
        let bounds = if self.bounds.is_empty() { "none".into() } else { self.bounds.join(", ") };
        let forbade = match self.bounded {
            0 => String::new(),
            bounded => format!("; they forbade something {} times", grouped(bounded)),
        };
        let rate = grouped((self.found_now as f64 / timing.seconds.max(1e-9)) as u64);
        let (seconds, jobs) = (timing.seconds, timing.jobs);
        let s = if jobs == 1 { "" } else { "s" };
        let odds = self.collision_probability;
        vec![
            ("states", format!("{states}, of which {waiting} were not looked at; depth {}", self.depth)),
            (
                "transitions",
                format!("{transitions}: {pruned} to known states, {ends} to the end, {violations} to a violation"),
            ),
            ("bounds", format!("{bounds}{forbade}")),
            ("speed", format!("{rate} states per second, {seconds:.1} s on {jobs} job{s}")),
            ("collisions", format!("a state was hidden by another one's hash with probability {odds:.1e}")),
        ]
    }
}

impl From<&Exploration> for Search {
    fn from(search: &Exploration) -> Self {
        let figures = &search.figures;
        Self {
            end: match search.ended {
                Ended::Finished => SearchEnd::Finished,
                Ended::Limit => SearchEnd::Limit,
                Ended::Stopped => SearchEnd::Stopped,
                Ended::Violation => SearchEnd::Violation,
            },
            states: figures.states,
            waiting: search.waiting,
            depth: figures.depth,
            transitions: figures.transitions,
            pruned: figures.pruned,
            ends: figures.ends,
            violations: figures.violations,
            bounds: search.bounds.clone(),
            bounded: figures.bounded,
            found_now: search.found_now,
            collision_probability: collision_probability(figures.states),
        }
    }
}

impl Night {
    /// A search that has ended. The texts of the repro and of its test are the caller's to add, and so is the moment at which
    /// it began.
    pub fn of_search(search: &Exploration) -> Self {
        let name = &search.scenario;
        let failed = u64::from(search.failure.is_some());
        let scenario = ScenarioFacts { name: name.clone(), weight: 1, failed, ..ScenarioFacts::default() };
        let first = |seed| Sighting { run: 0, scenario: name.clone(), strategy: "explore".into(), seed: Hex(seed) };
        let groups = search.failure.iter().map(|failure| group(failure, first(failure.seed), search.planted));
        Self {
            format: FORMAT,
            falken: env!("CARGO_PKG_VERSION").into(),
            plan: Plan {
                command: "explore".into(),
                seed: Hex(search.seed),
                planted: search.planted.into_iter().map(Into::into).collect(),
                ..Plan::default()
            },
            facts: Facts { failed, scenarios: vec![scenario], groups: groups.collect(), ..Facts::default() },
            timing: Timing { seconds: search.seconds, jobs: search.jobs as u64, ..Timing::default() },
            search: Some(search.into()),
            notes: search.notes.clone(),
            ..Self::default()
        }
    }
}

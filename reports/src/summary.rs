//! The data that every format is made from.

use falken_harness::fault::Damage;
use falken_harness::image::Coverage;
use falken_harness::invariant;
use falken_harness::probe::Hits;
use falken_harness::recording::State;
use falken_harness::trace::Traced;
use falken_harness::verdict::Violation;

use crate::Story;

/// How often an invariant was evaluated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvariantCount {
    /// Its id.
    pub id: &'static str,
    /// Its name.
    pub name: &'static str,
    /// How often.
    pub evaluated: u64,
}

/// How often a probe was hit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeCount {
    /// Its name.
    pub name: &'static str,
    /// How often.
    pub hits: u64,
    /// Whether the scenario expects it to be hit.
    pub expected: bool,
}

/// The first violation of a batch.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The seed of the run.
    pub seed: u64,
    /// What was broken.
    pub violation: Violation,
    /// The hash of the run up to there.
    pub hash: u64,
    /// How many connections there are.
    pub connections: u8,
    /// The last events before it.
    pub last_events: Vec<Traced>,
    /// How everything stood when it was seen; `None` if another run of the case did not end in the same way.
    pub scene: Option<State>,
    /// Where the repro file is, or why it could not be written.
    pub repro: Result<String, String>,
    /// The command that replays it.
    pub replay: Option<String>,
    /// What is left of it after shrinking. The other fields are about the shrunk case then.
    pub story: Option<Story>,
}

/// What a batch of runs led to.
#[derive(Clone, Debug)]
pub struct Summary {
    /// The scenario's name.
    pub scenario: String,
    /// The strategy's name.
    pub strategy: String,
    /// The planted bug, if any.
    pub planted: Option<&'static str>,
    /// The seed of the first run; the others follow it.
    pub seed: u64,
    /// Runs that have ended.
    pub runs: u64,
    /// Runs that were asked for.
    pub runs_asked: u64,
    /// Whether the user ended the batch before all runs were made, and none had failed.
    pub interrupted: bool,
    /// Runs at a time.
    pub jobs: usize,
    /// Actions of all runs.
    pub actions: u64,
    /// Commits of all runs.
    pub commits: u64,
    /// Crashes of all runs.
    pub crashes: u64,
    /// Wall-clock seconds.
    pub seconds: f64,
    /// The hash of all runs, in any order.
    pub hash: u64,
    /// Per invariant of the table.
    pub invariants: Vec<InvariantCount>,
    /// Per probe of the table.
    pub probes: Vec<ProbeCount>,
    /// The hits of all probes there are, if somebody wants to know which were never hit.
    pub never_hit: Option<Hits>,
    /// What became of the runs in which damage was done that no protocol survives.
    pub damage: Damage,
    /// What crash images have covered, if they were made.
    pub images: Option<Coverage>,
    /// The first violation, if there was one.
    pub failure: Option<Failure>,
    /// What the reader should know besides.
    pub notes: Vec<String>,
}

/// What is to be said of work that has ended: a pass is one only if everything was done that was asked for.
pub(crate) fn verdict(has_failed: bool, is_interrupted: bool) -> &'static str {
    match (has_failed, is_interrupted) {
        (true, _) => "violation",
        (false, true) => "interrupted",
        (false, false) => "pass",
    }
}

/// The same where a violation must not be overlooked.
pub(crate) fn loud(verdict: &'static str) -> &'static str {
    if verdict == "violation" { "VIOLATION" } else { verdict }
}

impl Summary {
    /// `pass`, `violation` or `interrupted`.
    pub fn verdict(&self) -> &'static str {
        verdict(self.failure.is_some(), self.interrupted)
    }

    /// Actions per second.
    pub fn rate(&self) -> f64 {
        if self.seconds > 0.0 { self.actions as f64 / self.seconds } else { 0.0 }
    }

    /// Pairs counts with the table of invariants.
    pub fn count_invariants(evaluated: &[u64]) -> Vec<InvariantCount> {
        let count = |(entry, &evaluated): (&invariant::Entry, &u64)| InvariantCount {
            id: entry.id,
            name: entry.name,
            evaluated,
        };
        invariant::TABLE.iter().zip(evaluated).map(count).collect()
    }

    /// Pairs hits with what the scenario expects.
    pub fn count_probes(hits: &Hits, expected: &[String]) -> Vec<ProbeCount> {
        hits.iter()
            .map(|(name, hits)| ProbeCount { name, hits, expected: expected.iter().any(|e| e == name) })
            .collect()
    }

    /// The probes that should have been hit and were not.
    pub fn missed_probes(&self) -> impl Iterator<Item = &'static str> {
        self.probes.iter().filter(|probe| probe.expected && probe.hits == 0).map(|probe| probe.name)
    }
}

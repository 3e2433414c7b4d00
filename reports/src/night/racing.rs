//! An exploration of racing threads, as a night.

use falken_models::digest::digest;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::batch::kind_of;
use super::{FORMAT, Facts, Group, Hex, LaneEvent, Night, NightFact, Plan, ScenarioFacts, Sighting, Timing};
use crate::text::grouped;
use crate::threads::{Threads, ThreadsFailure};
use crate::words;

/// What an exploration of racing threads has covered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Racing {
    /// The form or scenario.
    pub subject: String,
    /// The engine: loom, shuttle, or os for the machine's own threads.
    pub engine: String,
    /// Within what it explored, in words.
    pub bound: String,
    /// How many executions.
    pub executions: u64,
    /// Whether there are no others within the bound.
    pub exhaustive: bool,
    /// Whether it ended at a failing execution.
    pub failed: bool,
    /// What a pass does not prove.
    pub not_proved: Vec<String>,
}

impl Racing {
    /// How far it came, in words.
    pub fn reach(&self) -> &'static str {
        match (self.failed, self.exhaustive) {
            (true, _) => "until it failed",
            (false, true) => "all there are within the bound",
            (false, false) => "a sample",
        }
    }

    /// What it counted, as label and value.
    pub fn figures(&self, timing: &Timing) -> Vec<(&'static str, String)> {
        let rate = grouped((self.executions as f64 / timing.seconds.max(1e-9)) as u64);
        vec![
            ("executions", format!("{}: {}", grouped(self.executions), self.reach())),
            ("bound", self.bound.clone()),
            ("speed", format!("{rate} executions per second, {:.1} s", timing.seconds)),
        ]
    }
}

impl From<&Threads> for Racing {
    fn from(threads: &Threads) -> Self {
        Self {
            subject: threads.subject.clone(),
            engine: threads.engine.into(),
            bound: threads.bound.clone(),
            executions: threads.executions,
            exhaustive: threads.exhaustive,
            failed: threads.failure.is_some(),
            not_proved: threads.not_proved.iter().map(|gap| (*gap).into()).collect(),
        }
    }
}

impl Night {
    /// An exploration that has ended. The text of the repro is the caller's to add, and so is the moment at which it began.
    pub fn of_racing(threads: &Threads) -> Self {
        let failed = u64::from(threads.failure.is_some());
        let name = threads.subject.clone();
        let scenario = ScenarioFacts { name, weight: 1, failed, ..ScenarioFacts::default() };
        Self {
            format: FORMAT,
            falken: env!("CARGO_PKG_VERSION").into(),
            plan: Plan {
                command: "threads".into(),
                seed: Hex(threads.seed),
                planted: threads.planted.iter().cloned().collect(),
                ..Plan::default()
            },
            facts: Facts {
                failed,
                scenarios: vec![scenario],
                groups: threads.failure.iter().map(|failure| group(threads, failure)).collect(),
                ..Facts::default()
            },
            timing: Timing { seconds: threads.seconds, jobs: 1, ..Timing::default() },
            racing: Some(threads.into()),
            interrupted: threads.interrupted,
            notes: threads.notes.clone(),
            ..Self::default()
        }
    }
}

fn group(threads: &Threads, failure: &ThreadsFailure) -> Group {
    // The words without their numbers: the same failure of another execution is no other one.
    let words: String = failure.found.chars().filter(|c| !c.is_ascii_digit()).collect();
    let cause = digest(format!("{} {} {words}", threads.subject, failure.invariant).as_bytes()) as u32;
    let sighting = Sighting {
        run: failure.execution.saturating_sub(1),
        scenario: threads.subject.clone(),
        strategy: threads.engine.into(),
        seed: Hex(threads.seed),
    };
    let fact = |label: &str, value: String| NightFact { label: label.into(), value };
    let switches = failure.switches.map(|switches| fact("schedule", words::switches(switches)));
    let lane = |(lane, text): &(String, String)| LaneEvent { lane: lane.clone(), text: text.clone() };
    Group {
        id: format!("{}-{cause:08x}", failure.invariant.to_lowercase()),
        kind: kind_of(failure.invariant),
        invariant: failure.invariant.into(),
        rule: failure.rule.into(),
        summary: failure.found.clone(),
        count: 1,
        scenarios: vec![(threads.subject.clone(), 1)],
        planted: threads.planted.iter().cloned().collect(),
        first: Some(sighting.clone()),
        last: Some(sighting),
        evidence: [fact("execution", grouped(failure.execution))].into_iter().chain(switches).collect(),
        lanes: failure.lanes.iter().map(lane).collect(),
        repro_file: failure.repro.clone().unwrap_or_default(),
        replay: failure.replay.clone().unwrap_or_default(),
        ..Group::default()
    }
}

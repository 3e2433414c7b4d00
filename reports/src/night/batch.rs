//! A batch of runs of one scenario, as a night.

use falken_harness::shrink::Size;
use falken_models::digest::digest;

use super::{
    Evaluated, FORMAT, Facts, Figures, Group, Hex, Kind, NightFact, NightOrder, NightStory, Plan, Point, Probe,
    ScenarioFacts, ScenarioTiming, Sighting, StrategyFacts, Timing,
};
use crate::{Failure, Night, Story, Summary};

impl Night {
    /// A batch that the command `command` has run. The texts of the repro and of its test are the caller's to add, and so is
    /// the moment at which it began.
    pub fn of_batch(command: &str, batch: &Summary) -> Self {
        let evaluated: Vec<u64> = batch.invariants.iter().map(|invariant| invariant.evaluated).collect();
        let failed = u64::from(batch.failure.is_some());
        let probe = |probe: &crate::ProbeCount| Probe {
            name: probe.name.into(),
            hits: probe.hits,
            expected: probe.expected && batch.failure.is_none() && !batch.interrupted,
        };
        let scenario = ScenarioFacts {
            name: batch.scenario.clone(),
            about: String::new(),
            weight: 1,
            runs: batch.runs,
            failed,
            actions: batch.actions,
            commits: batch.commits,
            crashes: batch.crashes,
            hash: Hex(batch.hash),
            // A batch that was cut short has no reason to have hit everything.
            probes: batch.probes.iter().filter(|probe| probe.hits > 0 || probe.expected).map(probe).collect(),
            evaluated,
        };
        let invariant = |invariant: &crate::InvariantCount| Evaluated {
            id: invariant.id.into(),
            name: invariant.name.into(),
            evaluated: invariant.evaluated,
        };
        let strategy = StrategyFacts { name: batch.strategy.clone(), runs: batch.runs, failed, actions: batch.actions };
        let facts = Facts {
            runs: batch.runs,
            actions: batch.actions,
            commits: batch.commits,
            crashes: batch.crashes,
            failed,
            hash: Hex(batch.hash),
            scenarios: vec![scenario],
            strategies: vec![strategy],
            invariants: batch.invariants.iter().map(invariant).collect(),
            groups: batch
                .failure
                .iter()
                .map(|failure| {
                    let first = Sighting {
                        run: batch.runs.saturating_sub(1),
                        scenario: batch.scenario.clone(),
                        strategy: batch.strategy.clone(),
                        seed: Hex(failure.seed),
                    };
                    group(failure, first, batch.planted)
                })
                .collect(),
            ..Facts::default()
        };
        let plan = Plan {
            command: command.into(),
            seed: Hex(batch.seed),
            runs: Some(batch.runs_asked),
            planted: batch.planted.iter().map(|bug| (*bug).into()).collect(),
            ..Plan::default()
        };
        Self {
            format: FORMAT,
            falken: env!("CARGO_PKG_VERSION").into(),
            plan,
            facts,
            timing: timing(batch),
            interrupted: batch.interrupted,
            notes: batch.notes.clone(),
            ..Self::default()
        }
    }
}

fn timing(batch: &Summary) -> Timing {
    let failed = u64::from(batch.failure.is_some());
    let end = Point { second: batch.seconds, runs: batch.runs, actions: batch.actions, failed };
    let jobs = batch.jobs as u64;
    Timing {
        seconds: batch.seconds,
        jobs,
        actions_per_second_per_job: batch.rate() / jobs.max(1) as f64,
        points: vec![Point::default(), end],
        scenarios: vec![ScenarioTiming {
            name: batch.scenario.clone(),
            seconds: batch.seconds * jobs as f64,
            ..ScenarioTiming::default()
        }],
        ..Timing::default()
    }
}

/// Whether an invariant is about progress.
pub(super) fn kind_of(invariant: &str) -> Kind {
    if matches!(invariant, "LIVE-1" | "LIVE-2") { Kind::Liveness } else { Kind::Violation }
}

/// The group of the only failure of a command.
pub(super) fn group(failure: &Failure, first: Sighting, planted: Option<&str>) -> Group {
    let violation = &failure.violation;
    let slice: Vec<String> =
        failure.story.iter().flat_map(|story| &story.orders).map(|order| order.text.clone()).collect();
    let cause = digest(format!("{} {slice:?}", violation.invariant).as_bytes()) as u32;
    let fact = |fact: &falken_harness::verdict::Fact| NightFact { label: fact.label.into(), value: fact.value.clone() };
    Group {
        id: format!("{}-{cause:08x}", violation.invariant.to_lowercase()),
        kind: kind_of(violation.invariant),
        invariant: violation.invariant.into(),
        rule: violation.rule().into(),
        summary: violation.evidence.summary.clone(),
        slice,
        count: 1,
        shrunk: u64::from(failure.story.is_some()),
        scenarios: vec![(first.scenario.clone(), 1)],
        planted: planted.into_iter().map(Into::into).collect(),
        first: Some(first.clone()),
        last: Some(first),
        evidence: violation.evidence.facts.iter().map(fact).collect(),
        story: failure.story.as_ref().map(NightStory::from),
        repro_file: failure.repro.clone().unwrap_or_default(),
        hash: Hex(failure.hash),
        replay: failure.replay.clone().unwrap_or_default(),
        ..Group::default()
    }
}

impl From<&Story> for NightStory {
    fn from(story: &Story) -> Self {
        let order = |order: &crate::Order| NightOrder { text: order.text.clone(), note: order.note.clone() };
        Self {
            programs: story.programs.clone(),
            orders: story.orders.iter().map(order).collect(),
            settings: story.settings.clone(),
            race: story.race.clone(),
            before: (&story.before).into(),
            after: (&story.after).into(),
            replays: story.shrinking.map_or(0, |shrinking| shrinking.replays),
            is_fixed_point: story.shrinking.is_some_and(|shrinking| shrinking.is_fixed_point),
        }
    }
}

impl From<&Size> for Figures {
    fn from(size: &Size) -> Self {
        Self {
            actions: size.actions(),
            switches: size.switches,
            faults: size.faults,
            steps: size.steps,
            connections: size.connections,
            statements: size.statements,
        }
    }
}

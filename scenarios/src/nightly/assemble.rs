//! From a state directory to a [`Night`]: sums, groups and gates, and nothing that was not written down.

use std::collections::BTreeMap;

use falken_harness::subject::Engine;
use falken_harness::{invariant, probe};
use falken_reports::Night;
use falken_reports::night::{
    self, Determinism, Difference, Evaluated, Facts, GroupTimes, Machine, Probe, ScenarioFacts, ScenarioTiming,
    StrategyFacts, Timing,
};

use super::known::{KnownGroup, Replays};
use super::plan::{self as planned, Plan, Shard};
use super::record::Shrunk;
use super::state::{Folded, State};
use super::sums::{Clocks, Failures, Sum, Sums};
use super::triage::Trait;
use super::{gates, triage};

/// A night, and what to remember of its groups.
pub fn assemble(
    state: &State,
    machines: Vec<Machine>,
    notes: Vec<String>,
    interrupted: bool,
) -> (Night, Vec<KnownGroup>) {
    let Folded { sums, clocks, unreadable, .. } = &state.so_far;
    let known = state.known.clone().unwrap_or_default();
    let mut groups = triage::groups(sums, &state.shrunk, &known);
    let host = machines.first().map_or("", |machine| machine.host.as_str());
    let timing = timing(sums, clocks, &groups, &known, machines.clone(), host);
    for KnownGroup { group, since, from, .. } in &mut groups {
        group.repro_file = format!("corpus/{}.toml", group.id);
        let replay = |file: &str| crate::command::replay_command(&state.dir.join(file).display().to_string());
        group.replay = replay(&group.repro_file);
        group.ways.iter_mut().for_each(|way| way.replay = replay(&format!("repros/run-{}.toml", way.run)));
        if from.is_empty() {
            *from = state.dir.display().to_string();
            *since = timing.groups.iter().find(|times| times.id == group.id).and_then(|times| times.first).unwrap_or(0);
        }
    }
    let mut facts = facts(&state.head.plan, sums, &groups, &known);
    facts.gates = gates::of_facts(&facts, &known);
    let mut all_notes = known.notes;
    if *unreadable > 0 {
        all_notes.push(format!("{unreadable} lines of the state directory could not be read; their runs do not count"));
    }
    let unfit = facts.groups.iter().filter(|group| group.planted.len() > 1).count();
    if unfit > 0 {
        all_notes
            .push(format!("{unfit} groups hold failures of several planted bugs: what tells them apart is too little"));
    }
    all_notes.extend(notes);
    let night = Night {
        format: night::FORMAT,
        falken: state.head.falken.clone(),
        plan: plan(&state.head.plan),
        facts,
        timing,
        interrupted,
        notes: all_notes,
        ..Night::default()
    };
    (night, groups)
}

fn plan(plan: &Plan) -> night::Plan {
    night::Plan {
        command: night::NIGHTLY.into(),
        seed: plan.seed,
        seed_from: plan.seed_from.clone(),
        runs: plan.runs,
        seconds: plan.seconds,
        planted: plan.planted.clone(),
    }
}

fn facts(plan: &Plan, sums: &Sums, groups: &[KnownGroup], known: &Replays) -> Facts {
    let total = sums.total();
    let name = |invariant: &invariant::Entry, evaluated: Option<&u64>| Evaluated {
        id: invariant.id.into(),
        name: invariant.name.into(),
        evaluated: evaluated.copied().unwrap_or(0),
    };
    let invariants = invariant::TABLE.iter().enumerate().map(|(at, entry)| name(entry, total.counts.evaluated.get(at)));
    let strategy = |(name, sum): (&String, &Sum)| StrategyFacts {
        name: name.clone(),
        runs: sum.runs,
        failed: sum.failed,
        actions: sum.counts.actions,
    };
    Facts {
        runs: total.runs,
        actions: total.counts.actions,
        commits: total.counts.commits,
        crashes: total.counts.crashes,
        failed: total.failed,
        hash: total.counts.hash,
        scenarios: plan.scenarios.iter().map(|share| scenario(&share.name, share.weight, plan.subject, sums)).collect(),
        strategies: sums.strategies.iter().map(strategy).collect(),
        invariants: invariants.collect(),
        groups: groups.iter().map(|known| known.group.clone()).collect(),
        regressions: known.regressions.clone(),
        determinism: determinism(sums),
        gates: Vec::new(),
    }
}

fn scenario(name: &str, weight: u64, subject: Option<Engine>, sums: &Sums) -> ScenarioFacts {
    let none = Sum::default();
    let sum = sums.scenarios.get(name).unwrap_or(&none);
    let scenario = planned::scenario(name, subject, None).ok();
    let expects =
        |probe: &str| scenario.iter().flat_map(|scenario| &scenario.probes.expected).any(|name| name == probe);
    let probe = |(at, probe): (usize, &probe::Probe)| Probe {
        name: probe.name.into(),
        hits: sum.counts.probes.get(at).copied().unwrap_or(0),
        expected: expects(probe.name),
    };
    let probes = probe::TABLE.iter().enumerate().map(probe).filter(|probe| probe.hits > 0 || probe.expected);
    ScenarioFacts {
        name: name.into(),
        about: scenario.as_ref().map(|scenario| scenario.about.clone()).unwrap_or_default(),
        weight,
        runs: sum.runs,
        failed: sum.failed,
        actions: sum.counts.actions,
        commits: sum.counts.commits,
        crashes: sum.counts.crashes,
        hash: sum.counts.hash,
        probes: probes.collect(),
        evaluated: sum.counts.evaluated.clone(),
    }
}

fn determinism(sums: &Sums) -> Determinism {
    let difference = |(run, (spec, what)): (&u64, &(super::plan::Spec, String))| Difference {
        run: *run,
        scenario: spec.scenario.clone(),
        strategy: spec.strategy.clone(),
        seed: spec.seed,
        what: what.clone(),
        replay: format!(
            "falken run {} --strategy {} --seed {} --runs 1 --verify-determinism",
            spec.scenario, spec.strategy, spec.seed
        ),
    };
    Determinism { twice: sums.twice, differences: sums.differences.iter().map(difference).collect() }
}

fn timing(
    sums: &Sums,
    clocks: &Clocks,
    groups: &[KnownGroup],
    known: &Replays,
    machines: Vec<Machine>,
    host: &str,
) -> Timing {
    let actions = sums.total().counts.actions as f64;
    let scenario = |(name, (seconds, slowest)): (&String, &(f64, f64))| ScenarioTiming {
        name: name.clone(),
        seconds: *seconds,
        slowest: *slowest,
    };
    Timing {
        began: clocks.began,
        ended: clocks.ended,
        seconds: clocks.seconds,
        jobs: machines.iter().map(|machine| machine.jobs).sum(),
        actions_per_second_per_job: if clocks.busy() > 0.0 { actions / clocks.busy() } else { 0.0 },
        machines,
        points: clocks.points.clone(),
        scenarios: clocks.scenarios.iter().map(scenario).collect(),
        groups: groups.iter().map(|known| times(known, sums, clocks)).collect(),
        baseline: known.earlier.as_ref().map(|earlier| earlier.baseline.clone()),
        gates: vec![gates::rate(sums, clocks, host, known.earlier.as_ref())],
    }
}

/// When a group was seen: the clocks know its words and scenarios.
fn times(known: &KnownGroup, sums: &Sums, clocks: &Clocks) -> GroupTimes {
    let is_here = |scenario: &str| known.group.scenarios.iter().any(|(name, _)| name == scenario);
    let is_this = |cause: &str| Trait::new(&known.group.invariant, cause) == known.cause;
    let in_group = |cause: &str, scenario: &str| {
        let failed =
            |failures: &Failures| failures.failed.cause == cause && failures.failed.invariant == known.group.invariant;
        is_here(scenario) && is_this(cause) && sums.failures.iter().any(failed)
    };
    let seen = clocks.failures.iter().filter(|(cause, scenario, ..)| in_group(cause, scenario));
    let (first, last) = seen.fold((None, None), |(first, last): (Option<u64>, Option<u64>), (_, _, f, l)| {
        (Some(first.map_or(*f, |first| first.min(*f))), Some(last.map_or(*l, |last| last.max(*l))))
    });
    let first = Some(known.since).filter(|since| *since > 0).or(first);
    GroupTimes { id: known.group.id.clone(), first, last }
}

/// This machine's part of the work.
pub fn machine(host: String, shard: Shard, cores: u64, jobs: u64, so_far: &Folded) -> Machine {
    let runs = so_far.sums.total().runs;
    Machine { host, shard: shard.number, shards: shard.of, cores, jobs, runs, seconds: so_far.clocks.seconds }
}

/// The shrunk runs that count, of all that there are: those that one machine would have shrunk.
pub fn only_wanted(sums: &Sums, shrunk: BTreeMap<u64, Shrunk>) -> BTreeMap<u64, Shrunk> {
    let wanted: std::collections::BTreeSet<u64> = triage::wanted(sums).iter().map(|spec| spec.run).collect();
    shrunk.into_iter().filter(|(run, _)| wanted.contains(run)).collect()
}

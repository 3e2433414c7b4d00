//! Triage: many failed runs, few causes.
//!
//! Of the failed runs that say the same in the same scenario the first few are shrunk ([`super::sums::SHRUNK_PER_KEY`]). Two shrunk runs
//! have the same cause if they share a [`Trait`]; groups are what that relation connects. The runs that were not shrunk are
//! counted with the first shrunk one of their kind.
//!
//! All of this is a function of the set of failed runs, so joined shards come to the same groups as one machine.

use std::collections::{BTreeMap, BTreeSet};

use falken_models::digest::digest;
use falken_reports::night::{Group, Hex, Kind, Known, Sighting, Standing};
use serde::{Deserialize, Serialize};

use super::known::{KnownGroup, Replays};
use super::plan::Spec;
use super::record::Shrunk;
use super::sums::{Failures, Sums};

/// What failures of one cause have in common: the invariant, and with it a stage of the protocol that is in the happens-before
/// slice, or the words of what was found, without numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Trait {
    /// The invariant.
    pub invariant: String,
    /// A stage of the slice, or the words of the failure.
    pub common: String,
}

/// The traits of a failure with these words and stages.
pub fn traits(invariant: &str, cause: &str, stages: &BTreeSet<String>) -> BTreeSet<Trait> {
    let all = stages.iter().cloned().chain([cause.to_owned()]);
    all.map(|common| Trait { invariant: invariant.into(), common }).collect()
}

fn traits_of(shrunk: &Shrunk) -> BTreeSet<Trait> {
    traits(&shrunk.failed.invariant, &shrunk.failed.cause, &shrunk.stages)
}

/// A name for a group whose smallest repro this is: the invariant, and a hash of the slice.
fn name(shrunk: &Shrunk) -> String {
    let text = format!("{:?} {:?}", shrunk.slice, traits_of(shrunk));
    format!("{}-{:08x}", shrunk.failed.invariant.to_lowercase(), digest(text.as_bytes()) as u32)
}

/// The failed runs that are shrunk, in order.
pub fn wanted(sums: &Sums) -> Vec<&Spec> {
    let mut wanted: Vec<&Spec> = sums.failures.iter().flat_map(|failures| &failures.first).collect();
    wanted.sort_by_key(|spec| spec.run);
    wanted
}

/// One group in the making.
struct Cluster<'a> {
    traits: BTreeSet<Trait>,
    shrunk: Vec<&'a Shrunk>,
    failures: Vec<(&'a Failures, u64)>,
}

/// The groups of a night, and what to remember of them.
pub fn groups(sums: &Sums, shrunk: &BTreeMap<u64, Shrunk>, known: &Replays) -> Vec<KnownGroup> {
    let mut clusters = clusters(sums, shrunk);
    clusters.sort_by_key(|cluster| cluster.shrunk.iter().map(|shrunk| shrunk.size()).min());
    let mut found: Vec<KnownGroup> = clusters.iter().map(|cluster| group(cluster, known)).collect();
    for earlier in &known.groups {
        if !found.iter().any(|group| is_same(&group.traits, &earlier.traits)) {
            found.push(not_seen(earlier));
        }
    }
    found.sort_by(|a, b| {
        let order = |group: &Group| (group.standing == Standing::Fixed, std::cmp::Reverse(group.count));
        order(&a.group).cmp(&order(&b.group)).then_with(|| a.group.id.cmp(&b.group.id))
    });
    found
}

fn is_same(one: &BTreeSet<Trait>, other: &BTreeSet<Trait>) -> bool {
    !one.is_disjoint(other)
}

fn clusters<'a>(sums: &'a Sums, shrunk: &'a BTreeMap<u64, Shrunk>) -> Vec<Cluster<'a>> {
    let mut clusters: Vec<Cluster<'a>> = Vec::new();
    for failures in &sums.failures {
        let mut left = failures.count;
        for one in failures.first.iter().filter_map(|spec| shrunk.get(&spec.run)).rev() {
            // Each shrunk run counts for itself, the first one for all that were not shrunk as well.
            let is_first = failures.first.first().is_some_and(|spec| spec.run == one.spec.run);
            let count = if is_first { left } else { 1 };
            left -= count;
            join(
                &mut clusters,
                Cluster { traits: traits_of(one), shrunk: vec![one], failures: vec![(failures, count)] },
            );
        }
    }
    clusters
}

/// Adds a cluster, joined with all those that have the same cause.
fn join<'a>(clusters: &mut Vec<Cluster<'a>>, mut new: Cluster<'a>) {
    for cluster in std::mem::take(clusters) {
        if is_same(&cluster.traits, &new.traits) {
            new.traits.extend(cluster.traits);
            new.shrunk.extend(cluster.shrunk);
            new.failures.extend(cluster.failures);
        } else {
            clusters.push(cluster);
        }
    }
    clusters.push(new);
}

fn sighting(spec: &Spec) -> Sighting {
    Sighting { run: spec.run, scenario: spec.scenario.clone(), strategy: spec.strategy.clone(), seed: spec.seed }
}

fn group(cluster: &Cluster<'_>, known: &Replays) -> KnownGroup {
    let smallest = cluster.shrunk.iter().min_by_key(|shrunk| shrunk.size()).expect("a cluster has a shrunk run");
    let id = name(smallest);
    let mut scenarios: BTreeMap<&str, u64> = BTreeMap::new();
    for (failures, count) in &cluster.failures {
        *scenarios.entry(&failures.scenario).or_default() += count;
    }
    let planted: BTreeSet<String> = cluster.shrunk.iter().filter_map(|shrunk| shrunk.spec.planted.clone()).collect();
    let first = cluster.shrunk.iter().map(|shrunk| &shrunk.spec).min_by_key(|spec| spec.run);
    let lasts = cluster.failures.iter().filter(|(_, count)| *count > 1).map(|(failures, _)| &failures.last);
    let last = lasts.chain(cluster.shrunk.iter().map(|shrunk| &shrunk.spec)).max_by_key(|spec| spec.run);
    let earlier = known.groups.iter().find(|earlier| is_same(&earlier.traits, &cluster.traits));
    let regression = known.from_regressions.iter().find(|earlier| is_same(&earlier.traits, &cluster.traits));
    let mut traits = cluster.traits.clone();
    traits.extend(earlier.iter().flat_map(|earlier| earlier.traits.clone()));
    let group = Group {
        // A name that was given once stays.
        id: earlier.map_or(id, |earlier| earlier.group.id.clone()),
        kind: smallest.failed.kind,
        invariant: smallest.failed.invariant.clone(),
        rule: smallest.rule.clone(),
        summary: smallest.summary.clone(),
        slice: smallest.slice.clone(),
        count: cluster.failures.iter().map(|(_, count)| count).sum(),
        shrunk: cluster.shrunk.len() as u64,
        scenarios: scenarios.into_iter().map(|(name, count)| (name.to_owned(), count)).collect(),
        planted: planted.into_iter().collect(),
        first: first.map(sighting),
        last: last.map(sighting),
        known: earlier.or(regression).map(known_from),
        standing: Standing::Failing,
        evidence: smallest.evidence.clone(),
        story: smallest.story.clone(),
        repro: smallest.repro.clone(),
        hash: smallest.hash,
        test: smallest.test.clone(),
        ..Group::default()
    };
    let (from, since) = earlier.map_or((String::new(), 0), |earlier| (earlier.from.clone(), earlier.since));
    KnownGroup { group, traits, from, since }
}

fn known_from(earlier: &KnownGroup) -> Known {
    Known { from: earlier.from.clone(), since: Some(earlier.since).filter(|since| *since > 0) }
}

/// A group of an earlier night that did not come up; its standing is that of its replay.
fn not_seen(earlier: &KnownGroup) -> KnownGroup {
    let group = Group {
        count: 0,
        shrunk: 0,
        scenarios: Vec::new(),
        first: None,
        last: None,
        known: Some(known_from(earlier)),
        ..earlier.group.clone()
    };
    KnownGroup { group, ..earlier.clone() }
}

/// A failed run that could not be shrunk, because it never came to a verdict or does not fail a second time.
pub fn as_found(spec: &Spec, failures: &Failures, repro: String, why: &str) -> Shrunk {
    let summary = match failures.failed.kind {
        Kind::Violation | Kind::Liveness => format!("{}; not shrunk: {why}", failures.failed.cause),
        Kind::Hung | Kind::Memory | Kind::Died => failures.failed.cause.clone(),
    };
    Shrunk {
        spec: spec.clone(),
        failed: failures.failed.clone(),
        rule: rule(&failures.failed.invariant).into(),
        summary,
        repro,
        hash: Hex(0),
        ..Shrunk::default()
    }
}

fn rule(invariant: &str) -> &'static str {
    match invariant {
        "RUN-HUNG" => "a run ends within its wall-clock limit",
        "RUN-MEMORY" => "a run keeps within its memory limit",
        "RUN-DIED" => "a run does not end its process",
        other => falken_harness::invariant::rule(other),
    }
}

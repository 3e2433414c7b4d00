//! Triage: many failed runs, few causes.
//!
//! Of the failed runs that say the same in the same scenario the first few are shrunk ([`super::sums::SHRUNK_PER_KEY`]). Two runs are
//! in one group if they break the same invariant in the same words. Within a group, shrunk runs whose happens-before slices have no
//! stage of the protocol in common are different [`Way`]s to fail: a second bug with the symptom of the first is seen there.
//! The runs that were not shrunk are counted with the first shrunk one of their kind.
//!
//! All of this is a function of the set of failed runs, so joined shards come to the same groups as one machine.

use std::collections::{BTreeMap, BTreeSet};

use falken_harness::shrink::symptom;
use falken_models::digest::digest;
use falken_reports::night::{Group, Hex, Kind, Known, Sighting, Standing, Way};
use serde::{Deserialize, Serialize};

use super::known::{KnownGroup, Replays};
use super::plan::Spec;
use super::record::Shrunk;
use super::sums::{Failures, Sums};

/// What the failures of one group have in common.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Trait {
    /// The invariant.
    pub invariant: String,
    /// What was found, without numbers, and without the kind of statement in which it showed.
    pub common: String,
}

impl Trait {
    /// The trait of a failure that is told in these words.
    pub fn new(invariant: &str, cause: &str) -> Self {
        Self { invariant: invariant.into(), common: symptom(cause) }
    }
}

fn trait_of(shrunk: &Shrunk) -> Trait {
    Trait::new(&shrunk.failed.invariant, &shrunk.failed.cause)
}

/// The name of a group: the invariant, and a hash of its words.
fn name(of: &Trait) -> String {
    format!("{}-{:08x}", of.invariant.to_lowercase(), digest(of.common.as_bytes()) as u32)
}

/// The failed runs that are shrunk, in order.
pub fn wanted(sums: &Sums) -> Vec<&Spec> {
    let mut wanted: Vec<&Spec> = sums.failures.iter().flat_map(|failures| &failures.first).collect();
    wanted.sort_by_key(|spec| spec.run);
    wanted
}

/// One group in the making.
#[derive(Default)]
struct Cluster<'a> {
    shrunk: Vec<&'a Shrunk>,
    failures: Vec<(&'a Failures, u64)>,
}

/// The groups of a night, and what to remember of them.
pub fn groups(sums: &Sums, shrunk: &BTreeMap<u64, Shrunk>, known: &Replays) -> Vec<KnownGroup> {
    let clusters = clusters(sums, shrunk);
    let mut found: Vec<KnownGroup> = clusters.iter().map(|(of, cluster)| group(of, cluster, known)).collect();
    found.extend(known.groups.iter().filter(|earlier| !clusters.contains_key(&earlier.cause)).map(not_seen));
    found.sort_by(|a, b| {
        let order = |group: &Group| (group.standing == Standing::Fixed, std::cmp::Reverse(group.count));
        order(&a.group).cmp(&order(&b.group)).then_with(|| a.group.id.cmp(&b.group.id))
    });
    found
}

fn clusters<'a>(sums: &'a Sums, shrunk: &'a BTreeMap<u64, Shrunk>) -> BTreeMap<Trait, Cluster<'a>> {
    let mut clusters: BTreeMap<Trait, Cluster<'a>> = BTreeMap::new();
    for failures in &sums.failures {
        let mut left = failures.count;
        for one in failures.first.iter().filter_map(|spec| shrunk.get(&spec.run)).rev() {
            // Each shrunk run counts for itself, the first one for all that were not shrunk as well.
            let is_first = failures.first.first().is_some_and(|spec| spec.run == one.spec.run);
            let count = if is_first { left } else { 1 };
            left -= count;
            let cluster = clusters.entry(trait_of(one)).or_default();
            cluster.shrunk.push(one);
            cluster.failures.push((failures, count));
        }
    }
    clusters
}

/// The shrunk runs of a group, those together whose slices have a stage in common; nothing if that is all of them.
fn ways(shrunk: &[&Shrunk]) -> Vec<Way> {
    let mut all: Vec<(BTreeSet<&str>, Vec<&Shrunk>)> = Vec::new();
    // One that was not told has no stages: it says nothing about ways.
    for one in shrunk.iter().filter(|one| one.story.is_some()) {
        let mut stages: BTreeSet<&str> = one.stages.iter().map(String::as_str).collect();
        let mut members = vec![*one];
        for (others, more) in std::mem::take(&mut all) {
            if others.is_disjoint(&stages) {
                all.push((others, more));
            } else {
                stages.extend(others);
                members.extend(more);
            }
        }
        all.push((stages, members));
    }
    let way = |(_, members): &(BTreeSet<&str>, Vec<&Shrunk>)| {
        let smallest = members.iter().min_by_key(|one| one.size()).expect("a way has a member");
        Way { slice: smallest.slice.clone(), shrunk: members.len() as u64, run: smallest.spec.run, ..Way::default() }
    };
    let mut ways: Vec<Way> = all.iter().map(way).collect();
    ways.sort_by_key(|way| (std::cmp::Reverse(way.shrunk), way.run));
    if ways.len() > 1 { ways } else { Vec::new() }
}

fn sighting(spec: &Spec) -> Sighting {
    Sighting { run: spec.run, scenario: spec.scenario.clone(), strategy: spec.strategy.clone(), seed: spec.seed }
}

fn group(of: &Trait, cluster: &Cluster<'_>, known: &Replays) -> KnownGroup {
    let smallest = cluster.shrunk.iter().min_by_key(|shrunk| shrunk.size()).expect("a cluster has a shrunk run");
    let mut scenarios: BTreeMap<&str, u64> = BTreeMap::new();
    for (failures, count) in &cluster.failures {
        *scenarios.entry(&failures.scenario).or_default() += count;
    }
    let planted: BTreeSet<String> = cluster.shrunk.iter().filter_map(|shrunk| shrunk.spec.planted.clone()).collect();
    let first = cluster.shrunk.iter().map(|shrunk| &shrunk.spec).min_by_key(|spec| spec.run);
    let lasts = cluster.failures.iter().filter(|(_, count)| *count > 1).map(|(failures, _)| &failures.last);
    let last = lasts.chain(cluster.shrunk.iter().map(|shrunk| &shrunk.spec)).max_by_key(|spec| spec.run);
    let earlier = known.groups.iter().find(|earlier| earlier.cause == *of);
    let regression = known.from_regressions.iter().find(|earlier| earlier.cause == *of);
    let group = Group {
        id: name(of),
        kind: smallest.failed.kind,
        invariant: smallest.failed.invariant.clone(),
        rule: smallest.rule.clone(),
        summary: smallest.summary.clone(),
        slice: smallest.slice.clone(),
        ways: ways(&cluster.shrunk),
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
    KnownGroup { group, cause: of.clone(), from, since }
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

#[cfg(test)]
mod tests {
    use falken_reports::night::NightStory;

    use super::*;

    #[test]
    fn slices_without_a_stage_in_common_are_different_ways() {
        let shrunk = |run, stages: &[&str]| Shrunk {
            spec: Spec { run, ..Spec::default() },
            stages: stages.iter().map(|stage| (*stage).into()).collect(),
            story: Some(NightStory::default()),
            ..Shrunk::default()
        };
        let all = [
            shrunk(1, &["wal.append"]),
            shrunk(2, &["wal.checkpoint"]),
            shrunk(3, &["wal.append", "pager.read"]),
            shrunk(4, &["pager.read"]),
        ];
        let ways = |runs: &[&Shrunk]| ways(runs).iter().map(|way| (way.run, way.shrunk)).collect::<Vec<_>>();
        assert_eq!(ways(&all.iter().collect::<Vec<_>>()), [(1, 3), (2, 1)]);
        assert_eq!(ways(&[&all[0], &all[2]]), []);
        let untold = Shrunk { story: None, ..shrunk(5, &[]) };
        assert_eq!(ways(&[&all[0], &untold]), []);
    }
}

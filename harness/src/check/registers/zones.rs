//! The order of versions that time gives away: each register by itself must be linearizable.
//!
//! A version is known from its first return on (`first`): somebody had written it or read it by then. It is still
//! current at its last call (`last`): somebody went on to write it or read it. If one version's first return comes
//! before another's last call, the first version is the older one (Gibbons and Korach's zones).
//!
//! Every such pair would be quadratic. Three passes keep it linear, up to sorting:
//! 1. every write called after `first` of a version, and after its own write, is later (a chain of hubs in the order
//!    of the calls);
//! 2. every version whose `last` comes after both `first` and `last` of a version is later (another chain);
//! 3. pairs that come out as older *and* newer are contradictions, and are added one by one, for each version one.
//!
//! Sound for every model that keeps real time, and only for those.

use super::{How, Sighting, Version, Versions};
use crate::check::anomaly::{Dependency, Order};
use crate::check::graph::{Builder, Label, Step};
use crate::check::index::Index;
use crate::history::Outcome;

/// When a version was known and current.
struct Zone {
    version: Version,
    writer: u32,
    /// The first return of a transaction that knew it; `u64::MAX` if none returned.
    first: u64,
    /// The last call of a transaction that knew it.
    last: u64,
    /// When its writer was called.
    called: u64,
    /// Its sightings.
    sightings: std::ops::Range<usize>,
}

pub(super) fn order(index: &Index<'_>, sightings: &mut [Sighting], versions: &mut Versions, graph: &mut Builder) {
    sightings.sort_unstable_by_key(|s| (s.key, s.version, s.txn, s.op));
    for group in sightings.chunk_by(|a, b| a.key == b.key) {
        let zones = zones_of(index, group);
        let label = |step| Label::new(step, Order::RealTime, group[0].key);
        let chain = Chain { group, label: &label };
        chain.link(&zones, |z| z.called, |z| z.first.max(z.called), graph);
        chain.link(&zones, |z| z.last, |z| z.first.max(z.last), graph);
        contradictions(&zones, versions);
    }
}

fn zones_of(index: &Index<'_>, group: &[Sighting]) -> Vec<Zone> {
    let mut zones = Vec::new();
    let mut start = 0;
    for same in group.chunk_by(|a, b| a.version == b.version) {
        let range = start..start + same.len();
        start = range.end;
        // The initial state is older than everything already.
        let Some(write) = index.writes.get(same[0].version as usize) else { continue };
        // A version that its own transaction replaced was never current.
        if !write.is_final {
            continue;
        }
        let called = index.history.transactions[write.txn as usize].invoked;
        let mut zone =
            Zone { version: same[0].version, writer: write.txn, first: u64::MAX, last: 0, called, sightings: range };
        for sighting in same {
            let transaction = &index.history.transactions[sighting.txn as usize];
            zone.last = zone.last.max(transaction.invoked);
            if let (Outcome::Ok, Some(completed)) = (transaction.outcome, transaction.completed) {
                zone.first = zone.first.min(completed);
            }
        }
        zones.push(zone);
    }
    zones
}

/// Links the readers of every version to the writers of all versions past some moment.
struct Chain<'a> {
    group: &'a [Sighting],
    label: &'a dyn Fn(Step) -> Label,
}

impl Chain<'_> {
    fn link(&self, zones: &[Zone], at: impl Fn(&Zone) -> u64, after: impl Fn(&Zone) -> u64, graph: &mut Builder) {
        if zones.len() < 2 {
            return;
        }
        let mut stops: Vec<(u64, u32, u32)> = Vec::with_capacity(zones.len());
        stops.extend(zones.iter().map(|z| (at(z), z.writer, 0)));
        stops.sort_unstable();
        let mut before = None;
        for stop in &mut stops {
            stop.2 = graph.hub();
            graph.edge(stop.2, stop.1, (self.label)(Step::Onward));
            if let Some(before) = before.replace(stop.2) {
                graph.edge(before, stop.2, (self.label)(Step::Onward));
            }
        }
        for zone in zones {
            let from = after(zone);
            let Some(stop) = stops.get(stops.partition_point(|s| s.0 <= from)) else { continue };
            for sighting in self.group[zone.sightings.clone()].iter().filter(|s| s.how == How::Read) {
                graph.edge(sighting.txn, stop.2, (self.label)(Step::Starts(Dependency::ReadWrite)));
            }
        }
    }
}

/// Finds, for each version, one that is both older and newer, if there is any.
fn contradictions(zones: &[Zone], versions: &mut Versions) {
    let mut forward: Vec<&Zone> = zones.iter().filter(|z| z.first < z.last).collect();
    forward.sort_unstable_by_key(|z| (z.first, z.version));
    // For each prefix of `forward`: the zone that lasts longest.
    let mut longest: Vec<&Zone> = Vec::with_capacity(forward.len());
    for &zone in &forward {
        let reigning = longest.last().filter(|l| l.last >= zone.last);
        longest.push(reigning.copied().unwrap_or(zone));
    }
    let mut both_ways = |a: &Zone, b: &Zone| {
        versions.later.push((a.version, Order::RealTime, b.writer));
        versions.later.push((b.version, Order::RealTime, a.writer));
    };
    for zone in zones {
        let place = forward.partition_point(|f| (f.first, f.version) < (zone.first, zone.version));
        // Forward zones that begin before this one ends; if one of them outlasts its beginning, they overlap.
        let before = if zone.first < zone.last { place } else { forward.partition_point(|f| f.first < zone.last) };
        let Some(other) = before.checked_sub(1).map(|last| longest[last]) else { continue };
        if other.version != zone.version && other.first < zone.last && zone.first < other.last {
            both_ways(other, zone);
        }
    }
}

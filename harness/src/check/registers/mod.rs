//! Registers: which write each read saw, what is known of the order of versions, and the dependencies that follow.
//!
//! Values are unique per key, so a read names its write; but unlike a list, a register does not show what was there
//! before. The order of versions is only partly known:
//! * the initial state comes first;
//! * a transaction that read a version and then wrote put its own after it (write follows read);
//! * if the model keeps the order of clients, what a client saw later is not older ([`sessions`]);
//! * if the model keeps real time, neither is what anybody saw later ([`zones`]).
//!
//! The last three are conclusions from the model: they hold in every history that the model allows, so a cycle
//! through them refutes it. What this does not find: cycles through an order of versions that only longer chains of
//! such conclusions would give. Deciding registers in general is NP-hard; where it matters, use lists.

mod sessions;
mod zones;

use super::anomaly::{Anomaly, Dependency, Kind, Order};
use super::findings::Findings;
use super::graph::{Builder, Label, Step};
use super::index::{Index, NONE, as_u32};
use crate::history::{Object, RegisterRead};

/// Reports what single reads show, and adds the dependencies to the graph.
pub(super) fn judge(index: &Index<'_>, order: Order, findings: &mut Findings, graph: &mut Builder) {
    if !index.objects.contains(&Object::Register) {
        return;
    }
    let seen = versions_seen(index, findings, graph);
    let mut sightings = sightings(index, &seen);
    let mut versions = Versions::default();
    for sighting in sightings.iter().filter(|s| s.how == How::Read) {
        versions.readers.push((sighting.version, sighting.txn));
    }
    initial_first(index, &mut versions);
    writes_follow_reads(index, &seen, &mut versions, graph);
    if order >= Order::Process {
        sessions::order(index, &mut sightings, &mut versions, graph);
    }
    if order >= Order::RealTime {
        zones::order(index, &mut sightings, &mut versions, graph);
    }
    versions.anti_dependencies(index, graph);
}

/// A version of a register: the number of its write, or a number past all writes for the initial state of a key.
pub(super) type Version = u32;

/// The version that a key has before anything is written.
pub(super) fn initial(index: &Index<'_>, key: u32) -> Version {
    as_u32(index.writes.len()) + key
}

/// Per read: the version seen, or [`NONE`]. Also reports bad reads and adds the wr edges.
fn versions_seen(index: &Index<'_>, findings: &mut Findings, graph: &mut Builder) -> Vec<Version> {
    let mut seen = vec![NONE; index.reads.len()];
    for (id, read) in index.committed_reads(Object::Register) {
        let value = match index.register(id) {
            RegisterRead::Unknown => continue,
            RegisterRead::Initial => {
                seen[id as usize] = initial(index, read.key);
                continue;
            }
            RegisterRead::Value(value) => value,
        };
        let Some(version) = index.write_of(read.key, value) else {
            findings.push(Kind::GarbageRead, || Anomaly::of_ops(Kind::GarbageRead, vec![index.read_ref(id)]));
            continue;
        };
        let write = &index.writes[version as usize];
        let both = || vec![index.read_ref(id), index.write_ref(version)];
        if !index.is_committed(write.txn) {
            findings.push(Kind::G1a, || Anomaly::of_ops(Kind::G1a, both()));
            continue;
        }
        if !write.is_final && write.txn != read.txn {
            findings.push(Kind::G1b, || Anomaly::of_ops(Kind::G1b, both()));
        }
        graph.edge(write.txn, read.txn, Label::data(Dependency::WriteRead, read.key));
        seen[id as usize] = version;
    }
    seen
}

/// How a transaction knows a version.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum How {
    /// It read it, and did not write it.
    Read,
    /// It wrote it, last of its writes to the key.
    Wrote,
}

/// A committed transaction's knowledge of a version.
#[derive(Clone, Copy)]
pub(super) struct Sighting {
    key: u32,
    version: Version,
    txn: u32,
    op: u32,
    how: How,
}

fn sightings(index: &Index<'_>, seen: &[Version]) -> Vec<Sighting> {
    let mut sightings = Vec::with_capacity(index.reads.len() + index.writes.len());
    for (id, read) in index.committed_reads(Object::Register) {
        let version = seen[id as usize];
        let own = index.writes.get(version as usize).is_some_and(|w| w.txn == read.txn);
        if version != NONE && !own {
            sightings.push(Sighting { key: read.key, version, txn: read.txn, op: read.op, how: How::Read });
        }
    }
    for (version, write) in index.committed_writes(Object::Register).filter(|(_, w)| w.is_final) {
        sightings.push(Sighting { key: write.key, version, txn: write.txn, op: write.op, how: How::Wrote });
    }
    sightings
}

/// What is known of the order of versions.
#[derive(Default)]
pub(super) struct Versions {
    /// A version, and a transaction that read it.
    readers: Vec<(Version, u32)>,
    /// A version, the order that the conclusion leans on, and the writer of a later version.
    later: Vec<(Version, Order, u32)>,
}

impl Versions {
    /// Whoever read a version precedes whoever wrote a later one: directly, or through a hub where that is cheaper.
    fn anti_dependencies(mut self, index: &Index<'_>, graph: &mut Builder) {
        self.readers.sort_unstable();
        self.readers.dedup();
        self.later.sort_unstable();
        self.later.dedup_by_key(|(version, _, txn)| (*version, *txn));
        let mut readers = self.readers.as_slice();
        for later in self.later.chunk_by(|a, b| a.0 == b.0) {
            let version = later[0].0;
            readers = &readers[readers.partition_point(|r| r.0 < version)..];
            let here = &readers[..readers.partition_point(|r| r.0 == version)];
            let key = key_of(index, version);
            let starts = |basis| Label::new(Step::Starts(Dependency::ReadWrite), basis, key);
            if here.is_empty() {
                continue;
            }
            if here.len() == 1 || later.len() == 1 {
                for &(_, reader) in here {
                    later.iter().for_each(|&(_, basis, writer)| graph.edge(reader, writer, starts(basis)));
                }
                continue;
            }
            let hub = graph.hub();
            here.iter().for_each(|&(_, reader)| graph.edge(reader, hub, starts(Order::Data)));
            for &(_, basis, writer) in later {
                graph.edge(hub, writer, Label::new(Step::Onward, basis, key));
            }
        }
    }
}

fn key_of(index: &Index<'_>, version: Version) -> u32 {
    match index.writes.get(version as usize) {
        Some(write) => write.key,
        None => version - as_u32(index.writes.len()),
    }
}

fn initial_first(index: &Index<'_>, versions: &mut Versions) {
    for (_, write) in index.committed_writes(Object::Register) {
        versions.later.push((initial(index, write.key), Order::Data, write.txn));
    }
}

fn writes_follow_reads(index: &Index<'_>, seen: &[Version], versions: &mut Versions, graph: &mut Builder) {
    for &(read, write) in &index.own.updates {
        let version = seen[read as usize];
        if version == NONE {
            continue;
        }
        let later = &index.writes[write as usize];
        // A transaction that read its own later write is reported as such.
        if index.writes.get(version as usize).is_some_and(|earlier| earlier.txn == later.txn) {
            continue;
        }
        versions.later.push((version, Order::Data, later.txn));
        if let Some(earlier) = index.writes.get(version as usize) {
            graph.edge(earlier.txn, later.txn, Label::data(Dependency::WriteWrite, later.key));
        }
    }
}

//! Lists: the order of versions, recovered; what contradicts it; and the dependencies that follow from it.
//!
//! An append puts its element at the end, so a read shows the whole order of versions before it, and the longest
//! read of a key shows all that was ever seen of it. Elements that a committed transaction appended and that the
//! longest read lacks come after it, in an unknown order among themselves (the **tail**).
//!
//! Aborted elements stay in the order, so that reads can be compared with it, but make no edges: a dependency goes
//! to the nearest committed version. Linear in the size of the history.

use super::anomaly::{Anomaly, Dependency, Kind, Order};
use super::findings::Findings;
use super::graph::{Builder, Label, Step};
use super::index::{Index, NONE, as_u32};
use crate::history::Object;

/// The order of versions of every list.
pub(super) struct Orders {
    /// Where each key's elements begin.
    base: Vec<u32>,
    /// The elements that were seen, key by key.
    elements: Vec<i64>,
    /// The write of each element.
    writer: Vec<u32>,
    /// The longest read of each key.
    pub(super) source: Vec<u32>,
    /// Where in its key's order each write is.
    position: Vec<u32>,
}

impl Orders {
    pub(super) fn recover(index: &Index<'_>) -> Self {
        let source = longest_reads(index);
        let mut orders = Orders {
            base: Vec::with_capacity(source.len() + 1),
            elements: Vec::with_capacity(index.writes.len()),
            writer: Vec::with_capacity(index.writes.len()),
            source,
            position: vec![NONE; index.writes.len()],
        };
        for (key, &read) in orders.source.iter().enumerate() {
            let base = orders.elements.len();
            orders.base.push(as_u32(base));
            for &element in (read != NONE).then(|| index.list(read)).flatten().unwrap_or_default() {
                let write = index.write_of(as_u32(key), element).unwrap_or(NONE);
                if write != NONE {
                    if orders.position[write as usize] != NONE {
                        // A duplicate; the read itself is reported where reads are compared.
                        continue;
                    }
                    orders.position[write as usize] = as_u32(orders.elements.len() - base);
                }
                orders.elements.push(element);
                orders.writer.push(write);
            }
        }
        orders.base.push(as_u32(orders.elements.len()));
        orders
    }

    fn range(&self, key: u32) -> std::ops::Range<usize> {
        self.base[key as usize] as usize..self.base[key as usize + 1] as usize
    }

    /// The elements of a key, in order.
    pub(super) fn of(&self, key: u32) -> &[i64] {
        &self.elements[self.range(key)]
    }

    /// The place of a write among the versions of its key, if it was ever seen.
    pub(super) fn position(&self, write: u32) -> Option<u32> {
        Some(self.position[write as usize]).filter(|&p| p != NONE)
    }

    /// Reports what single reads and writes show, and adds the dependencies to the graph.
    pub(super) fn judge(&self, index: &Index<'_>, findings: &mut Findings, graph: &mut Builder) {
        self.own_order(index, findings);
        let near = Near::new(self, index, findings);
        self.write_edges(index, &near, graph);
        let tails = Tails::new(self, index, &near, graph);
        for (id, read) in index.committed_reads(Object::List) {
            let Some(list) = index.list(id) else { continue };
            if !self.of(read.key).starts_with(list) {
                self.disagreement(index, id, list, findings);
                continue;
            }
            let end = self.range(read.key).start + list.len();
            if let Some(last) = list.len().checked_sub(1).map(|_| self.writer[end - 1]) {
                intermediate(index, id, last, findings);
            }
            near.aborted_read(index, id, read.key, end, findings);
            let label = |dependency| Label::data(dependency, read.key);
            let (before, after) = near.around(self, read.key, end);
            if before != NONE {
                graph.edge(index.writes[before as usize].txn, read.txn, label(Dependency::WriteRead));
            }
            if after != NONE {
                graph.edge(read.txn, index.writes[after as usize].txn, label(Dependency::ReadWrite));
            } else {
                tails.read_before(read.key, read.txn, graph);
            }
        }
    }

    /// A transaction's own appends must be seen in the order in which it made them.
    fn own_order(&self, index: &Index<'_>, findings: &mut Findings) {
        for &(a, b) in &index.own.successive {
            let write = &index.writes[a as usize];
            if index.objects[write.key as usize] != Object::List {
                continue;
            }
            let Some(seen) = self.position(b) else { continue };
            if self.position(a).is_none_or(|p| p > seen) {
                let source = index.read_ref(self.source[write.key as usize]);
                findings.push(Kind::IncompatibleOrder, || {
                    Anomaly::of_ops(Kind::IncompatibleOrder, vec![index.write_ref(a), index.write_ref(b), source])
                });
            }
        }
    }

    fn write_edges(&self, index: &Index<'_>, near: &Near, graph: &mut Builder) {
        for key in 0..as_u32(index.keys.len()) {
            let range = self.range(key);
            for place in range.clone().skip(1) {
                let (write, before) = (self.writer[place], near.before[place]);
                if before != NONE && near.is_committed(index, write) {
                    let (from, to) = (index.writes[before as usize].txn, index.writes[write as usize].txn);
                    graph.edge(from, to, Label::data(Dependency::WriteWrite, key));
                }
            }
        }
    }

    /// Names what is wrong with a read that is not a prefix of its key's order.
    fn disagreement(&self, index: &Index<'_>, read: u32, list: &[i64], findings: &mut Findings) {
        let key = index.reads[read as usize].key;
        let mut sorted = list.to_vec();
        sorted.sort_unstable();
        let duplicate = sorted.windows(2).any(|w| w[0] == w[1]);
        let kind = if duplicate { Kind::DuplicateElements } else { Kind::IncompatibleOrder };
        findings.push(kind, || {
            let mut ops = vec![index.read_ref(read)];
            if !duplicate {
                ops.push(index.read_ref(self.source[key as usize]));
            }
            Anomaly::of_ops(kind, ops)
        });
        if let Some(&last) = list.last()
            && let Some(write) = index.write_of(key, last)
        {
            intermediate(index, read, write, findings);
        }
        for &element in list {
            let write = index.write_of(key, element);
            match write.map(|w| index.is_committed(index.writes[w as usize].txn)) {
                Some(true) => {}
                Some(false) => report_aborted(index, read, write.unwrap_or(NONE), findings),
                None => report_garbage(index, read, findings),
            }
        }
    }
}

/// The longest committed read of each key, the earliest of equals.
fn longest_reads(index: &Index<'_>) -> Vec<u32> {
    let mut longest = vec![(0, NONE); index.keys.len()];
    for (id, read) in index.committed_reads(Object::List) {
        let length = index.list(id).map_or(0, <[i64]>::len);
        let best = &mut longest[read.key as usize];
        if length > best.0 {
            *best = (length, id);
        }
    }
    longest.into_iter().map(|(_, id)| id).collect()
}

/// The nearest committed version on both sides of every place.
struct Near {
    /// Per element: the nearest committed write before it.
    before: Vec<u32>,
    /// Per element: the nearest committed write at it or after it.
    at_or_after: Vec<u32>,
    /// Per key: the place of its first aborted element.
    first_aborted: Vec<u32>,
}

impl Near {
    fn new(orders: &Orders, index: &Index<'_>, findings: &mut Findings) -> Self {
        let places = orders.elements.len();
        let mut near = Near {
            before: vec![NONE; places],
            at_or_after: vec![NONE; places],
            first_aborted: vec![NONE; index.keys.len()],
        };
        for key in 0..as_u32(index.keys.len()) {
            let (mut last, mut aborted) = (NONE, NONE);
            for place in orders.range(key) {
                near.before[place] = last;
                let write = orders.writer[place];
                if near.is_committed(index, write) {
                    if aborted != NONE {
                        report_dirty(index, aborted, write, findings);
                        aborted = NONE;
                    }
                    last = write;
                } else if write == NONE {
                    report_garbage(index, orders.source[key as usize], findings);
                } else {
                    aborted = write;
                    let first = &mut near.first_aborted[key as usize];
                    *first = (*first).min(as_u32(place));
                }
            }
            let mut next = NONE;
            for place in orders.range(key).rev() {
                if near.is_committed(index, orders.writer[place]) {
                    next = orders.writer[place];
                }
                near.at_or_after[place] = next;
            }
        }
        near
    }

    fn is_committed(&self, index: &Index<'_>, write: u32) -> bool {
        write != NONE && index.is_committed(index.writes[write as usize].txn)
    }

    /// The committed writes before and after the version that ends before place `end`.
    fn around(&self, orders: &Orders, key: u32, end: usize) -> (u32, u32) {
        let range = orders.range(key);
        let after = if end < range.end { self.at_or_after[end] } else { NONE };
        let before = match end.checked_sub(1).filter(|&last| last >= range.start) {
            None => NONE,
            // The nearest at the last place itself, or the one before it.
            Some(last) if self.at_or_after[last] == NONE || self.at_or_after[last] != orders.writer[last] => {
                self.before[last]
            }
            Some(last) => orders.writer[last],
        };
        (before, after)
    }

    fn aborted_read(&self, index: &Index<'_>, read: u32, key: u32, end: usize, findings: &mut Findings) {
        let place = self.first_aborted[key as usize];
        if (place as usize) < end {
            // The evidence is the first aborted element; finding it again is cheap and rare.
            let list = index.list(read).unwrap_or_default();
            let aborted = list.iter().filter_map(|&e| index.write_of(key, e)).find(|&w| !self.is_committed(index, w));
            report_aborted(index, read, aborted.unwrap_or(NONE), findings);
        }
    }
}

fn intermediate(index: &Index<'_>, read: u32, last: u32, findings: &mut Findings) {
    if last == NONE {
        return;
    }
    let write = &index.writes[last as usize];
    if !write.is_final && write.txn != index.reads[read as usize].txn && index.is_committed(write.txn) {
        findings.push(Kind::G1b, || Anomaly::of_ops(Kind::G1b, vec![index.read_ref(read), index.write_ref(last)]));
    }
}

fn report_garbage(index: &Index<'_>, read: u32, findings: &mut Findings) {
    findings.push(Kind::GarbageRead, || Anomaly::of_ops(Kind::GarbageRead, vec![index.read_ref(read)]));
}

fn report_aborted(index: &Index<'_>, read: u32, write: u32, findings: &mut Findings) {
    findings.push(Kind::G1a, || Anomaly::of_ops(Kind::G1a, vec![index.read_ref(read), index.write_ref(write)]));
}

fn report_dirty(index: &Index<'_>, aborted: u32, write: u32, findings: &mut Findings) {
    findings.push(Kind::DirtyUpdate, || {
        Anomaly::of_ops(Kind::DirtyUpdate, vec![index.write_ref(aborted), index.write_ref(write)])
    });
}

/// The unseen appends of every key. Whoever read all that was seen read it before each of them.
struct Tails {
    /// Per key: where its readers go, a hub or the only unseen writer; [`NONE`] without unseen appends.
    entry: Vec<u32>,
}

impl Tails {
    fn new(orders: &Orders, index: &Index<'_>, near: &Near, graph: &mut Builder) -> Self {
        let mut entry = vec![NONE; index.keys.len()];
        for (id, write) in index.committed_writes(Object::List) {
            if orders.position(id).is_some() {
                continue;
            }
            let end = orders.range(write.key).end;
            let (last, _) = near.around(orders, write.key, end);
            if last != NONE {
                let label = Label::data(Dependency::WriteWrite, write.key);
                graph.edge(index.writes[last as usize].txn, write.txn, label);
            }
            let onward = Label::new(Step::Onward, Order::Data, write.key);
            let slot = &mut entry[write.key as usize];
            if *slot == NONE {
                *slot = write.txn;
            } else if *slot != write.txn {
                if (*slot as usize) < index.roles.len() {
                    let hub = graph.hub();
                    graph.edge(hub, *slot, onward);
                    *slot = hub;
                }
                graph.edge(*slot, write.txn, onward);
            }
        }
        Tails { entry }
    }

    fn read_before(&self, key: u32, txn: u32, graph: &mut Builder) {
        let entry = self.entry[key as usize];
        if entry != NONE {
            graph.edge(txn, entry, Label::data(Dependency::ReadWrite, key));
        }
    }
}

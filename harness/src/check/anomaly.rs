//! What can be wrong with a history, by the names of Adya and Elle, and the evidence for it as data.
//!
//! The names: A. Adya, *Weak Consistency* (1999) for G0 to G2; Kingsbury and Alvaro, *Elle* (2020) for the rest.
//! Which of them refutes which model is in [`model`](super::model). Text for people is in [`render`](super::render).

use std::fmt;

/// A shape of dependency cycle, the worst first. A cycle of one class also breaks every model that forbids a later
/// class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CycleClass {
    /// Write dependencies only: dirty writes.
    G0,
    /// Write and read dependencies, at least one of them a read: circular information flow.
    G1c,
    /// Exactly one anti-dependency: read skew.
    GSingle,
    /// Several anti-dependencies, no two in a row.
    GNonadjacent,
    /// Two anti-dependencies in a row: write skew.
    G2Item,
}

impl CycleClass {
    /// Every class, the worst first.
    pub const ALL: [CycleClass; 5] =
        [CycleClass::G0, CycleClass::G1c, CycleClass::GSingle, CycleClass::GNonadjacent, CycleClass::G2Item];
}

/// Which orders besides the data a conclusion leans on, the fewest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Order {
    /// None: what was read and written is enough.
    Data,
    /// A client's transactions happen one after the other.
    Process,
    /// A transaction that returned before another was called precedes it.
    RealTime,
}

impl Order {
    /// Every order, the fewest assumptions first.
    pub const ALL: [Order; 3] = [Order::Data, Order::Process, Order::RealTime];
}

/// The name of an anomaly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A read saw something that nobody wrote. Operations: the read.
    GarbageRead,
    /// A read saw one element twice. Operations: the read.
    DuplicateElements,
    /// No single order of appends explains what was seen. Operations: the read and a longer one that it contradicts;
    /// or two appends of one transaction and the read that saw them in the wrong order or saw only the later.
    IncompatibleOrder,
    /// Aborted read: a committed transaction saw a write of one that did not commit. Operations: the read, the write.
    G1a,
    /// Intermediate read: a transaction saw what another wrote and then replaced. Operations: the read, the write.
    G1b,
    /// A committed write on top of an aborted one. Operations: the aborted write, the committed one.
    DirtyUpdate,
    /// A transaction saw its own write before making it. Operations: the read, the write.
    FutureRead,
    /// A read disagrees with its own transaction's earlier reads and writes. Operations: the read, and the
    /// operation before it on the key.
    Internal,
    /// Two transactions read one version and both replaced it. Operations: the two reads.
    LostUpdate,
    /// A dependency cycle.
    Cycle {
        /// Its shape.
        class: CycleClass,
        /// What the cycle needs besides data dependencies.
        order: Order,
    },
}

impl Kind {
    /// The usual name.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::GarbageRead => "garbage-read",
            Kind::DuplicateElements => "duplicate-elements",
            Kind::IncompatibleOrder => "incompatible-order",
            Kind::G1a => "G1a",
            Kind::G1b => "G1b",
            Kind::DirtyUpdate => "dirty-update",
            Kind::FutureRead => "future-read",
            Kind::Internal => "internal",
            Kind::LostUpdate => "lost-update",
            Kind::Cycle { class, order } => cycle_name(class, order),
        }
    }

    /// What it means, in a few words.
    pub const fn gloss(self) -> &'static str {
        match self {
            Kind::GarbageRead => "a read of what nobody wrote",
            Kind::DuplicateElements => "one element seen twice",
            Kind::IncompatibleOrder => "no single order of writes explains the reads",
            Kind::G1a => "aborted read",
            Kind::G1b => "intermediate read",
            Kind::DirtyUpdate => "a committed write over an aborted one",
            Kind::FutureRead => "a read of the transaction's own later write",
            Kind::Internal => "a transaction disagrees with itself",
            Kind::LostUpdate => "two transactions replaced the version that both had read",
            Kind::Cycle { class: CycleClass::G0, .. } => "dirty writes",
            Kind::Cycle { class: CycleClass::G1c, .. } => "circular information flow",
            Kind::Cycle { class: CycleClass::GSingle, .. } => "read skew",
            Kind::Cycle { class: CycleClass::GNonadjacent, .. } => "a cycle with several anti-dependencies apart",
            Kind::Cycle { class: CycleClass::G2Item, .. } => "write skew",
        }
    }
}

const fn cycle_name(class: CycleClass, order: Order) -> &'static str {
    match (class, order) {
        (CycleClass::G0, Order::Data) => "G0",
        (CycleClass::G0, Order::Process) => "G0-process",
        (CycleClass::G0, Order::RealTime) => "G0-realtime",
        (CycleClass::G1c, Order::Data) => "G1c",
        (CycleClass::G1c, Order::Process) => "G1c-process",
        (CycleClass::G1c, Order::RealTime) => "G1c-realtime",
        (CycleClass::GSingle, Order::Data) => "G-single",
        (CycleClass::GSingle, Order::Process) => "G-single-process",
        (CycleClass::GSingle, Order::RealTime) => "G-single-realtime",
        (CycleClass::GNonadjacent, Order::Data) => "G-nonadjacent",
        (CycleClass::GNonadjacent, Order::Process) => "G-nonadjacent-process",
        (CycleClass::GNonadjacent, Order::RealTime) => "G-nonadjacent-realtime",
        (CycleClass::G2Item, Order::Data) => "G2-item",
        (CycleClass::G2Item, Order::Process) => "G2-item-process",
        (CycleClass::G2Item, Order::RealTime) => "G2-item-realtime",
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One operation of one transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OpRef {
    /// The transaction's place in the history.
    pub transaction: usize,
    /// The operation's place in the transaction.
    pub op: usize,
}

/// Why one transaction must precede another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dependency {
    /// Its version was replaced by the other's (ww).
    WriteWrite,
    /// Its version was read by the other (wr).
    WriteRead,
    /// It read a version that the other replaced (rw, an anti-dependency).
    ReadWrite,
    /// The same client ran it first.
    Process,
    /// It returned before the other was called.
    RealTime,
}

impl Dependency {
    /// The usual short name.
    pub const fn name(self) -> &'static str {
        match self {
            Dependency::WriteWrite => "ww",
            Dependency::WriteRead => "wr",
            Dependency::ReadWrite => "rw",
            Dependency::Process => "process",
            Dependency::RealTime => "realtime",
        }
    }
}

/// One edge of a cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge {
    /// The transaction that comes first.
    pub from: usize,
    /// The transaction that comes after it.
    pub to: usize,
    /// Why.
    pub dependency: Dependency,
    /// The order that the conclusion leans on. A data dependency can lean on one too: the versions of a register
    /// are ordered by clients or by time where the data alone does not order them.
    pub basis: Order,
    /// The key, for the three data dependencies.
    pub key: Option<i64>,
    /// The operation of `from` that makes the edge.
    pub from_op: Option<usize>,
    /// The operation of `to` that makes the edge.
    pub to_op: Option<usize>,
    /// The read that shows the order of the two writes of a ww edge, where a third transaction had to tell.
    pub shown_by: Option<OpRef>,
}

/// What proves an anomaly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evidence {
    /// Edges that lead from a transaction back to itself, in order.
    Cycle(Vec<Edge>),
    /// The operations that [`Kind`] lists.
    Operations(Vec<OpRef>),
}

/// One anomaly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anomaly {
    /// Its name.
    pub kind: Kind,
    /// Its proof.
    pub evidence: Evidence,
}

impl Anomaly {
    /// An anomaly shown by operations alone.
    pub(super) fn of_ops(kind: Kind, ops: Vec<OpRef>) -> Self {
        Anomaly { kind, evidence: Evidence::Operations(ops) }
    }

    /// The transactions involved: along the cycle, or in the order of the operations, each once.
    pub fn transactions(&self) -> Vec<usize> {
        let all: Vec<usize> = match &self.evidence {
            Evidence::Cycle(edges) => edges.iter().map(|e| e.from).collect(),
            Evidence::Operations(ops) => ops.iter().map(|o| o.transaction).collect(),
        };
        let mut once = Vec::with_capacity(all.len());
        for transaction in all {
            if !once.contains(&transaction) {
                once.push(transaction);
            }
        }
        once
    }
}

//! A report as text for people. Nothing decides anything here.

use std::fmt;

use super::anomaly::{Anomaly, Dependency, Edge, Evidence, OpRef, Order};
use super::{Report, Verdict};
use crate::history::{History, MicroOp, RegisterRead};

/// A report with the history that it is about, ready to be printed.
#[derive(Debug, Clone, Copy)]
pub struct Rendered<'a> {
    report: &'a Report,
    history: &'a History,
}

impl Report {
    /// The report as text; the history must be the one that was judged.
    pub fn render<'a>(&'a self, history: &'a History) -> Rendered<'a> {
        Rendered { report: self, history }
    }
}

impl fmt::Display for Rendered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { model, verdict, coverage } = self.report;
        match verdict {
            Verdict::Ok => {
                let (committed, edges) = (coverage.committed, coverage.edges);
                writeln!(f, "ok: {model} allows this history ({committed} committed transactions, {edges} edges)")
            }
            Verdict::Unknown(reason) => writeln!(f, "unknown: {reason}"),
            Verdict::Violation(anomalies) => {
                writeln!(f, "violation: {model} forbids this history")?;
                for anomaly in anomalies {
                    self.anomaly(f, anomaly)?;
                }
                match coverage.anomalies_unlisted {
                    0 => Ok(()),
                    more => writeln!(f, "\nand {more} more of these kinds"),
                }
            }
        }
    }
}

impl Rendered<'_> {
    fn anomaly(&self, f: &mut fmt::Formatter<'_>, anomaly: &Anomaly) -> fmt::Result {
        writeln!(f, "\n{} ({})", anomaly.kind, anomaly.kind.gloss())?;
        for transaction in anomaly.transactions() {
            writeln!(f, "  {}", self.transaction(transaction))?;
        }
        match &anomaly.evidence {
            Evidence::Cycle(edges) => edges.iter().try_for_each(|edge| writeln!(f, "  {}", self.edge(edge))),
            Evidence::Operations(ops) => writeln!(f, "  {}: {}", anomaly.kind, self.operations(ops)),
        }
    }

    /// A transaction: its client, its outcome, when it was called and returned, what it did.
    pub fn transaction(&self, id: usize) -> String {
        let transaction = &self.history.transactions[id];
        let (outcome, process, invoked) = (transaction.outcome.name(), transaction.process, transaction.invoked);
        let completed = transaction.completed.map_or(String::new(), |completed| format!(" to {completed}"));
        let ops: Vec<String> = transaction.ops.iter().map(|op| self.op(op)).collect();
        let ops = if ops.is_empty() { String::new() } else { format!(": {}", ops.join(", ")) };
        format!("T{id}: process {process}, {outcome}, from {invoked}{completed}{ops}")
    }

    /// The operations that show an anomaly.
    pub fn operations(&self, ops: &[OpRef]) -> String {
        let text = |op: &OpRef| {
            let text = self.op(&self.history.transactions[op.transaction].ops[op.op]);
            format!("T{} {text}", op.transaction)
        };
        ops.iter().map(text).collect::<Vec<_>>().join("; ")
    }

    /// An edge of a cycle, with the operations that make it.
    pub fn edge(&self, edge: &Edge) -> String {
        let Edge { from, to, dependency, basis, .. } = *edge;
        let op = |transaction: usize, place: Option<usize>| match place {
            Some(place) => self.op(&self.history.transactions[transaction].ops[place]),
            None => "an operation".to_owned(),
        };
        let (a, b) = (op(from, edge.from_op), op(to, edge.to_op));
        let why = match dependency {
            Dependency::WriteWrite => format!("T{from} {a}, and after that T{to} {b}"),
            Dependency::WriteRead => format!("T{from} {a}, which T{to} {b} saw"),
            Dependency::ReadWrite => format!("T{from} {a} did not see T{to} {b}"),
            Dependency::Process => {
                format!("process {} ran one after the other", self.history.transactions[from].process)
            }
            Dependency::RealTime => {
                let returned = self.history.transactions[from].completed.unwrap_or_default();
                let called = self.history.transactions[to].invoked;
                format!("T{from} returned at {returned}, before T{to} was called at {called}")
            }
        };
        let shown_by = edge.shown_by.map_or(String::new(), |OpRef { transaction, op: place }| {
            format!(" (T{transaction} {})", op(transaction, Some(place)))
        });
        let leans_on = match basis {
            Order::Process if edge.key.is_some() => " (by the order of a client's transactions)",
            Order::RealTime if edge.key.is_some() => " (by the order in time)",
            Order::Data | Order::Process | Order::RealTime => "",
        };
        format!("T{from} -{}-> T{to}: {why}{shown_by}{leans_on}", dependency.name())
    }

    /// One operation in a few words.
    pub fn op(&self, op: &MicroOp) -> String {
        let show = |id: i64| self.history.names.show(id);
        let key = show(op.key());
        match op {
            MicroOp::Append { element, .. } => format!("append {key} {}", show(*element)),
            MicroOp::Write { value, .. } => format!("write {key} {}", show(*value)),
            MicroOp::ReadRegister { value: RegisterRead::Value(value), .. } => format!("read {key} = {}", show(*value)),
            MicroOp::ReadRegister { value: RegisterRead::Initial, .. } => format!("read {key} = nil"),
            MicroOp::ReadRegister { value: RegisterRead::Unknown, .. } => format!("read {key} = ?"),
            MicroOp::ReadList { elements: None, .. } => format!("read {key} = ?"),
            MicroOp::ReadList { elements: Some(elements), .. } => {
                let elements: Vec<String> = elements.iter().map(|e| show(*e).to_string()).collect();
                format!("read {key} = [{}]", elements.join(" "))
            }
        }
    }
}

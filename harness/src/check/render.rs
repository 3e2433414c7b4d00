//! A report as text for people. Nothing decides anything here.

use std::fmt;

use super::anomaly::{Anomaly, Dependency, Edge, Evidence, Kind, OpRef, Order};
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
            self.transaction(f, transaction)?;
        }
        match &anomaly.evidence {
            Evidence::Cycle(edges) => edges.iter().try_for_each(|edge| self.edge(f, edge)),
            Evidence::Operations(ops) => self.operations(f, anomaly.kind, ops),
        }
    }

    fn transaction(&self, f: &mut fmt::Formatter<'_>, id: usize) -> fmt::Result {
        let transaction = &self.history.transactions[id];
        let (outcome, process, invoked) = (transaction.outcome.name(), transaction.process, transaction.invoked);
        write!(f, "  T{id}: process {process}, {outcome}, from {invoked}")?;
        if let Some(completed) = transaction.completed {
            write!(f, " to {completed}")?;
        }
        for (place, op) in transaction.ops.iter().enumerate() {
            write!(f, "{}{}", if place == 0 { ": " } else { ", " }, self.op(op))?;
        }
        writeln!(f)
    }

    fn operations(&self, f: &mut fmt::Formatter<'_>, kind: Kind, ops: &[OpRef]) -> fmt::Result {
        write!(f, "  {kind}:")?;
        for (place, op) in ops.iter().enumerate() {
            let text = self.op(&self.history.transactions[op.transaction].ops[op.op]);
            write!(f, "{} T{} {text}", if place == 0 { "" } else { ";" }, op.transaction)?;
        }
        writeln!(f)
    }

    fn edge(&self, f: &mut fmt::Formatter<'_>, edge: &Edge) -> fmt::Result {
        let Edge { from, to, dependency, basis, .. } = *edge;
        write!(f, "  T{from} -{}-> T{to}: ", dependency.name())?;
        let op = |transaction: usize, place: Option<usize>| match place {
            Some(place) => self.op(&self.history.transactions[transaction].ops[place]),
            None => "an operation".to_owned(),
        };
        let (a, b) = (op(from, edge.from_op), op(to, edge.to_op));
        match dependency {
            Dependency::WriteWrite => write!(f, "T{from} {a}, and after that T{to} {b}")?,
            Dependency::WriteRead => write!(f, "T{from} {a}, which T{to} {b} saw")?,
            Dependency::ReadWrite => write!(f, "T{from} {a} did not see T{to} {b}")?,
            Dependency::Process => {
                write!(f, "process {} ran one after the other", self.history.transactions[from].process)?;
            }
            Dependency::RealTime => {
                let returned = self.history.transactions[from].completed.unwrap_or_default();
                let called = self.history.transactions[to].invoked;
                write!(f, "T{from} returned at {returned}, before T{to} was called at {called}")?;
            }
        }
        if let Some(OpRef { transaction, op: place }) = edge.shown_by {
            write!(f, " (T{transaction} {})", op(transaction, Some(place)))?;
        }
        match basis {
            Order::Process if edge.key.is_some() => write!(f, " (by the order of a client's transactions)")?,
            Order::RealTime if edge.key.is_some() => write!(f, " (by the order in time)")?,
            Order::Data | Order::Process | Order::RealTime => {}
        }
        writeln!(f)
    }

    fn op(&self, op: &MicroOp) -> String {
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

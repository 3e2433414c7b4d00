//! What clients were told fits into one order of the transactions that keeps real time; what a power loss has left is a prefix.
//!
//! Judged once, at the end of a run, from the calls and returns of its clients alone: no other invariant is so far from the
//! engine's own idea of what it does. See [`history::run`](crate::history::run) for how statements become transactions, and
//! what is not concluded.

use super::{Invariant, Moment, View};
use crate::check::{self, Evidence as Proof, Report, Verdict};
use crate::history::History;
use crate::verdict::Evidence;

/// See the module.
#[derive(Debug, Default, Hash)]
pub struct SerialHistory;

impl Invariant for SerialHistory {
    fn moment(&mut self, _moment: Moment, view: &View<'_>) -> Result<(), Evidence> {
        let history = view.history.history();
        let report = check::check(&history, view.model);
        match &report.verdict {
            Verdict::Ok => Ok(()),
            Verdict::Violation(_) => Err(evidence(&report, &history)),
            Verdict::Unknown(reason) => Err(Evidence::new(format!("the clients' history cannot be judged: {reason}"))),
        }
    }
}

/// The worst anomaly: its transactions, and the edges of its cycle with the read and the write that make each.
fn evidence(report: &Report, history: &History) -> Evidence {
    let Verdict::Violation(anomalies) = &report.verdict else { unreachable!("only violations have evidence") };
    let (worst, text) = (&anomalies[0], report.render(history));
    let (kind, gloss) = (worst.kind, worst.kind.gloss());
    let mut evidence = Evidence::new(format!("{kind} ({gloss}): the clients' history is not {}", report.model));
    for transaction in worst.transactions() {
        evidence = evidence.with("transaction", text.transaction(transaction));
    }
    match &worst.evidence {
        Proof::Cycle(edges) => edges.iter().fold(evidence, |evidence, edge| evidence.with("edge", text.edge(edge))),
        Proof::Operations(ops) => evidence.with("operations", text.operations(ops)),
    }
}

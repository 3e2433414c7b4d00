//! The orders besides the data: each client's, and real time.
//!
//! Only a transaction that is known to have committed before its return precedes anything: one of unknown outcome
//! may take effect at any time after its call. Real time takes a chain of hubs, one for each run of returns between
//! calls, so the number of edges is linear however many clients there are.

use super::Reason;
use super::anomaly::{Dependency, Order};
use super::graph::{Builder, Label, Step};
use super::index::{Index, as_u32};
use crate::history::Outcome;

/// Adds each client's order.
pub(super) fn process(index: &Index<'_>, graph: &mut Builder) -> Result<(), Reason> {
    let transactions = &index.history.transactions;
    let mut by_client: Vec<(u64, u64, u32)> = Vec::with_capacity(transactions.len());
    for (id, transaction) in transactions.iter().enumerate() {
        if index.is_committed(as_u32(id)) {
            by_client.push((transaction.process, transaction.invoked, as_u32(id)));
        }
    }
    by_client.sort_unstable();
    let label = Label::new(Step::Starts(Dependency::Process), Order::Process, 0);
    // The last transaction of the client at hand that is known to be over.
    let mut over: Option<(u64, u32)> = None;
    for &(process, _, id) in &by_client {
        if let Some((_, before)) = over.filter(|(p, _)| *p == process) {
            let returned = transactions[before as usize].completed;
            if returned.is_none_or(|r| r >= transactions[id as usize].invoked) {
                return Err(Reason::Overlap { process, first: before as usize, second: id as usize });
            }
            graph.edge(before, id, label);
        }
        if transactions[id as usize].outcome == Outcome::Ok {
            over = Some((process, id));
        }
    }
    Ok(())
}

/// Adds real time.
pub(super) fn real_time(index: &Index<'_>, graph: &mut Builder) {
    let transactions = &index.history.transactions;
    let mut calls: Vec<(u64, u32)> = Vec::with_capacity(transactions.len());
    let mut returns: Vec<(u64, u32)> = Vec::with_capacity(transactions.len());
    for (id, transaction) in transactions.iter().enumerate() {
        if !index.is_committed(as_u32(id)) {
            continue;
        }
        calls.push((transaction.invoked, as_u32(id)));
        if let (Outcome::Ok, Some(completed)) = (transaction.outcome, transaction.completed) {
            returns.push((completed, as_u32(id)));
        }
    }
    calls.sort_unstable();
    returns.sort_unstable();
    let starts = Label::new(Step::Starts(Dependency::RealTime), Order::RealTime, 0);
    let onward = Label::new(Step::Onward, Order::RealTime, 0);
    let mut hub = None;
    let mut returns = returns.into_iter().peekable();
    for (called, id) in calls {
        let mut fresh = None;
        while let Some((_, before)) = returns.next_if(|r| r.0 < called) {
            let to = *fresh.get_or_insert_with(|| graph.hub());
            graph.edge(before, to, starts);
        }
        if let (Some(old), Some(new)) = (hub, fresh) {
            graph.edge(old, new, onward);
        }
        hub = fresh.or(hub);
        if let Some(hub) = hub {
            graph.edge(hub, id, onward);
        }
    }
}

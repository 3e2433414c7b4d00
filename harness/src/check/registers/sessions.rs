//! The order of versions that clients give away: of two versions that a client knew one after the other, the one
//! that it knew later is the later one.
//!
//! Sound for every model that keeps the order of clients, and only for those.

use super::{How, Sighting, Versions};
use crate::check::anomaly::{Dependency, Order};
use crate::check::graph::{Builder, Label, Step};
use crate::check::index::Index;
use crate::history::Outcome;

pub(super) fn order(index: &Index<'_>, sightings: &mut [Sighting], versions: &mut Versions, graph: &mut Builder) {
    let transactions = &index.history.transactions;
    let process = |s: &Sighting| transactions[s.txn as usize].process;
    sightings.sort_unstable_by_key(|s| (process(s), s.key, transactions[s.txn as usize].invoked, s.txn, s.op));
    for pair in sightings.windows(2) {
        let (a, b) = (pair[0], pair[1]);
        let returned = transactions[a.txn as usize].outcome == Outcome::Ok;
        if process(&a) != process(&b) || a.key != b.key || a.txn == b.txn || a.version == b.version || !returned {
            continue;
        }
        let Some(later) = index.writes.get(b.version as usize) else { continue };
        versions.later.push((a.version, Order::Process, later.txn));
        // Where it had only read the earlier version, it stands between the two writers itself.
        if a.how == How::Wrote {
            let label = Label::new(Step::Starts(Dependency::WriteWrite), Order::Process, a.key);
            graph.edge(a.txn, later.txn, label);
        }
    }
}

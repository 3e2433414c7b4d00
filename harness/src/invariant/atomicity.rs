//! What a statement or a transaction does is there all together or not at all: a reader sees no transaction in part and none
//! that has failed, a statement that fails in a transaction leaves nothing behind, and a transaction that was rolled back
//! does not go on.
//!
//! Half a transaction after a crash is seen where the crash is judged: see [`Ledger::half_a_transaction`](crate::ledger::Ledger::half_a_transaction).

use falken_models::connection::{Op, Outcome, StatementId};
use falken_models::event::{Actor, Event, EventKind};
use falken_models::session::Error;

use super::rollback_exact::{Changed, changed};
use super::{Invariant, View};
use crate::verdict::Evidence;

/// See the module.
#[derive(Debug, Default, Hash)]
pub struct Atomicity {
    /// What the open transaction of each connection had changed when its last statement had ended.
    settled: Vec<Changed>,
}

impl Invariant for Atomicity {
    fn event(&mut self, event: &Event, view: &View<'_>) -> Result<(), Evidence> {
        match (event.kind, event.actor) {
            (EventKind::PageUsed { page, loaded: true, dirty: false, digest, .. }, Actor::Conn(conn))
                if view.expected_page(conn, page).is_some_and(|expected| expected != digest) =>
            {
                seen_in_part(conn, page, digest, view)
            }
            _ => Ok(()),
        }
    }

    fn ended(&mut self, id: StatementId, op: &Op, result: &Result<Outcome, Error>, view: &View<'_>) -> Result<(), Evidence> {
        let kind = op.kind();
        if view.ledger.conns[usize::from(id.conn)].current().rolled_back && view.in_transaction {
            let summary = format!("{id} has rolled back, but its transaction is still open: what follows would commit alone");
            return Err(Evidence::new(summary).with("statement", kind.name()));
        }
        let Some(connection) = view.connection(id.conn) else { return Ok(()) };
        // What another statement is just changing, be it only the counter of a commit, says nothing about this one.
        if kind.reads_only() || connection.session().is_in_control() {
            return Ok(());
        }
        let slot = usize::from(id.conn);
        if self.settled.len() <= slot {
            self.settled.resize_with(slot + 1, Changed::default);
        }
        let now = if view.in_transaction { changed(id.conn, view) } else { Changed::default() };
        let before = std::mem::replace(&mut self.settled[slot], now);
        let (now, failed) = (&self.settled[slot], kind.writes() && view.in_transaction);
        let differing = before.keys().chain(now.keys()).filter(|page| before.get(page) != now.get(page)).min();
        match (result, differing) {
            (Err(error), Some(page)) if failed => {
                let summary = format!("{id} has failed, but a part of its {} stays in the transaction", kind.name());
                Err(Evidence::new(summary).with("key", op.key()).with("error", error).with("page changed", page))
            }
            _ => Ok(()),
        }
    }
}

/// A reader uses a page in a version that is not its snapshot's: whether that shows a part of a transaction, or a transaction
/// that has failed.
fn seen_in_part(conn: u8, page: u32, digest: u64, view: &View<'_>) -> Result<(), Evidence> {
    let (ledger, facts) = (view.ledger, &view.ledger.conns[usize::from(conn)]);
    let Some(snapshot) = facts.snapshot else { return Ok(()) };
    let evidence = |summary: String| Evidence::new(summary).with("page", page).with("snapshot", format!("commit {snapshot}"));
    if ledger.failed_transactions().any(|attempt| attempt.page_digests.get(&page) == Some(&digest)) {
        return Err(evidence(format!("connection c{conn} sees page {page} as a transaction that has failed left it")));
    }
    let Some(found) = (0..=ledger.newest()).rev().find(|&commit| ledger.versions.page(page, commit) == Some(digest)) else {
        return Ok(());
    };
    // Of the transactions between what is seen here and the snapshot, one that has changed another page too.
    let mut between = found.min(snapshot) + 1..=found.max(snapshot);
    let of_both = |commit: &u32| ledger.versions.page(page, *commit) != ledger.versions.page(page, commit - 1);
    let Some(commit) = between.find(of_both) else { return Ok(()) };
    let is_there = |other: u32, commit: u32| {
        let cached = view.connection(conn).and_then(|connection| connection.session().pages.resident_pages().find(|page| page.number() == other));
        cached.is_some_and(|cached| !cached.is_dirty() && Some(cached.digest()) == ledger.versions.page(other, commit))
    };
    let (changes, _) = ledger.versions.changes(commit);
    match changes.keys().find(|other| **other != page && is_there(**other, snapshot)) {
        None => Ok(()),
        Some(other) => {
            let summary = format!("connection c{conn} sees commit {commit} in part");
            Err(evidence(summary).with("this page is that of", format!("commit {found}")).with("as in the snapshot is page", other))
        }
    }
}

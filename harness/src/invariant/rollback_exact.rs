//! After a rollback of a transaction, a savepoint or a statement, the connection's pages and its place in the log are
//! what they were before.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use falken_models::connection::{Op, Outcome, StatementId};
use falken_models::digest::digest;
use falken_models::event::{Actor, Event, EventKind, LogPoint};
use falken_models::session::Error;

use super::{Invariant, View};
use crate::verdict::Evidence;

/// The pages that a connection has changed, as they are now: in its cache, or in a frame of its own.
pub(super) type Changed = BTreeMap<u32, u64>;

/// See the module.
#[derive(Debug, Default)]
pub struct RollbackExact(Vec<Seen>);

impl Hash for RollbackExact {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Outside a transaction nothing is remembered, whether or not there has been one.
        let seen = self.0.iter().enumerate().filter(|(_, seen)| **seen != Seen::default());
        seen.for_each(|remembered| remembered.hash(state));
    }
}

/// What one connection had changed, and when.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Seen {
    /// When its last statement that writes, commits or undoes had ended: nothing changes pages between statements.
    settled: Changed,
    /// When each of its savepoints was opened.
    at_open: Vec<Changed>,
}

impl Invariant for RollbackExact {
    fn event(&mut self, event: &Event, view: &View<'_>) -> Result<(), Evidence> {
        if let EventKind::Crash { .. } = event.kind {
            // Whatever they had changed is gone, and so are they.
            self.0.clear();
        }
        let Actor::Conn(conn) = event.actor else { return Ok(()) };
        let Some(connection) = view.connection(conn) else { return Ok(()) };
        let mine = connection.session().view.header.log_point();
        match event.kind {
            EventKind::WriteEnd { committed: false } => {
                let dirty: Vec<u32> = connection.session().pages.dirty_numbers().collect();
                let published = view.ledger.published;
                if mine.frame == published.frame && dirty.is_empty() {
                    return Ok(());
                }
                let summary = format!("connection c{conn} has rolled back, but not to where its transaction began");
                Err(position(summary, mine, published).with("dirty pages", format!("{dirty:?}")))
            }
            EventKind::SavepointOpen { depth } => {
                let seen = self.seen(conn);
                seen.at_open.truncate(usize::from(depth));
                seen.at_open.push(seen.settled.clone());
                Ok(())
            }
            EventKind::SavepointUndo { depth, at } => self.check_undo(conn, depth, at, view),
            _ => Ok(()),
        }
    }

    fn ended(
        &mut self,
        id: StatementId,
        op: &Op,
        _result: &Result<Outcome, Error>,
        view: &View<'_>,
    ) -> Result<(), Evidence> {
        let Some(connection) = view.connection(id.conn) else { return Ok(()) };
        if !op.kind().reads_only() && !connection.is_changing_pages() {
            let seen = self.seen(id.conn);
            seen.settled = changed(id.conn, view);
            if !view.in_transaction {
                seen.at_open.clear();
            }
        }
        Ok(())
    }
}

impl RollbackExact {
    fn seen(&mut self, conn: u8) -> &mut Seen {
        let slot = usize::from(conn);
        if self.0.len() <= slot {
            self.0.resize_with(slot + 1, Seen::default);
        }
        &mut self.0[slot]
    }

    fn check_undo(&mut self, conn: u8, depth: u8, at: LogPoint, view: &View<'_>) -> Result<(), Evidence> {
        let facts = &view.ledger.conns[usize::from(conn)];
        let summary = format!("connection c{conn} has undone what followed a savepoint, but not exactly");
        let right = facts.savepoint_position(depth, view.ledger.published);
        // The salts of the very first generation are drawn when its header is written, so they do not count.
        if facts.writing && (at.seq, at.frame) != (right.seq, right.frame) {
            return Err(position(summary, at, right));
        }
        let now = changed(conn, view);
        let Some(before) = self.seen(conn).at_open.get(usize::from(depth)) else { return Ok(()) };
        let pages = before.keys().chain(now.keys());
        match pages.copied().filter(|page| before.get(page) != now.get(page)).min() {
            None => Ok(()),
            Some(page) => {
                let state = |changed: Option<&u64>| {
                    changed.map_or("not changed".into(), |digest| format!("changed to {digest:016x}"))
                };
                Err(Evidence::new(summary)
                    .with("page", page)
                    .with("at the savepoint", state(before.get(&page)))
                    .with("now", state(now.get(&page)))
                    .with("log position", format!("{at}, published {}", view.ledger.published)))
            }
        }
    }
}

fn position(summary: String, found: LogPoint, right: LogPoint) -> Evidence {
    Evidence::new(summary).with("log position", found).with("must be", right)
}

pub(super) fn changed(conn: u8, view: &View<'_>) -> Changed {
    let mut changed = Changed::new();
    if let Some(connection) = view.connection(conn) {
        let session = connection.session();
        if session.view.writing {
            let own = view.ledger.published.frame + 1..=session.view.header.mx_frame;
            changed.extend(own.filter_map(|frame| view.ledger.frames.get(frame)).map(|fact| (fact.page, fact.digest)));
        }
        let dirty = session.pages.resident_pages().filter(|page| page.is_dirty());
        changed.extend(dirty.map(|page| (page.number(), page.with_bytes(digest))));
    }
    changed
}

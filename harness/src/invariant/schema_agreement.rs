//! A statement goes by the layout that its own snapshot has, its transaction's own changes included, and equal cookies on
//! page 1 mean equal layouts.
//!
//! Page 1 holds both, so which layout a commit has is known by the digest of its page 1.

use std::collections::BTreeMap;

use falken_models::event::{Actor, Event, EventKind};

use super::{Invariant, View, name};
use crate::verdict::Evidence;

/// A schema cookie, and the table's root page.
type Layout = (u32, u32);

/// The layout of a new database.
const INITIAL: Layout = (1, 2);

/// See the module.
#[derive(Debug, Default, Hash)]
pub struct SchemaAgreement {
    /// Nothing is kept until a statement says by which layout it goes.
    is_asked: bool,
    /// By the digest of a page 1 that was written; any other one has the initial layout.
    written: BTreeMap<u64, Layout>,
    conns: Vec<Changes>,
}

/// What a connection's transaction has changed.
#[derive(Clone, Debug, Default, Hash)]
struct Changes {
    now: Option<Layout>,
    /// What `now` was when each open savepoint was opened.
    savepoints: Vec<Option<Layout>>,
}

impl SchemaAgreement {
    fn changes(&mut self, conn: u8) -> &mut Changes {
        let at = usize::from(conn);
        if self.conns.len() <= at {
            self.conns.resize(at + 1, Changes::default());
        }
        &mut self.conns[at]
    }

    /// The layout that a connection must go by; `None` if it has no snapshot of a known commit.
    fn owed(&self, conn: u8, view: &View<'_>) -> Option<Layout> {
        let changed = self.conns.get(usize::from(conn)).and_then(|changes| changes.now);
        let committed = || {
            let snapshot = view.ledger.conns[usize::from(conn)].snapshot?;
            let digest = view.ledger.versions.page(1, snapshot)?;
            Some(self.written.get(&digest).copied().unwrap_or(INITIAL))
        };
        changed.or_else(committed)
    }
}

impl Invariant for SchemaAgreement {
    fn event(&mut self, event: &Event, view: &View<'_>) -> Result<(), Evidence> {
        let Actor::Conn(conn) = event.actor else {
            if let EventKind::Crash { .. } = event.kind {
                self.conns.clear();
            }
            return Ok(());
        };
        match event.kind {
            EventKind::LayoutUsed { cookie, root } => {
                self.is_asked = true;
                let Some(owed) = self.owed(conn, view).filter(|owed| *owed != (cookie, root)) else { return Ok(()) };
                let what =
                    if owed.0 == cookie { "the cookies agree, the layouts do not" } else { "the cookies differ" };
                let summary =
                    format!("{} runs a statement with a layout that is not its snapshot's: {what}", name(event.actor));
                let layout = |(cookie, root): Layout| format!("cookie {cookie}, root page {root}");
                let snapshot = view.ledger.conns[usize::from(conn)].snapshot;
                return Err(Evidence::new(summary)
                    .with("the statement's", layout((cookie, root)))
                    .with("the snapshot's", layout(owed))
                    .with("snapshot", snapshot.map_or("none".into(), |commit| format!("commit {commit}"))));
            }
            _ if !self.is_asked => {}
            EventKind::LayoutChanged { cookie, root } => self.changes(conn).now = Some((cookie, root)),
            EventKind::Frame { page: 1, digest, .. } => {
                if let Some(layout) = self.owed(conn, view) {
                    self.written.insert(digest, layout);
                }
            }
            EventKind::SavepointOpen { depth } => {
                let changes = self.changes(conn);
                // Those outside it that are missing were opened before anybody asked, so before any change.
                changes.savepoints.resize(usize::from(depth), None);
                changes.savepoints.push(changes.now);
            }
            EventKind::SavepointRelease { depth } => self.changes(conn).savepoints.truncate(usize::from(depth)),
            EventKind::SavepointUndo { depth, .. } => {
                let changes = self.changes(conn);
                changes.now = changes.savepoints.get(usize::from(depth)).copied().flatten();
                changes.savepoints.truncate(usize::from(depth) + 1);
            }
            // A read transaction has changed nothing, and a writer may end one to begin on another slot.
            EventKind::Rollback | EventKind::WriteEnd { .. } => *self.changes(conn) = Changes::default(),
            _ => {}
        }
        Ok(())
    }
}

//! All reads of a transaction return its own writes on top of one committed state.

use falken_models::event::{Actor, Event, EventKind};

use super::{Invariant, View};
use crate::verdict::Evidence;

/// See the module.
#[derive(Debug, Default, Hash)]
pub struct SnapshotReads;

impl Invariant for SnapshotReads {
    fn event(&mut self, event: &Event, view: &View<'_>) -> Result<(), Evidence> {
        match event.kind {
            EventKind::PageUsed { page, loaded: true, dirty: false, digest, .. } => {
                view.check_page(event.actor, page, digest, "has read")
            }
            EventKind::ReadBegin { at, .. } if view.ledger.commit_at(at).is_none() => {
                let newest = view.ledger.published;
                let summary = format!("{} has a snapshot that no commit ever published", super::name(event.actor));
                Err(Evidence::new(summary).with("snapshot", at).with("published", newest))
            }
            EventKind::ReadBegin { .. } => check_same(event.actor, view),
            _ => Ok(()),
        }
    }
}

/// Within a transaction every read start has the same snapshot: a writer may change its slot, not what it sees.
fn check_same(actor: Actor, view: &View<'_>) -> Result<(), Evidence> {
    let Actor::Conn(conn) = actor else { return Ok(()) };
    let facts = &view.ledger.conns[usize::from(conn)];
    match facts.transaction_snapshot {
        Some(before) if facts.snapshot != Some(before) => {
            let now = facts.snapshot.map_or("none".into(), |commit| format!("commit {commit}"));
            let summary = format!("connection c{conn} changes its snapshot in the middle of a transaction");
            Err(Evidence::new(summary).with("before", format!("commit {before}")).with("now", now))
        }
        _ => Ok(()),
    }
}

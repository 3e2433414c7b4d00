//! A snapshot is no older than the last commit acknowledged before its transaction began, and one connection's snapshots never go back.

use falken_models::event::{Actor, Event, EventKind};

use super::{Invariant, View};
use crate::verdict::Evidence;

/// See the module.
#[derive(Debug, Default, Hash)]
pub struct Recency;

impl Invariant for Recency {
    fn event(&mut self, event: &Event, view: &View<'_>) -> Result<(), Evidence> {
        let (EventKind::ReadBegin { slot, mark, .. }, Actor::Conn(conn)) = (event.kind, event.actor) else { return Ok(()) };
        let facts = &view.ledger.conns[usize::from(conn)];
        let Some(snapshot) = facts.snapshot else { return Ok(()) };
        let least = facts.acknowledged_before.max(facts.snapshot_before.unwrap_or(0));
        if snapshot >= least {
            return Ok(());
        }
        let summary = format!("connection c{conn} got a snapshot of commit {snapshot}, older than commit {least}, which it must see");
        Err(Evidence::new(summary).with("slot", slot).with("mark", mark).with("acknowledged before", facts.acknowledged_before))
    }
}

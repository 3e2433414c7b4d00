//! What ends one statement changes neither the outcome, nor the transaction, nor the machine in flight of another
//! statement of the same connection. An interrupt ends those that run when it comes, and no other; one that was
//! abandoned or interrupted begins nothing new.

use falken_models::connection::{Op, Outcome, StatementId};
use falken_models::event::{Actor, Event, EventKind};
use falken_models::session::{Error, STATEMENT_SLOTS};

use super::{Invariant, View};
use crate::verdict::Evidence;

/// See the module.
#[derive(Debug, Default, Hash)]
pub struct SiblingIsolation;

impl Invariant for SiblingIsolation {
    fn event(&mut self, event: &Event, view: &View<'_>) -> Result<(), Evidence> {
        let Actor::Conn(conn) = event.actor else { return Ok(()) };
        let facts = &view.ledger.conns[usize::from(conn)];
        let id = StatementId { conn, slot: facts.stepping };
        let Some(kind) = facts.current().kind else { return Ok(()) };
        match event.kind {
            EventKind::Rollback if kind.reads_only() => {
                Err(Evidence::new(format!("{id} only reads, but its end rolls the transaction of its connection back")))
            }
            EventKind::CheckpointBegin { .. } if facts.reading.is_some() => {
                Err(Evidence::new(format!("{id} runs a checkpoint while a statement beside it is in a transaction")))
            }
            _ => Ok(()),
        }
    }

    fn ended(&mut self, id: StatementId, op: &Op, result: &Result<Outcome, Error>, view: &View<'_>) -> Result<(), Evidence> {
        let facts = &view.ledger.conns[usize::from(id.conn)].statements[usize::from(id.slot)];
        if *result == Err(Error::Interrupted) && !facts.interrupted {
            let summary = format!("{id} ({}) was told that it was interrupted, but nobody has interrupted it", op.kind().name());
            return Err(Evidence::new(summary));
        }
        if facts.met.went_on {
            let how = if facts.abandoned { "abandoned" } else { "interrupted" };
            let summary = format!("{id} ({}) was {how}, but has gone on as if it were not", op.kind().name());
            return Err(Evidence::new(summary));
        }
        let Some(connection) = view.connection(id.conn) else { return Ok(()) };
        for slot in (0..STATEMENT_SLOTS as u8).filter(|slot| *slot != id.slot) {
            if let Some((parked, now)) = connection.moved_while_parked(slot) {
                let sibling = StatementId { slot, ..id };
                let summary = format!("the end of {id} ({}) has changed the machine of {sibling}, which is suspended", op.kind().name());
                return Err(Evidence::new(summary).with("suspended in", parked).with("now in", now));
            }
        }
        Ok(())
    }
}

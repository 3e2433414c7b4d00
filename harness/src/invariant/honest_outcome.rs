//! OK is returned only if the effect is in place: what a statement changed is committed when it returns.

use falken_models::connection::{Op, Outcome};
use falken_models::session::Error;

use super::{Invariant, View};
use crate::verdict::Evidence;

/// See the module.
#[derive(Debug, Default)]
pub struct HonestOutcome;

impl Invariant for HonestOutcome {
    fn ended(&mut self, conn: u8, op: &Op, result: &Result<Outcome, Error>, view: &View<'_>) -> Result<(), Evidence> {
        let facts = &view.ledger.conns[usize::from(conn)];
        let changes = match (op, result) {
            (Op::Put { .. } | Op::Append { .. }, Ok(_)) | (Op::Delete { .. }, Ok(Outcome::Deleted(true))) => !view.in_transaction,
            (Op::Commit, Ok(_)) => facts.changes_rows(),
            _ => false,
        };
        if !changes || facts.published.is_some() {
            return Ok(());
        }
        let summary = format!("connection c{conn} was told that its {} succeeded, but nothing was published", op.kind().name());
        Err(Evidence::new(summary).with("key", op.key()).with("newest commit", view.ledger.newest()))
    }
}

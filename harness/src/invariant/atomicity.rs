//! The effects of a transaction are there all together or not at all: one that was rolled back does not go on.
//!
//! Half a transaction in a snapshot is seen by TX-3 and RE-1, half a transaction after a crash by DUR-2.

use falken_models::connection::{Op, Outcome, StatementId};
use falken_models::session::Error;

use super::{Invariant, View};
use crate::verdict::Evidence;

/// See the module.
#[derive(Debug, Default, Hash)]
pub struct Atomicity;

impl Invariant for Atomicity {
    fn ended(&mut self, id: StatementId, op: &Op, _result: &Result<Outcome, Error>, view: &View<'_>) -> Result<(), Evidence> {
        if !(view.ledger.conns[usize::from(id.conn)].current().rolled_back && view.in_transaction) {
            return Ok(());
        }
        let summary = format!("{id} has rolled back, but its transaction is still open: what follows would commit alone");
        Err(Evidence::new(summary).with("statement", op.kind().name()))
    }
}

//! Between statements a connection holds exactly the locks that its transaction calls for.

use falken_models::connection::{Op, Outcome, StatementId};
use falken_models::session::Error;
use falken_models::wal::LockId;

use super::{Invariant, Moment, View};
use crate::ledger::Holders;
use crate::verdict::Evidence;

/// See the module.
#[derive(Debug, Default, Hash)]
pub struct LockBalance;

impl Invariant for LockBalance {
    fn ended(&mut self, id: StatementId, op: &Op, _: &Result<Outcome, Error>, view: &View<'_>) -> Result<(), Evidence> {
        // A dropped connection owes nothing any more, whatever it believes itself.
        let holds = |holders: &Holders| holders.exclusive == Some(id.conn) || holders.shared.contains(&id.conn);
        match (0_u8..).zip(&view.ledger.locks).find(|(_, holders)| *op == Op::Drop && holds(holders)) {
            Some((lock, _)) => {
                let lock = LockId(lock).name();
                Err(Evidence::new(format!("connection c{} has been dropped and still holds {lock}", id.conn)))
            }
            None => Ok(()),
        }
    }

    fn moment(&mut self, _moment: Moment, view: &View<'_>) -> Result<(), Evidence> {
        let Some(connection) = view.ended_connection() else { return Ok(()) };
        let conn = connection.session().conn;
        let in_transaction = connection.in_transaction();
        for lock in (0..LockId::COUNT as u8).map(LockId) {
            let holders = &view.ledger.locks[usize::from(lock.0)];
            let held = holders.exclusive == Some(conn) || holders.shared.contains(&conn);
            let may_hold = in_transaction || (lock == LockId::DATABASE && holders.exclusive.is_none());
            if held != connection.owes_lock(lock) || (held && !may_hold) {
                let summary = format!("connection c{conn} has ended its statement and {} {}", if held { "still holds" } else { "lost" }, lock.name());
                return Err(Evidence::new(summary).with("in a transaction", in_transaction));
            }
        }
        Ok(())
    }
}

//! Between statements a connection holds exactly the locks that its transaction calls for; while a reader holds a slot, the
//! slot's mark stays what it was, since only a holder of the slot alone may change it; and whoever holds a lock of the log
//! has the database file open, by its lock, or the last one to close would remove the log under it.

use std::hash::{Hash, Hasher};

use falken_models::connection::{Op, Outcome, StatementId};
use falken_models::event::{Actor, Event, EventKind};
use falken_models::session::Error;
use falken_models::wal::LockId;

use super::{Invariant, Moment, View};
use crate::verdict::Evidence;

/// See the module.
#[derive(Debug, Default)]
pub struct LockBalance {
    /// The slot of each connection that reads, with its mark when the read transaction had begun.
    marks: Vec<Option<(u8, u32)>>,
}

impl Hash for LockBalance {
    fn hash<H: Hasher>(&self, _state: &mut H) {
        // As long as nothing is broken, what is remembered is what the slots' marks still are.
        let Self { marks: _ } = self;
    }
}

impl Invariant for LockBalance {
    fn event(&mut self, event: &Event, view: &View<'_>) -> Result<(), Evidence> {
        match (event.kind, event.actor, view.internals) {
            (EventKind::ReadBegin { slot, .. }, Actor::Conn(conn), Some(internals)) => {
                let mark = (slot > 0).then(|| (slot, internals.shared.wal.mark(slot)));
                self.set_mark(conn, mark);
            }
            (EventKind::ReadEnd, Actor::Conn(conn), _) => self.set_mark(conn, None),
            (EventKind::Crash { .. }, ..) => self.marks.clear(),
            (EventKind::Unlock { lock: LockId::DATABASE, .. }, Actor::Conn(conn), _) => {
                let held = (0..LockId::DATABASE.0)
                    .map(LockId)
                    .find(|lock| view.ledger.locks[usize::from(lock.0)].include(conn));
                if let Some(lock) = held {
                    let summary =
                        format!("connection c{conn} lets the database file go and still holds {}", lock.name());
                    return Err(Evidence::new(summary));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn ended(&mut self, id: StatementId, op: &Op, _: &Result<Outcome, Error>, view: &View<'_>) -> Result<(), Evidence> {
        // A dropped connection owes nothing any more, whatever it believes itself.
        match (0_u8..).zip(&view.ledger.locks).find(|(_, holders)| *op == Op::Drop && holders.include(id.conn)) {
            Some((lock, _)) => {
                let lock = LockId(lock).name();
                Err(Evidence::new(format!("connection c{} has been dropped and still holds {lock}", id.conn)))
            }
            None => Ok(()),
        }
    }

    fn moment(&mut self, moment: Moment, view: &View<'_>) -> Result<(), Evidence> {
        if moment == Moment::Step {
            return self.check_marks(view);
        }
        let Some(connection) = view.ended_connection() else { return Ok(()) };
        let conn = connection.session().conn;
        let in_transaction = connection.in_transaction();
        for lock in (0..LockId::COUNT as u8).map(LockId) {
            let holders = &view.ledger.locks[usize::from(lock.0)];
            let held = holders.include(conn);
            let may_hold = in_transaction || (lock == LockId::DATABASE && holders.exclusive.is_none());
            if held != connection.owes_lock(lock) || (held && !may_hold) {
                let summary = format!(
                    "connection c{conn} has ended its statement and {} {}",
                    if held { "still holds" } else { "lost" },
                    lock.name()
                );
                return Err(Evidence::new(summary).with("in a transaction", in_transaction));
            }
        }
        Ok(())
    }
}

impl LockBalance {
    fn set_mark(&mut self, conn: u8, mark: Option<(u8, u32)>) {
        let conn = usize::from(conn);
        if self.marks.len() <= conn {
            self.marks.resize(conn + 1, None);
        }
        self.marks[conn] = mark;
    }

    fn check_marks(&self, view: &View<'_>) -> Result<(), Evidence> {
        let Some(internals) = view.internals else { return Ok(()) };
        let held = (0..).zip(&self.marks).filter_map(|(conn, mark): (u8, _)| Some((conn, (*mark)?)));
        for (conn, (slot, mark)) in held {
            let now = internals.shared.wal.mark(slot);
            if now != mark {
                let summary = format!("the mark of READ{slot} has changed while c{conn} holds the slot");
                return Err(Evidence::new(summary).with("before", mark).with("now", now));
            }
        }
        Ok(())
    }
}

//! The locks of the wal-index: who holds them, and what of it the statements have met.

use std::fmt;

use falken_models::event::StatementKind;
use falken_models::wal::{LockId, LockMode, READ_SLOTS_MAX};

use super::Ledger;

/// The locks of the wal-index as the events tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holders {
    /// Connections that hold it shared.
    pub shared: Vec<u8>,
    /// The connection that holds it exclusively.
    pub exclusive: Option<u8>,
}

impl Holders {
    /// Whether a connection holds it, in whatever mode.
    pub fn include(&self, conn: u8) -> bool {
        self.exclusive == Some(conn) || self.shared.contains(&conn)
    }
}

impl fmt::Display for Holders {
    /// `c0, c2 together` or `c1 alone`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shared: Vec<String> = self.shared.iter().map(|conn| format!("c{conn}")).collect();
        match (self.exclusive, &shared[..]) {
            (Some(conn), []) => write!(f, "c{conn} alone"),
            (Some(conn), _) => write!(f, "c{conn} alone and {} together", shared.join(", ")),
            (None, _) => write!(f, "{} together", shared.join(", ")),
        }
    }
}

impl Ledger {
    /// A statement changes the published header, or may have changed a mark: whoever else is about to begin to read may have
    /// to look again, a statement beside it as well.
    pub(super) fn contend(&mut self, conn: u8) {
        let own = self.conns[usize::from(conn)].current().contended;
        self.conns.iter_mut().flat_map(|facts| &mut facts.statements).for_each(|statement| statement.contended = true);
        self.conn_mut(conn).current_mut().contended = own;
    }

    pub(super) fn note_lock(&mut self, conn: u8, lock: LockId, mode: LockMode) {
        let holders = &mut self.locks[usize::from(lock.0)];
        match mode {
            LockMode::Shared => holders.shared.push(conn),
            LockMode::Exclusive => holders.exclusive = Some(conn),
        }
        let alone = |slot: &u8| self.locks[usize::from(LockId::read(*slot).0)].exclusive == Some(conn);
        let reader_locks = (1..=READ_SLOTS_MAX as u8).take_while(alone).count() as u8;
        let published = self.published;
        let facts = self.conn_mut(conn);
        let is_stale = facts.reading.is_some() && facts.stands_at != published;
        let statement = facts.current_mut();
        (statement.refused, statement.asked_for_lock) = (None, true);
        if lock == LockId::WRITE {
            statement.met.stale_snapshot = is_stale;
        }
        if statement.kind == Some(StatementKind::Checkpoint) {
            statement.met.write_lock |= lock == LockId::WRITE;
            statement.met.reader_locks = statement.met.reader_locks.max(reader_locks);
        }
    }

    pub(super) fn note_unlock(&mut self, conn: u8, lock: LockId, mode: LockMode) {
        let holders = &mut self.locks[usize::from(lock.0)];
        match mode {
            LockMode::Shared => {
                if let Some(at) = holders.shared.iter().position(|holder| *holder == conn) {
                    holders.shared.swap_remove(at);
                }
            }
            LockMode::Exclusive => {
                holders.exclusive = None;
                if lock >= LockId::read(0) && lock <= LockId::read(READ_SLOTS_MAX as u8) {
                    self.contend(conn);
                }
            }
        }
        self.conn_mut(conn).current_mut().met.left_database |= lock == LockId::DATABASE;
    }
}

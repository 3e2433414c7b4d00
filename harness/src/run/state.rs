//! The hash of a whole run: subject, disk, operations in flight, clients, the ledger's obligations, the invariants' memory.
//!
//! Two runs of one scenario with equal hashes have the same future and the same verdicts in it; see
//! [`falken_models::state`]. What only describes the past is left out: step numbers, counters, the trace, the tape.

use std::hash::{Hash, Hasher};

use falken_models::connection::StatementId;
use falken_models::disk::{OpInfo, Outlook};
use falken_models::session::STATEMENT_SLOTS;
use falken_models::state::StateHasher;

use super::{Run, Stage, Tally};
use crate::subject::Subject;

impl<S: Subject> Run<'_, S> {
    /// The hash of the state between two actions.
    ///
    /// Connections that run the same program are interchangeable: each is hashed for itself, without its number, and the
    /// hashes of each group of them go in in ascending order, so that states that differ only in who is who are one. What
    /// else depends on who somebody is goes into that connection's hash: `last` is the slot that took the last step, if
    /// that decides anything.
    ///
    /// # Panics
    /// If the subject shows no internals: then its state cannot be told.
    pub(crate) fn state_hash(&mut self, last: Option<StatementId>) -> u64 {
        self.disk.list_in_flight(&mut self.in_flight);
        let faults = &self.scenario.faults;
        let may_fail = faults.power_loss.is_on() || faults.double_crash.is_on();
        let outlook = if may_fail { Outlook::PowerMayFail } else { Outlook::PowerStays };
        let mut state = StateHasher::default();
        let internals = self.subject.inspect().expect("a subject that shows its internals");
        internals.shared.wal.hash(&mut state);
        internals.shared.buffers.hash(&mut state);
        self.disk.hash_files(outlook, &mut state);
        self.ledger.hash_shared(&mut state);
        self.checks.hash(&mut state);
        (self.stage as u8, self.crashes).hash(&mut state);
        self.injector.hash_state(self.step, &mut state);
        let mut first = 0;
        for clients in &self.scenario.clients {
            let group = first..first + clients.count;
            let mut hashes: Vec<u64> = group.clone().map(|conn| self.connection_hash(conn, outlook, last)).collect();
            // The proof at the end is run by connection 0, which makes it unlike the others.
            let others = if group.contains(&0) { &mut hashes[1..] } else { &mut hashes[..] };
            others.sort_unstable();
            hashes.hash(&mut state);
            first = group.end;
        }
        state.finish()
    }

    fn connection_hash(&self, conn: u8, outlook: Outlook, last: Option<StatementId>) -> u64 {
        let mut state = StateHasher::default();
        last.filter(|last| last.conn == conn).map(|last| last.slot).hash(&mut state);
        let slot = usize::from(conn);
        let internals = self.subject.inspect().expect("a subject that shows its internals");
        let connection = internals.connections.get(slot).and_then(Option::as_ref);
        connection.hash(&mut state);
        self.disk.hash_in_flight(conn, outlook, &mut state);
        let own = |op: &&OpInfo| op.owner == conn;
        self.ledger.hash_connection(conn, self.in_flight.iter().filter(own).map(|op| op.op), &mut state);
        for id in (0..STATEMENT_SLOTS as u8).map(|slot| StatementId { conn, slot }) {
            self.clients[id.index()].hash(&mut state);
            self.running[id.index()].hash(&mut state);
            // Parking forgets earlier wakes, so they matter only to a statement that is parked; a yield parks nobody.
            let awaiting = connection.and_then(|connection| connection.awaiting(id.slot));
            if awaiting.is_some_and(|awaiting| !awaiting.is_explicit_yield()) {
                self.wakers.hash_statement(id, &mut state);
            }
        }
        state.finish()
    }

    /// Runs the scenario's setup, which is over before the first choice that matters.
    pub(crate) fn prepare(&mut self) -> super::Checked<()> {
        while self.stage == Stage::Preparing {
            self.list_options();
            if self.options.is_empty() {
                break;
            }
            self.advance()?;
        }
        Ok(())
    }

    /// What a reader has had to follow so far.
    pub(crate) fn tally(&self) -> Tally {
        self.tally
    }

    /// Whether the clients have ended and what follows is the proof that nothing is left.
    pub(crate) fn is_proving(&self) -> bool {
        self.stage == Stage::Proving
    }
}

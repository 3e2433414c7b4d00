//! A run that stands still: who waits for what, and who has it.

use falken_models::connection::{Op, StatementId};
use falken_models::io::{Completion, IOCompletions};
use falken_models::wal::LockId;

use super::Run;
use crate::ledger::Holders;
use crate::subject::Subject;
use crate::verdict::{Evidence, Violation};

impl<S: Subject> Run<'_, S> {
    /// Says of every statement that is under way what it waits for: a completion, or a lock, or nothing. Then who holds
    /// locks, read slots and buffers, and what is in flight.
    pub(super) fn stuck(&self, invariant: &'static str, summary: &str) -> Box<Violation> {
        let mut evidence = Evidence::new(summary);
        for (client, op) in self.clients.iter().zip(&self.running) {
            if let Some(op) = op {
                evidence = evidence.with("waiting", self.wait_of(client.id, op));
            }
        }
        for (lock, holders) in (0..).map(LockId).zip(&self.ledger.locks) {
            if *holders != Holders::default() {
                evidence = evidence.with("lock", format!("{}: {holders}", lock.name()));
            }
        }
        for (conn, facts) in self.ledger.conns.iter().enumerate() {
            if let Some(reading) = &facts.reading {
                let text = format!("c{conn} reads on slot {} with mark {}", reading.slot, reading.mark);
                evidence = evidence.with("slot", text);
            }
        }
        if let Some(lent) = self.subject.inspect().map(|all| all.shared.buffers.lent()).filter(|lent| *lent > 0) {
            evidence = evidence.with("buffers", format!("{lent} of the pool of writes are lent"));
        }
        for op in &self.in_flight {
            let place = format!("{} {}+{}", op.file.name(), op.offset, op.len);
            evidence = evidence.with("in flight", format!("c{}.{} {} {place}", op.owner, op.ordinal, op.kind.name()));
        }
        Box::new(Violation { invariant, step: self.step, evidence })
    }

    /// `c1 put at wal.write.busy, for WRITE, held by c0 alone`; shrinking takes the text up to the comma for the place.
    fn wait_of(&self, id: StatementId, op: &Op) -> String {
        let connection = self.subject.inspect().and_then(|all| all.connections.get(usize::from(id.conn))?.as_ref());
        let site = connection.map_or("?", |connection| connection.site(id.slot).name());
        let refused = self.ledger.conns[usize::from(id.conn)].statements[usize::from(id.slot)].refused;
        let wait = match (self.subject.awaiting(id), refused) {
            (Some(IOCompletions::Single(awaited)), _) if !awaited.is_settled() => unfinished(awaited),
            (Some(io), _) if !io.is_explicit_yield() && !self.wakers.woken(id) => {
                "what has finished without waking it".to_owned()
            }
            (_, Some(lock)) => match &self.ledger.locks[usize::from(lock.0)] {
                free if *free == Holders::default() => format!("{}, which is free by now", lock.name()),
                holders => format!("{}, held by {holders}", lock.name()),
            },
            _ => "nothing".to_owned(),
        };
        format!("{id} {} at {site}, for {wait}", op.kind().name())
    }
}

fn unfinished(awaited: &Completion) -> String {
    let members = awaited.members();
    let pending: Vec<&Completion> = members.iter().filter(|member| !member.finished()).collect();
    match (members.len(), &pending[..]) {
        (0, _) => format!("{awaited:?}"),
        (all, []) => format!("a group, although its {all} members have finished"),
        (all, pending) => format!("a group of {all}, of which are unfinished: {pending:?}"),
    }
}

//! From statements to transactions: what a connection did between BEGIN and its end is one, a statement outside is one.
//!
//! An error is an unknown outcome (`info`) unless it says that nothing was done, or the transaction around it goes on, which
//! it does only without the statement's effects. The second statement of a connection shares the transaction and the
//! snapshot of the first; what it reads while the other one writes is not counted.

use std::collections::BTreeMap;

use falken_models::connection::{BeginKind, Op, StatementId};
use falken_models::session::{Error, STATEMENT_SLOTS};

use super::Entry;
use crate::history::Outcome;

/// What a transaction did to one row.
#[derive(Clone, Debug)]
pub(super) enum Act<'a> {
    /// It changed it.
    Write(i64, Change<'a>),
    /// It saw this value.
    Read(i64, Option<&'a [u8]>),
    /// It saw all rows.
    Scan(&'a [(i64, Vec<u8>)]),
}

/// How a row was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change<'a> {
    /// It has this value now.
    Put(&'a [u8]),
    /// This was added to the end of its value.
    Append(&'a [u8]),
    /// It is gone.
    Delete,
}

/// One transaction.
#[derive(Clone, Debug)]
pub(super) struct Draft<'a> {
    pub(super) conn: u8,
    /// The place in the log from which on its snapshot may be.
    pub(super) called: usize,
    pub(super) returned: Option<usize>,
    pub(super) outcome: Outcome,
    pub(super) acts: Vec<Act<'a>>,
}

/// A statement under way.
struct Running<'a> {
    op: &'a Op,
    /// From which place in the log on its snapshot may be.
    since: usize,
    in_transaction: bool,
    /// A statement beside it writes, or begins or ends the transaction.
    is_disturbed: bool,
}

/// An explicit transaction under way.
struct Open<'a> {
    called: usize,
    /// Whether a statement in it has asked for a snapshot.
    has_snapshot: bool,
    acts: Vec<Act<'a>>,
    /// How many acts there were when each open savepoint was opened.
    savepoints: Vec<usize>,
}

#[derive(Default)]
struct Connection<'a> {
    running: [Option<Running<'a>>; STATEMENT_SLOTS],
    open: Option<Open<'a>>,
    /// From which place in the log on this connection may have had its snapshot.
    holds_since: Option<usize>,
}

/// Makes transactions out of the entries of a log.
#[derive(Default)]
pub(super) struct Transactions<'a> {
    connections: BTreeMap<u8, Connection<'a>>,
    done: Vec<Draft<'a>>,
}

/// Whether a statement needs a snapshot.
fn needs_snapshot(op: &Op) -> bool {
    op.kind().reads_only() || op.kind().writes() || *op == Op::Begin(BeginKind::Immediate)
}

/// Whether a statement changes nothing that one beside it could notice.
fn leaves_siblings_alone(op: &Op) -> bool {
    op.kind().reads_only() || matches!(op, Op::Checkpoint(_))
}

/// Whether a statement's own end says how the transaction has ended.
fn ends_transaction(op: &Op) -> bool {
    matches!(op, Op::Commit | Op::Release { .. } | Op::Rollback | Op::Close | Op::Drop)
}

/// Whether an error leaves open what the statement has done.
fn is_open(error: Error) -> bool {
    match error {
        Error::Io(_) | Error::Abandoned | Error::Interrupted => true,
        Error::Busy
        | Error::BusySnapshot
        | Error::Locked
        | Error::Protocol
        | Error::Corrupt(_)
        | Error::Full
        | Error::Misuse => false,
    }
}

impl<'a> Transactions<'a> {
    /// Takes the entry at a place of the log in; crashes are the caller's business.
    pub(super) fn note(&mut self, at: usize, entry: &'a Entry) {
        match entry {
            Entry::Call { id, op, in_transaction } => self.call(at, *id, op, *in_transaction),
            Entry::Return { id, result, in_transaction, .. } => self.returned(at, *id, result, *in_transaction),
            Entry::Crash { .. } => {}
        }
    }

    /// Whatever is under way is cut short; gives every transaction since the last time.
    pub(super) fn cut(&mut self) -> Vec<Draft<'a>> {
        for (conn, connection) in std::mem::take(&mut self.connections) {
            let mut is_ending = false;
            for running in connection.running.into_iter().flatten() {
                is_ending |= matches!(running.op, Op::Commit | Op::Release { .. });
                let acts: Vec<_> = write_of(running.op).into_iter().collect();
                self.push(conn, running.since, None, Outcome::Info, acts);
            }
            if let Some(open) = connection.open {
                let outcome = if is_ending { Outcome::Info } else { Outcome::Fail };
                self.push(conn, open.called, None, outcome, open.acts);
            }
        }
        std::mem::take(&mut self.done)
    }

    fn push(&mut self, conn: u8, called: usize, returned: Option<usize>, outcome: Outcome, acts: Vec<Act<'a>>) {
        if !acts.is_empty() {
            self.done.push(Draft { conn, called, returned, outcome, acts });
        }
    }

    fn call(&mut self, at: usize, id: StatementId, op: &'a Op, in_transaction: bool) {
        let connection = self.connections.entry(id.conn).or_default();
        let mut since = at;
        if needs_snapshot(op) {
            since = *connection.holds_since.get_or_insert(at);
            if let Some(open) = connection.open.as_mut().filter(|open| !open.has_snapshot) {
                (open.called, open.has_snapshot) = (since, true);
            }
        }
        let mut is_disturbed = false;
        for beside in connection.running.iter_mut().flatten() {
            beside.is_disturbed |= !leaves_siblings_alone(op);
            is_disturbed |= !leaves_siblings_alone(beside.op);
        }
        connection.running[usize::from(id.slot)] = Some(Running { op, since, in_transaction, is_disturbed });
    }

    fn returned(
        &mut self,
        at: usize,
        id: StatementId,
        result: &'a Result<falken_models::connection::Outcome, Error>,
        goes_on: bool,
    ) {
        let connection = self.connections.entry(id.conn).or_default();
        let Some(running) = connection.running[usize::from(id.slot)].take() else { return };
        if goes_on && connection.open.is_none() {
            // A statement beside a BEGIN may have the snapshot already that the transaction goes on with.
            let has_snapshot = connection.holds_since.is_some();
            let called = connection.holds_since.unwrap_or(running.since);
            connection.open = Some(Open { called, has_snapshot, acts: Vec::new(), savepoints: Vec::new() });
        }
        match result {
            Ok(outcome) => self.succeeded(at, id.conn, &running, outcome, goes_on),
            Err(error) => self.failed(at, id.conn, &running, *error, goes_on),
        }
        let connection = self.connections.entry(id.conn).or_default();
        let mut beside = connection.running.iter().flatten();
        let left_to_another = beside.clone().any(|running| ends_transaction(running.op));
        let is_over = !goes_on && (ends_transaction(running.op) || (result.is_err() && !left_to_another));
        let uses_snapshot = beside.any(|running| needs_snapshot(running.op));
        let open = connection.open.take_if(|_| is_over);
        let keeps_snapshot = connection.open.as_ref().is_some_and(|open| open.has_snapshot);
        if !uses_snapshot && !keeps_snapshot {
            connection.holds_since = None;
        }
        let Some(open) = open else { return };
        let outcome = match (running.op, result) {
            (Op::Commit | Op::Release { .. }, Ok(_)) => Outcome::Ok,
            (Op::Commit | Op::Release { .. }, Err(_)) => Outcome::Info,
            // What was rolled back, by whoever, has not been published and never will.
            _ => Outcome::Fail,
        };
        self.push(id.conn, open.called, Some(at), outcome, open.acts);
    }

    fn succeeded(
        &mut self,
        at: usize,
        conn: u8,
        running: &Running<'a>,
        outcome: &'a falken_models::connection::Outcome,
        goes_on: bool,
    ) {
        let open = self.connections.entry(conn).or_default().open.as_mut();
        match (running.op, open) {
            (Op::Savepoint, Some(open)) => open.savepoints.push(open.acts.len()),
            (Op::Release { depth }, Some(open)) => open.savepoints.truncate(usize::from(*depth)),
            (Op::RollbackTo { depth }, Some(open)) => {
                let depth = usize::from(*depth);
                let kept = open.savepoints.get(depth).copied().unwrap_or(open.acts.len());
                open.savepoints.truncate(depth + 1);
                // A transaction of its own, so that whoever sees a write of it has read what was undone.
                let undone = open.acts.split_off(kept);
                let called = open.called;
                self.push(conn, called, Some(at), Outcome::Fail, undone);
            }
            (_, open) => {
                let is_clear = !running.is_disturbed && running.in_transaction == goes_on;
                let Some(act) = act_of(running.op, outcome, is_clear) else { return };
                match open.filter(|_| goes_on) {
                    Some(open) => open.acts.push(act),
                    None => self.push(conn, running.since, Some(at), Outcome::Ok, vec![act]),
                }
            }
        }
    }

    fn failed(&mut self, at: usize, conn: u8, running: &Running<'a>, error: Error, goes_on: bool) {
        let Some(act) = write_of(running.op) else { return };
        let ended_with_transaction = running.in_transaction && !goes_on && !running.is_disturbed;
        let is_undone = !is_open(error) || (running.in_transaction && goes_on) || ended_with_transaction;
        let outcome = if is_undone { Outcome::Fail } else { Outcome::Info };
        self.push(conn, running.since, Some(at), outcome, vec![act]);
    }
}

/// What a statement that changes a row does to it.
fn write_of(op: &Op) -> Option<Act<'_>> {
    match op {
        Op::Put { key, value } => Some(Act::Write(*key, Change::Put(value))),
        Op::Append { key, element } => Some(Act::Write(*key, Change::Append(element))),
        Op::Delete { key } => Some(Act::Write(*key, Change::Delete)),
        Op::Begin(_)
        | Op::Get { .. }
        | Op::Scan
        | Op::Count
        | Op::ChangeLayout
        | Op::Commit
        | Op::Rollback
        | Op::Savepoint
        | Op::Release { .. }
        | Op::RollbackTo { .. }
        | Op::Checkpoint(_)
        | Op::Close
        | Op::Drop => None,
    }
}

/// What a statement has done, going by what it returned. A count tells too little to be of use.
fn act_of<'a>(op: &'a Op, outcome: &'a falken_models::connection::Outcome, is_clear: bool) -> Option<Act<'a>> {
    use falken_models::connection::Outcome as Returned;
    match (op, outcome) {
        (Op::Delete { key }, Returned::Deleted(false)) => is_clear.then_some(Act::Read(*key, None)),
        (Op::Get { key }, Returned::Value(value)) => is_clear.then_some(Act::Read(*key, value.as_deref())),
        (Op::Scan, Returned::Rows(rows)) => is_clear.then_some(Act::Scan(rows)),
        _ => write_of(op),
    }
}

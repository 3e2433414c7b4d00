//! Events, as both file formats give them, paired into transactions.
//!
//! A file lists events: a client calls (`invoke`), and later is told `ok`, `fail` or `info`. `Assembler` takes
//! them in the order of the file, which is taken for the order in which they happened, and refuses what no recorder
//! can have written. A call that never returns is `info`. Events of other parties than clients (`:nemesis`) are
//! passed over.
//!
//! Not here: syntax ([`edn`](super::edn), [`jsonl`](super::jsonl)).

use std::collections::BTreeMap;

use super::datum::Datum;
use super::error::{HistoryError, Reason};
use super::names::RESERVED_BELOW;
use super::{History, MicroOp, Names, Object, Outcome, RegisterRead, Transaction};

/// What an event says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Invoke,
    Complete(Outcome),
}

/// Pairs events into transactions.
#[derive(Default)]
pub(super) struct Assembler {
    transactions: Vec<Transaction>,
    /// Per client with an open call: the transaction, and the line of the call.
    open: BTreeMap<u64, (usize, usize)>,
    /// Per key whose kind is known: the kind, and the line that gave it away.
    objects: BTreeMap<i64, (Object, usize)>,
    names: Names,
    /// The number of client events so far.
    position: u64,
}

impl Assembler {
    /// Takes the next event of the file.
    pub(super) fn push(&mut self, line: usize, event: &Datum) -> Result<(), HistoryError> {
        if !matches!(event, Datum::Map(_)) {
            return Err(HistoryError::at(line, Reason::NotAMap(event.to_string())));
        }
        let at = |reason| HistoryError::at(line, reason);
        let kind = kind_of(event).map_err(at)?;
        let Some(process) = client_of(event).map_err(at)? else { return Ok(()) };
        if let Some(f) = event.field("f").filter(|f| **f != Datum::Nil && f.word() != Some("txn")) {
            return Err(at(Reason::UnknownFunction(f.to_string())));
        }
        let ops = self.micro_ops(line, event, kind)?;
        match kind {
            Kind::Invoke => self.invoke(line, process, ops.unwrap_or_default())?,
            Kind::Complete(outcome) => self.complete(line, process, outcome, ops)?,
        }
        self.position += 1;
        Ok(())
    }

    /// The history, once every event is in.
    pub(super) fn finish(mut self) -> History {
        for transaction in &mut self.transactions {
            for op in &mut transaction.ops {
                resolve_nil(op, transaction.outcome, &self.objects);
            }
        }
        History { transactions: self.transactions, names: self.names }
    }

    fn invoke(&mut self, line: usize, process: u64, ops: Vec<MicroOp>) -> Result<(), HistoryError> {
        let id = self.transactions.len();
        if let Some((_, open)) = self.open.insert(process, (id, line)) {
            return Err(HistoryError::at(line, Reason::AlreadyOpen { process, open }));
        }
        let invoked = self.position;
        self.transactions.push(Transaction { process, invoked, completed: None, outcome: Outcome::Info, ops });
        Ok(())
    }

    fn complete(
        &mut self,
        line: usize,
        process: u64,
        outcome: Outcome,
        ops: Option<Vec<MicroOp>>,
    ) -> Result<(), HistoryError> {
        let (id, invoked) =
            self.open.remove(&process).ok_or_else(|| HistoryError::at(line, Reason::NotInvoked(process)))?;
        let transaction = &mut self.transactions[id];
        if let Some(ops) = ops {
            if !same_calls(&transaction.ops, &ops) {
                return Err(HistoryError::at(line, Reason::Mismatch(invoked)));
            }
            transaction.ops = ops;
        }
        transaction.outcome = outcome;
        transaction.completed = Some(self.position);
        Ok(())
    }

    /// The micro-operations of an event; `None` where the event may leave them out and does.
    fn micro_ops(&mut self, line: usize, event: &Datum, kind: Kind) -> Result<Option<Vec<MicroOp>>, HistoryError> {
        let optional = matches!(kind, Kind::Complete(Outcome::Fail | Outcome::Info));
        match event.field("value") {
            Some(Datum::Seq(items)) => {
                items.iter().map(|item| self.micro_op(line, item)).collect::<Result<_, _>>().map(Some)
            }
            None | Some(Datum::Nil) if optional => Ok(None),
            None => Err(HistoryError::at(line, Reason::Missing("value"))),
            // An error message may stand where the value was.
            Some(_) if optional => Ok(None),
            Some(other) => {
                let found = other.to_string();
                let wanted = "a list of micro-operations";
                Err(HistoryError::at(line, Reason::Field { field: "value", wanted, found }))
            }
        }
    }

    fn micro_op(&mut self, line: usize, item: &Datum) -> Result<MicroOp, HistoryError> {
        let bad = || HistoryError::at(line, Reason::MicroOp(item.to_string()));
        let Datum::Seq(parts) = item else { return Err(bad()) };
        let [f, key, value] = parts.as_slice() else { return Err(bad()) };
        let key = self.scalar(key).ok_or_else(bad)?;
        let op = match (f.word(), value) {
            (Some("append"), element) => MicroOp::Append { key, element: self.scalar(element).ok_or_else(bad)? },
            (Some("w"), value) => MicroOp::Write { key, value: self.scalar(value).ok_or_else(bad)? },
            // Whether this is a list or a register shows only elsewhere; `resolve_nil` sets it right.
            (Some("r"), Datum::Nil) => return Ok(MicroOp::ReadList { key, elements: None }),
            (Some("r"), Datum::Seq(items)) => {
                let elements = items.iter().map(|e| self.scalar(e)).collect::<Option<_>>().ok_or_else(bad)?;
                MicroOp::ReadList { key, elements: Some(elements) }
            }
            (Some("r"), value) => {
                let value = RegisterRead::Value(self.scalar(value).ok_or_else(bad)?);
                MicroOp::ReadRegister { key, value }
            }
            _ => return Err(bad()),
        };
        self.note_object(line, &op)?;
        Ok(op)
    }

    fn note_object(&mut self, line: usize, op: &MicroOp) -> Result<(), HistoryError> {
        let now = op.object();
        let (before, other) = *self.objects.entry(op.key()).or_insert((now, line));
        if before == now {
            return Ok(());
        }
        let key = self.names.show(op.key()).to_string();
        Err(HistoryError::at(line, Reason::MixedKey { key, now, before, other }))
    }

    fn scalar(&mut self, datum: &Datum) -> Option<i64> {
        match datum {
            Datum::Int(n) => (*n >= RESERVED_BELOW).then_some(*n),
            Datum::Word(_) | Datum::Text(_) => Some(self.names.intern(&datum.to_string())),
            Datum::Nil | Datum::Bool(_) | Datum::Float(_) | Datum::Seq(_) | Datum::Map(_) => None,
        }
    }
}

fn kind_of(event: &Datum) -> Result<Kind, Reason> {
    let kind = event.field("type").ok_or(Reason::Missing("type"))?;
    match kind.word() {
        Some("invoke") => Ok(Kind::Invoke),
        Some("ok") => Ok(Kind::Complete(Outcome::Ok)),
        Some("fail") => Ok(Kind::Complete(Outcome::Fail)),
        Some("info") => Ok(Kind::Complete(Outcome::Info)),
        _ => Err(Reason::Field { field: "type", wanted: "invoke, ok, fail or info", found: kind.to_string() }),
    }
}

/// The client's number, or `None` for a party that is not a client.
fn client_of(event: &Datum) -> Result<Option<u64>, Reason> {
    let process = event.field("process").ok_or(Reason::Missing("process"))?;
    let wrong = || Reason::Field { field: "process", wanted: "a number from 0", found: process.to_string() };
    match process {
        Datum::Int(n) => u64::try_from(*n).map(Some).map_err(|_| wrong()),
        Datum::Word(_) | Datum::Text(_) => Ok(None),
        _ => Err(wrong()),
    }
}

/// Whether a completion repeats the calls of its invocation; results may differ.
fn same_calls(called: &[MicroOp], returned: &[MicroOp]) -> bool {
    let same = |(a, b): (&MicroOp, &MicroOp)| a.key() == b.key() && a.written() == b.written();
    called.len() == returned.len() && called.iter().zip(returned).all(same)
}

/// `nil` as the result of a read is the initial state after `ok`, and no result otherwise.
fn resolve_nil(op: &mut MicroOp, outcome: Outcome, objects: &BTreeMap<i64, (Object, usize)>) {
    let MicroOp::ReadList { key, elements: elements @ None } = op else { return };
    let key = *key;
    let known = outcome == Outcome::Ok;
    match objects.get(&key) {
        Some((Object::Register, _)) => {
            let value = if known { RegisterRead::Initial } else { RegisterRead::Unknown };
            *op = MicroOp::ReadRegister { key, value };
        }
        Some((Object::List, _)) | None if known => *elements = Some(Vec::new()),
        Some((Object::List, _)) | None => {}
    }
}

/// The events of a history, in order: which transaction, and whether this is its return.
pub(super) fn events(history: &History) -> Vec<(usize, Option<Outcome>)> {
    let mut events = Vec::with_capacity(history.transactions.len() * 2);
    for (id, transaction) in history.transactions.iter().enumerate() {
        // A return sorts behind a call of the same moment: the two are concurrent.
        events.push((transaction.invoked, 0, id, None));
        if let Some(completed) = transaction.completed {
            events.push((completed, 1, id, Some(transaction.outcome)));
        }
    }
    events.sort_unstable_by_key(|&(at, rank, id, _)| (at, rank, id));
    events.into_iter().map(|(_, _, id, outcome)| (id, outcome)).collect()
}

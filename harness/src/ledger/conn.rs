//! The facts about one connection.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};

use falken_models::connection::Op;
use falken_models::event::{LogPoint, StatementKind};
use falken_models::session::STATEMENT_SLOTS;

use super::statement::{Beside, Effect, StatementFacts};
use super::versions::{Bytes, Row, Versions};

/// A read transaction that has passed its re-check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reading {
    /// Its slot.
    pub slot: u8,
    /// The mark it relies on.
    pub mark: u32,
    /// Its snapshot.
    pub at: LogPoint,
}

/// A savepoint of a transaction.
#[derive(Clone, Copy, Debug, Hash)]
struct Mark {
    /// How many rows had been changed.
    writes: usize,
    /// Where the log stood, own frames included; `None` before the transaction read anything.
    at: Option<LogPoint>,
}

/// The facts about one connection.
#[derive(Clone, Debug, Default)]
pub struct ConnFacts {
    /// The read transaction, from its re-check to its end.
    pub reading: Option<Reading>,
    /// The commit that the last snapshot shows; `None` if it shows none, which is a violation.
    pub snapshot: Option<u32>,
    /// The snapshot before that.
    pub snapshot_before: Option<u32>,
    /// The snapshot of the open transaction, once a statement of it has ended with one.
    pub transaction_snapshot: Option<u32>,
    /// The newest commit that had been acknowledged when the transaction's first statement began.
    pub acknowledged_before: u32,
    /// Whether it is in a write transaction.
    pub writing: bool,
    /// The commit that its transaction stands on: that of its snapshot, or one of its own.
    pub(super) stands_at: LogPoint,
    /// Where the log stands for the write transaction, own frames included.
    pub own_end: LogPoint,
    /// The pages in its unpublished frames.
    pub own_pages: BTreeMap<u32, u64>,
    /// The pages that the transaction has read from a file itself.
    pub loaded: Vec<u32>,
    /// The header that its checkpoint works from.
    pub checkpoint: Option<LogPoint>,
    /// The slot of the statement that is being stepped.
    pub stepping: u8,
    /// One per slot.
    pub statements: [StatementFacts; STATEMENT_SLOTS],
    /// The rows that its open transaction has changed, in order.
    writes: Vec<Row>,
    savepoints: Vec<Mark>,
}

impl Hash for ConnFacts {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Self {
            reading,
            snapshot,
            snapshot_before,
            transaction_snapshot,
            acknowledged_before,
            writing,
            stands_at,
            own_end,
            own_pages,
            loaded,
            checkpoint,
            // Set anew before every step.
            stepping: _,
            statements,
            writes,
            savepoints,
        } = self;
        (reading, snapshot, snapshot_before, transaction_snapshot).hash(state);
        (acknowledged_before, writing, stands_at, own_end, own_pages, loaded, checkpoint).hash(state);
        (statements, writes, savepoints).hash(state);
    }
}

impl ConnFacts {
    /// The connection is gone and another one has its number. Statements are counted on: operations of the old one may still
    /// end.
    pub fn reconnect(&mut self) {
        let counted = |facts: &StatementFacts| StatementFacts { ordinal: facts.ordinal, ..StatementFacts::default() };
        *self = Self { statements: self.statements.each_ref().map(counted), ..Self::default() };
    }

    /// The statement that is being stepped.
    pub fn current(&self) -> &StatementFacts {
        &self.statements[usize::from(self.stepping)]
    }

    /// Whether the statement that is being stepped has committed and now runs a checkpoint that nobody has asked for: whether
    /// that succeeds is not what its client is told.
    pub(super) fn checkpoints_after_commit(&self) -> bool {
        self.current().published.is_some() && !self.writing
    }

    pub(super) fn current_mut(&mut self) -> &mut StatementFacts {
        &mut self.statements[usize::from(self.stepping)]
    }

    pub(super) fn begin_write(&mut self, at: LogPoint) {
        self.current_mut().note_begun();
        self.writing = true;
        self.own_end = at;
        self.current_mut().published = None;
    }

    pub(super) fn end_write(&mut self) {
        (self.writing, self.own_end) = (false, LogPoint::default());
    }

    /// The transaction is rolled back; whoever reads beside it sees its rows go.
    pub(super) fn forget_changes(&mut self, versions: &Versions) {
        self.undo_rows(0, versions);
        self.current_mut().current = None;
        self.own_pages.clear();
        self.savepoints.clear();
    }

    /// The transaction is committed: its rows are the snapshot's now.
    pub(super) fn changes_committed(&mut self) {
        self.writes.clear();
        self.own_pages.clear();
        self.savepoints.clear();
    }

    fn undo_rows(&mut self, keep: usize, versions: &Versions) {
        let keep = keep.min(self.writes.len());
        let seen = |key: &i64| (*key, self.expected(*key, versions).cloned());
        let undone: Vec<_> = self.writes[keep..].iter().map(|(key, _)| seen(key)).collect();
        self.writes.truncate(keep);
        for (key, before) in undone {
            let after = self.expected(key, versions).cloned();
            let change = Beside { key, before, after };
            self.statements
                .iter_mut()
                .filter(|other| other.running)
                .for_each(|other| other.beside.push(change.clone()));
        }
    }

    pub(super) fn open_savepoint(&mut self, depth: u8) {
        // Those of an earlier transaction ended with it.
        self.savepoints.truncate(usize::from(depth));
        let at = match (self.writing, self.reading) {
            (true, _) => Some(self.own_end),
            (false, reading) => reading.map(|_| self.stands_at),
        };
        self.savepoints.push(Mark { writes: self.writes.len(), at });
        self.current_mut().met.did_savepoint = true;
    }

    pub(super) fn release_savepoint(&mut self, depth: u8) {
        self.note_savepoint(depth);
        self.savepoints.truncate(usize::from(depth));
    }

    fn note_savepoint(&mut self, depth: u8) {
        let is_open = usize::from(depth) < self.savepoints.len();
        let met = &mut self.current_mut().met;
        (met.no_savepoint, met.did_savepoint) = (met.no_savepoint || !is_open, true);
    }

    /// Where the log must stand after everything since a savepoint is undone, if `base` is where it stood when the write
    /// transaction began or has restarted the log.
    pub fn savepoint_position(&self, depth: u8, base: LogPoint) -> LogPoint {
        let mark = self.savepoints.get(usize::from(depth)).and_then(|mark| mark.at);
        mark.filter(|at| at.seq == base.seq).unwrap_or(base)
    }

    /// What was done since a savepoint is undone, and the log stands at `at` again.
    pub(super) fn undo_to(&mut self, depth: u8, at: LogPoint, own_pages: BTreeMap<u32, u64>, versions: &Versions) {
        self.note_savepoint(depth);
        let keep = self.savepoints.get(usize::from(depth)).map_or(0, |mark| mark.writes);
        self.savepoints.truncate(usize::from(depth) + 1);
        self.own_pages = own_pages;
        self.own_end = at;
        self.undo_rows(keep, versions);
    }

    /// A statement was submitted.
    pub fn begin_statement(&mut self, slot: u8, op: &Op) {
        let ordinal = self.statements[usize::from(slot)].ordinal + 1;
        let others = (0..).zip(&mut self.statements).filter(|(other, facts)| *other != slot && facts.running);
        let siblings = others.map(|(_, facts)| facts.met.sibling = true).count();
        self.statements[usize::from(slot)] = StatementFacts::begun(op, ordinal, siblings > 0);
    }

    /// Of the rows that a commit changes, that of the statement which commits by itself; others were changed before.
    pub(super) fn own_row<'a>(&self, rows: &'a [Row]) -> &'a [Row] {
        let own = usize::from(self.current().current.is_some());
        &rows[rows.len().saturating_sub(own)..]
    }

    /// Rows change: whatever runs beside the statement that changes them may have seen them before or after.
    pub(super) fn note_beside(&mut self, writer: u8, rows: &[Row], before: impl Fn(i64) -> Option<Bytes>) {
        let others = (0..).zip(&mut self.statements).filter(|(slot, other)| *slot != writer && other.running);
        for (_, other) in others {
            let change = |(key, after): &Row| Beside { key: *key, before: before(*key), after: after.clone() };
            other.beside.extend(rows.iter().map(change));
        }
    }

    /// The statement has ended: if it changed a row that it has not committed itself, that is part of the open
    /// transaction.
    pub fn end_statement(&mut self, slot: u8, changed: bool, in_transaction: bool, versions: &Versions) {
        let committed = self.statements[usize::from(slot)].published.take().is_some();
        if changed
            && in_transaction
            && !committed
            && let Some(row) = self.row_of(slot, versions)
        {
            let before = self.expected(row.0, versions).cloned();
            self.note_beside(slot, std::slice::from_ref(&row), |_| before.clone());
            self.writes.push(row);
        }
        let facts = &mut self.statements[usize::from(slot)];
        let ends = matches!(facts.kind, Some(StatementKind::Release | StatementKind::Commit | StatementKind::Rollback));
        if ends && !in_transaction {
            // Where nothing was changed no event says so.
            self.savepoints.clear();
        }
        *facts = StatementFacts { ordinal: facts.ordinal, ..StatementFacts::default() };
        self.transaction_snapshot = self.snapshot.filter(|_| in_transaction && self.reading.is_some());
    }

    /// The read transaction has ended.
    pub(super) fn end_read(&mut self) {
        (self.reading, self.stands_at) = (None, LogPoint::default());
        let snapshot = self.snapshot;
        self.current_mut().ended_in = snapshot;
    }

    /// What it reads, in words.
    pub fn reading_text(&self) -> String {
        let text = |Reading { slot, mark, at }| format!("{at} on slot {slot} with mark {mark}");
        self.reading.map_or("no snapshot".into(), text)
    }

    /// How many savepoints are open, that of a statement under way included.
    pub fn savepoints(&self) -> usize {
        self.savepoints.len()
    }

    /// Whether the open transaction has changed rows.
    pub fn changes_rows(&self) -> bool {
        !self.writes.is_empty()
    }

    /// The value that this connection must read for a key.
    pub fn expected<'a>(&'a self, key: i64, versions: &'a Versions) -> Option<&'a Bytes> {
        match self.writes.iter().rev().find(|(written, _)| *written == key) {
            Some((_, value)) => value.as_ref(),
            None => versions.row(key, self.snapshot?),
        }
    }

    /// The rows that the statement that is being stepped must read, and nothing else.
    fn view<'a>(&'a self, versions: &'a Versions) -> BTreeMap<i64, &'a Bytes> {
        // Once it has let its snapshot go, another statement may have begun on a newer one.
        let (snapshot, writes) = match self.current().ended_in {
            Some(commit) => (Some(commit), &[][..]),
            None => (self.snapshot, &self.writes[..]),
        };
        let mut rows: BTreeMap<i64, &Bytes> = match snapshot {
            Some(commit) => versions.rows(commit).collect(),
            None => BTreeMap::new(),
        };
        for (key, value) in writes {
            match value {
                Some(value) => rows.insert(*key, value),
                None => rows.remove(key),
            };
        }
        rows
    }

    /// Whether the statement that is being stepped may have read `found` under a key: the value there, or one that the
    /// connection's other statement has put there or taken away meanwhile.
    pub fn may_read(&self, key: i64, found: Option<&[u8]>, versions: &Versions) -> bool {
        let right = match self.current().ended_in {
            Some(commit) => versions.row(key, commit),
            None => self.expected(key, versions),
        };
        let is = |value: Option<&Bytes>| value.map(|bytes| &bytes[..]) == found;
        let mut beside = self.current().beside.iter().filter(|change| change.key == key);
        is(right)
            || beside.any(|change| is(change.before.as_ref()) || is(change.after.as_ref()))
            || self.rows_under_way(versions).any(|row| row.0 == key && is(row.1.as_ref()))
    }

    /// What the connection's other statements are just doing, done or not.
    fn rows_under_way(&self, versions: &Versions) -> impl Iterator<Item = Row> {
        let others = (0..STATEMENT_SLOTS as u8).filter(|slot| *slot != self.stepping);
        others.filter(|slot| self.statements[usize::from(*slot)].running).filter_map(|slot| self.row_of(slot, versions))
    }

    /// Whether a row was there before the statement that has just ended: its commit, if it made one, does not count.
    pub fn existed(&self, key: i64, versions: &Versions) -> bool {
        match self.current().published {
            Some(commit) => versions.row(key, commit - 1).is_some(),
            None => self.expected(key, versions).is_some(),
        }
    }

    /// The keys that the other statement may have changed while the current one ran.
    pub fn keys_beside(&self, versions: &Versions) -> BTreeSet<i64> {
        let ended = self.current().beside.iter().map(|change| change.key);
        ended.chain(self.rows_under_way(versions).map(|(key, _)| key)).collect()
    }

    /// All rows that the current statement must read, whatever happened beside it.
    pub fn expected_rows<'a>(&'a self, versions: &'a Versions) -> BTreeMap<i64, &'a Bytes> {
        self.view(versions)
    }

    /// The row that the statement in a slot leaves if it succeeds.
    fn row_of(&self, slot: u8, versions: &Versions) -> Option<Row> {
        let (key, effect) = self.statements[usize::from(slot)].current.as_ref()?;
        let value = match effect {
            Effect::Put(value) => Some(value.clone()),
            Effect::Delete => None,
            Effect::Append(element) => {
                let before = self.expected(*key, versions).map_or(&[][..], |bytes| bytes);
                Some(before.iter().chain(element.iter()).copied().collect())
            }
        };
        Some((*key, value))
    }

    /// The rows that a commit of the open transaction changes.
    pub(super) fn rows_to_commit(&self, versions: &Versions) -> Vec<Row> {
        let mut rows = self.writes.clone();
        rows.extend(self.row_of(self.stepping, versions));
        rows
    }
}

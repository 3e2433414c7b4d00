//! The facts about one connection.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use falken_models::connection::Op;
use falken_models::event::LogPoint;

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

/// What a statement does to a row if it succeeds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Stores this value.
    Put(Bytes),
    /// Appends these bytes.
    Append(Bytes),
    /// Deletes the row.
    Delete,
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
    /// Whether the statement under way has rolled its transaction back.
    pub rolled_back: bool,
    /// Whether an operation that the statement under way has submitted has failed.
    pub io_failed: bool,
    /// How many statements there have been.
    pub(super) statements: u32,
    /// The newest commit that had been acknowledged when the transaction's first statement began.
    pub acknowledged_before: u32,
    /// Whether it is in a write transaction.
    pub writing: bool,
    /// The commit that it published and has not been acknowledged for.
    pub published: Option<u32>,
    /// Whether that commit was published up to its own last frame.
    pub published_whole: bool,
    /// The pages in its unpublished frames.
    pub own_pages: BTreeMap<u32, u64>,
    /// The pages that the transaction has read from a file itself.
    pub loaded: Vec<u32>,
    /// The header that its checkpoint works from.
    pub checkpoint: Option<LogPoint>,
    /// The rows that its open transaction has changed, in order.
    writes: Vec<Row>,
    /// What the statement under way does.
    current: Option<(i64, Effect)>,
}

impl Hash for ConnFacts {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Self {
            reading,
            snapshot,
            snapshot_before,
            transaction_snapshot,
            rolled_back,
            io_failed,
            // Only compared with the statement of an operation in flight: see `Ledger::hash_connection`.
            statements: _,
            acknowledged_before,
            writing,
            published,
            published_whole,
            own_pages,
            loaded,
            checkpoint,
            writes,
            current,
        } = self;
        (reading, snapshot, snapshot_before, transaction_snapshot).hash(state);
        (rolled_back, io_failed, acknowledged_before, writing, published, published_whole).hash(state);
        (own_pages, loaded, checkpoint, writes, current).hash(state);
    }
}

impl ConnFacts {
    /// The connection is gone and another one has its number. Statements are counted on: operations of the old one may still
    /// end.
    pub fn reconnect(&mut self) {
        *self = Self { statements: self.statements, ..Self::default() };
    }

    pub(super) fn begin_write(&mut self) {
        self.writing = true;
        self.published = None;
    }

    pub(super) fn forget_changes(&mut self) {
        self.own_pages.clear();
        self.writes.clear();
        self.current = None;
    }

    /// A statement was submitted.
    pub fn begin_statement(&mut self, op: &Op) {
        self.statements += 1;
        (self.rolled_back, self.io_failed) = (false, false);
        self.current = match op {
            Op::Put { key, value } => Some((*key, Effect::Put(value.clone()))),
            Op::Append { key, element } => Some((*key, Effect::Append(element.clone()))),
            Op::Delete { key } => Some((*key, Effect::Delete)),
            Op::Begin(_)
            | Op::Get { .. }
            | Op::Scan
            | Op::Count
            | Op::Commit
            | Op::Rollback
            | Op::Checkpoint(_)
            | Op::Close => None,
        };
    }

    /// The statement has ended: if it changed a row, that is part of the open transaction.
    pub fn end_statement(&mut self, changed: bool, in_transaction: bool, versions: &Versions) {
        if changed && in_transaction {
            let row = self.current_row(versions);
            self.writes.extend(row);
        }
        self.current = None;
        self.transaction_snapshot = self.snapshot.filter(|_| in_transaction && self.reading.is_some());
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

    /// Whether a row was there before the statement that has just ended: its commit, if it made one, does not count.
    pub fn existed(&self, key: i64, versions: &Versions) -> bool {
        match self.published {
            Some(commit) => versions.row(key, commit - 1).is_some(),
            None => self.expected(key, versions).is_some(),
        }
    }

    /// All rows that this connection must read.
    pub fn expected_rows<'a>(&'a self, versions: &'a Versions) -> BTreeMap<i64, &'a Bytes> {
        let mut rows: BTreeMap<i64, &Bytes> = match self.snapshot {
            Some(commit) => versions.rows(commit).collect(),
            None => BTreeMap::new(),
        };
        for (key, value) in &self.writes {
            match value {
                Some(value) => rows.insert(*key, value),
                None => rows.remove(key),
            };
        }
        rows
    }

    /// The row that the statement under way leaves.
    fn current_row(&self, versions: &Versions) -> Option<Row> {
        let (key, effect) = self.current.as_ref()?;
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
        rows.extend(self.current_row(versions));
        rows
    }
}

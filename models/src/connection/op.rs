//! What a client can ask of a connection, and what it gets.

use crate::event::StatementKind;
use crate::sync::Arc;
use crate::wal::{CheckpointMode, CheckpointResult};

/// When a transaction takes its locks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BeginKind {
    /// With its first read and its first write.
    Deferred,
    /// At once, for writing.
    Immediate,
}

/// One statement. Outside BEGIN … COMMIT each is a transaction of its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the fields are explained by their variant")]
pub enum Op {
    /// Opens a transaction.
    Begin(BeginKind),
    /// Reads one row.
    Get { key: i64 },
    /// Stores one row.
    Put { key: i64, value: Arc<[u8]> },
    /// Appends to the value of one row.
    Append { key: i64, element: Arc<[u8]> },
    /// Deletes one row.
    Delete { key: i64 },
    /// Reads all rows.
    Scan,
    /// Counts all rows.
    Count,
    /// Ends the transaction and makes it durable and visible.
    Commit,
    /// Ends the transaction and undoes it.
    Rollback,
    /// Copies the log into the database file.
    Checkpoint(CheckpointMode),
    /// Undoes whatever is open; what [`close`](super::Connection::close) runs.
    Close,
}

impl Op {
    /// What kind of statement this is.
    pub fn kind(&self) -> StatementKind {
        match self {
            Self::Begin(_) => StatementKind::Begin,
            Self::Get { .. } => StatementKind::Get,
            Self::Put { .. } => StatementKind::Put,
            Self::Append { .. } => StatementKind::Append,
            Self::Delete { .. } => StatementKind::Delete,
            Self::Scan => StatementKind::Scan,
            Self::Count => StatementKind::Count,
            Self::Commit => StatementKind::Commit,
            Self::Rollback => StatementKind::Rollback,
            Self::Checkpoint(_) => StatementKind::Checkpoint,
            Self::Close => StatementKind::Close,
        }
    }

    /// The row concerned, 0 if none.
    pub fn key(&self) -> i64 {
        match self {
            Self::Get { key } | Self::Put { key, .. } | Self::Append { key, .. } | Self::Delete { key } => *key,
            Self::Begin(_)
            | Self::Scan
            | Self::Count
            | Self::Commit
            | Self::Rollback
            | Self::Checkpoint(_)
            | Self::Close => 0,
        }
    }
}

impl StatementKind {
    /// Whether the statement changes rows.
    pub const fn writes(self) -> bool {
        matches!(self, Self::Put | Self::Append | Self::Delete)
    }

    /// Whether the statement reads rows and changes nothing.
    pub const fn reads_only(self) -> bool {
        matches!(self, Self::Get | Self::Scan | Self::Count)
    }

    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Begin => "begin",
            Self::Get => "get",
            Self::Put => "put",
            Self::Append => "append",
            Self::Delete => "delete",
            Self::Scan => "scan",
            Self::Count => "count",
            Self::Commit => "commit",
            Self::Rollback => "rollback",
            Self::Checkpoint => "checkpoint",
            Self::Close => "close",
        }
    }
}

/// What a statement returned.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Done.
    Unit,
    /// The value of a row, if there is one.
    Value(Option<Vec<u8>>),
    /// Whether a row was deleted.
    Deleted(bool),
    /// All rows in ascending order of keys.
    Rows(Vec<(i64, Vec<u8>)>),
    /// How many rows there are.
    Count(u64),
    /// How far the checkpoint got.
    Checkpoint(CheckpointResult),
}

//! What a client can ask of a connection, and what it gets.

use std::fmt;

use crate::event::StatementKind;
use crate::session::STATEMENT_SLOTS;
use crate::sync::Arc;
use crate::wal::{CheckpointMode, CheckpointResult};

/// Which statement: the slot of a connection that it runs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StatementId {
    /// The connection.
    pub conn: u8,
    /// The slot, below [`STATEMENT_SLOTS`].
    pub slot: u8,
}

impl StatementId {
    /// The statement in the first slot of a connection, the only one of most clients.
    pub const fn first(conn: u8) -> Self {
        Self { conn, slot: 0 }
    }

    /// A position in a list of all statements of all connections.
    pub const fn index(self) -> usize {
        self.conn as usize * STATEMENT_SLOTS + self.slot as usize
    }
}

impl fmt::Display for StatementId {
    /// `c1`, or `c1/2` for the second slot of the connection.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.slot {
            0 => write!(f, "c{}", self.conn),
            slot => write!(f, "c{}/{}", self.conn, slot + 1),
        }
    }
}

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
    /// Moves the table to another root page, as a schema change may: who goes on with the old one reads a page that is
    /// none of the table's.
    ChangeLayout,
    /// Ends the transaction and makes it durable and visible.
    Commit,
    /// Ends the transaction and undoes it.
    Rollback,
    /// Opens a savepoint inside those that are open; outside a transaction it opens one.
    Savepoint,
    /// Closes the savepoint with this many around it, and those inside it.
    Release { depth: u8 },
    /// Undoes what was done since the savepoint with this many around it; it stays open.
    RollbackTo { depth: u8 },
    /// Copies the log into the database file.
    Checkpoint(CheckpointMode),
    /// Closes the connection: undoes whatever is open, and, if nobody else has the database open, copies the log into the
    /// database file and removes it. BUSY beside another statement.
    Close,
    /// Undoes whatever is open; what comes after [`give_up_all`](super::Connection::give_up_all) when a connection is dropped.
    Drop,
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
            Self::Savepoint => StatementKind::Savepoint,
            Self::Release { .. } => StatementKind::Release,
            Self::RollbackTo { .. } => StatementKind::RollbackTo,
            Self::Checkpoint(_) => StatementKind::Checkpoint,
            Self::Close => StatementKind::Close,
            Self::Drop => StatementKind::Drop,
            Self::ChangeLayout => StatementKind::ChangeLayout,
        }
    }

    /// The row concerned, 0 if none.
    pub fn key(&self) -> i64 {
        match self {
            Self::Get { key } | Self::Put { key, .. } | Self::Append { key, .. } | Self::Delete { key } => *key,
            Self::Begin(_)
            | Self::Scan
            | Self::Count
            | Self::ChangeLayout
            | Self::Commit
            | Self::Rollback
            | Self::Savepoint
            | Self::Release { .. }
            | Self::RollbackTo { .. }
            | Self::Checkpoint(_)
            | Self::Close
            | Self::Drop => 0,
        }
    }
}

impl StatementKind {
    /// Whether the statement changes rows, or where they are.
    pub const fn writes(self) -> bool {
        matches!(self, Self::Put | Self::Append | Self::Delete | Self::ChangeLayout)
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
            Self::Savepoint => "savepoint",
            Self::Release => "release",
            Self::RollbackTo => "rollback to",
            Self::Checkpoint => "checkpoint",
            Self::Close => "close",
            Self::Drop => "drop",
            Self::ChangeLayout => "change layout",
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

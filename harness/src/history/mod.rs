//! Histories: what clients asked of a database and what they were told, as data.
//!
//! A [`History`] is a list of transactions over integer keys. A key holds either a list that transactions append to,
//! or a register that they overwrite; the two can be mixed in one history, but not on one key. Names that are not
//! integers (other tools write `:x` or `"x"`) are kept in a [`Names`] table and stand in the data as integers.
//!
//! This module reads and writes histories and rejects malformed ones. It does not judge them: that is
//! [`check`](crate::check).
//!
//! Reading order: this file, then [`run`] (the histories of our own runs), [`event`] (events of files paired into
//! transactions), [`datum`] (the value both formats share), [`edn`], [`jsonl`], [`names`] and [`error`].

pub mod datum;
pub mod edn;
pub mod error;
pub mod event;
pub mod jsonl;
pub mod names;
pub mod run;
#[cfg(test)]
mod tests;

pub use error::HistoryError;
pub use names::Names;

/// What clients did and saw.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// The transactions, in the order of their invocation when they were read from a file. A transaction's place in
    /// this list is its id everywhere else.
    pub transactions: Vec<Transaction>,
    /// What the reserved integers in keys and elements stand for.
    pub names: Names,
}

/// One client's transaction, from call to return.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// The client. A client has at most one transaction at a time.
    pub process: u64,
    /// When the client called: a position in the order of all events, or any clock that never stands still.
    pub invoked: u64,
    /// When the call returned, on the same scale; `None` when it never did.
    pub completed: Option<u64>,
    /// What the client was told.
    pub outcome: Outcome,
    /// What the transaction did, in order.
    pub ops: Vec<MicroOp>,
}

/// What a client knows about its transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// It committed.
    Ok,
    /// It did not happen and never will.
    Fail,
    /// It may have happened, may still happen, or may never: an error came back, or nothing did.
    Info,
}

impl Outcome {
    /// The name in both file formats.
    pub const fn name(self) -> &'static str {
        match self {
            Outcome::Ok => "ok",
            Outcome::Fail => "fail",
            Outcome::Info => "info",
        }
    }
}

/// One read or write inside a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MicroOp {
    /// An element put at the end of a list.
    Append {
        /// The list.
        key: i64,
        /// The element; no two appends to one list may share it.
        element: i64,
    },
    /// A whole list read.
    ReadList {
        /// The list.
        key: i64,
        /// What was seen; `None` when the client never got it.
        elements: Option<Vec<i64>>,
    },
    /// A register overwritten.
    Write {
        /// The register.
        key: i64,
        /// The value; no two writes to one register may share it.
        value: i64,
    },
    /// A register read.
    ReadRegister {
        /// The register.
        key: i64,
        /// What was seen.
        value: RegisterRead,
    },
}

/// What a read of a register gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RegisterRead {
    /// The client never got the result.
    Unknown,
    /// Nothing had been written yet.
    Initial,
    /// The value that some write put there.
    Value(i64),
}

impl MicroOp {
    /// The key that is read or written.
    pub const fn key(&self) -> i64 {
        match self {
            MicroOp::Append { key, .. }
            | MicroOp::ReadList { key, .. }
            | MicroOp::Write { key, .. }
            | MicroOp::ReadRegister { key, .. } => *key,
        }
    }

    /// What kind of object the key must be for this operation.
    pub const fn object(&self) -> Object {
        match self {
            MicroOp::Append { .. } | MicroOp::ReadList { .. } => Object::List,
            MicroOp::Write { .. } | MicroOp::ReadRegister { .. } => Object::Register,
        }
    }

    /// The element or value that is written, if this is a write.
    pub const fn written(&self) -> Option<i64> {
        match self {
            MicroOp::Append { element, .. } => Some(*element),
            MicroOp::Write { value, .. } => Some(*value),
            MicroOp::ReadList { .. } | MicroOp::ReadRegister { .. } => None,
        }
    }
}

/// What a key holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Object {
    /// A list that grows at its end.
    List,
    /// One value that is overwritten.
    Register,
}

impl std::fmt::Display for Object {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Object::List => "list",
            Object::Register => "register",
        })
    }
}

//! Why a history cannot be read. Next: [`event`](super::event), which finds most of these.

use thiserror::Error;

use super::Object;

/// A malformed history: where, and why.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line}{}: {reason}", column.map(|c| format!(", column {c}")).unwrap_or_default())]
pub struct HistoryError {
    /// The line, from 1.
    pub line: usize,
    /// The column in bytes, from 1, when the fault has a place within its line.
    pub column: Option<usize>,
    /// What is wrong there.
    pub reason: Reason,
}

/// What is wrong with a history.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Reason {
    /// The text is not of its format.
    #[error("{0}")]
    Syntax(String),
    /// The top-level form is not an event.
    #[error("an event must be a map, not {0}")]
    NotAMap(String),
    /// A field that every event has is absent.
    #[error("the event has no {0}")]
    Missing(&'static str),
    /// A field has a value of the wrong kind.
    #[error("{field} must be {wanted}, not {found}")]
    Field {
        /// The field.
        field: &'static str,
        /// What it must be.
        wanted: &'static str,
        /// What it is.
        found: String,
    },
    /// An operation that is not a transaction.
    #[error("cannot judge operation {0}: only transactions (f = txn) are known")]
    UnknownFunction(String),
    /// A micro-operation that is none of the four.
    #[error("micro-operation {0} is not [append k e], [r k result] or [w k v]")]
    MicroOp(String),
    /// A client called while its earlier call was open.
    #[error("process {process} is invoked again while its call of line {open} is open")]
    AlreadyOpen {
        /// The client.
        process: u64,
        /// The line of the open call.
        open: usize,
    },
    /// A return without a call.
    #[error("process {0} completes a call that it never made")]
    NotInvoked(u64),
    /// A return with other micro-operations than its call had.
    #[error("the completion does not match its invocation of line {0}")]
    Mismatch(usize),
    /// One key is used as a list and as a register.
    #[error("key {key} is a {now} here and a {before} at line {other}")]
    MixedKey {
        /// The key.
        key: String,
        /// What this line takes it for.
        now: Object,
        /// What it was taken for first.
        before: Object,
        /// Where that was.
        other: usize,
    },
}

impl HistoryError {
    /// An error that concerns a whole line.
    pub(super) fn at(line: usize, reason: Reason) -> Self {
        HistoryError { line, column: None, reason }
    }
}

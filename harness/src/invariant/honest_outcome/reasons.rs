//! An error has a reason: a lock that was refused, a snapshot that is out of date, an operation that failed, a client that asked
//! for what cannot be. An engine that gives up for nothing breaks no snapshot and loses no data, but does not do its work.
//!
//! What is judged elsewhere: files that seem malformed (*RE-1*), and statements that say that they were abandoned or interrupted.

use falken_models::connection::{Op, StatementId};
use falken_models::io::CompletionError;
use falken_models::session::Error;

use crate::invariant::View;
use crate::ledger::ConnFacts;
use crate::verdict::Evidence;

pub(super) fn check(id: StatementId, op: &Op, error: Error, view: &View<'_>) -> Result<(), Evidence> {
    let Some(internals) = view.internals else { return Ok(()) };
    let (facts, config) = (&view.ledger.conns[usize::from(id.conn)], &internals.shared.config);
    let met = facts.current().met;
    // A statement beside this one may be in the way, or may have ended the transaction.
    let sibling = met.sibling;
    let missing = match error {
        Error::Busy if !(met.busy_lock || sibling) => "it was refused no lock",
        Error::BusySnapshot if !met.stale_snapshot => "its snapshot was the newest commit when it got WRITE",
        Error::Locked if !(view.in_transaction || sibling) => "no transaction is open",
        Error::Protocol if met.lost_races < config.read_retries => "it had tries left, or has lost tries to nobody",
        // Behind the last try it does not give way once more.
        Error::Protocol if !facts.current().contended => "nobody has won the last race",
        Error::Io(CompletionError::Aborted) => "whoever gives up what a statement waits for ends that statement",
        Error::Io(CompletionError::Cancelled) if !met.cancelled => "nobody from outside has cancelled anything",
        Error::Io(_) if !met.failed_io => "no operation of its connection has failed",
        Error::Full if has_room(facts, config.page_size, view) => {
            "the root has room for more leaves than there are rows"
        }
        Error::Interrupted if matches!(op, Op::Commit | Op::Rollback | Op::Close | Op::Drop) => {
            "what ends or undoes a transaction is not interrupted"
        }
        Error::Misuse if !(is_misuse(op, facts, view.in_transaction) || sibling) => {
            "the transaction is one for which that can be asked"
        }
        Error::Busy
        | Error::BusySnapshot
        | Error::Locked
        | Error::Protocol
        | Error::Io(_)
        | Error::Full
        | Error::Misuse
        | Error::Corrupt(_)
        | Error::Abandoned
        | Error::Interrupted => return Ok(()),
    };
    let summary = format!("{id} was told \"{error}\" by its {}, but {missing}", op.kind().name());
    Err(Evidence::new(summary).with("met", met).with("in a transaction", view.in_transaction))
}

/// Whether every leaf that the rows can need has a place in the root: each leaf has a row, and a leaf that splits becomes
/// three. A cell of the root takes at most 15 bytes, its pointer included.
fn has_room(facts: &ConnFacts, page_size: usize, view: &View<'_>) -> bool {
    const ROOT_HEADER: usize = 12;
    const CELL_MAX: usize = 4 + 9 + 2;
    let leaves_max = facts.expected_rows(&view.ledger.versions).len() + 2;
    ROOT_HEADER + leaves_max * CELL_MAX <= page_size
}

/// Whether that cannot be asked in, or outside, the transaction that is open after the statement as it was before.
fn is_misuse(op: &Op, facts: &ConnFacts, in_transaction: bool) -> bool {
    match op {
        Op::Begin(_) => in_transaction,
        Op::Commit | Op::Rollback => !in_transaction,
        Op::Release { depth } | Op::RollbackTo { depth } => {
            !in_transaction || usize::from(*depth) >= facts.savepoints()
        }
        Op::Savepoint
        | Op::Get { .. }
        | Op::Put { .. }
        | Op::Append { .. }
        | Op::Delete { .. }
        | Op::Scan
        | Op::Count
        | Op::ChangeLayout
        | Op::Checkpoint(_)
        | Op::Close
        | Op::Drop => false,
    }
}

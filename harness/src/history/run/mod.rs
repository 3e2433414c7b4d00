//! The history of a run of our own: what its clients called and were told, recorded as plain data while it goes on and
//! turned into a [`History`] when somebody wants to judge or keep it.
//!
//! Statements of one connection become transactions in `transactions`; which write a read has seen is found out from
//! the bytes in `versions`; `distil` puts both together. Three decisions:
//!
//! * **A key whose writes are all appends is a list**, any other one a register. An append to a register reads the
//!   version that it builds on, and whoever sees its result tells which one that was.
//! * **A value that two writes may have made says nothing**: the read of it has no result. So does an absent row once
//!   something has deleted it, and a read beside which a statement of the same connection wrote.
//! * **A power loss ends a life.** What is read back is one transaction, the *recovery*, that reads every key of the life
//!   before and writes every key of the life after, under other names. It may be older than what had been acknowledged
//!   (under NORMAL), so it is called right after the last return of which the fsyncs say that nothing it can have seen is
//!   lost. Where nothing may be lost, as after a process crash, it is called when the crash strikes, and life goes on.
//!   That the survivors are a prefix is then the same question as that the history is serializable.

mod distil;
mod transactions;
mod versions;

#[cfg(test)]
mod tests;

use falken_models::connection::{Op, Outcome, StatementId};
use falken_models::session::Error;

use super::History;
use crate::parser::Rows;

/// One thing that a client did or was told, or a crash.
#[derive(Clone, Debug)]
enum Entry {
    /// A statement was called; `in_transaction` says whether its connection had an explicit transaction open.
    Call { id: StatementId, op: Op, in_transaction: bool },
    /// It has returned; again with whether a transaction is open, and with the number of commits that a reader can have seen.
    Return { id: StatementId, result: Result<Outcome, Error>, in_transaction: bool, published: u32 },
    /// The machine went down and came back with these rows.
    Crash { rows: Rows, survivors: Survivors, life: Life, published: u32 },
}

/// What a recovery owes to those who returned before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Survivors {
    /// All that was acknowledged.
    All,
    /// What was acknowledged up to this commit; the rest may be lost from some commit on.
    UpTo(u32),
    /// Nothing that a history could tell: a commit has come back that clients had been told to be lost.
    Unclear,
}

/// Whether what was lost may have been seen before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    /// Nobody misses anything that somebody saw.
    GoesOn,
    /// What follows builds on another state.
    BeginsAnew,
}

/// A crash as its judge sees it; commits are numbered as by the [`Ledger`](crate::ledger::Ledger).
#[derive(Debug)]
pub struct Recovery {
    /// What was read back.
    pub rows: Rows,
    /// Up to which commit the fsyncs say that nothing is lost; `None` if nothing that anybody can have seen may be lost.
    pub synced: Option<u32>,
    /// Whether a commit has come back that had been lost or had failed before.
    pub is_ghost: bool,
    /// The commit that the recovered state begins with.
    pub commit: u32,
    /// The newest commit from now on.
    pub published: u32,
}

/// Records what clients do, in the order in which they do it.
#[derive(Clone, Debug, Default)]
pub struct Recorder {
    entries: Vec<Entry>,
    /// The commit on which the life under way has begun.
    base: u32,
}

impl Recorder {
    /// A statement is called.
    pub fn call(&mut self, id: StatementId, op: Op, in_transaction: bool) {
        self.entries.push(Entry::Call { id, op, in_transaction });
    }

    /// A statement has returned; `published` is the number of the newest commit that readers see.
    pub fn returned(&mut self, id: StatementId, result: Result<Outcome, Error>, in_transaction: bool, published: u32) {
        self.entries.push(Entry::Return { id, result, in_transaction, published });
    }

    /// The machine has gone down and come back.
    pub fn crash(&mut self, recovery: Recovery) {
        let Recovery { rows, synced, is_ghost, commit, published } = recovery;
        // A state from before this life has other names.
        let survivors = match synced {
            _ if is_ghost || commit < self.base => Survivors::Unclear,
            None => Survivors::All,
            Some(synced) => Survivors::UpTo(synced),
        };
        let life = if survivors == Survivors::All { Life::GoesOn } else { Life::BeginsAnew };
        if life == Life::BeginsAnew {
            self.base = published;
        }
        self.entries.push(Entry::Crash { rows, survivors, life, published });
    }

    /// The history so far. What is under way has an unknown outcome.
    pub fn history(&self) -> History {
        distil::distil(&self.entries)
    }
}

//! The work of a statement, between getting its locks and ending its transaction.

use strum::VariantNames;

use super::op::{Op, Outcome};
use crate::io::StateTransition;
use crate::io::TransitionResult::Done;
use crate::session::{Error, Session, Turn};
use crate::table::{Append, ChangeLayout, Count, Delete, Get, Put, Scan};
use crate::turn;
use crate::visits::first_state;
use crate::wal::Checkpoint;

/// The machine behind an operation on the table or the log.
#[derive(Debug, Hash, VariantNames)]
pub(super) enum Body {
    Get(Get),
    Put(Box<Put>),
    Append(Append),
    Delete(Box<Delete>),
    Scan(Scan),
    Count(Count),
    Checkpoint(Box<Checkpoint>),
    ChangeLayout(ChangeLayout),
}

impl Body {
    /// The machine of an operation that has one.
    ///
    /// # Panics
    /// For operations that only begin, mark or end a transaction.
    pub(super) fn new(op: &Op) -> Self {
        match op {
            Op::Get { key } => Self::Get(Get::new(*key)),
            Op::Put { key, value } => Self::Put(Box::new(Put::new(*key, value))),
            Op::Append { key, element } => Self::Append(Append::new(*key, element.clone())),
            Op::Delete { key } => Self::Delete(Box::new(Delete::new(*key))),
            Op::Scan => Self::Scan(Scan::default()),
            Op::Count => Self::Count(Count::default()),
            Op::ChangeLayout => Self::ChangeLayout(ChangeLayout::default()),
            Op::Checkpoint(mode) => Self::Checkpoint(Box::new(Checkpoint::new(*mode))),
            Op::Begin(_)
            | Op::Commit
            | Op::Rollback
            | Op::Savepoint
            | Op::Release { .. }
            | Op::RollbackTo { .. }
            | Op::Close
            | Op::Drop => unreachable!("has no body"),
        }
    }

    /// Whether it reads or changes the table, and so goes by its layout.
    pub(super) fn goes_by_layout(&self) -> bool {
        !matches!(self, Self::Checkpoint(_))
    }

    /// Something to stand where a machine was taken out.
    pub(super) fn placeholder() -> Self {
        Self::Count(Count::default())
    }

    /// Pages have changed since the last turn: a reader finds its place again by key.
    pub(super) fn reposition(&mut self) {
        match self {
            Self::Get(get) => get.reposition(),
            Self::Scan(scan) => scan.reposition(),
            Self::Count(count) => count.reposition(),
            // While these write, nobody else does.
            Self::Put(_) | Self::Append(_) | Self::Delete(_) | Self::ChangeLayout(_) | Self::Checkpoint(_) => {}
        }
    }
}

impl StateTransition<Session> for Body {
    type Output = Outcome;
    type Error = Error;

    fn transition(&mut self, s: &mut Session) -> Turn<Outcome> {
        s.enter(const { first_state("statement.body") }, self);
        Ok(Done(match self {
            Self::Get(get) => Outcome::Value(turn!(get.transition(s))),
            Self::Put(put) => {
                turn!(put.transition(s));
                Outcome::Unit
            }
            Self::Append(append) => {
                turn!(append.transition(s));
                Outcome::Unit
            }
            Self::Delete(delete) => Outcome::Deleted(turn!(delete.transition(s))),
            Self::ChangeLayout(change) => {
                turn!(change.transition(s));
                Outcome::Unit
            }
            Self::Scan(scan) => Outcome::Rows(turn!(scan.transition(s))),
            Self::Count(count) => Outcome::Count(turn!(count.transition(s))),
            Self::Checkpoint(checkpoint) => Outcome::Checkpoint(turn!(checkpoint.transition(s))),
        }))
    }
}

//! The work of a statement, between getting its locks and ending its transaction.

use strum::VariantNames;

use super::op::{Op, Outcome};
use crate::io::StateTransition;
use crate::io::TransitionResult::Done;
use crate::session::{Error, Session, Turn};
use crate::table::{Append, ChangeLayout, Count, Delete, Get, Put, ReadLayout, Scan};
use crate::turn;
use crate::visits::first_state;
use crate::wal::Checkpoint;

/// The machine behind an operation on the table or the log.
#[derive(Debug, Hash)]
pub(super) struct Body {
    /// Where layouts may change, the work goes on when it is known which one there is.
    layout: Option<ReadLayout>,
    work: Work,
}

#[derive(Debug, Hash, VariantNames)]
pub(super) enum Work {
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
    pub(super) fn new(op: &Op, s: &Session) -> Self {
        let mut body = Self { layout: None, work: Work::new(op) };
        body.look_at_layout(s);
        body
    }

    fn look_at_layout(&mut self, s: &Session) {
        let goes_by_layout = !matches!(self.work, Work::Checkpoint(_));
        self.layout = (s.shared.config.layout_changes && goes_by_layout).then(ReadLayout::default);
    }

    /// Something to stand where a machine was taken out.
    pub(super) fn placeholder() -> Self {
        Self { layout: None, work: Work::Count(Count::default()) }
    }

    /// Pages have changed since the last turn: the layout may be another one, and a reader finds its place again by key.
    pub(super) fn reposition(&mut self, s: &Session) {
        self.look_at_layout(s);
        match &mut self.work {
            Work::Get(get) => get.reposition(),
            Work::Scan(scan) => scan.reposition(),
            Work::Count(count) => count.reposition(),
            // While these write, nobody else does.
            Work::Put(_) | Work::Append(_) | Work::Delete(_) | Work::ChangeLayout(_) | Work::Checkpoint(_) => {}
        }
    }
}

impl Work {
    fn new(op: &Op) -> Self {
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
}

impl StateTransition<Session> for Body {
    type Output = Outcome;
    type Error = Error;

    fn transition(&mut self, s: &mut Session) -> Turn<Outcome> {
        s.enter(const { first_state("statement.body") }, &self.work);
        if let Some(read) = &mut self.layout {
            turn!(read.transition(s));
            self.layout = None;
        }
        Ok(Done(match &mut self.work {
            Work::Get(get) => Outcome::Value(turn!(get.transition(s))),
            Work::Put(put) => {
                turn!(put.transition(s));
                Outcome::Unit
            }
            Work::Append(append) => {
                turn!(append.transition(s));
                Outcome::Unit
            }
            Work::Delete(delete) => Outcome::Deleted(turn!(delete.transition(s))),
            Work::ChangeLayout(change) => {
                turn!(change.transition(s));
                Outcome::Unit
            }
            Work::Scan(scan) => Outcome::Rows(turn!(scan.transition(s))),
            Work::Count(count) => Outcome::Count(turn!(count.transition(s))),
            Work::Checkpoint(checkpoint) => Outcome::Checkpoint(turn!(checkpoint.transition(s))),
        }))
    }
}

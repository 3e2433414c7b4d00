//! One statement: get the locks, do the work, commit or end, and undo everything on the way out if something fails.

use super::commit::Commit;
use super::op::{BeginKind, Op, Outcome};
use crate::bug::Bug;
use crate::event::{EventKind, StatementKind};
use crate::io::StateTransition;
use crate::io::TransitionResult::{Continue, Done};
use crate::session::{Error, Session, Turn};
use crate::site::Site;
use crate::table::{Append, Count, Delete, Get, Put, Scan};
use crate::turn;
use crate::wal::{BeginRead, BeginWrite, Checkpoint, EndRead, Rollback, UseLog};

/// The work of a statement, between getting its locks and ending its transaction.
#[derive(Debug, Hash)]
enum Body {
    Get(Get),
    Put(Box<Put>),
    Append(Append),
    Delete(Box<Delete>),
    Scan(Scan),
    Count(Count),
    Checkpoint(Box<Checkpoint>),
}

impl StateTransition<Session> for Body {
    type Output = Outcome;
    type Error = Error;

    fn transition(&mut self, s: &mut Session) -> Turn<Outcome> {
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
            Self::Scan(scan) => Outcome::Rows(turn!(scan.transition(s))),
            Self::Count(count) => Outcome::Count(turn!(count.transition(s))),
            Self::Checkpoint(checkpoint) => Outcome::Checkpoint(turn!(checkpoint.transition(s))),
        }))
    }
}

#[derive(Debug, Hash)]
enum Phase {
    Start,
    BeginRead(Box<BeginRead>),
    BeginWrite(BeginWrite),
    /// WRITE was busy or the snapshot too old: let go, give way, and begin again on a fresh snapshot.
    BeginAgain(EndRead),
    Body(Body),
    Commit(Commit),
    EndRead(EndRead),
    Unwind(Rollback),
    End,
}

/// One statement from its first step to its last.
#[derive(Debug, Hash)]
pub(super) struct Statement {
    op: Op,
    phase: Phase,
    outcome: Result<Outcome, Error>,
    retries: u32,
    /// The read transaction is this statement's own, so it may be begun again.
    owns_read: bool,
    /// The yield of `Config::rehearse_change` is still to come.
    rehearses: bool,
}

/// The outcome of a statement that has ended.
type Ended = Result<Outcome, Error>;

impl Statement {
    pub(super) fn new(op: Op) -> Self {
        Self { op, phase: Phase::Start, outcome: Ok(Outcome::Unit), retries: 0, owns_read: false, rehearses: true }
    }

    /// A statement with nothing left to do.
    pub(super) fn ended(kind: StatementKind) -> Self {
        debug_assert_eq!(kind, StatementKind::Close);
        Self { phase: Phase::End, ..Self::new(Op::Close) }
    }

    pub(super) fn kind(&self) -> StatementKind {
        self.op.kind()
    }

    pub(super) fn runs_body(&self) -> bool {
        matches!(self.phase, Phase::Body(_))
    }

    /// Drops the body and leaves the transaction as it is.
    pub(super) fn stop_body(&mut self, error: Error) {
        self.phase = Phase::End;
        self.outcome = Err(error);
    }

    /// Undoes everything and ends with `error`.
    pub(super) fn unwind(&mut self, s: &mut Session, error: Error) {
        self.outcome = Err(error);
        self.phase = Phase::Unwind(Rollback::default());
        s.explicit = false;
    }

    /// What the planted pin leak does: the machine is forgotten together with the pins in it.
    pub(super) fn leak_machine(&mut self) {
        if let Phase::Body(body) = std::mem::replace(&mut self.phase, Phase::Start) {
            let rest = Body::Count(Count::default());
            std::mem::forget(std::mem::replace(&mut self.phase, Phase::Body(rest)));
            std::mem::forget(body);
        }
    }

    /// Decides what an error means. Errors that come before anything was changed leave an open transaction alone.
    pub(super) fn fail(&mut self, s: &mut Session, error: Error) {
        let changed_nothing =
            matches!(error, Error::Busy | Error::BusySnapshot | Error::Full | Error::Locked | Error::Misuse);
        if matches!(self.phase, Phase::BeginWrite(_)) && changed_nothing {
            let again = self.owns_read && self.retries < s.shared.config.busy_retries;
            if again {
                self.retries += 1;
                self.phase = Phase::BeginAgain(EndRead);
                return;
            }
        }
        if s.explicit && changed_nothing && !matches!(self.phase, Phase::Unwind(_)) {
            self.outcome = Err(error);
            // A read start that gave up may hold locks of a recovery; everything else holds what its transaction needs.
            let may_hold_locks = matches!(self.phase, Phase::BeginRead(_));
            self.phase = if may_hold_locks { Phase::Unwind(Rollback::default()) } else { Phase::End };
            return;
        }
        if matches!(self.phase, Phase::Commit(_)) && s.planted(Bug::CommitErrorLeavesDanglingTx) {
            s.explicit = false;
            self.outcome = Err(error);
            self.phase = Phase::End;
            return;
        }
        self.unwind(s, error);
    }

    fn body(&self) -> Body {
        match &self.op {
            Op::Get { key } => Body::Get(Get::new(*key)),
            Op::Put { key, value } => Body::Put(Box::new(Put::new(*key, value))),
            Op::Append { key, element } => Body::Append(Append::new(*key, element.clone())),
            Op::Delete { key } => Body::Delete(Box::new(Delete::new(*key))),
            Op::Scan => Body::Scan(Scan::default()),
            Op::Count => Body::Count(Count::default()),
            Op::Checkpoint(mode) => Body::Checkpoint(Box::new(Checkpoint::new(*mode))),
            Op::Begin(_) | Op::Commit | Op::Rollback | Op::Close => unreachable!("has no body"),
        }
    }

    /// The first turn: what this statement needs before its work.
    fn start(&mut self, s: &mut Session) -> Result<Phase, Error> {
        s.emit(EventKind::StatementBegin { kind: self.kind(), key: self.op.key() });
        Ok(match &self.op {
            Op::Begin(_) if s.explicit => return Err(Error::Misuse),
            Op::Commit | Op::Rollback if !s.explicit => return Err(Error::Misuse),
            Op::Begin(BeginKind::Deferred) => {
                s.explicit = true;
                Phase::End
            }
            Op::Commit if s.view.writing => Phase::Commit(Commit::default()),
            Op::Commit => {
                s.explicit = false;
                Phase::EndRead(EndRead)
            }
            Op::Rollback | Op::Close => {
                s.explicit = false;
                Phase::Unwind(Rollback::default())
            }
            Op::Checkpoint(_) if s.explicit => return Err(Error::Locked),
            Op::Checkpoint(_) => Phase::Body(self.body()),
            Op::Begin(BeginKind::Immediate)
            | Op::Get { .. }
            | Op::Put { .. }
            | Op::Append { .. }
            | Op::Delete { .. }
            | Op::Scan
            | Op::Count => {
                self.owns_read = s.view.slot.is_none();
                if self.owns_read { begin_read() } else { self.after_read(s) }
            }
        })
    }

    fn after_read(&self, s: &Session) -> Phase {
        let writes = self.kind().writes() || matches!(self.op, Op::Begin(_));
        if writes && !s.view.writing { Phase::BeginWrite(BeginWrite::default()) } else { Phase::Body(self.body()) }
    }

    /// One turn. `Done` holds the statement's outcome, which may be an error; `Err` is an error that the statement has
    /// not dealt with yet.
    pub(super) fn transition(&mut self, s: &mut Session) -> Turn<Ended> {
        match &mut self.phase {
            Phase::Start if s.shared.config.rehearse_change && self.rehearses => {
                self.rehearses = false;
                return s.give_way(Site::Rehearsal);
            }
            Phase::Start => self.phase = self.start(s)?,
            Phase::BeginRead(begin) => {
                turn!(begin.transition(s));
                self.phase = self.after_read(s);
            }
            Phase::BeginWrite(begin) => {
                turn!(begin.transition(s));
                self.phase = if let Op::Begin(_) = self.op {
                    s.explicit = true;
                    Phase::End
                } else {
                    Phase::Body(self.body())
                };
            }
            Phase::BeginAgain(end) => {
                turn!(end.transition(s));
                self.phase = begin_read();
                return if s.planted(Bug::WalRetryLoopInsideStep) { Ok(Continue) } else { s.give_way(Site::WriteBusy) };
            }
            Phase::Body(body) => {
                self.outcome = Ok(turn!(body.transition(s)));
                self.phase = if s.explicit || matches!(self.op, Op::Checkpoint(_)) {
                    Phase::End
                } else if s.view.writing {
                    Phase::Commit(Commit::default())
                } else {
                    Phase::EndRead(EndRead)
                };
            }
            Phase::Commit(commit) => {
                turn!(commit.transition(s));
                s.explicit = false;
                self.phase = Phase::EndRead(EndRead);
            }
            Phase::EndRead(end) => {
                turn!(end.transition(s));
                self.phase = Phase::End;
            }
            Phase::Unwind(rollback) => {
                turn!(rollback.transition(s));
                self.phase = Phase::End;
            }
            Phase::End => {
                return Ok(Done(std::mem::replace(&mut self.outcome, Ok(Outcome::Unit))));
            }
        }
        Ok(Continue)
    }
}

fn begin_read() -> Phase {
    Phase::BeginRead(Box::new(BeginRead::new(UseLog::IfNeeded)))
}

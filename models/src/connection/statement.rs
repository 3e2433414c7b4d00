//! One statement: get the locks, do the work, commit or end, and undo what it did if something fails.

use strum::VariantNames;

use super::body::Body;
use super::commit::Commit;
use super::create::OpenOrCreate;
use super::op::{BeginKind, Op, Outcome};
use crate::bug::Bug;
use crate::event::{EventKind, StatementKind};
use crate::io::StateTransition;
use crate::io::TransitionResult::{Continue, Done};
use crate::pager::{UndoTo, give_up_spill, open_savepoint, release_savepoint, settle_spill};
use crate::session::{Error, Session, Turn};
use crate::site::Site;
use crate::table::forget_undone_layout;
use crate::turn;
use crate::visits::first_state;
use crate::wal::{
    BeginRead, BeginWrite, Checkpoint, CheckpointMode, CloseLog, EndRead, LockId, ReleaseLocks, Rollback, UseLog,
};

#[derive(Debug, Hash, VariantNames)]
pub(super) enum Phase {
    Start,
    /// The database file is opened, and created if it must be.
    Open(Box<OpenOrCreate>),
    BeginRead(Box<BeginRead>),
    BeginWrite(BeginWrite),
    /// WRITE was busy or the snapshot too old: let go, give way, and begin again on a fresh snapshot.
    BeginAgain(EndRead),
    Body(Box<Body>),
    /// The work is done, and a page that was spilled meanwhile is still being written.
    Spill,
    Commit(Commit),
    /// ROLLBACK TO.
    UndoTo(UndoTo),
    /// The statement has failed: what it did is undone, the transaction goes on.
    UndoStatement(UndoTo),
    /// The write transaction is undone.
    Unwind(Rollback),
    /// A protocol was given up in the middle.
    Release(ReleaseLocks),
    EndRead(EndRead),
    AutoCheckpoint(Box<Checkpoint>),
    /// Like the last, after a failure of it, or when a connection was dropped: nobody is told.
    AutoRelease(ReleaseLocks),
    /// The connection is being closed, with nothing left to undo.
    Close(CloseLog),
    End,
}

/// One statement from its first step to its last.
#[derive(Debug, Hash)]
pub(super) struct Statement {
    op: Op,
    phase: Phase,
    outcome: Result<Outcome, Error>,
    retries: u32,
    /// The first step has been announced.
    begun: bool,
    /// The read transaction is this statement's own, so it may be begun again.
    owns_read: bool,
    /// The savepoint that undoes the statement alone.
    undo_depth: Option<u8>,
    /// The changes of the connection when the body last took a turn.
    seen_changes: u64,
    /// It has committed changes.
    committed: bool,
    /// Its rollback ends the transaction, and does not just undo the statement's own.
    ends_transaction: bool,
    /// The yield of `Config::rehearse_change` is still to come.
    rehearses: bool,
}

/// The outcome of a statement that has ended.
type Ended = Result<Outcome, Error>;

impl Statement {
    pub(super) fn new(op: Op) -> Self {
        Self {
            op,
            phase: Phase::Start,
            outcome: Ok(Outcome::Unit),
            retries: 0,
            begun: false,
            owns_read: false,
            undo_depth: None,
            seen_changes: 0,
            committed: false,
            ends_transaction: false,
            rehearses: true,
        }
    }

    /// A statement that was dropped with nothing left to undo.
    pub(super) fn dropped(op: Op) -> Self {
        Self { phase: Phase::End, begun: true, outcome: Err(Error::Abandoned), ..Self::new(op) }
    }

    pub(super) fn kind(&self) -> StatementKind {
        self.op.kind()
    }

    /// Where it is, in words.
    pub(super) fn stage(&self) -> &'static str {
        match &self.phase {
            Phase::Start => "start",
            Phase::Open(_) => "open",
            Phase::BeginRead(_) => "begin read",
            Phase::BeginWrite(_) => "begin write",
            Phase::BeginAgain(_) => "begin again",
            Phase::Body(_) => "work",
            Phase::Spill => "finish spill",
            Phase::Commit(commit) => commit.stage(),
            Phase::UndoTo(_) => "undo to savepoint",
            Phase::UndoStatement(_) => "undo statement",
            Phase::Unwind(_) => "roll back",
            Phase::Release(_) => "release locks",
            Phase::EndRead(_) => "end read",
            Phase::AutoCheckpoint(_) => "checkpoint after commit",
            Phase::AutoRelease(_) => "release locks after checkpoint",
            Phase::Close(_) => "close",
            Phase::End => "end",
        }
    }

    /// Whether an interrupt ends it: what ends or undoes a transaction is not interrupted.
    pub(super) fn heeds_interrupts(&self) -> bool {
        matches!(
            self.phase,
            Phase::Start | Phase::Open(_) | Phase::BeginRead(_) | Phase::BeginWrite(_) | Phase::Body(_) | Phase::Spill
        ) && !matches!(self.op, Op::Commit | Op::Rollback | Op::Close | Op::Drop)
    }

    /// What the planted pin leak does: the machine is forgotten together with the pins in it.
    pub(super) fn leak_machine(&mut self) {
        if let Phase::Body(body) = &mut self.phase {
            std::mem::forget(std::mem::replace(&mut **body, Body::placeholder()));
        }
    }

    /// What the planted teardown does to a sibling that commits.
    pub(super) fn restart_commit(&mut self) {
        if let Phase::Commit(_) = self.phase {
            self.phase = Phase::Commit(Commit::default());
        }
    }

    /// What it has to say is settled, and the rest goes on whatever happens.
    fn is_ending(&self) -> bool {
        match self.phase {
            Phase::UndoTo(_)
            | Phase::UndoStatement(_)
            | Phase::Unwind(_)
            | Phase::Release(_)
            | Phase::EndRead(_)
            | Phase::AutoRelease(_)
            | Phase::End => true,
            Phase::Start
            | Phase::Open(_)
            | Phase::BeginRead(_)
            | Phase::BeginWrite(_)
            | Phase::BeginAgain(_)
            | Phase::Body(_)
            | Phase::Spill
            | Phase::Commit(_)
            | Phase::AutoCheckpoint(_)
            | Phase::Close(_) => false,
        }
    }

    /// Decides what an error means. Whatever the statement has changed is undone; the transaction goes on unless it was
    /// the statement's own, or the statement was to end it.
    pub(super) fn fail(&mut self, s: &mut Session, error: Error) {
        s.mine().must_finish = false;
        give_up_spill(s);
        if self.is_ending() {
            return;
        }
        if matches!(self.phase, Phase::BeginWrite(_)) && matches!(error, Error::Busy | Error::BusySnapshot) {
            let alone = self.owns_read && !s.transaction_goes_on();
            if alone && self.retries < s.shared.config.busy_retries {
                self.retries += 1;
                self.phase = Phase::BeginAgain(EndRead);
                return;
            }
        }
        if let Phase::AutoCheckpoint(_) = self.phase {
            self.phase = Phase::AutoRelease(ReleaseLocks::default());
            return;
        }
        self.outcome = Err(error);
        let keeps_half = error == Error::Abandoned && s.planted(Bug::AbandonPartialStatementKept);
        self.phase = match (&self.phase, self.undo_depth) {
            (Phase::Start, _) => Phase::End,
            // What is left of a close that was given up is a drop.
            (
                Phase::Open(_) | Phase::BeginRead(_) | Phase::BeginWrite(_) | Phase::BeginAgain(_) | Phase::Close(_),
                _,
            ) => Phase::Release(ReleaseLocks::default()),
            (Phase::Body(_) | Phase::Spill, Some(_)) if s.explicit && keeps_half => self.undone(s),
            // Without a read slot, lost while moving to another one, the transaction cannot go on.
            (Phase::Body(_) | Phase::Spill, Some(depth)) if s.view.slot.is_some() => {
                Phase::UndoStatement(UndoTo::new(depth))
            }
            (Phase::Body(_) | Phase::Spill, None) if s.writer == Some(s.slot) || self.drops_unfinished_write(s) => {
                Phase::Unwind(Rollback::default())
            }
            // A reader has no locks of its own, unless it was just spilling a page.
            (Phase::Body(_) | Phase::Spill, None) if !s.has_control() => Phase::EndRead(EndRead),
            (Phase::Body(_) | Phase::Spill, None) => Phase::Release(ReleaseLocks::default()),
            (Phase::Commit(_), _) if s.planted(Bug::CommitErrorLeavesDanglingTx) => {
                s.explicit = false;
                s.mine().in_transaction = false;
                s.release_writer();
                Phase::End
            }
            _ => {
                self.ends_transaction = true;
                Phase::Unwind(Rollback::default())
            }
        };
    }

    /// Only with the planted bug: the commit of a sibling that has returned OK was left to this reader.
    fn drops_unfinished_write(&self, s: &Session) -> bool {
        s.planted(Bug::StmtReaderDropRollsBackWrite) && s.view.writing && !s.transaction_goes_on()
    }

    /// The statement's own savepoint is not needed any more.
    fn undone(&mut self, s: &mut Session) -> Phase {
        let is_left = s.planted(Bug::InterruptLeavesSavepoint) && self.outcome == Err(Error::Interrupted);
        if let Some(depth) = self.undo_depth.take().filter(|_| !is_left) {
            release_savepoint(s, depth);
        }
        s.release_writer();
        Phase::EndRead(EndRead)
    }

    /// The first turns: what this statement needs before its work.
    fn start(&mut self, s: &mut Session) -> Result<Phase, Error> {
        let sibling_writes = s.sibling_writes();
        match &self.op {
            Op::Begin(_) if s.explicit => Err(Error::Misuse),
            Op::Commit | Op::Rollback | Op::Release { .. } | Op::RollbackTo { .. } if !s.explicit => Err(Error::Misuse),
            Op::Release { depth } | Op::RollbackTo { depth } if *depth >= s.savepoints.depth() => Err(Error::Misuse),
            // A transaction can neither begin nor end while a statement changes it.
            Op::Begin(_) | Op::Commit | Op::Rollback | Op::Savepoint | Op::Release { .. } | Op::RollbackTo { .. }
                if sibling_writes =>
            {
                Err(Error::Busy)
            }
            Op::Begin(BeginKind::Deferred) => {
                s.explicit = true;
                Ok(Phase::End)
            }
            Op::Commit => Ok(self.commit(s)),
            Op::Release { depth: 0 } if s.opened_by_savepoint => Ok(self.commit(s)),
            Op::Release { depth } => {
                release_savepoint(s, *depth);
                Ok(Phase::End)
            }
            Op::RollbackTo { depth } => Ok(Phase::UndoTo(UndoTo::new(*depth))),
            Op::Savepoint => {
                s.opened_by_savepoint |= !s.explicit;
                s.explicit = true;
                open_savepoint(s);
                Ok(Phase::End)
            }
            Op::Close if s.sibling_runs() => Err(Error::Busy),
            Op::Rollback | Op::Close | Op::Drop => {
                if self.op == Op::Drop && s.open && s.planted(Bug::ConnDropLetsFileGoFirst) {
                    s.open = false;
                    s.unlock(LockId::DATABASE);
                }
                self.ends_transaction = true;
                Ok(Phase::Unwind(Rollback::default()))
            }
            Op::Checkpoint(_) => {
                let busy = s.transaction_goes_on() && !s.planted(Bug::StmtCheckpointUnderSuspended);
                if busy {
                    return Err(Error::Locked);
                }
                if s.planted(Bug::StmtCheckpointUnderSuspended) {
                    s.pages.clear();
                }
                Ok(Phase::Body(Box::new(Body::new(&self.op, s))))
            }
            Op::Begin(BeginKind::Immediate)
            | Op::Get { .. }
            | Op::Put { .. }
            | Op::Append { .. }
            | Op::Delete { .. }
            | Op::Scan
            | Op::Count
            | Op::ChangeLayout => {
                self.owns_read = s.view.slot.is_none();
                Ok(if self.owns_read { begin_read() } else { self.after_read(s) })
            }
        }
    }

    /// Whether it needs the database file.
    fn opens(&self) -> bool {
        match self.op {
            Op::Get { .. }
            | Op::Put { .. }
            | Op::Append { .. }
            | Op::Delete { .. }
            | Op::Scan
            | Op::Count
            | Op::ChangeLayout
            | Op::Checkpoint(_)
            | Op::Begin(BeginKind::Immediate) => true,
            Op::Begin(BeginKind::Deferred)
            | Op::Commit
            | Op::Rollback
            | Op::Savepoint
            | Op::Release { .. }
            | Op::RollbackTo { .. }
            | Op::Close
            | Op::Drop => false,
        }
    }

    fn commit(&mut self, s: &mut Session) -> Phase {
        if s.view.writing {
            return Phase::Commit(Commit::default());
        }
        s.explicit = false;
        s.savepoints.clear();
        Phase::EndRead(EndRead)
    }

    fn writes(&self) -> bool {
        self.kind().writes() || matches!(self.op, Op::Begin(_))
    }

    fn after_read(&mut self, s: &mut Session) -> Phase {
        s.mine().in_transaction = true;
        if self.writes() && !s.view.writing {
            return Phase::BeginWrite(BeginWrite::default());
        }
        self.begin_body(s)
    }

    fn begin_body(&mut self, s: &mut Session) -> Phase {
        if let Op::Begin(_) = self.op {
            s.explicit = true;
            return Phase::EndRead(EndRead);
        }
        if self.kind().writes() {
            s.writer = Some(s.slot);
            if s.explicit {
                self.undo_depth = Some(s.savepoints.depth());
                open_savepoint(s);
            }
        }
        s.release_control();
        self.seen_changes = s.changes;
        Phase::Body(Box::new(Body::new(&self.op, s)))
    }

    /// The body is done: what comes next.
    fn after_body(&mut self, s: &mut Session) -> Phase {
        if !self.kind().writes() {
            let left = self.drops_unfinished_write(s);
            return if left { Phase::Commit(Commit::default()) } else { Phase::EndRead(EndRead) };
        }
        s.note_change();
        if let Some(depth) = self.undo_depth.take() {
            release_savepoint(s, depth);
        }
        let left_to_reader = s.planted(Bug::StmtReaderDropRollsBackWrite) && s.sibling_in_transaction();
        if s.explicit || left_to_reader {
            s.release_writer();
            return Phase::EndRead(EndRead);
        }
        Phase::Commit(Commit::default())
    }

    /// The transaction ends with its last statement; a commit may be followed by a checkpoint, a rollback by the end of the
    /// connection.
    fn after_end(&mut self, s: &mut Session) -> Phase {
        if matches!(self.op, Op::Close) && self.outcome.is_ok() {
            return Phase::Close(CloseLog::default());
        }
        if matches!(self.op, Op::Drop) {
            // Not before its slot is free: who closes last must find no reader that holds a checkpoint back.
            s.open = false;
            return Phase::AutoRelease(ReleaseLocks::default());
        }
        let due = s.shared.config.auto_checkpoint;
        if self.committed && due > 0 && s.view.header.mx_frame >= due && !s.transaction_goes_on() {
            return Phase::AutoCheckpoint(Box::new(Checkpoint::new(CheckpointMode::Passive)));
        }
        Phase::End
    }

    /// One turn. `Done` holds the statement's outcome, which may be an error; `Err` is an error that the statement has
    /// not dealt with yet.
    pub(super) fn transition(&mut self, s: &mut Session) -> Turn<Ended> {
        s.enter(const { first_state("statement") }, &self.phase);
        match &mut self.phase {
            Phase::Start if s.shared.config.rehearse_change && self.rehearses => {
                self.rehearses = false;
                return s.give_way(Site::Rehearsal);
            }
            Phase::Start => {
                if !std::mem::replace(&mut self.begun, true) {
                    let (kind, key) = (self.kind(), self.op.key());
                    s.emit(EventKind::StatementBegin { slot: s.slot, kind, key });
                }
                if !s.take_control() || (self.kind().writes() && s.sibling_writes()) {
                    s.release_control();
                    return s.give_way(Site::StatementSibling);
                }
                if self.opens() && !s.open && s.shared.config.create {
                    self.phase = Phase::Open(Box::default());
                    return Ok(Continue);
                }
                // Nobody can come between this and the statement's next access: whoever closes meanwhile is not the last.
                if self.opens() && !s.open_database() {
                    s.release_control();
                    self.retries += 1;
                    let gives_up = self.retries > s.shared.config.busy_retries;
                    return if gives_up { Err(Error::Busy) } else { s.give_way(Site::OpenBusy) };
                }
                self.phase = self.start(s)?;
            }
            Phase::Open(open) => {
                turn!(open.transition(s));
                self.phase = self.start(s)?;
            }
            Phase::BeginRead(begin) => {
                turn!(begin.transition(s));
                self.phase = self.after_read(s);
            }
            Phase::BeginWrite(begin) => {
                turn!(begin.transition(s));
                self.phase = self.begin_body(s);
            }
            Phase::BeginAgain(end) => {
                turn!(end.transition(s));
                self.phase = begin_read();
                return if s.planted(Bug::WalRetryLoopInsideStep) { Ok(Continue) } else { s.give_way(Site::WriteBusy) };
            }
            Phase::Body(body) => {
                if s.sibling_writes() && !s.has_control() {
                    return s.give_way(Site::StatementSibling);
                }
                if self.seen_changes != s.changes {
                    self.seen_changes = s.changes;
                    body.reposition(s);
                }
                self.outcome = Ok(turn!(body.transition(s)));
                self.phase = Phase::Spill;
            }
            Phase::Spill => {
                turn!(settle_spill(s));
                self.phase = self.after_body(s);
            }
            Phase::Commit(commit) => {
                if !s.take_control() {
                    return s.give_way(Site::StatementSibling);
                }
                turn!(commit.transition(s));
                self.committed = commit.has_written();
                s.explicit = false;
                s.savepoints.clear();
                s.release_writer();
                self.phase = Phase::EndRead(EndRead);
            }
            Phase::UndoTo(undo) => {
                s.writer = Some(s.slot);
                turn!(undo.transition(s));
                forget_undone_layout(s);
                s.release_writer();
                self.phase = Phase::End;
            }
            Phase::UndoStatement(undo) => {
                turn!(undo.transition(s));
                forget_undone_layout(s);
                self.phase = self.undone(s);
            }
            Phase::Unwind(rollback) => {
                if !s.take_control() {
                    return s.give_way(Site::StatementSibling);
                }
                // Half a rollback is not for others to read.
                s.writer = Some(s.slot);
                turn!(rollback.transition(s));
                forget_undone_layout(s);
                // Only now: until all is undone, nobody else may end the read transaction under it.
                s.explicit &= !self.ends_transaction;
                s.release_writer();
                self.phase = Phase::EndRead(EndRead);
            }
            Phase::Release(release) => {
                turn!(release.transition(s));
                self.phase = Phase::EndRead(EndRead);
            }
            Phase::EndRead(end) => {
                s.mine().in_transaction = false;
                s.opened_by_savepoint &= s.explicit;
                if !s.transaction_goes_on() {
                    turn!(end.transition(s));
                } else if s.view.slot.is_none() {
                    // An open transaction that has no snapshot protects no read.
                    s.give_up_reads_of_snapshot();
                }
                self.phase = self.after_end(s);
            }
            Phase::AutoCheckpoint(checkpoint) => {
                if !s.take_control() {
                    return s.give_way(Site::StatementSibling);
                }
                turn!(checkpoint.transition(s));
                self.phase = Phase::End;
            }
            Phase::AutoRelease(release) => {
                turn!(release.transition(s));
                self.phase = Phase::End;
            }
            Phase::Close(close) => {
                turn!(close.transition(s));
                self.phase = Phase::End;
            }
            Phase::End => {
                s.release_control();
                return Ok(Done(std::mem::replace(&mut self.outcome, Ok(Outcome::Unit))));
            }
        }
        Ok(Continue)
    }
}

fn begin_read() -> Phase {
    Phase::BeginRead(Box::new(BeginRead::new(UseLog::IfNeeded)))
}

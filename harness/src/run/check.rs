//! Checking what an action did: events first, then the moments that it makes.

use falken_models::connection::{Op, Outcome, StatementId};
use falken_models::session::{Error, STATEMENT_SLOTS};

use super::{Checked, Ended, Run, Stage, Watch};
use crate::action::Action;
use crate::client::Phase;
use crate::image::Barrier;
use crate::invariant::Moment;
use crate::subject::Subject;

impl<S: Subject> Run<'_, S> {
    /// Judges what the action did.
    pub(super) fn check(&mut self, action: Action) -> Checked<()> {
        self.note_events()?;
        match action {
            Action::Step(_) | Action::Poll(_) | Action::StepRefused(..) => self.check_moment(Moment::Step, None)?,
            Action::Finish(..) | Action::Fail(..) | Action::Cancel(..) => self.check_moment(Moment::Callback, None)?,
            Action::Hold(..)
            | Action::Abandon(_)
            | Action::Interrupt(_)
            | Action::Drop(_)
            | Action::Crash(_)
            | Action::SecondCrash(_)
            | Action::Rot(..) => {}
            Action::Finale => return self.check_finale(),
        }
        match self.ended.take() {
            Some(ended) => self.check_ended(ended),
            None => Ok(()),
        }
    }

    #[inline]
    pub(super) fn check_moment(&mut self, moment: Moment, ended: Option<u8>) -> Checked<()> {
        match self.watch {
            Watch::Report | Watch::Judge => self.checks.moment(moment, &view!(self, ended)),
            Watch::Rebuild => {
                self.checks.remember_moment(moment, &view!(self, ended));
                Ok(())
            }
        }
    }

    fn check_ended(&mut self, ended: Ended) -> Checked<()> {
        let Ended { id, op, result } = ended;
        let (conn, error) = (id.conn, result.as_ref().err().copied());
        let view = view!(self, Some(conn));
        match self.watch {
            Watch::Report | Watch::Judge => self.checks.ended(id, &op, &result, &view)?,
            Watch::Rebuild => self.checks.remember_ended(id, &op, &result, &view),
        }
        if let Some(error) = error {
            self.probes.note_error(op.kind(), error);
        }
        let acknowledged = self.ledger.acknowledged;
        self.settle_accounts(id, &op, &result);
        let has_written =
            matches!(op, Op::Put { .. } | Op::Append { .. }) && result.is_ok() && !self.subject.in_transaction(conn);
        let told = self.duty.as_mut().map_or(self.ledger.newest(), |duty| duty.tell(has_written));
        let in_transaction = self.subject.in_transaction(conn);
        let may_commit = op.kind().writes() || matches!(op, Op::Commit | Op::Release { .. });
        let has_committed = self.duty.is_some() && may_commit && result.is_ok() && !in_transaction;
        if self.watch == Watch::Report {
            self.commits += u64::from(has_committed);
            self.history.returned(id, result, in_transaction, told);
        }
        if has_committed || self.ledger.acknowledged > acknowledged {
            self.explore(Barrier::Acknowledgement)?;
        }
        // What a connection holds between statements is judged when none is under way.
        let mut slots = (0..STATEMENT_SLOTS as u8).map(|slot| StatementId { conn, slot });
        let idle = slots.all(|id| self.running[id.index()].is_none()).then_some(conn);
        self.check_moment(Moment::Commit, idle)?;
        if let Op::Checkpoint(_) = op {
            self.check_moment(Moment::Checkpoint, idle)?;
        }
        if error == Some(Error::Abandoned) || op == Op::Drop {
            self.check_moment(Moment::Cancel, idle)?;
        }
        let closes = op == Op::Close && error.is_none() && self.clients[id.index()].phase == Phase::Running;
        if op == Op::Drop || closes {
            self.reconnect(conn);
        } else if self.clients[id.index()].phase == Phase::Closing {
            self.clients[id.index()].phase = Phase::Closed;
            self.close_when_idle(conn);
        } else {
            let in_transaction = self.subject.in_transaction(conn);
            let client = &mut self.clients[id.index()];
            client.ended(error, in_transaction);
            if self.stage == Stage::Settling {
                // A BEGIN that was under way when faults stopped has only now opened its transaction.
                client.wind_down(in_transaction);
            }
        }
        Ok(())
    }

    /// Books the end of a statement: what the client was told, and what its transaction has changed.
    fn settle_accounts(&mut self, id: StatementId, op: &Op, result: &Result<Outcome, Error>) {
        if self.duty.is_some() {
            return;
        }
        if result.is_ok() {
            self.ledger.acknowledge(id);
        }
        let in_transaction = self.subject.in_transaction(id.conn);
        let changed = op.kind().writes() && result.as_ref().is_ok_and(|outcome| *outcome != Outcome::Deleted(false));
        let facts = &mut self.ledger.conns[usize::from(id.conn)];
        facts.end_statement(id.slot, changed, in_transaction, &self.ledger.versions);
    }

    fn check_finale(&mut self) -> Checked<()> {
        self.check_moment(Moment::Quiet, None)?;
        self.explore(Barrier::End)?;
        let own = self.audit()?;
        if (self.oracle.is_some() || self.duty.is_some()) && self.subject.has_sqlite_files() {
            let rows = self.judge_files()?;
            self.compare(own.as_ref(), &rows)?;
        }
        Ok(())
    }
}

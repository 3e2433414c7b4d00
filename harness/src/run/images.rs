//! When a run stands still for its crash images.

use falken_models::digest::mix;
use falken_models::disk::OpId;

use super::{Checked, Run, Watch};
use crate::action::CrashKind;
use crate::history::run::Recovery;
use crate::image::{Barrier, Broken, Coverage, Explorer, Moment, Readers, Second};
use crate::invariant;
use crate::parser::Rows;
use crate::subject::Subject;

/// What is done with crash images.
pub(super) enum Images<'a, S> {
    /// None are made.
    None,
    /// The ledger judges them.
    Judged(Box<Explorer<S>>),
    /// Nobody knows the engine's commits: whoever can read an image must agree with the others.
    Read(Box<Readers<'a>>),
}

impl<S: Subject> Images<'_, S> {
    /// What they have covered, if any were wanted.
    pub(super) fn coverage(&self) -> Option<Coverage> {
        match self {
            Images::None => None,
            Images::Judged(explorer) => Some(explorer.coverage()),
            Images::Read(readers) => Some(readers.coverage()),
        }
    }
}

impl<S: Subject> Run<'_, S> {
    /// Before an operation ends: an fsync takes versions away, any other what might not have happened.
    #[inline]
    pub(super) fn explore_before(&mut self, op: OpId) -> Checked<()> {
        if let Images::None = self.images {
            return Ok(());
        }
        let kind = self.in_flight.iter().find(|info| info.op == op).map(|info| info.kind);
        kind.and_then(Barrier::before).map_or(Ok(()), |barrier| self.explore(barrier))
    }

    /// Makes and judges the images of this moment, if the scenario wants them.
    pub(super) fn explore(&mut self, barrier: Barrier) -> Checked<()> {
        if self.watch == Watch::Rebuild {
            return Ok(());
        }
        let explored = match &mut self.images {
            Images::None => Ok(()),
            Images::Judged(images) if !images.wants(barrier) => Ok(()),
            Images::Judged(images) => images.explore(barrier, &self.disk, &self.ledger, &mut self.oracle, Second::No),
            Images::Read(_) => self.explore_read(barrier),
        };
        explored.map_err(|broken| self.failed(broken))
    }

    fn explore_read(&mut self, barrier: Barrier) -> Result<(), Broken> {
        // Judging needs the run.
        let images = std::mem::replace(&mut self.images, Images::None);
        let Images::Read(mut readers) = images else { unreachable!("they are read") };
        let mut oracle = self.oracle.take();
        let kinds = CrashKind::ALL.into_iter().filter(|kind| readers.wants(barrier, *kind)).collect::<Vec<_>>();
        let explored = kinds.into_iter().try_for_each(|kind| {
            let duty = self.duty.as_ref().expect("an engine that shows no internals has duties");
            let (synced, told) = (duty.bound(kind), duty.told() + 1);
            // Whatever a client is told makes another question of the same rows.
            let owed = mix(u64::from(told), synced.map_or(0, |synced| u64::from(synced) + 1));
            let disk = std::sync::Arc::clone(&self.disk);
            let judge = &mut |rows: &Rows| self.judge_read(rows, synced, told);
            readers.explore(&Moment { barrier, kind, owed }, &disk, &mut oracle, judge)
        });
        (self.images, self.oracle) = (Images::Read(readers), oracle);
        explored
    }

    /// A crash now that leaves these rows: the history would have to be in order with it.
    fn judge_read(&mut self, rows: &Rows, synced: Option<u32>, told: u32) -> Result<(), Broken> {
        let mut history = self.history.clone();
        history.crash(Recovery { rows: rows.clone(), synced, is_ghost: false, commit: told, published: told });
        let history = std::mem::replace(&mut self.history, history);
        let judged = self.checks.moment(invariant::Moment::Quiet, &view!(self, None));
        self.history = history;
        judged.map_err(|violation| (violation.invariant, violation.evidence))
    }
}

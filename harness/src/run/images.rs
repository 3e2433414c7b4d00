//! When a run stands still for its crash images.

use falken_models::disk::OpId;

use super::{Checked, Run, Watch};
use crate::image::{Barrier, Second};
use crate::subject::Subject;

impl<S: Subject> Run<'_, S> {
    /// Before an operation ends: an fsync takes versions away, any other what might not have happened.
    #[inline]
    pub(super) fn explore_before(&mut self, op: OpId) -> Checked<()> {
        if self.images.is_none() {
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
        let Some(images) = self.images.as_mut().filter(|images| images.wants(barrier)) else { return Ok(()) };
        let explored = images.explore(barrier, &self.disk, &self.ledger, &mut self.oracle, Second::No);
        explored.map_err(|broken| self.failed(broken))
    }
}

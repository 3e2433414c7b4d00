//! One step does not wait inside for what only another connection can do: it does not try a busy lock over and over.
//!
//! The models themselves panic when a step takes more turns than any legal one can; the run loop reports that under the
//! same id.

use falken_models::event::{Event, EventKind};
use falken_models::wal::LockId;

use super::{Invariant, Moment, View, name};
use crate::verdict::Evidence;

/// How often one step may find one lock busy. Different protocols that follow each other may each try it once.
const TRIES_MAX: u8 = 4;

/// How often the step under way has found each lock busy.
#[derive(Debug, Default, Hash)]
pub struct BoundedStep {
    busy: [u8; LockId::COUNT],
}

impl Invariant for BoundedStep {
    fn event(&mut self, event: &Event, _view: &View<'_>) -> Result<(), Evidence> {
        let EventKind::LockBusy { lock, .. } = event.kind else { return Ok(()) };
        let tries = &mut self.busy[usize::from(lock.0)];
        *tries += 1;
        if *tries <= TRIES_MAX {
            return Ok(());
        }
        let summary = format!("{} tries {} again and again within one step", name(event.actor), lock.name());
        Err(Evidence::new(summary).with("tries", *tries))
    }

    fn moment(&mut self, _moment: Moment, _view: &View<'_>) -> Result<(), Evidence> {
        self.busy = [0; LockId::COUNT];
        Ok(())
    }
}

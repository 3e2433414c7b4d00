//! Every accepted submission reaches exactly one terminal result and runs its callback exactly once with it.

use falken_models::event::{Event, EventKind};

use super::{Invariant, Moment, View};
use crate::verdict::Evidence;

/// See the module.
#[derive(Debug, Default)]
pub struct CallbackOnce;

impl Invariant for CallbackOnce {
    fn event(&mut self, event: &Event, _view: &View<'_>) -> Result<(), Evidence> {
        let EventKind::Callback { op, runs, .. } = event.kind else { return Ok(()) };
        if runs == 1 {
            return Ok(());
        }
        Err(Evidence::new(format!("the callback of operation {} has run {runs} times", op.0)).with("operation", op.0))
    }

    fn moment(&mut self, _moment: Moment, view: &View<'_>) -> Result<(), Evidence> {
        match view.internals.map_or(0, |internals| internals.shared.disk.in_flight()) {
            0 => Ok(()),
            n => Err(Evidence::new(format!("{n} submissions have no terminal result at the end"))),
        }
    }
}

//! Every accepted submission reaches exactly one terminal result and runs its callback exactly once with it.
//!
//! Accepted is also what waits for room in the ring: whoever has such operations must hand them over before it says that
//! it is done.

use std::collections::BTreeMap;

use falken_models::event::{Actor, Event, EventKind};

use super::{Invariant, Moment, View, name};
use crate::verdict::Evidence;

/// The operations of each actor that wait for room in the ring.
#[derive(Debug, Default, Hash)]
pub struct CallbackOnce {
    overflow: BTreeMap<Actor, u32>,
}

impl Invariant for CallbackOnce {
    fn event(&mut self, event: &Event, _view: &View<'_>) -> Result<(), Evidence> {
        match event.kind {
            EventKind::Callback { op, runs, .. } if runs != 1 => {
                let summary = format!("the callback of operation {} has run {runs} times", op.0);
                return Err(Evidence::new(summary).with("operation", op.0));
            }
            EventKind::Overflow { left } => {
                self.overflow.insert(event.actor, left);
            }
            EventKind::Submit { .. } if !self.overflow.is_empty() => {
                let left = self.overflow.remove(&event.actor).and_then(|left| left.checked_sub(1));
                left.filter(|left| *left > 0).map(|left| self.overflow.insert(event.actor, left));
            }
            EventKind::StatementEnd { ok, .. } => {
                if let Some(left) = self.overflow.remove(&event.actor).filter(|_| ok) {
                    let summary = format!("{} is done, but {left} operations were never handed to the disk", name(event.actor));
                    return Err(Evidence::new(summary));
                }
            }
            EventKind::Crash { .. } => self.overflow.clear(),
            _ => {}
        }
        Ok(())
    }

    fn moment(&mut self, _moment: Moment, view: &View<'_>) -> Result<(), Evidence> {
        match view.internals.map_or(0, |internals| internals.shared.disk.in_flight()) {
            0 => Ok(()),
            n => Err(Evidence::new(format!("{n} submissions have no terminal result at the end"))),
        }
    }
}

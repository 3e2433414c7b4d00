//! A cancel acts only on the operation that it names, and after cancel-and-drain none of them can act any more.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use falken_models::disk::{IoKind, OpId};
use falken_models::event::{Actor, Event, EventKind};

use super::{Invariant, View, name};
use crate::verdict::Evidence;

/// The operations whose cancellation was asked for and which are still in flight, with who asked. Reads are not drained:
/// they end in a buffer that nobody looks at.
#[derive(Debug, Default)]
pub struct CancelExact {
    asked: BTreeMap<OpId, (Actor, IoKind)>,
}

impl Hash for CancelExact {
    fn hash<H: Hasher>(&self, _state: &mut H) {
        // The disk knows which operations in flight were to be cancelled, under names that do not matter.
        let Self { asked: _ } = self;
    }
}

impl Invariant for CancelExact {
    fn event(&mut self, event: &Event, _view: &View<'_>) -> Result<(), Evidence> {
        match event.kind {
            EventKind::Cancel { op, hit: Some((hit, io)) } => {
                if op != hit {
                    let summary = format!("{} cancels operation {}, but hits operation {}", name(event.actor), op.0, hit.0);
                    return Err(Evidence::new(summary).with("operation hit", io.name()));
                }
                if io != IoKind::Read {
                    self.asked.insert(op, (event.actor, io));
                }
            }
            EventKind::Finish { op, .. } => {
                self.asked.remove(&op);
            }
            EventKind::Drained => {
                let left = self.asked.iter().find(|(_, (actor, _))| *actor == event.actor);
                if let Some((op, (_, io))) = left {
                    let summary = format!("{} has cancelled and drained, but operation {} can still happen", name(event.actor), op.0);
                    return Err(Evidence::new(summary).with("operation", io.name()));
                }
            }
            EventKind::Crash { .. } => self.asked.clear(),
            _ => {}
        }
        Ok(())
    }
}

//! While a reader holds its slot, no page that it must take from the database file is overwritten, and no frame that it may need.

use falken_models::event::{Actor, Event, EventKind};

use super::{Invariant, View, name};
use crate::verdict::Evidence;

/// See the module.
#[derive(Debug, Default, Hash)]
pub struct ReadMarkSafety;

impl Invariant for ReadMarkSafety {
    fn event(&mut self, event: &Event, view: &View<'_>) -> Result<(), Evidence> {
        for (reader, facts) in view.ledger.conns.iter().enumerate() {
            let Some(reading) = facts.reading.filter(|_| event.actor != Actor::Conn(reader as u8)) else { continue };
            // A reader that shares an older mark is not harmed by frames that its own, newer snapshot has.
            let harm = match event.kind {
                EventKind::CheckpointCopy { page, frame, .. } if reading.slot == 0 || frame > reading.at.frame => {
                    format!("overwrites page {page} of the database file with frame {frame}")
                }
                EventKind::Frame { frame, .. } if reading.slot > 0 && frame <= reading.at.frame => {
                    format!("overwrites frame {frame}")
                }
                _ => continue,
            };
            // Slot 0 protects the whole file and the others a part of the log: that is another protocol, and another bug.
            let how = if reading.slot == 0 { " without the log" } else { "" };
            let summary = format!("{} {harm}, which reader c{reader}{how} relies on", name(event.actor));
            return Err(Evidence::new(summary).with("slot", reading.slot).with("mark", reading.mark).with("snapshot", format!("{:?}", reading.at)));
        }
        Ok(())
    }
}

//! A reader's slot has a mark that protects its snapshot; and while it holds the slot, no page that it must take from the
//! database file is overwritten, and no frame that it may need.

use falken_models::event::{Actor, Event, EventKind};

use super::{Invariant, View, name};
use crate::verdict::Evidence;

/// See the module.
#[derive(Debug, Default, Hash)]
pub struct ReadMarkSafety;

impl Invariant for ReadMarkSafety {
    fn event(&mut self, event: &Event, view: &View<'_>) -> Result<(), Evidence> {
        if let (EventKind::ReadBegin { slot, at, .. }, Some(internals)) = (event.kind, view.internals) {
            // A reader may share an older mark, never a newer one, or one of a slot that has been given up.
            let mark = internals.shared.wal.mark(slot);
            if slot > 0 && mark > at.frame {
                let summary = format!(
                    "{} reads frames up to {} on a slot whose mark does not protect them",
                    name(event.actor),
                    at.frame
                );
                return Err(Evidence::new(summary).with("slot", slot).with("mark", mark));
            }
        }
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
            return Err(Evidence::new(summary)
                .with("slot", reading.slot)
                .with("mark", reading.mark)
                .with("snapshot", reading.at));
        }
        Ok(())
    }
}

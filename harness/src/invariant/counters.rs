//! nBackfill <= nBackfillAttempted <= mxFrame, except while a restart or a publication is under way, and nBackfill never
//! decreases within one generation.

use falken_models::event::{Event, EventKind, LogPoint};
use falken_models::wal::LockId;

use super::{Invariant, Moment, View};
use crate::verdict::Evidence;

/// See the module.
#[derive(Debug, Default, Hash)]
pub struct Counters {
    /// nBackfill when it was last seen, and in which generation.
    last: Option<(u32, u64, u32)>,
}

impl Invariant for Counters {
    fn event(&mut self, event: &Event, _view: &View<'_>) -> Result<(), Evidence> {
        // A new process starts counting from 0.
        if let EventKind::Crash { .. } = event.kind {
            self.last = None;
        }
        Ok(())
    }

    fn moment(&mut self, _moment: Moment, view: &View<'_>) -> Result<(), Evidence> {
        let Some(internals) = view.internals else { return Ok(()) };
        let wal = &internals.shared.wal;
        let (backfill, attempted) = (wal.backfill(), wal.backfill_attempted());
        let mx_frame = view.ledger.published.frame;
        // While WRITE is held a restart may have published its header and not yet zeroed the counters.
        if backfill <= attempted && (attempted <= mx_frame || view.holder(LockId::WRITE).is_some()) {
            return self.check_growth(backfill, view.ledger.published);
        }
        let summary = "the counters of the log are out of order";
        Err(Evidence::new(summary).with("nBackfill", backfill).with("nBackfillAttempted", attempted).with("mxFrame", mx_frame))
    }
}

impl Counters {
    fn check_growth(&mut self, backfill: u32, LogPoint { seq, salts, frame }: LogPoint) -> Result<(), Evidence> {
        // A restart publishes its header before it zeroes the counters: until then they are those of the old generation.
        if backfill > frame {
            return Ok(());
        }
        let before = self.last.replace((seq, salts, backfill));
        match before {
            Some((s, t, before)) if (s, t) == (seq, salts) && backfill < before => {
                let summary = "nBackfill has decreased within one generation of the log";
                Err(Evidence::new(summary).with("before", before).with("nBackfill", backfill).with("generation", seq))
            }
            _ => Ok(()),
        }
    }
}

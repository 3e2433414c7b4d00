//! nBackfill <= nBackfillAttempted <= mxFrame, except while a restart or a publication is under way.

use falken_models::wal::LockId;

use super::{Invariant, Moment, View};
use crate::verdict::Evidence;

/// See the module.
#[derive(Debug, Default)]
pub struct Counters;

impl Invariant for Counters {
    fn moment(&mut self, _moment: Moment, view: &View<'_>) -> Result<(), Evidence> {
        let Some(internals) = view.internals else { return Ok(()) };
        let wal = &internals.shared.wal;
        let (backfill, attempted) = (wal.backfill(), wal.backfill_attempted());
        let mx_frame = view.ledger.published.frame;
        // While WRITE is held a restart may have published its header and not yet zeroed the counters.
        if backfill <= attempted && (attempted <= mx_frame || view.holder(LockId::WRITE).is_some()) {
            return Ok(());
        }
        let summary = "the counters of the log are out of order";
        Err(Evidence::new(summary).with("nBackfill", backfill).with("nBackfillAttempted", attempted).with("mxFrame", mx_frame))
    }
}

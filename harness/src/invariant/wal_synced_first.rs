//! No page is copied to the database file before a log fsync that covers its frame has succeeded.

use falken_models::event::{Event, EventKind};
use falken_models::wal::SyncMode;

use super::{Invariant, View, name};
use crate::verdict::Evidence;

/// See the module.
#[derive(Debug, Default, Hash)]
pub struct WalSyncedFirst;

impl Invariant for WalSyncedFirst {
    fn event(&mut self, event: &Event, view: &View<'_>) -> Result<(), Evidence> {
        let EventKind::CheckpointCopy { page, frame, .. } = event.kind else { return Ok(()) };
        if view.ledger.sync == SyncMode::Off || frame <= view.ledger.frames_synced {
            return Ok(());
        }
        let summary = format!("{} copies frame {frame} to page {page}, but the log is not durable that far", name(event.actor));
        Err(Evidence::new(summary).with("frames covered by an fsync", view.ledger.frames_synced))
    }
}

//! All reads of a transaction return its own writes on top of one committed state.

use falken_models::event::{Event, EventKind};

use super::{Invariant, View};
use crate::verdict::Evidence;

/// See the module.
#[derive(Debug, Default)]
pub struct SnapshotReads;

impl Invariant for SnapshotReads {
    fn event(&mut self, event: &Event, view: &View<'_>) -> Result<(), Evidence> {
        match event.kind {
            EventKind::PageUsed { page, loaded: true, dirty: false, digest, .. }
                if view.loaded_in_transaction(event.actor, page) =>
            {
                view.check_page(event.actor, page, digest, "has read")
            }
            EventKind::ReadBegin { at, .. } if view.ledger.commit_at(at).is_none() => {
                let newest = view.ledger.published;
                let summary = format!("{} has a snapshot that no commit ever published", super::name(event.actor));
                Err(Evidence::new(summary).with("snapshot", format!("{at:?}")).with("published", format!("{newest:?}")))
            }
            _ => Ok(()),
        }
    }
}

//! A loaded, clean page in a connection's cache equals that page in the transaction's view.

use falken_models::event::{Event, EventKind};

use super::{Invariant, View};
use crate::verdict::Evidence;

/// See the module.
#[derive(Debug, Default, Hash)]
pub struct CacheCoherence;

impl Invariant for CacheCoherence {
    fn event(&mut self, event: &Event, view: &View<'_>) -> Result<(), Evidence> {
        let EventKind::PageUsed { page, loaded: true, dirty: false, digest, .. } = event.kind else { return Ok(()) };
        // What the transaction has read itself is no matter of the cache: TX-3 judges every read.
        if view.loaded_in_transaction(event.actor, page) {
            return Ok(());
        }
        view.check_page(event.actor, page, digest, "uses a cached copy of")
    }
}

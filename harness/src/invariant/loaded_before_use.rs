//! A page's contents are used only while it is loaded and no read for it is in flight.

use falken_models::event::{Event, EventKind};

use super::{Invariant, View, name};
use crate::verdict::Evidence;

/// See the module.
#[derive(Debug, Default)]
pub struct LoadedBeforeUse;

impl Invariant for LoadedBeforeUse {
    fn event(&mut self, event: &Event, _view: &View<'_>) -> Result<(), Evidence> {
        let EventKind::PageUsed { page, loaded, locked, .. } = event.kind else { return Ok(()) };
        if loaded && !locked {
            return Ok(());
        }
        let summary = format!("{} uses page {page} while it is {}", name(event.actor), if locked { "locked" } else { "not loaded" });
        Err(Evidence::new(summary).with("loaded", loaded).with("locked", locked))
    }
}

//! A page's contents are used or changed only while it is loaded and no read for it is in flight, and it is locked only
//! while one is.

use falken_models::event::{Event, EventKind};

use super::{Invariant, Moment, View, name};
use crate::verdict::Evidence;

/// See the module.
#[derive(Debug, Default, Hash)]
pub struct LoadedBeforeUse;

impl Invariant for LoadedBeforeUse {
    fn event(&mut self, event: &Event, _view: &View<'_>) -> Result<(), Evidence> {
        let (page, loaded, locked) = match event.kind {
            EventKind::PageUsed { page, loaded, locked, .. } => (page, loaded, locked),
            EventKind::Dirtied { page, locked } => (page, true, locked),
            _ => return Ok(()),
        };
        if loaded && !locked {
            return Ok(());
        }
        let summary = format!("{} uses page {page} while it is {}", name(event.actor), if locked { "locked" } else { "not loaded" });
        Err(Evidence::new(summary).with("loaded", loaded).with("locked", locked))
    }

    fn moment(&mut self, _moment: Moment, view: &View<'_>) -> Result<(), Evidence> {
        let Some(connection) = view.ended_connection() else { return Ok(()) };
        let session = connection.session();
        match session.pages.locked_without_read() {
            None => Ok(()),
            Some(page) => {
                let summary = format!("page {page} of connection c{} is locked, but no read for it is in flight", session.conn);
                Err(Evidence::new(summary).with("last site", connection.site(0).name()))
            }
        }
    }
}

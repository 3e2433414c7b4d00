//! A page's pin count equals the number of its holders: none, once no statement is under way; a pinned page is not evicted.

use falken_models::event::{Event, EventKind};

use super::{Invariant, Moment, View, name};
use crate::verdict::Evidence;

/// See the module.
#[derive(Debug, Default, Hash)]
pub struct PinBalance;

impl Invariant for PinBalance {
    fn event(&mut self, event: &Event, _view: &View<'_>) -> Result<(), Evidence> {
        match event.kind {
            EventKind::Evicted { page, pinned: true, .. } => {
                Err(Evidence::new(format!("{} evicted page {page}, which is pinned", name(event.actor))))
            }
            _ => Ok(()),
        }
    }

    fn moment(&mut self, _moment: Moment, view: &View<'_>) -> Result<(), Evidence> {
        let Some(connection) = view.ended_connection() else { return Ok(()) };
        let session = connection.session();
        let pinned: Vec<u32> = session.pages.resident_pages().filter(|page| page.pins() > 0).map(|page| page.number()).collect();
        if pinned.is_empty() {
            return Ok(());
        }
        let summary = format!("connection c{} runs no statement, but pages of its cache are pinned", session.conn);
        Err(Evidence::new(summary).with("pages", format!("{pinned:?}")))
    }
}

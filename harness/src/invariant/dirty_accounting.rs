//! The dirty list is exactly the set of dirty pages, and outside a write transaction there are none.

use std::collections::BTreeSet;

use super::{Invariant, Moment, View};
use crate::verdict::Evidence;

/// See the module.
#[derive(Debug, Default, Hash)]
pub struct DirtyAccounting;

impl Invariant for DirtyAccounting {
    fn moment(&mut self, _moment: Moment, view: &View<'_>) -> Result<(), Evidence> {
        let Some(connection) = view.ended_connection() else { return Ok(()) };
        let session = connection.session();
        let flagged: BTreeSet<u32> = session.pages.resident_pages().filter(|page| page.is_dirty()).map(|page| page.number()).collect();
        let listed: BTreeSet<u32> = session.pages.dirty_numbers().collect();
        let spilled = session.pages.resident_pages().any(|page| page.is_spilled());
        let idle = !session.view.writing;
        if flagged == listed && !(idle && (spilled || !listed.is_empty())) {
            return Ok(());
        }
        let state = if idle { "outside" } else { "inside" };
        let summary = format!("the dirty pages of connection c{} do not add up {state} a write transaction", session.conn);
        Err(Evidence::new(summary).with("dirty list", format!("{listed:?}")).with("dirty flags", format!("{flagged:?}")).with("spilled", spilled))
    }
}

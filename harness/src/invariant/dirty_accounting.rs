//! The dirty list is exactly the set of dirty pages, the frame of a spilled page holds its bytes, and outside a write
//! transaction there are neither.

use std::collections::BTreeSet;

use falken_models::digest::digest;

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
        let facts = &view.ledger.conns[usize::from(session.conn)];
        for page in session.pages.resident_pages().filter(|page| page.is_spilled() && session.view.writing) {
            let (written, now) = (facts.own_pages.get(&page.number()), page.with_bytes(digest));
            if written != Some(&now) {
                let summary = format!("connection c{} has a spilled page whose frame does not hold its bytes", session.conn);
                let written = written.map_or("no own frame".into(), |digest| format!("{digest:016x}"));
                let frame = view.ledger.frames.newest(page.number(), u32::MAX);
                return Err(Evidence::new(summary)
                    .with("page", format!("{page:?}"))
                    .with("newest frame", format!("{frame:?}"))
                    .with("in the frame", written)
                    .with("in the cache", format!("{now:016x}")));
            }
        }
        if flagged == listed && !(idle && (spilled || !listed.is_empty())) {
            return Ok(());
        }
        let state = if idle { "outside" } else { "inside" };
        let summary = format!("the dirty pages of connection c{} do not add up {state} a write transaction", session.conn);
        Err(Evidence::new(summary).with("dirty list", format!("{listed:?}")).with("dirty flags", format!("{flagged:?}")).with("spilled", spilled))
    }
}

//! With nothing in flight no lock, pin, dirty page or flag remains, and a checkpoint copies everything.

use falken_models::event::{Event, EventKind};
use falken_models::wal::LockId;

use super::{Invariant, Moment, View};
use crate::verdict::Evidence;

/// See the module.
#[derive(Debug, Default, Hash)]
pub struct NothingLeft;

impl Invariant for NothingLeft {
    fn event(&mut self, event: &Event, view: &View<'_>) -> Result<(), Evidence> {
        let EventKind::CheckpointEnd { busy, log, backfilled, .. } = event.kind else { return Ok(()) };
        if !view.settled || (!busy && log == backfilled) {
            return Ok(());
        }
        let summary = "nobody reads or writes, but a checkpoint cannot copy everything";
        Err(Evidence::new(summary).with("busy", busy).with("log", log).with("backfilled", backfilled))
    }

    fn moment(&mut self, _moment: Moment, view: &View<'_>) -> Result<(), Evidence> {
        let Some(internals) = view.internals else { return Ok(()) };
        for lock in (0..LockId::COUNT as u8).map(LockId) {
            let holders = &view.ledger.locks[usize::from(lock.0)];
            // Whoever has the database open says so.
            let open = internals.connections.iter().flatten().filter(|one| lock == LockId::DATABASE && one.owes_lock(lock));
            if internals.shared.wal.shared_holders(lock) != Some(open.count() as u32) {
                let summary = format!("{} is still held although every statement has ended", lock.name());
                return Err(Evidence::new(summary).with("holders by the events", format!("{holders:?}")));
            }
        }
        if internals.shared.buffers.lent() > 0 {
            let summary = "nothing is in flight, but buffers of writes have not come back";
            return Err(Evidence::new(summary).with("lent", internals.shared.buffers.lent()));
        }
        for connection in internals.connections.iter().flatten() {
            let session = connection.session();
            if let Some(page) = session.pages.resident_pages().find(|page| page.pins() > 0 || page.is_dirty() || page.is_locked()) {
                let summary = format!("connection c{} is idle, but its cache is not at rest", session.conn);
                return Err(Evidence::new(summary).with("page", format!("{page:?}")));
            }
            if let Some(field) = connection.residue() {
                return Err(Evidence::new(format!("connection c{} is idle, but its `{field}` is still set", session.conn)));
            }
        }
        Ok(())
    }
}

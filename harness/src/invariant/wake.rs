//! When what a connection waits for has finished, or a group has made progress that its waiter must drive on, its waker
//! has been called.

use falken_models::connection::StatementId;
use falken_models::io::IOCompletions;
use falken_models::session::STATEMENT_SLOTS;

use super::{Invariant, Moment, View};
use crate::verdict::Evidence;

/// See the module.
#[derive(Debug, Default, Hash)]
pub struct Wake;

impl Invariant for Wake {
    fn moment(&mut self, _moment: Moment, view: &View<'_>) -> Result<(), Evidence> {
        let Some(internals) = view.internals else { return Ok(()) };
        for (connection, slot) in internals.connections.iter().flatten().flat_map(|one| (0..STATEMENT_SLOTS as u8).map(move |slot| (one, slot))) {
            let Some(IOCompletions::Single(awaited)) = connection.awaiting(slot) else { continue };
            let id = StatementId { conn: connection.session().conn, slot };
            if !awaited.is_explicit_yield() && view.wakers.progressed(id, awaited) && !view.wakers.woken(id) {
                let what = if awaited.finished() { "has finished" } else { "has made progress" };
                let summary = format!("{id} waits for something that {what}, and was not woken");
                return Err(Evidence::new(summary).with("parked at", connection.site(slot).name()));
            }
        }
        Ok(())
    }
}

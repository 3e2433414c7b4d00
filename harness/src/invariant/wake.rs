//! When what a connection waits for has finished, or a group has made progress that its waiter must drive on, its waker
//! has been called.

use falken_models::io::IOCompletions;

use super::{Invariant, Moment, View};
use crate::verdict::Evidence;

/// See the module.
#[derive(Debug, Default, Hash)]
pub struct Wake;

impl Invariant for Wake {
    fn moment(&mut self, _moment: Moment, view: &View<'_>) -> Result<(), Evidence> {
        let Some(internals) = view.internals else { return Ok(()) };
        for connection in internals.connections.iter().flatten() {
            let Some(awaiting) = connection.awaiting() else { continue };
            let conn = connection.session().conn;
            let IOCompletions::Single(awaited) = awaiting;
            if !awaited.is_explicit_yield() && view.wakers.progressed(conn, awaited) && !view.wakers.woken(conn) {
                let what = if awaited.finished() { "has finished" } else { "has made progress" };
                let summary = format!("connection c{conn} waits for something that {what}, and was not woken");
                return Err(Evidence::new(summary).with("parked at", connection.site().name()));
            }
        }
        Ok(())
    }
}

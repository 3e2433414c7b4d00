//! When what a connection waits for has finished, its waker has been called.

use super::{Invariant, Moment, View};
use crate::verdict::Evidence;

/// See the module.
#[derive(Debug, Default)]
pub struct Wake;

impl Invariant for Wake {
    fn moment(&mut self, _moment: Moment, view: &View<'_>) -> Result<(), Evidence> {
        let Some(internals) = view.internals else { return Ok(()) };
        for connection in internals.connections.iter().flatten() {
            let Some(awaiting) = connection.awaiting() else { continue };
            let conn = connection.session().conn;
            if awaiting.finished() && !awaiting.is_explicit_yield() && !view.wakers.woken(conn) {
                let summary = format!("connection c{conn} waits for something that has finished, and was not woken");
                return Err(Evidence::new(summary).with("parked at", connection.site().name()));
            }
        }
        Ok(())
    }
}

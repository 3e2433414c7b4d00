//! After a rollback nothing of the transaction is left, and the connection is at the published end of the log.

use falken_models::event::{Actor, Event, EventKind};

use super::{Invariant, View};
use crate::verdict::Evidence;

/// See the module.
#[derive(Debug, Default, Hash)]
pub struct RollbackExact;

impl Invariant for RollbackExact {
    fn event(&mut self, event: &Event, view: &View<'_>) -> Result<(), Evidence> {
        let (EventKind::WriteEnd { committed: false }, Actor::Conn(conn)) = (event.kind, event.actor) else { return Ok(()) };
        let Some(connection) = view.connection(conn) else { return Ok(()) };
        let session = connection.session();
        let (mine, published) = (session.view.header.log_point(), view.ledger.published);
        let dirty: Vec<u32> = session.pages.dirty_numbers().collect();
        if mine.frame == published.frame && dirty.is_empty() {
            return Ok(());
        }
        let summary = format!("connection c{conn} has rolled back, but not to where its transaction began");
        Err(Evidence::new(summary).with("log position", format!("{mine:?}, published {published:?}")).with("dirty pages", format!("{dirty:?}")))
    }
}

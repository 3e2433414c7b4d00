//! Looking up a page leads to its newest version in the snapshot, in a frame that is completely written, or in the database file.

use falken_models::event::{Actor, Event, EventKind, PageSource};

use super::{Invariant, View};
use crate::verdict::Evidence;

/// See the module.
#[derive(Debug, Default, Hash)]
pub struct FrameLookup;

impl Invariant for FrameLookup {
    fn event(&mut self, event: &Event, view: &View<'_>) -> Result<(), Evidence> {
        let (EventKind::Lookup { page, source }, Actor::Conn(conn)) = (event.kind, event.actor) else { return Ok(()) };
        let wrong = |what: String| {
            let facts = &view.ledger.conns[usize::from(conn)];
            let summary = format!("connection c{conn} looks up page {page} and is led to {source}, {what}");
            Err(Evidence::new(summary).with("reading", facts.reading_text()).with("published", view.ledger.published))
        };
        let there = match source {
            PageSource::Database => view.ledger.database.get(page as usize - 1).copied(),
            PageSource::Frame(frame) => match view.ledger.frames.get(frame) {
                Some(fact) if fact.page != page => return wrong(format!("which holds page {}", fact.page)),
                Some(fact) if !fact.is_settled() => return wrong("which is not written yet".into()),
                Some(fact) => Some(fact.digest),
                None => return wrong("which is not in the log".into()),
            },
        };
        match view.expected_page(conn, page) {
            Some(expected) if there != Some(expected) => wrong("which holds another version than the snapshot".into()),
            _ => Ok(()),
        }
    }
}

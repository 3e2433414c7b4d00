//! What a checkpoint writes to a page is its newest frame up to the header it works from, and it cuts the file only to that header's size.

use falken_models::event::{Actor, Event, EventKind};

use super::{Invariant, View};
use crate::verdict::Evidence;

fn or_none(number: Option<u32>) -> String {
    number.map_or("none".into(), |number| number.to_string())
}

/// See the module.
#[derive(Debug, Default, Hash)]
pub struct CheckpointContent;

impl Invariant for CheckpointContent {
    fn event(&mut self, event: &Event, view: &View<'_>) -> Result<(), Evidence> {
        let Actor::Conn(conn) = event.actor else { return Ok(()) };
        let ledger = view.ledger;
        let Some(at) = ledger.conns[usize::from(conn)].checkpoint else { return Ok(()) };
        let pages = ledger.commit_at(at).map(|commit| ledger.commits[commit as usize].pages);
        let what = match event.kind {
            EventKind::CheckpointCopy { page, frame, digest } => {
                let newest = ledger.frames.newest(page, at.frame);
                let right = newest == Some(frame) && ledger.frames.get(frame).is_some_and(|fact| fact.digest == digest);
                if right && pages.is_none_or(|pages| page <= pages) {
                    return Ok(());
                }
                format!(
                    "copies frame {frame} to page {page}, whose newest frame up to {} is {}",
                    at.frame,
                    or_none(newest)
                )
            }
            EventKind::DbTruncate { pages: cut } if pages.is_some_and(|pages| pages != cut) => {
                format!("cuts the database file to {cut} pages, but its header says {}", or_none(pages))
            }
            _ => return Ok(()),
        };
        Err(Evidence::new(format!("the checkpoint of c{conn} {what}")).with("header", at))
    }
}

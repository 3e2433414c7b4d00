//! A transaction starts writing only if its snapshot is the newest commit.

use falken_models::event::{Event, EventKind};

use super::{Invariant, View, name};
use crate::verdict::Evidence;

/// See the module.
#[derive(Debug, Default, Hash)]
pub struct NoLostUpdate;

impl Invariant for NoLostUpdate {
    fn event(&mut self, event: &Event, view: &View<'_>) -> Result<(), Evidence> {
        let EventKind::WriteBegin { at } = event.kind else { return Ok(()) };
        let (mine, newest) = (view.ledger.commit_at(at), view.ledger.newest());
        if mine == Some(newest) {
            return Ok(());
        }
        let mine = mine.map_or("no commit".into(), |commit| format!("commit {commit}"));
        let summary = format!("{} starts writing on {mine}, but the newest is commit {newest}", name(event.actor));
        Err(Evidence::new(summary).with("snapshot", at).with("published", view.ledger.published))
    }
}

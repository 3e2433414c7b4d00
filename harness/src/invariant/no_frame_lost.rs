//! For every page the newest committed version is in a frame above nBackfill or in the database file.

use falken_models::event::{Event, EventKind};

use super::{Invariant, View, name};
use crate::verdict::Evidence;

/// See the module.
#[derive(Debug, Default, Hash)]
pub struct NoFrameLost;

impl Invariant for NoFrameLost {
    fn event(&mut self, event: &Event, view: &View<'_>) -> Result<(), Evidence> {
        let (EventKind::Backfill { .. }
        | EventKind::Restart { .. }
        | EventKind::WalRemove
        | EventKind::CheckpointEnd { .. }) = event.kind
        else {
            return Ok(());
        };
        let ledger = view.ledger;
        for page in 1..=ledger.commits[ledger.newest() as usize].pages {
            let Some(newest) = ledger.versions.page(page, ledger.newest()) else { continue };
            let in_log = ledger.frames.newest(page, ledger.published.frame);
            if let Some(frame) = in_log.filter(|frame| *frame > ledger.backfill)
                && ledger.frames.get(frame).is_some_and(|fact| !fact.written)
            {
                let summary =
                    format!("a fresh reader takes page {page} from frame {frame}, which is not in the log file");
                let published = ledger.published;
                return Err(Evidence::new(summary)
                    .with("published", published)
                    .with("after an action of", name(event.actor)));
            }
            let needs_file = in_log.is_none_or(|frame| frame <= ledger.backfill);
            if needs_file && ledger.database.get(page as usize - 1) != Some(&newest) {
                let summary = format!(
                    "a fresh reader takes page {page} from the database file, which has another version than commit {}",
                    ledger.newest()
                );
                let frame = in_log.map_or("none".into(), |frame| frame.to_string());
                return Err(Evidence::new(summary)
                    .with("newest frame", frame)
                    .with("nBackfill", ledger.backfill)
                    .with("after an action of", name(event.actor)));
            }
        }
        Ok(())
    }
}

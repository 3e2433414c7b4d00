//! nBackfill becomes n only when every page whose newest frame is at most n is in the database file, and all of it durably if n is the
//! end. What a checkpoint says that it has published is what others find.

use falken_models::event::{Event, EventKind};
use falken_models::wal::{LockId, SyncMode};

use super::{Invariant, Moment, View, name};
use crate::verdict::Evidence;

/// See the module.
#[derive(Debug, Default, Hash)]
pub struct PublishAfterCopy;

impl Invariant for PublishAfterCopy {
    fn event(&mut self, event: &Event, view: &View<'_>) -> Result<(), Evidence> {
        let EventKind::Backfill { frame } = event.kind else { return Ok(()) };
        let ledger = view.ledger;
        let evidence = |what: String| Err(Evidence::new(format!("{} publishes nBackfill = {frame}, but {what}", name(event.actor))));
        for page in ledger.frames.pages() {
            let Some(newest) = ledger.frames.newest(page, ledger.published.frame) else { continue };
            let fact = ledger.frames.get(newest).expect("the frame was listed");
            if newest <= frame && ledger.database.get(page as usize - 1) != Some(&fact.digest) && page <= ledger.commits[ledger.newest() as usize].pages {
                return evidence(format!("page {page} of frame {newest} is not in the database file"));
            }
        }
        // A publication under way has already moved the live end of the log.
        let publishing = ledger.attempt.is_some() && view.holder(LockId::WRITE).is_some();
        let all = frame == ledger.published.frame && !publishing;
        if all && ledger.sync != SyncMode::Off && ledger.database_synced < ledger.database_effects {
            return evidence("the database file is not durable".into());
        }
        Ok(())
    }

    /// What was published is what others find. Whoever changes it holds one of three locks, and says so then.
    fn moment(&mut self, _moment: Moment, view: &View<'_>) -> Result<(), Evidence> {
        let Some(internals) = view.internals else { return Ok(()) };
        let changes = [LockId::WRITE, LockId::CKPT, LockId::RECOVER].iter().any(|lock| view.holder(*lock).is_some());
        let (published, found) = (view.ledger.backfill, internals.shared.wal.backfill());
        if changes || found == published {
            return Ok(());
        }
        Err(Evidence::new(format!("nBackfill was published as {published}, but what others find is {found}")))
    }
}

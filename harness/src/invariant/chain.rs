//! Whenever nobody writes, an independent parser of the files finds exactly the published state.

use super::{Invariant, Moment, View};
use crate::action::CrashKind;
use crate::verdict::Evidence;

/// See the module.
#[derive(Debug, Default, Hash)]
pub struct Chain;

impl Invariant for Chain {
    fn moment(&mut self, _moment: Moment, view: &View<'_>) -> Result<(), Evidence> {
        let Some(recovered) = view.recover_copy() else { return Ok(()) };
        let (ledger, published) = (view.ledger, view.ledger.published);
        // Until the first frame of a generation its header is not written: the old one is found, fully backfilled.
        let frames_differ = published.frame > 0 && recovered.log.mx_frame != published.frame;
        let owed = crate::ledger::Survival { must: ledger.newest(), may: ledger.newest(), kind: CrashKind::Process };
        let found = ledger.identify(recovered, owed);
        let revives = found.as_ref().is_ok_and(|found| !found.revived.is_empty());
        if found.is_ok() && (!frames_differ || revives) {
            return Ok(());
        }
        let nearest = found.err().map_or("none".into(), |(_, evidence)| evidence.summary);
        let summary = format!(
            "a copy of the files recovers {} frames, but {} are published",
            recovered.log.mx_frame, published.frame
        );
        Err(Evidence::new(summary)
            .with("log header", recovered.log.header_text())
            .with("published", published)
            .with("contents", nearest))
    }
}

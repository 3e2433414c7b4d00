//! What a process recovers is what an independent parser finds in the same files.

use falken_models::disk::FileId;
use falken_models::event::{Event, EventKind};

use super::{Invariant, View, name};
use crate::parser;
use crate::verdict::Evidence;

/// See the module.
#[derive(Debug, Default, Hash)]
pub struct RecoveryStable;

impl Invariant for RecoveryStable {
    fn event(&mut self, event: &Event, view: &View<'_>) -> Result<(), Evidence> {
        let (EventKind::Recovered { at, pages }, Some(internals)) = (event.kind, view.internals) else { return Ok(()) };
        let disk = &internals.shared.disk;
        let log = disk.contents(FileId::Wal);
        let page_size = view.ledger.page_size;
        let found = disk.with_contents(FileId::Database, |database| parser::recover(database, &log, page_size).log);
        let generation = found.generation.unwrap_or_default();
        // What the next frame's checksum goes on from is part of what is recovered; the header has just been published.
        let published = internals.shared.wal.published().filter(|header| header.mx_frame == found.mx_frame);
        let seed = published.filter(|_| found.mx_frame > 0).map(|header| header.checksum.into());
        let goes_on = seed.is_none_or(|seed: (u32, u32)| seed == found.checksum);
        if found.mx_frame == at.frame && found.pages == pages && generation == (at.seq, at.salts) && goes_on {
            return Ok(());
        }
        let summary = format!(
            "{} recovered {} frames and {pages} pages, but the files hold {} and {}",
            name(event.actor),
            at.frame,
            found.mx_frame,
            found.pages
        );
        Err(Evidence::new(summary)
            .with("log header", format!("{:x?}", found.generation))
            .with("recovered", format!("{at:x?}"))
            .with("checksums", format!("{seed:x?}, in the files {:x?}", found.checksum)))
    }
}

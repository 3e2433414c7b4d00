//! The log is restarted only when every frame is backfilled, those pages are durable, and no reader holds a mark slot; it
//! is removed only when, besides, nobody else has the database open; and its file is cut only by a checkpointer that has
//! kept all others out since.

use falken_models::disk::{FileId, IoKind};
use falken_models::event::{Actor, Event, EventKind};
use falken_models::wal::{LockId, SyncMode};

use super::{Invariant, View, name};
use crate::verdict::Evidence;

/// See the module.
#[derive(Debug, Default, Hash)]
pub struct ResetGuard {
    before: Before,
    /// The connection that is cutting the log file.
    cutting: Option<u8>,
}

impl Invariant for ResetGuard {
    fn event(&mut self, event: &Event, view: &View<'_>) -> Result<(), Evidence> {
        // The ledger has already moved on to the new generation: judge by what it knew before, kept here.
        let before = std::mem::replace(&mut self.before, Before::of(view));
        let removes = match event.kind {
            EventKind::Restart { .. } => false,
            EventKind::WalRemove => true,
            EventKind::Crash { .. } => {
                self.cutting = None;
                return Ok(());
            }
            EventKind::WalTruncate | EventKind::Finish { .. } => return self.check_cut(event, view),
            _ => return Ok(()),
        };
        let alone = Actor::Conn(view.holder(LockId::DATABASE).unwrap_or(u8::MAX)) == event.actor;
        let reader = view.ledger.conns.iter().enumerate().find(|(reader, facts)| {
            facts.reading.is_some_and(|reading| reading.slot > 0) && event.actor != Actor::Conn(*reader as u8)
        });
        let why = if let Some((reader, _)) = reader {
            format!("reader c{reader} holds a mark slot")
        } else if removes && !alone {
            "others may have the database open".into()
        } else if before.backfill < before.frames {
            format!("only {} of {} frames are backfilled", before.backfill, before.frames)
        } else if view.ledger.sync != SyncMode::Off && before.durable < before.effects {
            "pages of the database file are not durable".into()
        } else {
            return Ok(());
        };
        let verb = if removes { "removes" } else { "restarts" };
        let summary = format!("{} {verb} the log although {why}", name(event.actor));
        Err(Evidence::new(summary).with("nBackfill", before.backfill).with("mxFrame", before.frames))
    }
}

impl ResetGuard {
    /// When a checkpointer asks for the cut, and still when it is done, WRITE and the readers' slots are its own.
    fn check_cut(&mut self, event: &Event, view: &View<'_>) -> Result<(), Evidence> {
        let conn = match (event.kind, event.actor) {
            (EventKind::WalTruncate, Actor::Conn(conn)) => *self.cutting.insert(conn),
            (EventKind::Finish { file: FileId::Wal, io: IoKind::Truncate, .. }, _) => {
                let Some(conn) = self.cutting.take() else { return Ok(()) };
                conn
            }
            _ => return Ok(()),
        };
        let mut needed = [LockId::WRITE, LockId::read(1)].into_iter();
        let Some(lost) = needed.find(|lock| view.holder(*lock) != Some(conn)) else { return Ok(()) };
        let holder = view.holder(lost).map_or("nobody".into(), |holder| format!("c{holder}"));
        let published = view.ledger.published;
        Err(Evidence::new(format!("connection c{conn} cuts the log file without holding {}", lost.name()))
            .with("held by", holder)
            .with("published", published))
    }
}

/// What the ledger knew before the event.
#[derive(Clone, Copy, Debug, Default, Hash)]
struct Before {
    backfill: u32,
    frames: u32,
    effects: u64,
    durable: u64,
}

impl Before {
    fn of(view: &View<'_>) -> Self {
        let ledger = view.ledger;
        Self {
            backfill: ledger.backfill,
            frames: ledger.published.frame,
            effects: ledger.database_effects,
            durable: ledger.database_synced,
        }
    }
}

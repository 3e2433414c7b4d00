//! What an engine owes that shows no internals. Nobody knows its commits; but what its clients were told is known, and so is
//! which fsync of the log came after it.

use falken_models::disk::{FileId, IoKind, IoResult, OpId};
use falken_models::event::{Event, EventKind};
use falken_models::wal::SyncMode;

use crate::action::CrashKind;

/// Counts what clients were told, and how much of it fsyncs of the log have covered.
#[derive(Debug)]
pub(super) struct Duty {
    sync: SyncMode,
    told: u32,
    covered: u32,
    /// The fsyncs of the log in flight, with what had been told when each was submitted.
    covering: Vec<(OpId, u32)>,
    /// What had been told when the process died, for as long as nothing covers what it has left. A commit that nobody was told
    /// of may have come back; who reads it then has read what the power may still take away, in SQLite as well.
    revived: Option<u32>,
}

impl Duty {
    pub(super) fn new(sync: SyncMode) -> Self {
        Self { sync, told: 0, covered: 0, covering: Vec::new(), revived: None }
    }

    /// A client has been told how its statement ended: the number of this answer. Who acknowledges a write under FULL has made
    /// durable whatever lies before it in the log.
    pub(super) fn tell(&mut self, has_written: bool) -> u32 {
        self.told += 1;
        if has_written && self.sync == SyncMode::Full {
            self.revived = None;
        }
        self.told
    }

    /// How many answers there have been.
    pub(super) fn told(&self) -> u32 {
        self.told
    }

    /// The answer up to which a crash may lose nothing; `None` if it may lose nothing at all.
    pub(super) fn bound(&self, kind: CrashKind) -> Option<u32> {
        match (kind, self.sync) {
            (CrashKind::Process, _) => None,
            (CrashKind::Power, SyncMode::Full) => self.revived,
            (CrashKind::Power, SyncMode::Normal) => Some(self.covered),
            (CrashKind::Power, SyncMode::Off) => Some(0),
        }
    }

    /// The power has failed: what is there now is durable.
    pub(super) fn begin_anew(&mut self) {
        self.covered = self.told;
        self.covering.clear();
        self.revived = None;
    }

    pub(super) fn note(&mut self, event: &Event) {
        match event.kind {
            EventKind::Submit { op, file: FileId::Wal, io: IoKind::Sync, .. } => self.covering.push((op, self.told)),
            EventKind::Finish { op, file: FileId::Wal, io: IoKind::Sync, result, .. } => {
                let Some(at) = self.covering.iter().position(|(other, _)| *other == op) else { return };
                let (_, told) = self.covering.remove(at);
                if let IoResult::Ok(_) = result {
                    self.covered = self.covered.max(told);
                    self.revived = None;
                }
            }
            EventKind::Crash { power, .. } => {
                self.covering.clear();
                if !power {
                    self.revived.get_or_insert(self.told);
                }
            }
            _ => {}
        }
    }
}

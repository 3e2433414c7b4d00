//! Probes: conditions that should hold *sometimes*. A probe that a scenario expects and never hits says that the
//! scenario does not do what it is for.

use falken_models::disk::{CancelOutcome, FileId, IoKind, IoResult};
use falken_models::event::{Event, EventKind, PageSource, StatementKind};
use falken_models::site::Site;
use falken_models::wal::{CheckpointMode, LockId, LockMode};

/// One probe.
pub struct Probe {
    /// Its stable name.
    pub name: &'static str,
    /// When it counts as hit.
    pub about: &'static str,
    hit: fn(&EventKind) -> bool,
}

macro_rules! probes {
    ($($name:literal, $about:literal, $pattern:pat $(if $guard:expr)? => counted;)*) => {
        /// Every probe.
        pub const TABLE: &[Probe] = &[$(Probe { name: $name, about: $about, hit: |kind| matches!(kind, $pattern $(if $guard)?) },)*];
    };
}

probes! {
    "commit", "a commit was published", EventKind::Publish { commit: true, .. } => counted;
    "rollback", "a transaction was rolled back", EventKind::Rollback => counted;
    "read.slot0", "a reader ignored the log", EventKind::ReadBegin { slot: 0, .. } => counted;
    "read.mark-slot", "a reader pinned the log", EventKind::ReadBegin { slot: 1.., .. } => counted;
    "read.old-mark", "a reader had to share an older mark", EventKind::ReadBegin { slot: 1.., mark, at, .. } if *mark < at.frame => counted;
    "read.cache-dropped", "a reader found its cache out of date", EventKind::ReadBegin { changed: true, .. } => counted;
    "page.from-frame", "a page was read from the log", EventKind::Lookup { source: PageSource::Frame(_), .. } => counted;
    "page.from-db", "a page was read from the database file", EventKind::Lookup { source: PageSource::Database, .. } => counted;
    "page.evicted", "a page left the cache", EventKind::Evicted { .. } => counted;
    "write.multi-frame", "a transaction wrote more than one frame", EventKind::Frame { commit_pages: 0, .. } => counted;
    "write.over-own-frame", "a transaction wrote over a frame of its own", EventKind::Overwrite { .. } => counted;
    "lock.busy", "a lock was busy", EventKind::LockBusy { .. } => counted;
    "checkpoint.passive", "a PASSIVE checkpoint ended", EventKind::CheckpointEnd { mode: CheckpointMode::Passive, .. } => counted;
    "checkpoint.full", "a FULL checkpoint ended", EventKind::CheckpointEnd { mode: CheckpointMode::Full, .. } => counted;
    "checkpoint.restart", "a RESTART checkpoint ended", EventKind::CheckpointEnd { mode: CheckpointMode::Restart, .. } => counted;
    "checkpoint.truncate", "a TRUNCATE checkpoint ended", EventKind::CheckpointEnd { mode: CheckpointMode::Truncate, .. } => counted;
    "checkpoint.partial", "readers held a checkpoint back", EventKind::CheckpointEnd { log, backfilled, .. } if backfilled < log => counted;
    "checkpoint.copied", "a checkpoint copied a page", EventKind::CheckpointCopy { .. } => counted;
    "log.restart", "the log was restarted", EventKind::Restart { .. } => counted;
    "log.truncate", "the log file was cut", EventKind::WalTruncate => counted;
    "create", "the database was created", EventKind::DatabaseReady { created: true } => counted;
    "create.found", "a process found the database that another one had created", EventKind::DatabaseReady { created: false } => counted;
    "close", "a client closed its connection", EventKind::StatementEnd { kind: StatementKind::Close, ok: true, .. } => counted;
    "close.busy", "a connection closed while others had the database open", EventKind::LockBusy { lock: LockId::DATABASE, mode: LockMode::Exclusive } => counted;
    "close.last", "the last connection to close removed the log", EventKind::WalRemove => counted;
    "open.busy", "a connection could not open a database that was being closed", EventKind::LockBusy { lock: LockId::DATABASE, mode: LockMode::Shared } => counted;
    "crash.name-lost", "a power loss brought a removed file back, or lost a new one", EventKind::NameLost { .. } => counted;
    "recovery", "the log was recovered", EventKind::Recovered { .. } => counted;
    "recovery.frames", "recovery found commits in the log", EventKind::Recovered { at, .. } if at.frame > 0 => counted;
    "crash.process", "the process crashed", EventKind::Crash { power: false } => counted;
    "crash.power", "the power failed", EventKind::Crash { power: true } => counted;
    "savepoint", "a savepoint was opened", EventKind::StatementEnd { kind: StatementKind::Savepoint, ok: true, .. } => counted;
    "savepoint.release", "a savepoint was released", EventKind::StatementEnd { kind: StatementKind::Release, ok: true, .. } => counted;
    "savepoint.undo", "a transaction was rolled back to a savepoint", EventKind::StatementEnd { kind: StatementKind::RollbackTo, ok: true, .. } => counted;
    "statement.second", "a second statement ran on a connection", EventKind::StatementEnd { slot: 1.., ok: true, .. } => counted;
    "sibling.waits", "a statement waited for another one of its connection", EventKind::Yield { site: Site::StatementSibling } => counted;
    "interrupt", "a connection was interrupted", EventKind::Interrupt => counted;
    "abandon", "a suspended statement was abandoned", EventKind::Abandon { dropped: false } => counted;
    "drop", "a connection was dropped", EventKind::Abandon { dropped: true } => counted;
    "fault.spurious", "a connection was stepped although it waits", EventKind::Injected { fault: "spurious" } => counted;
    "fault.delay", "an operation was held back", EventKind::Injected { fault: "delay" } => counted;
    "fault.starve", "a connection was held back", EventKind::Injected { fault: "starve" } => counted;
    "fault.eio-at-submit", "a submission was refused", EventKind::Refused { .. } => counted;
    "fault.no-space", "a write failed with ENOSPC", EventKind::Injected { fault: "no-space" } => counted;
    "fault.short-read", "a read was short", EventKind::Injected { fault: "short-read" } => counted;
    "fault.short-write", "a write was short", EventKind::Injected { fault: "short-write" } => counted;
    "cancel.already-done", "a cancel named an operation that had ended", EventKind::CancelOutcome { outcome: CancelOutcome::AlreadyDone, .. } => counted;
    "cancel.completed-anyway", "a cancel came too late", EventKind::CancelOutcome { outcome: CancelOutcome::CompletedAnyway, .. } => counted;
    "cancel.partial", "a cancelled operation had done a part", EventKind::CancelOutcome { outcome: CancelOutcome::Partial, .. } => counted;
    "cancel.cancelled", "a cancelled operation had done nothing", EventKind::CancelOutcome { outcome: CancelOutcome::Cancelled, .. } => counted;
    "buffer.none-free", "a connection found no free buffer for a write", EventKind::NoBuffer { .. } => counted;
    "commit.all-spilled", "a transaction committed with all its pages in the log already", EventKind::AllSpilled => counted;
    "freelist.second-trunk", "the freelist got a second trunk page", EventKind::TrunkAdded { next: 1.., .. } => counted;
    "freelist.second-trunk-emptied", "a trunk page in front of another one was emptied", EventKind::TrunkEmptied { next: 1.., .. } => counted;
    "ring.full", "a connection found no slot in the ring", EventKind::Overflow { .. } => counted;
    "fault.eio", "an operation failed with EIO", EventKind::Injected { fault: "eio" } => counted;
    "fault.eio-on-fsync", "an fsync failed", EventKind::Finish { io: IoKind::Sync, result: IoResult::Error(_), .. } => counted;
    "fault.eio-on-log-write", "a write to the log failed",
        EventKind::Finish { io: IoKind::Write, file: FileId::Wal, result: IoResult::Error(_), .. } => counted;
}

/// How often each probe of [`TABLE`] was hit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hits(Vec<u64>);

impl Default for Hits {
    fn default() -> Self {
        Self(vec![0; TABLE.len()])
    }
}

impl Hits {
    /// Counts an event.
    #[inline]
    pub fn note(&mut self, event: &Event) {
        // Yields, the most frequent events by far, hit hardly any probe.
        if matches!(event.kind, EventKind::Yield { site } if site != Site::StatementSibling) {
            return;
        }
        for (hits, probe) in self.0.iter_mut().zip(TABLE) {
            *hits += u64::from((probe.hit)(&event.kind));
        }
    }

    /// Adds another run's hits.
    pub fn add(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(hits, more)| *hits += more);
    }

    /// Name and hits of every probe.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
        TABLE.iter().map(|probe| probe.name).zip(self.0.iter().copied())
    }

    /// How often the probe of this name was hit; 0 if there is none.
    pub fn of(&self, name: &str) -> u64 {
        self.iter().find(|(known, _)| *known == name).map_or(0, |(_, hits)| hits)
    }
}

//! Probes: conditions that should hold *sometimes*. A probe that a scenario expects and never hits says that the
//! scenario does not do what it is for.
//!
//! Those of [`TABLE`] are named by hand and can be expected by a scenario. The others are there because something can
//! happen at all: every site can be yielded at, every state of every machine entered, every error returned by every kind
//! of statement. What the whole catalogue never reaches is not tested.

mod possible;

use falken_models::disk::{CancelOutcome, FileId, IoKind, IoResult};
use falken_models::event::{Event, EventKind, PageSource, StatementKind, Tag};
use falken_models::session::Error;
use falken_models::site::Site;
use falken_models::visits::{STATES, Visits, machines};
use falken_models::wal::{CheckpointMode, LockId, LockMode};
use strum::{VariantArray, VariantNames};

/// One probe.
pub struct Probe {
    /// Its stable name.
    pub name: &'static str,
    /// When it counts as hit.
    pub about: &'static str,
    tag: Tag,
    hit: fn(&EventKind) -> bool,
}

macro_rules! probes {
    ($($name:literal, $about:literal, EventKind::$tag:ident $({ $($fields:tt)* })? $(if $guard:expr)? => counted;)*) => {
        /// Every probe that is named by hand.
        pub const TABLE: &[Probe] = &[$(Probe {
            name: $name,
            about: $about,
            tag: Tag::$tag,
            hit: |kind| matches!(kind, EventKind::$tag $({ $($fields)* })? $(if $guard)?),
        },)*];
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
    "crash.performed-unheard", "a process crash left an operation in flight performed", EventKind::PerformedUnheard { .. } => counted;
    "recovery", "the log was recovered", EventKind::Recovered { .. } => counted;
    "recovery.frames", "recovery found commits in the log", EventKind::Recovered { at, .. } if at.frame > 0 => counted;
    "crash.process", "the process crashed", EventKind::Crash { power: false, .. } => counted;
    "crash.power", "the power failed", EventKind::Crash { power: true, .. } => counted;
    "crash.double", "a crash followed soon after another one", EventKind::Injected { fault: "double-crash" } => counted;
    "crash.in-recovery", "a crash hit a recovery", EventKind::Crash { in_recovery: true, .. } => counted;
    "savepoint", "a savepoint was opened", EventKind::StatementEnd { kind: StatementKind::Savepoint, ok: true, .. } => counted;
    "savepoint.release", "a savepoint was released", EventKind::StatementEnd { kind: StatementKind::Release, ok: true, .. } => counted;
    "savepoint.undo", "a transaction was rolled back to a savepoint", EventKind::StatementEnd { kind: StatementKind::RollbackTo, ok: true, .. } => counted;
    "statement.second", "a second statement ran on a connection", EventKind::StatementEnd { slot: 1.., ok: true, .. } => counted;
    "sibling.waits", "a statement waited for another one of its connection", EventKind::Yield { site: Site::StatementSibling } => counted;
    "interrupt", "a connection was interrupted", EventKind::Interrupt => counted;
    "abandon", "a suspended statement was abandoned", EventKind::Abandon { dropped: false } => counted;
    "drop", "a connection was dropped", EventKind::Abandon { dropped: true } => counted;
    "fault.cancel", "a cancel was asked for that no statement had asked for", EventKind::Injected { fault: "cancel" } => counted;
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
    "layout.changed", "a statement gave the table another layout", EventKind::LayoutChanged { .. } => counted;
    "ring.full", "a connection found no slot in the ring", EventKind::Overflow { .. } => counted;
    "fault.eio", "an operation failed with EIO", EventKind::Injected { fault: "eio" } => counted;
    "fault.fsync-kept-dirty", "an fsync failed and left its pages dirty", EventKind::Injected { fault: "fsync-kept-dirty" } => counted;
    "fault.fsync-marked-clean", "an fsync failed and its pages were marked clean", EventKind::Injected { fault: "fsync-marked-clean" } => counted;
    "fault.torn-writes", "the power failed and sectors may be torn", EventKind::Injected { fault: "torn-writes" } => counted;
    "fault.spoilt-sectors", "the power failed and whole sectors may be spoilt", EventKind::Injected { fault: "spoilt-sectors" } => counted;
    "fault.bit-rot", "a bit rotted", EventKind::Injected { fault: "bit-rot" } => counted;
    "fault.misdirected-write", "a write landed elsewhere", EventKind::Injected { fault: "misdirected-write" } => counted;
    "fault.lost-write", "a write was lost", EventKind::Injected { fault: "lost-write" } => counted;
    "fault.lying-fsync", "an fsync lied", EventKind::Injected { fault: "lying-fsync" } => counted;
    "fault.eio-on-fsync", "an fsync failed", EventKind::Finish { io: IoKind::Sync, result: IoResult::Error(_), .. } => counted;
    "fault.eio-on-log-write", "a write to the log failed",
        EventKind::Finish { io: IoKind::Write, file: FileId::Wal, result: IoResult::Error(_), .. } => counted;
}

/// The most probes that one kind of event can hit.
const PER_TAG_MAX: usize = 20;

/// For each kind of event, the probes of [`TABLE`] that look at it, and how many they are.
static BY_TAG: [([u8; PER_TAG_MAX], usize); Tag::COUNT] = {
    let mut by_tag = [([0; PER_TAG_MAX], 0); Tag::COUNT];
    let mut index = 0;
    while index < TABLE.len() {
        let (probes, count) = &mut by_tag[TABLE[index].tag as usize];
        probes[*count] = index as u8;
        *count += 1;
        index += 1;
    }
    by_tag
};

const KINDS: usize = StatementKind::VARIANTS.len();
const ERRORS: usize = possible::ERRORS.len();

/// How often each probe was hit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hits {
    named: Vec<u64>,
    sites: Vec<u64>,
    states: Vec<u64>,
    /// By statement, then by error.
    errors: Vec<u64>,
}

impl Default for Hits {
    fn default() -> Self {
        let none = |count| vec![0; count];
        let (named, sites) = (none(TABLE.len()), none(Site::ALL.len()));
        Self { named, sites, states: none(STATES), errors: none(KINDS * ERRORS) }
    }
}

impl Hits {
    /// Counts an event.
    #[inline]
    pub fn note(&mut self, event: &Event) {
        if let EventKind::Yield { site } = event.kind {
            self.sites[site as usize] += 1;
            // Yields, the most frequent events by far, hit hardly any probe.
            if site != Site::StatementSibling {
                return;
            }
        }
        let (probes, count) = &BY_TAG[event.kind.tag() as usize];
        for &index in &probes[..*count] {
            self.named[usize::from(index)] += u64::from((TABLE[usize::from(index)].hit)(&event.kind));
        }
    }

    /// Counts what a statement returned.
    pub fn note_error(&mut self, kind: StatementKind, error: Error) {
        self.errors[kind as usize * ERRORS + possible::place(error)] += 1;
    }

    /// Counts the turns of a connection that is about to go.
    pub fn note_visits(&mut self, visits: &Visits) {
        self.states.iter_mut().zip(visits.counts()).for_each(|(hits, more)| *hits += u64::from(*more));
    }

    /// Adds another run's hits.
    pub fn add(&mut self, other: &Self) {
        let Self { named, sites, states, errors } = self;
        let lists = [(named, &other.named), (sites, &other.sites), (states, &other.states), (errors, &other.errors)];
        for (list, more) in lists {
            list.iter_mut().zip(more).for_each(|(hits, more)| *hits += more);
        }
    }

    /// Name and hits of every probe of [`TABLE`].
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
        TABLE.iter().map(|probe| probe.name).zip(self.named.iter().copied())
    }

    /// Name and hits of every probe there is: those of the table, then sites, states and errors. What the catalogue cannot
    /// come to by design is left out, unless it was hit nevertheless.
    pub fn all(&self) -> impl Iterator<Item = (String, u64)> {
        let named = self.iter().map(|(name, hits)| (name.to_owned(), hits));
        let sites =
            Site::ALL.iter().zip(&self.sites).filter(|(site, hits)| **hits > 0 || possible::is_yielded_at(**site));
        let states = machines().flat_map(|machine| machine.states.iter().map(move |state| (machine.name, *state)));
        let states =
            states.zip(&self.states).filter(|((name, state), hits)| **hits > 0 || possible::is_entered(name, state));
        let errors = StatementKind::VARIANTS.iter().flat_map(|kind| possible::ERRORS.map(|error| (*kind, error)));
        let errors =
            errors.zip(&self.errors).filter(|((kind, error), hits)| **hits > 0 || possible::may_return(*kind, *error));
        named
            .chain(sites.map(|(site, hits)| (format!("site {}", site.name()), *hits)))
            .chain(states.map(|((name, state), hits)| (format!("state {name}.{}", kebab(state)), *hits)))
            .chain(errors.map(|((kind, error), hits)| {
                let error = Error::VARIANTS[possible::place(error)];
                (format!("error {error} of {}", kind.name().replace(' ', "-")), *hits)
            }))
    }

    /// How often the probe of this name was hit; 0 if there is none.
    pub fn of(&self, name: &str) -> u64 {
        self.iter().find(|(known, _)| *known == name).map_or(0, |(_, hits)| hits)
    }
}

/// `FetchFirst` as `fetch-first`.
fn kebab(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !out.is_empty() {
            out.push('-');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use falken_models::event::Actor;
    use falken_models::io::CompletionError;

    use super::*;

    #[test]
    fn names_are_unique() {
        let names: Vec<String> = Hits::default().all().map(|(name, _)| name).collect();
        let unique: BTreeSet<&String> = names.iter().collect();
        assert_eq!(names.len(), unique.len());
    }

    #[test]
    fn what_happens_is_counted_under_its_name() {
        let mut hits = Hits::default();
        for kind in [
            EventKind::Yield { site: Site::PagerRead },
            EventKind::Yield { site: Site::StatementSibling },
            EventKind::Interrupt,
            EventKind::Crash { power: true, in_recovery: false },
        ] {
            hits.note(&Event { actor: Actor::Run, kind });
        }
        hits.note_error(StatementKind::RollbackTo, Error::Io(CompletionError::Io));
        hits.note_error(StatementKind::Put, Error::Interrupted);
        let hit: Vec<String> = hits.all().filter(|(_, hits)| *hits > 0).map(|(name, _)| name).collect();
        let expected = [
            "crash.power",
            "sibling.waits",
            "interrupt",
            "site statement.sibling",
            "site pager.read",
            "error interrupted of put",
            "error io of rollback-to",
        ];
        assert_eq!(hit, expected);
    }
}

//! Invariants: named statements that are always true, checked while a run goes on.
//!
//! An invariant is one file and one line in [`TABLE`], which also says when it is checked: on events, at moments, or when
//! a statement ends. Those that cost little look at every event they subscribe to; those that parse the files run at
//! every sixteenth commit, after checkpoints, and at the end.
//!
//! They see events, the [`Ledger`](crate::ledger::Ledger) that has already taken the event in, and the subject's internals if it shows any.

macro_rules! modules {
    ($($module:ident,)*) => { $(mod $module;)* };
}

modules! {
    atomicity, bounded_step, buffer_lifetime, cache_coherence, callback_once, cancel_exact, chain, checkpoint_content, clean_after_end, counters,
    dirty_accounting, frame_lookup, generation, group_exact, honest_outcome, idle_poll, loaded_before_use, lock_balance,
    no_frame_lost, no_lost_update, nothing_left, page_accounting, pin_balance, publish_after_copy, read_mark_safety,
    recency, recovery_stable, reset_guard, result_truth, rollback_exact, schedule_independence, schema_agreement, serial_history, sibling_isolation,
    single_writer, snapshot_reads, transfer_exact, wake, wal_synced_first,
}
mod selection;
mod view;

use std::hash::{Hash, Hasher};

use falken_models::connection::{Op, Outcome, StatementId};
use falken_models::event::{Actor, Event, Tag};
use falken_models::session::Error;
use falken_models::state::StateHasher;

use crate::verdict::{Evidence, Violation};
pub use selection::{GROUPS, Selection, known};
pub use view::View;

/// When an invariant is checked, besides on events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Moment {
    /// After each completion callback.
    Callback,
    /// After each cancelled or abandoned statement, when its drain has returned.
    Cancel,
    /// After each step of a connection.
    Step,
    /// After the end of a statement, in any way.
    Commit,
    /// After each checkpoint.
    Checkpoint,
    /// At quiescence.
    Quiet,
    /// When every program has come to its end, before it is proved that all of them can go on.
    Settled,
}

impl Moment {
    const COUNT: usize = 7;
}

/// What an invariant remembers of the past: part of the state that an exhaustive search compares, because it decides what
/// the invariant will say. Derive [`Hash`] to have it.
pub trait Memory {
    /// Hashes all of it.
    fn hash_memory(&self, state: &mut StateHasher);
}

impl<T: Hash> Memory for T {
    fn hash_memory(&self, state: &mut StateHasher) {
        self.hash(state);
    }
}

/// A statement that is always true.
pub trait Invariant: Memory {
    /// Looks at an event that it subscribed to.
    ///
    /// # Errors
    /// Evidence that it does not hold.
    fn event(&mut self, _event: &Event, _view: &View<'_>) -> Result<(), Evidence> {
        Ok(())
    }

    /// Looks at a moment that it subscribed to.
    ///
    /// # Errors
    /// Evidence that it does not hold.
    fn moment(&mut self, _moment: Moment, _view: &View<'_>) -> Result<(), Evidence> {
        Ok(())
    }

    /// Looks at what a client was told.
    ///
    /// # Errors
    /// Evidence that it does not hold.
    fn ended(
        &mut self,
        _id: StatementId,
        _op: &Op,
        _result: &Result<Outcome, Error>,
        _view: &View<'_>,
    ) -> Result<(), Evidence> {
        Ok(())
    }
}

/// An invariant, and when it is checked.
pub struct Entry {
    /// Its stable id.
    pub id: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Its rule in words.
    pub rule: &'static str,
    events: &'static [Tag],
    moments: &'static [Moment],
    at_end: bool,
    /// Whether it costs much: it parses the files, which is not done at every moment (see [`Checks::is_due`]), compares all
    /// rows, or judges the whole history.
    is_dear: bool,
    new: fn() -> Box<dyn Invariant>,
}

macro_rules! entry {
    ($id:literal, $name:literal, $rule:literal, $module:ident::$type:ident, on [$($tag:ident),*], at [$($moment:ident),*] $(, $flag:ident)?) => {
        Entry {
            id: $id,
            name: $name,
            rule: $rule,
            events: &[$(Tag::$tag),*],
            moments: &[$(Moment::$moment),*],
            at_end: entry!(@end $($flag)?),
            is_dear: entry!(@dear $($flag)?),
            new: || Box::new($module::$type::default()),
        }
    };
    (@end ended) => { true };
    (@end ended_dear) => { true };
    (@end $($other:ident)?) => { false };
    (@dear dear) => { true };
    (@dear ended_dear) => { true };
    (@dear $($other:ident)?) => { false };
}

impl Entry {
    /// Whether it costs much, so that it is none of the [cheap](GROUPS) ones.
    pub const fn is_dear(&self) -> bool {
        self.is_dear
    }
}

/// Every invariant that is checked online.
#[rustfmt::skip]
pub const TABLE: &[Entry] = &[
    entry!("IO-1", "callback-once", "every accepted submission runs its callback exactly once", callback_once::CallbackOnce, on [Callback, Overflow, Submit, StatementEnd, Crash], at [Quiet]),
    entry!("IO-3", "group-exact", "a group has finished if and only if all its members have", group_exact::GroupExact, on [], at [Callback, Cancel]),
    entry!("IO-4", "result-truth", "a completion claims success only for a terminal ok", result_truth::ResultTruth, on [Callback], at []),
    entry!("IO-5", "buffer-lifetime", "nobody else writes a buffer from its submit to its terminal completion", buffer_lifetime::BufferLifetime, on [Finish], at []),
    entry!("IO-6", "cancel-exact", "a cancel acts only on the operation it names, and after cancel-and-drain none of them can act", cancel_exact::CancelExact, on [Cancel, Finish, Drained, Crash], at []),
    entry!("IO-8", "wake", "when what a connection waits for has finished, its waker has been called", wake::Wake, on [], at [Callback]),
    entry!("IO-9", "transfer-exact", "the continuation of a short transfer covers its rest exactly once", transfer_exact::TransferExact, on [Submit, Finish, Rollback, CheckpointBegin, Publish, Backfill, Crash], at []),
    entry!("LIVE-3", "bounded-step", "one step makes a bounded number of turns, waits for nobody inside, and does not panic", bounded_step::BoundedStep, on [LockBusy], at [Step]),
    entry!("RE-2", "idle-poll", "stepping a machine that still waits changes nothing", idle_poll::IdlePoll, on [Submit, Refused, Overflow, Cancel, Lock, LockBusy, Unlock, ReadBegin, ReadEnd, WriteBegin, WriteEnd, Lookup, PageUsed, Dirtied, Evicted, Frame, Publish, Restart, Rollback, CheckpointCopy, Backfill, StatementEnd], at [Step]),
    entry!("PG-2", "loaded-before-use", "a page is used only while it is loaded and no read for it is in flight", loaded_before_use::LoadedBeforeUse, on [PageUsed, Dirtied], at [Commit]),
    entry!("TX-4", "recency", "a snapshot is no older than what was acknowledged before its transaction began", recency::Recency, on [ReadBegin], at []),
    entry!("TX-5", "no-lost-update", "a transaction starts writing only on the newest commit", no_lost_update::NoLostUpdate, on [WriteBegin], at []),
    entry!("WAL-1", "single-writer", "only the holder of WRITE writes frames, directly behind the published ones", single_writer::SingleWriter, on [Frame, Overwrite, Restart], at []),
    entry!("WAL-5", "counters", "nBackfill <= nBackfillAttempted <= mxFrame, and nBackfill never decreases within a generation", counters::Counters, on [Crash], at [Step]),
    entry!("WAL-6", "generation", "every restart makes a new generation, and its header is in the file before its first frame", generation::Generation, on [Restart, Recovered, WalHeader, Frame, SavepointUndo], at []),
    entry!("WAL-7", "read-mark-safety", "nothing that a reader relies on is overwritten while it holds its slot", read_mark_safety::ReadMarkSafety, on [ReadBegin, CheckpointCopy, Frame], at []),
    entry!("WAL-8", "reset-guard", "the log is restarted only when all of it is durably backfilled and no reader needs it", reset_guard::ResetGuard, on [Backfill, Publish, Restart, WalRemove, Recovered, Finish, WalTruncate, Crash], at []),
    entry!("CK-1", "wal-synced-first", "no page is copied before a log fsync covered its frame", wal_synced_first::WalSyncedFirst, on [CheckpointCopy], at []),
    entry!("CK-4", "content", "a checkpoint writes to each page its newest frame up to its header", checkpoint_content::CheckpointContent, on [CheckpointCopy, DbTruncate], at []),
    entry!("CK-3", "publish-after-copy", "nBackfill is published only after the pages are in the database file, durably at the end", publish_after_copy::PublishAfterCopy, on [Backfill], at [Commit, Checkpoint, Settled, Quiet]),
    entry!("CK-2", "no-frame-lost", "the newest version of every page is above nBackfill or in the database file", no_frame_lost::NoFrameLost, on [Backfill, Restart, WalRemove, CheckpointEnd], at []),
    entry!("WAL-2", "frame-lookup", "a lookup leads to the newest version in the snapshot, completely written", frame_lookup::FrameLookup, on [Lookup], at []),
    entry!("PG-1", "cache-coherence", "a clean cached page equals that page in the transaction's view", cache_coherence::CacheCoherence, on [PageUsed], at []),
    entry!("TX-3", "snapshot-reads", "all reads of a transaction come from one committed state", snapshot_reads::SnapshotReads, on [ReadBegin, PageUsed], at []),
    entry!("TX-6", "rollback-exact", "a rollback puts pages, dirty list and log position back to where they were", rollback_exact::RollbackExact, on [WriteEnd, SavepointOpen, SavepointUndo, Crash], at [], ended),
    entry!("TX-7", "sibling-isolation", "what ends one statement leaves the others of its connection alone", sibling_isolation::SiblingIsolation, on [Rollback, CheckpointBegin], at [], ended),
    entry!("TX-1", "atomicity", "what a statement or a transaction does is there all together or not at all", atomicity::Atomicity, on [PageUsed], at [], ended),
    entry!("TX-2", "honest-outcome", "what a client is told is true: OK means committed, an error has a reason and nothing published, figures are right", honest_outcome::HonestOutcome, on [Crash], at [], ended),
    entry!("RE-1", "schedule-independence", "an operation that yields gives the result of one that does not", schedule_independence::ScheduleIndependence, on [], at [], ended_dear),
    entry!("RE-3", "clean-after-end", "an ended operation leaves no resumable field behind", clean_after_end::CleanAfterEnd, on [], at [Commit]),
    entry!("PG-3", "pin-balance", "pages are pinned exactly by their live holders", pin_balance::PinBalance, on [Evicted], at [Commit]),
    entry!("PG-4", "dirty-accounting", "the dirty list is the set of dirty pages, empty outside a write transaction", dirty_accounting::DirtyAccounting, on [], at [Commit]),
    entry!("WAL-4", "lock-balance", "a connection holds exactly the locks that its transaction calls for", lock_balance::LockBalance, on [ReadBegin, ReadEnd, Unlock, Crash], at [Step, Commit], ended),
    entry!("WAL-3", "chain", "an independent parser of the files finds the published state", chain::Chain, on [], at [Commit, Checkpoint, Quiet], dear),
    entry!("PG-5", "page-accounting", "every page of a committed state is used exactly once", page_accounting::PageAccounting, on [], at [Commit, Checkpoint, Quiet], dear),
    entry!("DUR-3", "recovery-stable", "a process recovers what an independent parser finds in the same files", recovery_stable::RecoveryStable, on [Recovered], at []),
    entry!("LIVE-4", "nothing-left", "with nothing in flight nothing remains owned, and a checkpoint copies everything", nothing_left::NothingLeft, on [CheckpointEnd], at [Settled, Quiet]),
    entry!("TX-8", "schema-agreement", "a statement goes by the layout that its own snapshot has, and equal cookies mean equal layouts", schema_agreement::SchemaAgreement, on [LayoutUsed, LayoutChanged, Frame, SavepointOpen, SavepointRelease, SavepointUndo, Rollback, WriteEnd, Crash], at []),
    entry!("TX-9", "serial-history", "what clients were told is strongly serializable, and a power loss leaves a prefix of it", serial_history::SerialHistory, on [], at [Quiet], dear),
];

/// Invariants that the run loop checks itself, where the crash or the end of a run is judged.
pub const JUDGED_BY_THE_LOOP: &[(&str, &str, &str)] = &[
    ("DUR-1", "durability", "a crash loses no commit that its sync mode owes"),
    ("DUR-2", "committed-prefix", "the recovered database equals the state after some prefix of the commits"),
    ("LIVE-1", "bounded-completion", "once faults stop, every operation ends within a bounded number of steps"),
    ("LIVE-2", "no-deadlock", "as long as a program is unfinished something can take a step"),
    (
        "SQL",
        "errors-have-reasons",
        "an engine returns no error that neither a lock, nor the client, nor the disk explains",
    ),
    (
        "FORMAT",
        "log-format",
        "the log of an engine that shows no internals has a header that stock SQLite accepts, or none",
    ),
    (
        "FILES",
        "intact-files",
        "an engine that shows no internals leaves files in order behind, and finds them so itself",
    ),
    ("ORACLE", "stock-sqlite", "stock SQLite recovers the same rows from a copy of the files and finds them intact"),
];

/// The rule of an invariant in words.
pub fn rule(id: &str) -> &'static str {
    let online = TABLE.iter().map(|entry| (entry.id, entry.rule));
    let judged = JUDGED_BY_THE_LOOP.iter().map(|(id, _, rule)| (*id, *rule));
    online.chain(judged).find(|(known, _)| *known == id).map_or("unknown invariant", |(_, rule)| rule)
}

/// How often the files are parsed for the invariants that need it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parse {
    /// Whenever one of them is due: the runs of programs are short, and what is checked must not depend on how often
    /// something was checked before.
    Always,
    /// So often that it does not take most of a long run's time.
    Sometimes,
}

/// The invariants of one run, ready to be asked.
pub struct Checks {
    parse: Parse,
    selection: Selection,
    all: Vec<Box<dyn Invariant>>,
    /// For each tag, which invariants subscribed.
    by_tag: [Vec<usize>; Tag::COUNT],
    by_moment: [Vec<usize>; Moment::COUNT],
    at_end: Vec<usize>,
    /// For each tag and each moment, which of its subscribers remember something.
    with_memory: ([Vec<usize>; Tag::COUNT], [Vec<usize>; Moment::COUNT]),
    /// Which of those that see the ends of statements remember something.
    ends_with_memory: Vec<usize>,
    evaluated: Vec<u64>,
    commits: u32,
    /// The action from which on the files may be parsed again.
    dear_from: u64,
}

impl Hash for Checks {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Counters and the policy of parsing: with `Parse::Always` they decide nothing.
        let Self {
            parse: _,
            selection: _,
            all,
            by_tag: _,
            by_moment: _,
            at_end: _,
            with_memory: _,
            ends_with_memory: _,
            evaluated: _,
            commits: _,
            dear_from: _,
        } = self;
        let mut own = StateHasher::default();
        all.iter().for_each(|invariant| invariant.hash_memory(&mut own));
        own.finish().hash(state);
    }
}

impl Checks {
    /// The selected ones of [`TABLE`].
    pub fn new(parse: Parse, selection: Selection) -> Self {
        let mut checks = Self {
            parse,
            selection,
            all: TABLE.iter().map(|entry| (entry.new)()).collect(),
            by_tag: std::array::from_fn(|_| Vec::new()),
            by_moment: std::array::from_fn(|_| Vec::new()),
            at_end: Vec::new(),
            with_memory: (std::array::from_fn(|_| Vec::new()), std::array::from_fn(|_| Vec::new())),
            ends_with_memory: Vec::new(),
            evaluated: vec![0; TABLE.len()],
            commits: 0,
            dear_from: 0,
        };
        for (index, entry) in TABLE.iter().enumerate().filter(|(_, entry)| checks.selection.has(entry.id)) {
            entry.events.iter().for_each(|tag| checks.by_tag[*tag as usize].push(index));
            entry.moments.iter().for_each(|moment| checks.by_moment[*moment as usize].push(index));
            if entry.at_end {
                checks.at_end.push(index);
            }
        }
        let (tags, moments) = &mut checks.with_memory;
        let all = checks.by_tag.iter().zip(tags).chain(checks.by_moment.iter().zip(moments));
        for (subscribers, with_memory) in all.chain([(&checks.at_end, &mut checks.ends_with_memory)]) {
            let remembers = |index: &&usize| size_of_val(&*checks.all[**index]) > 0;
            with_memory.extend(subscribers.iter().filter(remembers));
        }
        checks
    }
}

fn violation(index: usize, step: u64, evidence: Evidence) -> Box<Violation> {
    Box::new(Violation { invariant: TABLE[index].id, step, evidence })
}

impl Checks {
    /// Whether this invariant is checked, be it here or by the run loop.
    pub fn has(&self, id: &str) -> bool {
        self.selection.has(id)
    }

    /// Shows an event to its subscribers.
    ///
    /// # Errors
    /// The first invariant that does not hold.
    #[inline]
    pub fn event(&mut self, event: &Event, view: &View<'_>) -> Result<(), Box<Violation>> {
        for &index in &self.by_tag[event.kind.tag() as usize] {
            self.evaluated[index] += 1;
            self.all[index].event(event, view).map_err(|evidence| violation(index, view.step, evidence))?;
        }
        Ok(())
    }

    /// Shows an event that was judged before to those who must remember it.
    pub fn remember(&mut self, event: &Event, view: &View<'_>) {
        for &index in &self.with_memory.0[event.kind.tag() as usize] {
            // It has passed before.
            let _ = self.all[index].event(event, view);
        }
    }

    /// Shows a moment that was judged before to those who must remember it.
    pub fn remember_moment(&mut self, moment: Moment, view: &View<'_>) {
        for &index in &self.with_memory.1[moment as usize] {
            // It has passed before.
            let _ = self.all[index].moment(moment, view);
        }
    }

    /// Shows the end of a statement that was judged before to those who must remember it.
    pub fn remember_ended(&mut self, id: StatementId, op: &Op, result: &Result<Outcome, Error>, view: &View<'_>) {
        for &index in &self.ends_with_memory {
            // It has passed before.
            let _ = self.all[index].ended(id, op, result, view);
        }
    }

    /// Checks what is due at a moment.
    ///
    /// # Errors
    /// The first invariant that does not hold.
    #[inline]
    pub fn moment(&mut self, moment: Moment, view: &View<'_>) -> Result<(), Box<Violation>> {
        let parses = self.is_due(moment, view);
        for &index in &self.by_moment[moment as usize] {
            if TABLE[index].is_dear && !parses {
                continue;
            }
            self.evaluated[index] += 1;
            self.all[index].moment(moment, view).map_err(|evidence| violation(index, view.step, evidence))?;
        }
        Ok(())
    }

    /// Whether the files are parsed at this moment: at every sixteenth commit, after checkpoints and at the end, but of a
    /// long log not so often that parsing it takes most of the run's time.
    fn is_due(&mut self, moment: Moment, view: &View<'_>) -> bool {
        let wanted = match moment {
            Moment::Callback | Moment::Cancel | Moment::Step | Moment::Settled => return false,
            _ if self.parse == Parse::Always => return true,
            Moment::Commit => {
                self.commits += 1;
                self.commits.is_multiple_of(16)
            }
            Moment::Checkpoint => true,
            Moment::Quiet => return true,
        };
        let due = wanted && view.step >= self.dear_from;
        if due {
            self.dear_from = view.step + 8 * u64::from(view.ledger.published.frame);
        }
        due
    }

    /// Checks what a client was told.
    ///
    /// # Errors
    /// The first invariant that does not hold.
    pub fn ended(
        &mut self,
        id: StatementId,
        op: &Op,
        result: &Result<Outcome, Error>,
        view: &View<'_>,
    ) -> Result<(), Box<Violation>> {
        for &index in &self.at_end {
            self.evaluated[index] += 1;
            self.all[index].ended(id, op, result, view).map_err(|evidence| violation(index, view.step, evidence))?;
        }
        Ok(())
    }

    /// How often each invariant of [`TABLE`] was evaluated.
    pub fn evaluated(self) -> Vec<u64> {
        self.evaluated
    }
}

/// An actor's name in evidence.
fn name(actor: Actor) -> String {
    match actor {
        Actor::Conn(conn) => format!("connection c{conn}"),
        Actor::Disk => "the disk".into(),
        Actor::Run => "the run loop".into(),
    }
}

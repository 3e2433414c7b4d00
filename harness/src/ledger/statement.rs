//! The facts about one statement: what it does, and what it has met.

use std::fmt;
use std::hash::{Hash, Hasher};

use falken_models::connection::Op;
use falken_models::event::StatementKind;
use falken_models::site::Site;
use falken_models::wal::{CheckpointMode, LockId};

use super::versions::Bytes;

/// What a statement does to a row if it succeeds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Stores this value.
    Put(Bytes),
    /// Appends these bytes.
    Append(Bytes),
    /// Deletes the row.
    Delete,
}

/// The facts about the statement in one slot of a connection.
#[derive(Clone, Debug, Default)]
pub struct StatementFacts {
    /// Whether one is under way.
    pub running: bool,
    /// What it does.
    pub kind: Option<StatementKind>,
    /// Whether it is a checkpoint that waits for locks; a PASSIVE one does not, and neither does the one behind a commit.
    pub may_wait: bool,
    /// Whether it has rolled a transaction back.
    pub rolled_back: bool,
    /// Whether an operation that it has submitted has failed.
    pub io_failed: bool,
    /// Whether its connection was interrupted while it ran.
    pub interrupted: bool,
    /// Whether its client has given it up.
    pub abandoned: bool,
    /// The lock that it was refused last, if it has got none since.
    pub refused: Option<LockId>,
    /// Whether it has asked for a lock since it lost a race last.
    pub(super) asked_for_lock: bool,
    /// Whether a lock was refused to it, or somebody else has changed what a read start goes by, since it lost a race last.
    pub contended: bool,
    /// What it has met so far that explains an error.
    pub met: Met,
    /// The commit that it published and has not been acknowledged for.
    pub published: Option<u32>,
    /// Whether that commit was published up to its own last frame.
    pub published_whole: bool,
    /// How many statements there have been in this slot.
    pub(super) ordinal: u32,
    /// What it does to a row.
    pub(super) current: Option<(i64, Effect)>,
    /// What the other statement of the connection did, or may have done, to rows meanwhile.
    pub(super) beside: Vec<Beside>,
    /// The snapshot in which it ended its reading, once it has let that go.
    pub(super) ended_in: Option<u32>,
}

/// What a statement has met, for comparing it with what its client is told.
#[derive(Clone, Copy, Debug, Default, Hash)]
pub struct Met {
    /// It was refused a lock.
    pub busy_lock: bool,
    /// When it got WRITE last, its snapshot was not what was published.
    pub stale_snapshot: bool,
    /// How often it has begun its read start again after it had asked for a lock.
    pub lost_races: u32,
    /// It was to undo or release a savepoint that is not open.
    pub no_savepoint: bool,
    /// Its checkpoint has waited for a lock, though a PASSIVE one does not.
    pub waited_unasked: bool,
    /// It was interrupted or abandoned, and since then it has begun to write, or looked up pages though it only reads.
    pub went_on: bool,
    /// It has opened, released or undone a savepoint.
    pub did_savepoint: bool,
    /// An operation that its connection had in flight has failed or moved only a part.
    pub failed_io: bool,
    /// An operation that its connection had in flight was cancelled from outside.
    pub cancelled: bool,
    /// Another statement of its connection ran while it did.
    pub sibling: bool,
    /// It has cut the log file to nothing, or set out to remove it.
    pub log_gone: bool,
    /// It has let the database file go.
    pub left_database: bool,
    /// It is a checkpoint, and has had WRITE.
    pub write_lock: bool,
    /// It is a checkpoint, and has held READ1 up to this slot alone, all at once, since it published nBackfill last.
    pub reader_locks: u8,
    /// nBackfill when it began to copy, or as it has published it since.
    pub backfill: u32,
}

impl Met {
    /// What still counts once a read transaction has begun: which races and locks were lost on the way to it does not, and would
    /// only tell states apart.
    pub(super) fn after_read_start(self) -> Self {
        let Self { failed_io, cancelled, sibling, no_savepoint, waited_unasked, went_on, .. } = self;
        Self { failed_io, cancelled, sibling, no_savepoint, waited_unasked, went_on, ..Self::default() }
    }
}

impl fmt::Display for Met {
    /// What of it there is: `a busy lock, 2 lost races`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { busy_lock, stale_snapshot, lost_races, no_savepoint, waited_unasked, went_on, .. } = *self;
        let Self { did_savepoint, failed_io, cancelled, sibling, log_gone, left_database, write_lock, .. } = *self;
        let Self { reader_locks, backfill, .. } = *self;
        let flags = [
            (busy_lock, "a busy lock"),
            (stale_snapshot, "a stale snapshot"),
            (no_savepoint, "a savepoint that is not open"),
            (waited_unasked, "waited unasked"),
            (went_on, "went on though it was to stop"),
            (did_savepoint, "moved savepoints"),
            (failed_io, "failed I/O"),
            (cancelled, "a cancel from outside"),
            (sibling, "a statement beside it"),
            (log_gone, "no log any more"),
            (left_database, "left the database"),
            (write_lock, "WRITE in its checkpoint"),
        ];
        let counts =
            [(lost_races, "lost races"), (u32::from(reader_locks), "reader locks"), (backfill, "frames backfilled")];
        let flags = flags.into_iter().filter(|(is, _)| *is).map(|(_, words)| words.to_owned());
        let counts = counts.into_iter().filter(|(count, _)| *count > 0).map(|(count, of)| format!("{count} {of}"));
        let words: Vec<String> = flags.chain(counts).collect();
        f.write_str(if words.is_empty() { "nothing" } else { "" })?;
        f.write_str(&words.join(", "))
    }
}

/// A change of a row beside a statement.
#[derive(Clone, Debug, Hash)]
pub(super) struct Beside {
    pub key: i64,
    pub before: Option<Bytes>,
    pub after: Option<Bytes>,
}

impl StatementFacts {
    /// Those of a statement that was submitted just now, as the `ordinal`-th in its slot.
    pub(super) fn begun(op: &Op, ordinal: u32, sibling: bool) -> Self {
        let current = match op {
            Op::Put { key, value } => Some((*key, Effect::Put(value.clone()))),
            Op::Append { key, element } => Some((*key, Effect::Append(element.clone()))),
            Op::Delete { key } => Some((*key, Effect::Delete)),
            Op::Begin(_)
            | Op::Get { .. }
            | Op::Scan
            | Op::Count
            | Op::ChangeLayout
            | Op::Commit
            | Op::Rollback
            | Op::Savepoint
            | Op::Release { .. }
            | Op::RollbackTo { .. }
            | Op::Checkpoint(_)
            | Op::Close
            | Op::Drop => None,
        };
        let may_wait = matches!(op, Op::Checkpoint(mode) if *mode != CheckpointMode::Passive);
        let met = Met { sibling, ..Met::default() };
        Self { running: true, kind: Some(op.kind()), may_wait, ordinal, current, met, ..Self::default() }
    }

    /// It gives way. A race counts as lost if something was asked for in it, and somebody has won it: to come by again and
    /// again without looking is no try, and neither is to go by what has been old since the try before.
    pub(super) fn note_yield(&mut self, site: Site) {
        match site {
            Site::ReadRetry => {
                let (asked, contended) = (&mut self.asked_for_lock, &mut self.contended);
                self.met.lost_races += u32::from(std::mem::take(asked) & std::mem::take(contended));
            }
            Site::CheckpointBusy => self.met.waited_unasked |= !self.may_wait,
            _ => {}
        }
    }

    /// It looks a page up.
    pub(super) fn note_lookup(&mut self) {
        if self.kind.is_some_and(StatementKind::reads_only) {
            self.note_begun();
        }
    }

    /// It begins what one that was told to stop does not begin any more.
    pub(super) fn note_begun(&mut self) {
        self.met.went_on |= self.interrupted || self.abandoned;
    }
}

impl Hash for StatementFacts {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Self {
            running,
            kind,
            may_wait,
            rolled_back,
            io_failed,
            interrupted,
            abandoned,
            // Only told when a run stands still.
            refused: _,
            // By the time that somebody asks, it is set in every engine that does ask for locks: it would only tell states apart.
            asked_for_lock: _,
            // Who has read the header tells as much, most often. States that this alone tells apart are taken for one.
            contended: _,
            met,
            published,
            published_whole,
            // Only compared with the statement of an operation in flight: see `Ledger::hash_connection`.
            ordinal: _,
            current,
            beside,
            ended_in,
        } = self;
        (running, kind, may_wait, rolled_back, io_failed, interrupted, abandoned).hash(state);
        (met, published, published_whole, current, beside, ended_in).hash(state);
    }
}

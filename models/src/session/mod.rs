//! What every machine works on: the memory of one connection and its share of the database.
//!
//! Beside the memory itself: `config.rs` how a database is set up, `locks.rs` the locks that a connection holds, `io.rs` its
//! operations on the disk.

mod config;
mod io;
mod locks;

use std::hash::{Hash, Hasher};

use strum::VariantNames;
use thiserror::Error;

use crate::bug::Bug;
use crate::digest::mix;
use crate::disk::Disk;
use crate::event::{Actor, EventKind, EventLog};
use crate::io::{BufferPool, Completion, CompletionError, IOCompletions, TransitionResult};
use crate::pager::{PageCache, Savepoints, Spill};
use crate::site::Site;
use crate::sync::{Arc, AtomicU32};
use crate::table::{AllocatePage, Layout};
use crate::visits::Visits;
use crate::wal::{Header, LockId, LockMode, WalShared};
pub use config::{CheckpointSource, Config, HeaderGrain, Straight};
use io::InFlight;
pub(crate) use io::Submitted;

/// Why a statement failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error, VariantNames)]
#[strum(serialize_all = "kebab-case")]
pub enum Error {
    /// Somebody else holds a lock that is needed; nothing has changed, try again later.
    #[error("database is locked (BUSY)")]
    Busy,
    /// The snapshot is not the newest commit any more, so it cannot be written on; end the transaction.
    #[error("snapshot is out of date (BUSY_SNAPSHOT)")]
    BusySnapshot,
    /// A checkpoint was asked for inside a transaction of the same connection.
    #[error("not inside a transaction (LOCKED)")]
    Locked,
    /// Read start lost too many races (`SQLITE_PROTOCOL`).
    #[error("locking protocol (PROTOCOL)")]
    Protocol,
    /// An I/O operation failed; the transaction has been rolled back.
    #[error("{0}")]
    Io(#[from] CompletionError),
    /// The files hold something that cannot be.
    #[error("database disk image is malformed: {0}")]
    Corrupt(&'static str),
    /// The root page has no room for another leaf.
    #[error("table is full")]
    Full,
    /// COMMIT or ROLLBACK outside a transaction, or BEGIN inside one.
    #[error("no such transaction state")]
    Misuse,
    /// The statement was reset or its connection dropped before it ended.
    #[error("abandoned")]
    Abandoned,
    /// The connection was interrupted while the statement ran.
    #[error("interrupted (INTERRUPT)")]
    Interrupted,
}

/// One turn of a machine.
pub type Turn<T> = Result<TransitionResult<T>, Error>;

/// The process-wide part of a database: dies with the process, unlike the disk.
pub struct Shared {
    /// How the database is set up.
    pub config: Config,
    /// The files.
    pub disk: Arc<Disk>,
    /// The wal-index.
    pub wal: WalShared,
    /// The buffers of writes.
    pub buffers: Arc<BufferPool>,
    /// Where events go.
    pub log: Arc<EventLog>,
}

impl Shared {
    /// The memory of a process that has just opened the database on `disk`.
    pub fn new(config: Config, disk: Arc<Disk>, log: Arc<EventLog>) -> Arc<Self> {
        let buffers = Arc::new(BufferPool::new(config.buffer_pool));
        Arc::new(Self { config, disk, wal: WalShared::default(), buffers, log })
    }

    /// A fresh random salt; the sequence is a function of the configured seed.
    pub(crate) fn random_salt(&self) -> u32 {
        mix(self.config.salt_seed, u64::from(self.wal.draw_salt())) as u32
    }
}

/// A connection's private view of the log.
#[derive(Debug, Default, Hash)]
pub struct LogView {
    /// The private header copy: the snapshot, under the own unpublished frames.
    pub header: Header,
    /// The read slot held, 0 for "ignore the log"; `None` outside a transaction.
    pub slot: Option<u8>,
    /// Frames below this one are read from the database file.
    pub min_frame: u32,
    /// Whether the WRITE lock is held by a write transaction.
    pub writing: bool,
    /// The published header on which that write transaction stands: that of its snapshot, or of the generation that it
    /// has started.
    pub base: Header,
    /// The lowest of its own frames that it has written over: from there on checksums are completed at the commit
    /// (`iReCksum`).
    pub recheck: Option<u32>,
}

/// How many statements a connection can run at once.
pub const STATEMENT_SLOTS: usize = 2;

/// What a connection remembers about one of its statements.
#[derive(Debug)]
pub(crate) struct StatementMemory {
    /// Where it yielded last.
    pub site: Site,
    /// It has been submitted and has not ended.
    pub running: bool,
    /// What it is doing must be finished even if it is abandoned.
    pub must_finish: bool,
    /// It takes part in the connection's transaction, which cannot end before it.
    pub in_transaction: bool,
}

impl Hash for StatementMemory {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // The site is set anew before every yield that is reported; whether it runs, its slot says.
        let Self { site: _, running: _, must_finish, in_transaction } = self;
        (must_finish, in_transaction).hash(state);
    }
}

impl Default for StatementMemory {
    fn default() -> Self {
        Self { site: Site::StatementStart, running: false, must_finish: false, in_transaction: false }
    }
}

/// The memory of one connection.
///
/// Its statements share one transaction, so they keep out of each other's way: whoever begins, ends or extends the
/// transaction holds *control* meanwhile, and while a statement writes, the others wait at their next turn. A suspended
/// reader does not keep a writer from starting; it finds its place again by key when the pages have changed.
pub struct Session {
    /// The connection's number.
    pub conn: u8,
    /// What it shares with the others.
    pub shared: Arc<Shared>,
    /// Its view of the log.
    pub view: LogView,
    /// Its pages.
    pub pages: PageCache,
    /// The database file is open: from the first statement that needs it until the connection is closed or dropped.
    pub open: bool,
    /// Between BEGIN and COMMIT or ROLLBACK.
    pub(crate) explicit: bool,
    /// That transaction was opened by its outermost savepoint, and ends with it.
    pub(crate) opened_by_savepoint: bool,
    /// The savepoints of the transaction.
    pub savepoints: Savepoints,
    /// The locks it holds.
    pub(crate) held: [Option<LockMode>; LockId::COUNT],
    /// The slot of the statement that is being stepped.
    pub(crate) slot: u8,
    pub(crate) statements: [StatementMemory; STATEMENT_SLOTS],
    /// The slot of the statement that begins, ends or extends the transaction.
    control: Option<u8>,
    /// The slot of the statement that changes pages or commits them by itself.
    pub(crate) writer: Option<u8>,
    /// The page that is being spilled to make room.
    pub(crate) spill: Option<Box<Spill>>,
    /// The allocation of a page that the statement under way has begun.
    pub(crate) allocation: AllocatePage,
    /// The table's layout as it was read last.
    pub(crate) layout: Layout,
    /// Grows when pages change beside a statement: what a suspended reader has pinned may be out of date.
    pub(crate) changes: u64,
    /// Whether it yields after every access to shared WAL state: see [`Config::micro`].
    pub(crate) micro: bool,
    /// Whether an fsync is in flight: raised before it is submitted, lowered by its callback.
    syncing: Arc<AtomicU32>,
    /// The disk operations of this connection that have not ended, with some that have.
    in_flight: Vec<InFlight>,
    /// Where its machines have been.
    visits: Visits,
}

impl Hash for Session {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Self {
            // Who this is is the caller's business: identical connections may be exchanged.
            conn: _,
            shared: _,
            view,
            pages,
            open,
            explicit,
            opened_by_savepoint,
            savepoints,
            held,
            // Set anew before every step.
            slot: _,
            statements,
            control,
            writer,
            spill,
            allocation,
            layout,
            changes,
            micro,
            // Hashed by its value.
            syncing: _,
            in_flight,
            // What is counted is the past.
            visits: _,
        } = self;
        view.hash(state);
        pages.hash(state);
        (open, explicit, opened_by_savepoint, savepoints, held).hash(state);
        (spill, allocation, layout).hash(state);
        (statements, control, writer, changes, micro, self.syncing()).hash(state);
        in_flight.iter().for_each(|op| op.hash(state));
    }
}

impl Session {
    /// The memory of a connection that has just been opened.
    pub fn new(conn: u8, shared: Arc<Shared>) -> Self {
        let pages = PageCache::new(shared.config.cache_pages);
        Self {
            conn,
            micro: shared.config.micro,
            shared,
            view: LogView::default(),
            pages,
            open: false,
            explicit: false,
            opened_by_savepoint: false,
            savepoints: Savepoints::default(),
            held: [None; LockId::COUNT],
            slot: 0,
            statements: Default::default(),
            control: None,
            writer: None,
            spill: None,
            allocation: AllocatePage::default(),
            layout: Layout::UNREAD,
            changes: 0,
            syncing: Arc::new(AtomicU32::new(0)),
            in_flight: Vec::new(),
            visits: Visits::default(),
        }
    }

    pub(crate) fn planted(&self, bug: Bug) -> bool {
        self.shared.config.planted.is(bug)
    }

    pub(crate) fn page_size(&self) -> usize {
        self.shared.config.page_size
    }

    pub(crate) fn read_slots(&self) -> u8 {
        self.shared.config.read_slots
    }

    /// A machine takes a turn in this state; `first` is the number of its first one.
    #[inline]
    pub(crate) fn enter<T>(&mut self, first: usize, state: &T) {
        self.visits.note(first, state);
    }

    /// Where the machines of this connection have been.
    pub fn visits(&self) -> &Visits {
        &self.visits
    }

    #[inline]
    pub(crate) fn emit(&self, kind: EventKind) {
        self.shared.log.push(Actor::Conn(self.conn), kind);
    }

    /// Ends a turn that accessed shared WAL state: others may get a turn here.
    #[inline]
    pub(crate) fn pass<T>(&mut self, site: Site) -> Turn<T> {
        let yields = match self.shared.config.straight {
            Straight::No => self.micro,
            Straight::Yes => false,
            Straight::ExceptAt(only) => only == site,
        };
        if yields { self.give_way(site) } else { Ok(TransitionResult::Continue) }
    }

    /// Ends a turn that cannot go on before others had theirs: an explicit yield, never a loop.
    pub(crate) fn give_way<T>(&mut self, site: Site) -> Turn<T> {
        self.mine().site = site;
        Ok(TransitionResult::Io(IOCompletions::Single(Completion::new_yield())))
    }

    /// Ends a turn with a wait for `completion`; where statements run straight through, not if it is over already.
    pub(crate) fn wait<T>(&mut self, site: Site, completion: Completion) -> Turn<T> {
        self.mine().site = site;
        let runs_on = match self.shared.config.straight {
            Straight::No => false,
            Straight::Yes => completion.succeeded(),
            Straight::ExceptAt(only) => only != site && completion.succeeded(),
        };
        if runs_on {
            return Ok(TransitionResult::Continue);
        }
        Ok(TransitionResult::Io(IOCompletions::Single(completion)))
    }

    /// What is remembered about the statement that is being stepped.
    pub(crate) fn mine(&mut self) -> &mut StatementMemory {
        &mut self.statements[usize::from(self.slot)]
    }

    /// Whether another statement is under way, whatever it does.
    pub(crate) fn sibling_runs(&self) -> bool {
        (0..).zip(&self.statements).any(|(slot, statement)| slot != self.slot && statement.running)
    }

    /// Whether another statement takes part in the transaction.
    pub(crate) fn sibling_in_transaction(&self) -> bool {
        (0..).zip(&self.statements).any(|(slot, statement)| slot != self.slot && statement.in_transaction)
    }

    /// Whether the transaction goes on when the statement that is being stepped ends.
    pub(crate) fn transaction_goes_on(&self) -> bool {
        self.explicit || self.sibling_in_transaction()
    }

    /// Whether another statement is changing pages: what it has done so far is not for others to see.
    pub(crate) fn sibling_writes(&self) -> bool {
        self.writer.is_some_and(|slot| slot != self.slot)
    }

    /// Takes control of the transaction for the statement that is being stepped, if no other statement has it.
    pub(crate) fn take_control(&mut self) -> bool {
        *self.control.get_or_insert(self.slot) == self.slot
    }

    /// Whether the statement that is being stepped has control.
    pub(crate) fn has_control(&self) -> bool {
        self.control == Some(self.slot)
    }

    /// Gives up control, if the statement that is being stepped has it.
    pub(crate) fn release_control(&mut self) {
        self.control.take_if(|slot| *slot == self.slot);
    }

    /// The write transaction is over.
    pub(crate) fn end_write(&mut self) {
        (self.view.writing, self.view.base, self.view.recheck) = (false, Header::default(), None);
    }

    /// Pages have changed: statements beside this one look for their place again.
    pub(crate) fn note_change(&mut self) {
        self.changes += u64::from(self.sibling_in_transaction());
    }

    /// The statement that is being stepped changes no pages any more.
    pub(crate) fn release_writer(&mut self) {
        self.writer.take_if(|slot| *slot == self.slot);
    }

    /// Whether a page is being spilled.
    pub(crate) fn is_spilling(&self) -> bool {
        self.spill.is_some()
    }

    /// Whether the statement that is being stepped spills a page.
    pub(crate) fn spills_itself(&self) -> bool {
        self.spill.as_ref().is_some_and(|spill| spill.is_of(self.slot))
    }

    /// What is undone leaves no allocation half done: the next one begins at the start.
    pub(crate) fn reset_allocation(&mut self) {
        if !self.planted(Bug::AllocStateSurvivesRollback) {
            self.allocation = AllocatePage::default();
        }
    }

    /// Whether any statement has control or writes, for inspection between statements.
    pub fn is_in_control(&self) -> bool {
        self.control.is_some() || self.writer.is_some()
    }
}

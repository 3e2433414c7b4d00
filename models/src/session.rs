//! What every machine works on: the memory of one connection and its share of the database.

use std::hash::{Hash, Hasher};

use strum::VariantNames;
use thiserror::Error;

use crate::bug::{Bug, Planted};
use crate::digest::mix;
use crate::disk::{Disk, Request, SubmitError, Ticket};
use crate::event::{Actor, EventKind, EventLog};
use crate::io::{Buffer, BufferPool, Completion, CompletionError, CompletionKind, IOCompletions, TransitionResult};
use crate::pager::{PageCache, Savepoints, Spill};
use crate::site::Site;
use crate::sync::{Arc, AtomicU32, Ordering};
use crate::table::{AllocatePage, Layout};
use crate::visits::Visits;
use crate::wal::{Header, LockId, LockMode, SyncMode, WalShared};

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

/// How much of a header copy is loaded or stored in one step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum HeaderGrain {
    /// A word: torn copies are seen.
    #[default]
    Word,
    /// A copy: the two may differ, but none is torn. Fewer steps, for exhaustive search.
    Copy,
}

/// Whether a statement runs straight through, for comparing it with one that yields. It can do so only on a disk that
/// [finishes operations at once](Disk::finish_at_once).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Straight {
    /// It yields at every wait, and as `micro` says.
    #[default]
    No,
    /// It yields only where it cannot go on: where a wait is not over, or somebody else must go first.
    Yes,
    /// Also at this site.
    ExceptAt(Site),
}

/// Where a checkpoint gets the bytes of a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CheckpointSource {
    /// From its frame in the log, as SQLite does.
    #[default]
    Log,
    /// From the connection's cache if the page there is known to be that frame's image, else from the log, as Turso does.
    Cache,
}

/// How a database is set up.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Bytes per page: 512, 1024 or 4096.
    pub page_size: usize,
    /// Pages that a connection's cache holds before it evicts or spills.
    pub cache_pages: usize,
    /// Mark slots READ1..READn, 1 to 4.
    pub read_slots: u8,
    /// When fsync is called.
    pub sync: SyncMode,
    /// Whether a connection yields after every access to shared WAL state, and not only at I/O and explicit yields.
    pub micro: bool,
    /// How much of a header copy is loaded or stored between two such yields.
    pub header: HeaderGrain,
    /// How often read start may lose a race before it gives up with PROTOCOL.
    pub read_retries: u32,
    /// Whether statements run straight through.
    pub straight: Straight,
    /// Whether the database file may have to be created by whoever opens it first.
    pub create: bool,
    /// Whether statements may change the table's layout: then each looks first whether one has.
    pub layout_changes: bool,
    /// Buffers that writes in flight share; 0 is as many as are wanted.
    pub buffer_pool: u16,
    /// How often a busy lock is tried again, each time after an explicit yield, before BUSY is returned.
    pub busy_retries: u32,
    /// Adds a yield that means nothing to every statement, as a later version of this code may: repros must not mind.
    pub rehearse_change: bool,
    /// A commit that leaves this many frames in the log is followed by a PASSIVE checkpoint; 0 is never.
    pub auto_checkpoint: u32,
    /// Where checkpoints get the bytes of a page.
    pub checkpoint_source: CheckpointSource,
    /// Whether a disk write that is torn harms nothing beside the bytes being written (`SQLITE_IOCAP_POWERSAFE_OVERWRITE`).
    /// Without it a commit under FULL is padded to the end of a sector, and changes whole sectors of the database file.
    pub powersafe_overwrite: bool,
    /// From which random salts are made.
    pub salt_seed: u64,
    /// The planted bug, if any.
    pub planted: Planted,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            page_size: 512,
            cache_pages: 64,
            read_slots: 4,
            sync: SyncMode::Full,
            micro: true,
            header: HeaderGrain::Word,
            read_retries: 100,
            straight: Straight::No,
            create: false,
            layout_changes: false,
            buffer_pool: 0,
            busy_retries: 16,
            rehearse_change: false,
            auto_checkpoint: 0,
            checkpoint_source: CheckpointSource::Log,
            powersafe_overwrite: true,
            salt_seed: 0,
            planted: Planted::default(),
        }
    }
}

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

/// A disk operation that a connection has submitted.
struct InFlight {
    /// Of which statement.
    slot: u8,
    /// A page of the cache is read, for whoever wants it.
    fills_page: bool,
    ticket: Ticket,
    completion: Completion,
}

impl InFlight {
    fn is_unfinished_read(&self) -> bool {
        self.completion.kind() == CompletionKind::Read && !self.completion.finished()
    }

    fn may_change_a_file(&self) -> bool {
        self.completion.kind() != CompletionKind::Read && !self.completion.finished()
    }
}

/// What became of a submission that was not refused.
pub(crate) enum Submitted {
    /// It is in flight.
    Accepted(Completion),
    /// There was no slot for it: try again after an explicit yield.
    RingFull,
    /// There was no buffer for it: the same.
    NoBuffer,
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
        // A ticket is a name.
        in_flight.iter().for_each(|InFlight { slot, fills_page, ticket: _, completion }| {
            (slot, fills_page, completion).hash(state);
        });
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

    /// Tries a lock once and remembers it.
    pub(crate) fn try_lock(&mut self, lock: LockId, mode: LockMode) -> bool {
        let taken = self.shared.wal.try_lock(lock, mode);
        if taken {
            self.held[usize::from(lock.0)] = Some(mode);
            self.emit(EventKind::Lock { lock, mode });
        } else {
            self.emit(EventKind::LockBusy { lock, mode });
        }
        taken
    }

    /// Releases a lock that this connection holds; nothing happens if it does not.
    pub(crate) fn unlock(&mut self, lock: LockId) {
        if let Some(mode) = self.held[usize::from(lock.0)].take() {
            self.shared.wal.unlock(lock, mode);
            self.emit(EventKind::Unlock { lock, mode });
        }
    }

    /// Opens the database file, unless it is open. Returns false while another connection closes it for good.
    pub(crate) fn open_database(&mut self) -> bool {
        self.open = self.open || self.lock_database();
        self.open
    }

    /// Whether no other connection has the database file open; then none can open it until this one is gone.
    pub(crate) fn is_last_to_close(&mut self) -> bool {
        std::mem::take(&mut self.open) && self.upgrade_database()
    }

    /// Takes the database file's lock, which every connection that has the file open holds.
    ///
    /// While it was not held others may have made a new log, which may come to stand at the same point as the old one: the
    /// private header must not be taken for that one's, nor the cache.
    pub(crate) fn lock_database(&mut self) -> bool {
        let locked = self.try_lock(LockId::DATABASE, LockMode::Shared);
        if locked {
            self.view.header = Header::default();
            self.pages.clear();
        }
        locked
    }

    /// Makes that lock exclusive, if no other connection holds it.
    pub(crate) fn upgrade_database(&mut self) -> bool {
        let alone = self.shared.wal.try_upgrade(LockId::DATABASE);
        if alone {
            self.note_conversion(LockMode::Shared, LockMode::Exclusive);
        } else {
            self.emit(EventKind::LockBusy { lock: LockId::DATABASE, mode: LockMode::Exclusive });
        }
        alone
    }

    /// Lets others open the file again.
    pub(crate) fn downgrade_database(&mut self) {
        self.shared.wal.downgrade(LockId::DATABASE);
        self.note_conversion(LockMode::Exclusive, LockMode::Shared);
    }

    fn note_conversion(&mut self, from: LockMode, to: LockMode) {
        let lock = LockId::DATABASE;
        self.held[usize::from(lock.0)] = Some(to);
        self.emit(EventKind::Unlock { lock, mode: from });
        self.emit(EventKind::Lock { lock, mode: to });
    }

    /// How this connection holds a lock.
    pub fn held(&self, lock: LockId) -> Option<LockMode> {
        self.held[usize::from(lock.0)]
    }

    /// Whether its transaction calls for this lock.
    pub(crate) fn owes_lock(&self, lock: LockId) -> bool {
        (lock == LockId::WRITE && self.view.writing)
            || (lock == LockId::DATABASE && self.open)
            || self.view.slot.is_some_and(|slot| lock == LockId::read(slot))
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

    /// Submits an operation that nobody needs a callback for.
    pub(crate) fn submit(&mut self, request: Request) -> Result<Submitted, Error> {
        if let Request::Sync { .. } | Request::SyncEntry { .. } = request {
            return self.submit_sync(request);
        }
        if let Request::Write { file, offset, buffer, from } = &request
            && self.shared.buffers.is_bounded()
        {
            let (file, offset, from) = (*file, *offset, *from);
            let Some(lent) = self.shared.buffers.take(buffer) else { return Ok(Submitted::NoBuffer) };
            return self.submit_write(Request::Write { file, offset, buffer: Arc::clone(&lent), from }, lent);
        }
        let completion = Completion::new_planted(request.completion_kind(), self.shared.config.planted, |_| {});
        self.submit_with(request, completion, false)
    }

    /// A write whose buffer comes back when the kernel is done with it, or at once if it never got it.
    fn submit_write(&mut self, request: Request, lent: Arc<Buffer>) -> Result<Submitted, Error> {
        let (pool, buffer) = (Arc::clone(&self.shared.buffers), Arc::clone(&lent));
        let freed_early = self.planted(Bug::BufferFreedInFlight);
        let give_back = move |_| {
            if !freed_early {
                pool.give_back(Arc::clone(&buffer));
            }
        };
        let completion = Completion::new_planted(CompletionKind::Write, self.shared.config.planted, give_back);
        let submitted = self.submit_with(request, completion, false);
        if freed_early || !matches!(submitted, Ok(Submitted::Accepted(_))) {
            self.shared.buffers.give_back(lent);
        }
        submitted
    }

    /// An fsync that is not accepted has no callback: whoever raised the flag lowers it.
    fn submit_sync(&mut self, request: Request) -> Result<Submitted, Error> {
        let syncing = Arc::clone(&self.syncing);
        syncing.store(1, Ordering::Release);
        let lower = move |_| syncing.store(0, Ordering::Release);
        let completion = Completion::new_planted(CompletionKind::Sync, self.shared.config.planted, lower);
        let submitted = self.submit_with(request, completion, false);
        let accepted = matches!(submitted, Ok(Submitted::Accepted(_)));
        if !accepted && !self.planted(Bug::SyncFlagStuckOnSubmitError) {
            self.syncing.store(0, Ordering::Release);
        }
        submitted
    }

    /// Whether an fsync of this connection is in flight.
    pub fn syncing(&self) -> bool {
        self.syncing.load(Ordering::Acquire) != 0
    }

    /// Submits the read of a page of the cache.
    ///
    /// # Errors
    /// The kernel refuses it: nothing has happened, and `completion` never finishes.
    pub(crate) fn submit_page_read(&mut self, request: Request, completion: Completion) -> Result<Submitted, Error> {
        self.submit_with(request, completion, true)
    }

    fn submit_with(&mut self, request: Request, completion: Completion, fills_page: bool) -> Result<Submitted, Error> {
        match self.shared.disk.submit(self.conn, request, completion.clone()) {
            Ok(ticket) => {
                if self.in_flight.len() == self.in_flight.capacity() {
                    self.in_flight.retain(|op| !op.completion.finished());
                }
                self.in_flight.push(InFlight { slot: self.slot, fills_page, ticket, completion: completion.clone() });
                Ok(Submitted::Accepted(completion))
            }
            Err(SubmitError::RingFull) => Ok(Submitted::RingFull),
            Err(SubmitError::Refused(error)) => Err(Error::Io(error)),
        }
    }

    /// An operation of the statement that is being stepped that is in flight and may still change a file.
    pub(crate) fn unfinished_write(&self) -> Option<&Completion> {
        self.in_flight.iter().find(|op| op.slot == self.slot && op.may_change_a_file()).map(|op| &op.completion)
    }

    /// Whether any operation is in flight that may still change a file, for inspection between statements.
    pub(crate) fn may_change_a_file(&self) -> bool {
        self.in_flight.iter().any(InFlight::may_change_a_file)
    }

    /// Asks the disk to cancel what the statement has submitted last and may change a file, and returns whether any of it is still in
    /// flight. What comes of it, each operation says when it ends.
    pub(crate) fn cancel_writes(&mut self) -> bool {
        if self.unfinished_write().is_none() {
            return false;
        }
        let abandons = self.planted(Bug::CancelAbortWithoutDrain);
        let mine = self.in_flight.iter().filter(|op| op.slot == self.slot);
        for op in mine.filter(|op| op.completion.kind() != CompletionKind::Read) {
            self.shared.disk.cancel(self.conn, op.ticket);
            if abandons {
                op.completion.abort();
            }
        }
        true
    }

    /// Gives up every read of a page, and every other one of the statement that is being stepped: asks the disk to cancel it
    /// and stops waiting. It may still reach its buffer, which nobody looks at any more. Beside another statement, which may
    /// wait for the same page, reads are left to end.
    pub(crate) fn give_up_reads(&mut self) {
        if self.sibling_in_transaction() {
            return;
        }
        let reads = self.in_flight.iter().filter(|op| op.is_unfinished_read());
        for op in reads.filter(|op| op.fills_page || op.slot == self.slot) {
            self.shared.disk.cancel(self.conn, op.ticket);
            op.completion.abort();
        }
    }

    /// Whether a read goes on that no read transaction protects: what it reads may be written over. For inspection when no
    /// statement is under way.
    pub(crate) fn reads_without_snapshot(&self) -> bool {
        self.view.slot.is_none() && self.in_flight.iter().any(|op| op.fills_page && op.is_unfinished_read())
    }
}

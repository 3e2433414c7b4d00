//! How everything stands between two actions: the shared memory of the log, the connections, the disk.

use falken_models::connection::StatementId;
use falken_models::disk::{Disk, FileId, OpInfo};
use falken_models::pager::Page;
use falken_models::session::STATEMENT_SLOTS;
use falken_models::site::Site;
use falken_models::wal::{Header, READ_SLOTS_MAX};

use crate::choice::Standing;
use crate::ledger::Holders;
use crate::subject::Internals;

/// How everything stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// The stage of the run, in a word.
    pub stage: &'static str,
    /// The two copies of the header as they lie in shared memory, torn or not.
    pub headers: [Header; 2],
    /// nBackfill: frames up to this one are in the database file.
    pub backfill: u32,
    /// nBackfillAttempted.
    pub backfill_attempted: u32,
    /// The read marks, by slot.
    pub marks: Vec<u32>,
    /// Who holds the locks, in the order of their numbers.
    pub locks: Vec<Holders>,
    /// The log file.
    pub log: LogState,
    /// Bytes of the database file, and how many of them a power loss leaves.
    pub database: [usize; 2],
    /// The pages of the database file whose bytes no fsync has covered.
    pub volatile_pages: Vec<u32>,
    /// Operations in flight, oldest first.
    pub in_flight: Vec<OpInfo>,
    /// The connections; `None` while one is closed.
    pub connections: Vec<Option<ConnectionState>>,
}

/// The log file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogState {
    /// Its bytes, and how many of them a power loss leaves.
    pub size: [usize; 2],
    /// The whole frames in it.
    pub frames: Vec<FrameState>,
}

/// A frame in the log file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameState {
    /// Its page.
    pub page: u32,
    /// The database size in pages if a commit ends here, else 0.
    pub commit_pages: u32,
    /// Whether it has the salts of the file's header: others are left over.
    pub of_this_generation: bool,
    /// Whether a power loss leaves it as it is.
    pub durable: bool,
}

/// A connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionState {
    /// Whether an explicit transaction is open.
    pub in_transaction: bool,
    /// The read slot held.
    pub slot: Option<u8>,
    /// The last frame that it sees.
    pub frame: u32,
    /// Frames below this one are read from the database file.
    pub min_frame: u32,
    /// Whether a write transaction is under way.
    pub writing: bool,
    /// The pages in its cache.
    pub cache: Vec<PageState>,
    /// Its statement slots.
    pub statements: Vec<StatementState>,
}

/// A page in a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageState {
    /// Its number.
    pub page: u32,
    /// The bytes are there.
    pub loaded: bool,
    /// A read for it is in flight.
    pub locked: bool,
    /// Changed, and in no frame yet.
    pub dirty: bool,
    /// Changed, and in an unpublished frame.
    pub spilled: bool,
    /// How many holders there are.
    pub pins: u32,
}

/// A statement slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatementState {
    /// How many statements have begun in it.
    pub statement: u32,
    /// Where the last of them has yielded; `None` if it has ended.
    pub site: Option<Site>,
    /// Whether it waits for something that has not finished.
    pub waits: bool,
}

impl State {
    /// Reads everything. `locks` is what the events say about them, and `standing` where each statement stands.
    pub(crate) fn read(
        stage: &'static str,
        internals: Option<Internals<'_>>,
        disk: &Disk,
        locks: &[Holders],
        standing: &[Standing],
    ) -> Self {
        let mut state = Self { stage, locks: locks.to_vec(), ..Self::default() };
        disk.list_in_flight(&mut state.in_flight);
        let Some(Internals { shared, connections }) = internals else { return state };
        let (wal, page_size) = (&shared.wal, shared.config.page_size);
        state.headers = wal.header_copies();
        (state.backfill, state.backfill_attempted) = (wal.backfill(), wal.backfill_attempted());
        state.marks = (0..=READ_SLOTS_MAX as u8).map(|slot| wal.mark(slot)).collect();
        let [database, log] = FileId::ALL.map(|file| [disk.contents(file), disk.durable_contents(file)]);
        state.log = LogState::read(&log, page_size);
        state.volatile_pages = volatile_pages(&database, page_size);
        state.database = database.map(|bytes| bytes.len());
        state.connections =
            (0..).zip(connections).map(|(conn, one)| Some(connection(conn, one.as_ref()?, standing))).collect();
        state
    }
}

impl LogState {
    fn read([current, durable]: &[Vec<u8>; 2], page_size: usize) -> Self {
        let word = |bytes: &[u8]| u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        let length = 24 + page_size;
        let frames = current.get(32..).unwrap_or_default().chunks_exact(length).enumerate().map(|(at, frame)| {
            let start = 32 + at * length;
            FrameState {
                page: word(frame),
                commit_pages: word(&frame[4..]),
                of_this_generation: frame[8..16] == current[16..24],
                durable: durable.get(start..start + length) == Some(frame),
            }
        });
        Self { size: [current.len(), durable.len()], frames: frames.collect() }
    }
}

fn volatile_pages([current, durable]: &[Vec<u8>; 2], page_size: usize) -> Vec<u32> {
    let pages = (1..).zip(current.chunks(page_size)).zip((0..).step_by(page_size));
    let changed = pages.filter(|((_, page), start)| durable.get(*start..start + page.len()) != Some(page));
    changed.map(|((number, _), _)| number).collect()
}

fn connection(conn: u8, connection: &falken_models::connection::Connection, standing: &[Standing]) -> ConnectionState {
    let session = connection.session();
    let view = &session.view;
    let statement = |slot: u8| {
        let id = StatementId { conn, slot };
        let standing = standing.get(id.index()).copied().unwrap_or_default();
        let waits = connection.awaiting(slot).is_some_and(|io| !io.is_explicit_yield() && !io.finished());
        StatementState { statement: standing.statement, site: standing.site, waits }
    };
    ConnectionState {
        in_transaction: connection.in_transaction(),
        slot: view.slot,
        frame: view.header.mx_frame,
        min_frame: view.min_frame,
        writing: view.writing,
        cache: session.pages.resident_pages().map(page).collect(),
        statements: (0..STATEMENT_SLOTS as u8).map(statement).collect(),
    }
}

fn page(page: &Page) -> PageState {
    PageState {
        page: page.number(),
        loaded: page.is_loaded(),
        locked: page.is_locked(),
        dirty: page.is_dirty(),
        spilled: page.is_spilled(),
        pins: page.pins(),
    }
}

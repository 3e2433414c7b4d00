//! The wal-index: header copies, counters, read marks, locks and the frame index, shared by all connections.
//!
//! Fields and protocol are those of `wal.c`; the layout is not, because no other process maps it: a header copy is six
//! 64-bit words instead of 48 bytes, and frames are found through per-page lists instead of hash blocks.

use std::hash::{Hash, Hasher};

use super::format::Checksum;
use crate::digest::mix;
use crate::event::LogPoint;
use crate::sync::{AtomicU32, AtomicU64, Mutex, Ordering};

/// The most mark slots (READ1..READ4) that a database can have.
pub const READ_SLOTS_MAX: usize = 4;
/// The value of a read mark that nobody uses.
pub const MARK_UNUSED: u32 = u32::MAX;

/// One of the eight locks of the wal-index, or that of the database file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LockId(pub u8);

impl LockId {
    /// Held by the one writer.
    pub const WRITE: Self = Self(0);
    /// Held by the one checkpointer.
    pub const CKPT: Self = Self(1);
    /// Held by whoever recovers.
    pub const RECOVER: Self = Self(2);
    /// That of the database file: shared by every connection that has opened it, exclusive while the last one closes it.
    pub const DATABASE: Self = Self(4 + READ_SLOTS_MAX as u8);
    /// How many locks there are.
    pub const COUNT: usize = 5 + READ_SLOTS_MAX;

    /// The lock of read slot `slot`; slot 0 is that of readers that ignore the log.
    pub const fn read(slot: u8) -> Self {
        Self(3 + slot)
    }

    /// The name in SQLite's documentation.
    pub const fn name(self) -> &'static str {
        ["WRITE", "CKPT", "RECOVER", "READ0", "READ1", "READ2", "READ3", "READ4", "DATABASE"][self.0 as usize]
    }
}

/// How a lock is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LockMode {
    /// Together with others.
    Shared,
    /// Alone.
    Exclusive,
}

const EXCLUSIVE: u32 = 1 << 31;

/// The content of a header copy (`WalIndexHdr`). Two equal headers mean the same snapshot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Header {
    /// Whether the index has been built; a zeroed header is not valid.
    pub is_init: bool,
    /// Whether the log's checksum words are read big-endian.
    pub big_endian: bool,
    /// The checkpoint sequence number (`nCkpt`). SQLite keeps it per connection; all of ours live in one process.
    pub seq: u32,
    /// Grows by one with every commit.
    pub change: u32,
    /// The last valid frame.
    pub mx_frame: u32,
    /// The database size in pages.
    pub pages: u32,
    /// The checksum of frame `mx_frame`: the seed of the next frame.
    pub checksum: Checksum,
    /// The salts of the log header.
    pub salts: [u32; 2],
}

/// Words in a header copy.
pub(super) const HEADER_WORDS: usize = 6;
pub(super) type HeaderCopy = [u64; HEADER_WORDS];

fn pair(low: u32, high: u32) -> u64 {
    u64::from(low) | u64::from(high) << 32
}

impl Header {
    /// The words as they lie in shared memory; the last one is a checksum of the others.
    pub(super) fn encode(&self) -> HeaderCopy {
        let flags = u32::from(self.is_init) | u32::from(self.big_endian) << 1;
        let mut words = [
            pair(flags, self.seq),
            pair(self.change, self.mx_frame),
            pair(self.pages, self.salts[0]),
            pair(self.salts[1], self.checksum[0]),
            pair(self.checksum[1], 0),
            0,
        ];
        words[HEADER_WORDS - 1] = words.iter().fold(1, |sum, word| mix(sum, *word));
        words
    }

    /// The header in two equal, initialised copies with a right checksum; `None` for anything else.
    pub(super) fn decode(copies: &[HeaderCopy; 2]) -> Option<Self> {
        let [copy, other] = copies;
        let header = Self::unpack(copy);
        (copy == other && header.is_init && header.encode() == *copy).then_some(header)
    }

    /// The fields of one copy, unchecked.
    pub(super) fn unpack(w: &HeaderCopy) -> Self {
        let (low, high) = (|i: usize| w[i] as u32, |i: usize| (w[i] >> 32) as u32);
        Self {
            is_init: low(0) & 1 == 1,
            big_endian: low(0) & 2 == 2,
            seq: high(0),
            change: low(1),
            mx_frame: high(1),
            pages: low(2),
            salts: [high(2), low(3)],
            checksum: [high(3), low(4)],
        }
    }

    /// Where in the log this header ends.
    pub fn log_point(&self) -> LogPoint {
        LogPoint { seq: self.seq, salts: pair(self.salts[1], self.salts[0]), frame: self.mx_frame }
    }
}

/// Which frames hold which page. Frames above a reader's `mx_frame` are invisible to it, so entries may be appended
/// before they are published.
#[derive(Debug, Default, Hash)]
pub struct FrameIndex {
    /// The page of frame n at position n-1.
    pages: Vec<u32>,
    /// For each page, its frames in ascending order.
    frames: Vec<Vec<u32>>,
}

impl FrameIndex {
    /// The newest frame of `page` between `min_frame` and `mx_frame`.
    pub fn lookup(&self, page: u32, min_frame: u32, mx_frame: u32) -> Option<u32> {
        let frames = self.frames.get(page as usize)?;
        frames.iter().rev().copied().find(|&frame| frame <= mx_frame).filter(|&frame| frame >= min_frame)
    }

    /// Appends the frames behind frame `after`; leftovers of a failed writer there are removed first
    /// (`walCleanupHash`).
    pub fn append(&mut self, after: u32, pages: &[u32]) {
        self.trim(after);
        for &page in pages {
            self.pages.push(page);
            let slot = page as usize;
            if self.frames.len() <= slot {
                self.frames.resize_with(slot + 1, Vec::new);
            }
            self.frames[slot].push(self.pages.len() as u32);
        }
    }

    /// Removes every frame above `mx_frame`.
    pub fn trim(&mut self, mx_frame: u32) {
        while self.pages.len() > mx_frame as usize {
            let page = self.pages.pop().expect("not empty");
            self.frames[page as usize].pop();
        }
    }

    /// The pages that have a frame in `frames`, ascending, each with its newest frame up to `mx_frame`
    /// (`walIteratorInit`).
    pub fn newest(&self, mx_frame: u32) -> impl Iterator<Item = (u32, u32)> {
        (0_u32..).zip(&self.frames).filter_map(move |(page, frames)| {
            frames.iter().rev().copied().find(|&frame| frame <= mx_frame).map(|frame| (page, frame))
        })
    }

    /// The pages of the frames from one number to another.
    pub fn pages_of(&self, first: u32, last: u32) -> impl Iterator<Item = u32> {
        let frames = self.pages.iter().copied().take(last as usize);
        frames.skip((first as usize).saturating_sub(1))
    }

    /// How many frames are indexed.
    pub fn len(&self) -> u32 {
        self.pages.len() as u32
    }

    /// Whether no frame is indexed.
    pub fn is_empty(&self) -> bool {
        self.pages.is_empty()
    }
}

/// The shared memory of one log.
#[derive(Debug)]
pub struct WalShared {
    header: [[AtomicU64; HEADER_WORDS]; 2],
    backfill: AtomicU32,
    backfill_attempted: AtomicU32,
    marks: [AtomicU32; READ_SLOTS_MAX + 1],
    locks: [AtomicU32; LockId::COUNT],
    /// Whether frames were written since a checkpoint last called fsync on the log. A hint: a commit must not rely on it.
    unsynced: AtomicU32,
    /// Whether this process knows that the log's directory entry is durable.
    entry_synced: AtomicU32,
    /// Whether this process knows that the database file has been created, durably.
    database_synced: AtomicU32,
    /// How many random salts have been drawn.
    salts_drawn: AtomicU32,
    /// Of a planted bug: the generation whose header counts as written.
    header_done: AtomicU32,
    /// Of a planted bug: where a commit that failed has left the append position, with the pages of its frames.
    pub(super) kept_position: Mutex<Option<(Header, Vec<u32>)>>,
    /// Which frames hold which page.
    pub index: Mutex<FrameIndex>,
}

impl Hash for WalShared {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Self {
            header,
            backfill,
            backfill_attempted,
            marks,
            locks,
            unsynced,
            entry_synced,
            database_synced,
            salts_drawn,
            index,
            header_done,
            kept_position,
        } = self;
        header.iter().flatten().for_each(|word| word.load(Ordering::SeqCst).hash(state));
        let words = [backfill, backfill_attempted, unsynced, entry_synced, database_synced, salts_drawn, header_done];
        let words = words.into_iter().chain(marks);
        let words = words.chain(locks);
        words.for_each(|word| word.load(Ordering::SeqCst).hash(state));
        kept_position.lock().hash(state);
        index.lock().hash(state);
    }
}

impl Default for WalShared {
    /// The zeroed memory of a process that has just started: the first reader finds it invalid and recovers.
    fn default() -> Self {
        Self {
            header: std::array::from_fn(|_| std::array::from_fn(|_| AtomicU64::new(0))),
            backfill: AtomicU32::new(0),
            backfill_attempted: AtomicU32::new(0),
            marks: std::array::from_fn(|_| AtomicU32::new(0)),
            locks: std::array::from_fn(|_| AtomicU32::new(0)),
            unsynced: AtomicU32::new(0),
            entry_synced: AtomicU32::new(0),
            database_synced: AtomicU32::new(0),
            salts_drawn: AtomicU32::new(0),
            header_done: AtomicU32::new(0),
            kept_position: Mutex::new(None),
            index: Mutex::new(FrameIndex::default()),
        }
    }
}

impl WalShared {
    pub(super) fn load_header_word(&self, copy: usize, word: usize) -> u64 {
        self.header[copy][word].load(Ordering::SeqCst)
    }

    pub(crate) fn store_header_word(&self, copy: usize, word: usize, value: u64) {
        self.header[copy][word].store(value, Ordering::SeqCst);
    }

    /// The published header; `None` while it is being written or was never valid. For inspection only: protocols load
    /// it word by word.
    pub fn published(&self) -> Option<Header> {
        let load = |copy: usize| std::array::from_fn(|word| self.load_header_word(copy, word));
        Header::decode(&[load(0), load(1)])
    }

    /// The two copies of the header, unchecked: they differ while one is being written. For inspection.
    pub fn header_copies(&self) -> [Header; 2] {
        [0, 1].map(|copy| Header::unpack(&std::array::from_fn(|word| self.load_header_word(copy, word))))
    }

    /// nBackfill: frames up to this one are in the database file.
    pub fn backfill(&self) -> u32 {
        self.backfill.load(Ordering::SeqCst)
    }

    pub(crate) fn set_backfill(&self, frame: u32) {
        self.backfill.store(frame, Ordering::SeqCst);
    }

    /// nBackfillAttempted: frames up to this one may be in the database file.
    pub fn backfill_attempted(&self) -> u32 {
        self.backfill_attempted.load(Ordering::SeqCst)
    }

    pub(crate) fn set_backfill_attempted(&self, frame: u32) {
        self.backfill_attempted.store(frame, Ordering::SeqCst);
    }

    /// The read mark of a slot.
    pub fn mark(&self, slot: u8) -> u32 {
        self.marks[usize::from(slot)].load(Ordering::SeqCst)
    }

    /// Allowed only to a holder of READ(slot) exclusive.
    pub(crate) fn set_mark(&self, slot: u8, mark: u32) {
        self.marks[usize::from(slot)].store(mark, Ordering::SeqCst);
    }

    pub(super) fn unsynced(&self) -> bool {
        self.unsynced.load(Ordering::SeqCst) != 0
    }

    pub(crate) fn set_unsynced(&self, unsynced: bool) {
        self.unsynced.store(u32::from(unsynced), Ordering::SeqCst);
    }

    pub(super) fn entry_synced(&self) -> bool {
        self.entry_synced.load(Ordering::SeqCst) != 0
    }

    pub(crate) fn database_synced(&self) -> bool {
        self.database_synced.load(Ordering::SeqCst) != 0
    }

    pub(crate) fn set_database_synced(&self) {
        self.database_synced.store(1, Ordering::SeqCst);
    }

    pub(crate) fn set_entry_synced(&self) {
        self.entry_synced.store(1, Ordering::SeqCst);
    }

    /// The log is being removed, and its index with it: the next to read finds memory as a new process does. Only the
    /// locks stay, and the sequence of salts, which must not begin again. For a holder of the database file's lock: nobody
    /// else can look.
    pub(crate) fn forget(&self) {
        let Self {
            header,
            backfill,
            backfill_attempted,
            marks,
            locks: _,
            unsynced,
            entry_synced,
            // The database file stays.
            database_synced: _,
            salts_drawn: _,
            header_done,
            kept_position,
            index,
        } = self;
        header.iter().flatten().for_each(|word| word.store(0, Ordering::SeqCst));
        let words = [backfill, backfill_attempted, unsynced, entry_synced, header_done].into_iter().chain(marks);
        words.for_each(|word| word.store(0, Ordering::SeqCst));
        *kept_position.lock() = None;
        *index.lock() = FrameIndex::default();
    }

    pub(super) fn header_done(&self, seq: u32) -> bool {
        self.header_done.load(Ordering::SeqCst) == seq
    }

    pub(super) fn mark_header_done(&self, seq: u32) {
        self.header_done.store(seq, Ordering::SeqCst);
    }

    /// The next number of the sequence that random salts are made from.
    pub(crate) fn draw_salt(&self) -> u32 {
        self.salts_drawn.fetch_add(1, Ordering::SeqCst)
    }

    /// Takes a lock if it is free; never waits.
    pub fn try_lock(&self, lock: LockId, mode: LockMode) -> bool {
        let word = &self.locks[usize::from(lock.0)];
        match mode {
            LockMode::Exclusive => word.compare_exchange(0, EXCLUSIVE, Ordering::SeqCst, Ordering::SeqCst).is_ok(),
            LockMode::Shared => loop {
                let held = word.load(Ordering::SeqCst);
                if held == EXCLUSIVE {
                    return false;
                }
                if word.compare_exchange(held, held + 1, Ordering::SeqCst, Ordering::SeqCst).is_ok() {
                    return true;
                }
            },
        }
    }

    /// Makes a lock that the caller holds shared exclusive, if nobody else holds it.
    pub(crate) fn try_upgrade(&self, lock: LockId) -> bool {
        let word = &self.locks[usize::from(lock.0)];
        word.compare_exchange(1, EXCLUSIVE, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    /// Makes a lock that the caller holds exclusively shared.
    pub(crate) fn downgrade(&self, lock: LockId) {
        self.locks[usize::from(lock.0)].store(1, Ordering::SeqCst);
    }

    /// Releases a lock that the caller holds in this mode.
    pub fn unlock(&self, lock: LockId, mode: LockMode) {
        let word = &self.locks[usize::from(lock.0)];
        match mode {
            LockMode::Exclusive => word.store(0, Ordering::SeqCst),
            LockMode::Shared => {
                word.fetch_sub(1, Ordering::SeqCst);
            }
        }
    }

    /// Who holds a lock: the number of shared holders, or `None` if it is held exclusively. For inspection.
    pub fn shared_holders(&self, lock: LockId) -> Option<u32> {
        match self.locks[usize::from(lock.0)].load(Ordering::SeqCst) {
            EXCLUSIVE => None,
            count => Some(count),
        }
    }
}

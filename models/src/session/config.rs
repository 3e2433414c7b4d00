//! How a database is set up.

use crate::bug::Planted;
use crate::site::Site;
use crate::wal::SyncMode;

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
/// [finishes operations at once](crate::disk::Disk::finish_at_once).
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

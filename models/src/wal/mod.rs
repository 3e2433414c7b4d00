//! SQLite's write-ahead log: file formats, the shared wal-index, and one state machine per protocol.
//!
//! The bytes of the log file are SQLite's, so that stock SQLite recovers every file that a run leaves behind. The
//! wal-index is not a file here: it is the shared memory of one process, with the same fields, the same locks and the
//! same order of accesses. Every load and store of it is one turn of a machine, followed by a named
//! [`Site`](crate::site::Site).
//!
//! Reading order: `format` (bytes), `shared` (wal-index and locks), then the protocols in the order of a transaction's
//! life: `header`, `recover`, `read`, `write`, `append`, `recheck`, `restart`, `sync`, `checkpoint`,
//! `close`.
//!
//! Sources: sqlite.org "Database File Format" §4, "WAL-mode File Format", and `wal.c`; function names are given where
//! a machine follows one.

mod append;
mod checkpoint;
mod close;
pub mod format;
mod header;
mod read;
mod recheck;
mod recover;
mod restart;
mod shared;
mod sync;
mod write;

pub use append::AppendFrames;
pub(crate) use checkpoint::MACHINES as CHECKPOINT_MACHINES;
pub use checkpoint::{Checkpoint, CheckpointMode, CheckpointResult};
pub use close::CloseLog;
pub use header::{ReadHeader, StoreHeader};
pub use read::{BeginRead, EndRead, UseLog};
pub use shared::{FrameIndex, Header, LockId, LockMode, MARK_UNUSED, READ_SLOTS_MAX, WalShared};
pub use write::{BeginWrite, Drain, EndWrite, ReleaseLocks, Rollback};

machines! {
    "wal.header" => header::State,
    "wal.recover" => recover::State,
    "wal.read" => read::State,
    "wal.write" => write::BeginState,
    "wal.reset" => restart::ResetState,
    "wal.restart" => restart::State,
    "wal.append" => append::State,
    "wal.recheck" => recheck::State,
    "wal.rollback" => write::RollbackState,
    "wal.close" => close::State,
}

/// When a commit or checkpoint calls fsync (`PRAGMA synchronous`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SyncMode {
    /// Never.
    Off,
    /// At checkpoints and when a log generation starts.
    Normal,
    /// Also at every commit.
    Full,
}

impl SyncMode {
    /// The pragma's spelling.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Normal => "normal",
            Self::Full => "full",
        }
    }
}

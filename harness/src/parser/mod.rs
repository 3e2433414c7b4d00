//! An independent reader of database and log files.
//!
//! It shares no code with the models, on purpose: what the models recover, what this recovers and what stock SQLite
//! recovers must agree. It is written from the file format documents, for whole files in memory, and knows no locks.
//!
//! `log.rs` replays the log over the database; `tree.rs` reads the rows and accounts for every page; `any.rs` reads those that
//! another engine has written.

mod any;
mod log;
mod tree;

pub use any::{foreign_version, read_any_rows};
pub use log::{LogState, Recovered, collide, first_difference, recover};
pub use tree::{Problem, Rows, is_database, page_count, read_rows};

/// The big-endian 32-bit word at `at`, 0 behind the end.
fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).map_or(0, |b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]))
}

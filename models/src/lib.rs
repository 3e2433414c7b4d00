//! falken-models: a cooperative async I/O library, a simulated disk, and models of a pager, a write-ahead log and a
//! table that speak SQLite's real file formats.
//!
//! The models know no scheduler, no randomness and no report. They do one thing at a time when they are told to
//! (`step`), write down what happened ([`event`]), and say where they can be interrupted ([`site`]).
//!
//! Reading order, from the bottom up:
//! * [`sync`]: the one place that picks std, loom or shuttle.
//! * [`io`]: completions, groups, the re-entry contract.
//! * [`disk`]: files as durable and volatile sectors, operations in flight, crashes.
//! * [`wal`]: SQLite's write-ahead log: formats, wal-index, locks, and one state machine per protocol.
//! * [`pager`]: pages, the page cache, the dirty list.
//! * [`table`]: `kv(k INTEGER PRIMARY KEY, v BLOB)` as a b-tree with overflow chains and a freelist.
//! * [`connection`]: statements, transactions, and the [`Connection`](connection::Connection) that a run loop steps.
//! * [`state`]: one hash of all that can influence the future, for exhaustive search.
//! * [`visits`]: how often each state of each machine was taken a turn in.
//! * [`bug`]: bugs that a run can plant on purpose.
//! * [`threads`]: small bodies of racing threads over all of this, for loom, shuttle and the machine's threads.

#[macro_use]
pub mod visits;

pub mod bug;
pub mod connection;
pub mod digest;
pub mod disk;
pub mod event;
pub mod io;
pub mod pager;
pub mod session;
pub mod site;
pub mod state;
pub mod sync;
pub mod table;
pub mod threads;
mod transfer;
pub mod wal;

//! The published Turso engine behind falken's scenarios: `falken run SCENARIO --subject turso`.
//!
//! Built only with the feature `turso`, because it takes many minutes: without it this crate is empty, and says so.
//!
//! Where to go next: `io.rs` is the engine's I/O over falken's disk, with the traps that lie there; `subject.rs` steps its
//! statements for the run loop; `sql.rs` says what each operation is in SQL; `engine.rs` is all that may differ in the API of
//! another version.

#[cfg(feature = "turso")]
mod bell;
#[cfg(feature = "turso")]
pub mod engine;
#[cfg(feature = "turso")]
mod file;
#[cfg(feature = "turso")]
mod io;
#[cfg(feature = "turso")]
pub mod sql;
#[cfg(feature = "turso")]
mod subject;

#[cfg(feature = "turso")]
pub use io::DiskIo;
#[cfg(feature = "turso")]
pub use subject::Turso;

/// Makes the engine known to this process; returns whether it was built in.
pub fn register() -> bool {
    #[cfg(feature = "turso")]
    falken_harness::subject::register(|_, journal, config, disk, log| Box::new(Turso::new(journal, config, disk, log)));
    cfg!(feature = "turso")
}

//! The nightly job: a plan of runs over the whole catalogue, made by worker processes, written down as they end, triaged.
//!
//! `plan` says which runs there are; `conduct` makes them, one `child` process (`worker`) per job; `state` is the directory
//! that survives a kill; `triage` groups what failed; `assemble` makes a [`falken_reports::Night`] of it; `merge` joins shards.
//!
//! What it is not: it knows no report format, and it never looks into a run. `command/nightly.rs` is its command line.

mod assemble;
mod child;
mod conduct;
mod gates;
mod known;
mod merge;
mod plan;
mod progress;
mod ranges;
mod record;
pub mod shard;
mod state;
mod sums;
mod triage;
mod worker;

pub use child::Limits;
pub use conduct::{Conductor, Ended};
pub use known::regressions;
pub use merge::merge;
pub use plan::{Plan, Shard, Share, seed_from, shares};
pub use state::{Head, State, planted_in, read_head, read_json};
pub use worker::serve;

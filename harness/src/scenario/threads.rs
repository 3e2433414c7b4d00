//! Whether and how a scenario's programs run on real threads.

use serde::{Deserialize, Serialize};

/// What explores threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ThreadEngine {
    /// Every order within a bound on preemptions, and what weak memory may show.
    Loom,
    /// Sampled orders.
    Shuttle,
    /// The machine's own threads.
    Os,
}

/// The threads form of a scenario: each client runs its program on a thread of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Threads {
    /// The engines for which it is made.
    pub engines: Vec<ThreadEngine>,
    /// The most preemptions that loom tries if nothing else is asked for.
    pub preemptions: u8,
    /// Threads that finish operations. Under loom, which allows few threads, each client finishes its own.
    pub io_threads: u8,
    /// How often a client begins a transaction that is refused. Under loom once.
    pub tries_max: u32,
    /// Every how-manieth statement of a client is abandoned at its first wait; 0 is none.
    pub abandon_every: u32,
    /// After every how-manieth transaction a client drops its connection in the middle of one; 0 is never.
    pub drop_every: u32,
}

impl Default for Threads {
    fn default() -> Self {
        let engines = vec![ThreadEngine::Shuttle, ThreadEngine::Os];
        Self { engines, preemptions: 2, io_threads: 2, tries_max: 10_000, abandon_every: 0, drop_every: 0 }
    }
}

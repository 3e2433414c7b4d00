//! Crash images: everything that a power loss can leave, recovered and judged.
//!
//! A random crash keeps one version of each sector and ends the life of a process. Here, at each [`Barrier`] of a run, the
//! whole *lattice* of images is enumerated while the run stands still: each is recovered by the subject itself, by
//! the independent [`parser`](crate::parser) and, if asked, by an oracle; all must agree on a state that the ledger allows.
//! From one image of each recovered class a process goes on, commits one more transaction, and loses power again.
//!
//! Enumerating at barriers is enough: every version stays in its chain until an fsync removes it, so an image that was
//! possible earlier is still possible just before that. Obligations change in between, so they are part of what makes two
//! images the same.
//!
//! Exploring changes nothing in the run and takes no choice from its tape: it is a function of the run and its seed.
//!
//! Reading order: `lattice.rs` (chains and images), `plan.rs` (which of them), `explorer.rs` (recover, judge), `second.rs`
//! (going on, crashing again), `coverage.rs` (figures).

mod coverage;
mod explorer;
mod lattice;
mod plan;
mod process;
mod raw;
mod second;

pub use coverage::{Coverage, Explored};
pub use explorer::{Broken, Explorer, Second};
pub use lattice::{Chain, Image, Lattice};
pub use plan::{Depth, visit};
pub use raw::Raw;

/// When images are enumerated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Barrier {
    /// Just before an fsync takes effect.
    Fsync,
    /// When a client was told of its commit.
    Acknowledgement,
    /// At the end of the run, and of the life of each process before that.
    End,
}

impl Barrier {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Fsync, Self::Acknowledgement, Self::End];

    /// In words, for evidence.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fsync => "just before an fsync takes effect",
            Self::Acknowledgement => "when a commit was acknowledged",
            Self::End => "at the end",
        }
    }
}

#[cfg(test)]
mod tests;

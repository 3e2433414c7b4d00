//! Crash images: everything that a power loss or a crash of the process can leave, recovered and judged.
//!
//! A random crash keeps one version of each sector and ends the life of a process. Here, at each [`Barrier`] of a run, the
//! whole *lattice* of images is enumerated while the run stands still: each is recovered by the subject itself, by
//! the independent [`parser`](crate::parser) and, if asked, by an oracle; all must agree on a state that the ledger allows.
//! From one image of each recovered class a process goes on, commits one more transaction, and loses power again.
//!
//! Enumerating at barriers is enough: for a power loss every version stays in its chain until an fsync removes it, so an
//! image that was possible earlier is still possible just before that; for a crash of the process the same holds of each
//! operation in flight and its end. Obligations change in between, so they are part of what makes two images the same.
//!
//! Exploring changes nothing in the run and takes no choice from its tape: it is a function of the run and its seed.
//!
//! Reading order: `lattice.rs` (chains and images), `plan.rs` (which of them), `walk.rs` (all of a moment), `explorer.rs` (recover, judge), `second.rs`
//! (going on, crashing again), `readers.rs` (the images of an engine that shows no internals), `coverage.rs` (figures).

mod coverage;
mod explorer;
mod lattice;
mod plan;
mod process;
mod raw;
mod readers;
mod second;
mod walk;

use coverage::Figures;
pub use coverage::{Coverage, Explored};
pub use explorer::{Broken, Explorer, Second};
pub use lattice::{Chain, Image, Lattice};
pub use plan::{Depth, visit};
pub use raw::Raw;
pub use readers::{Judge, Moment, Readers};

use falken_models::disk::IoKind;

use crate::action::CrashKind;

/// When images are enumerated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Barrier {
    /// Just before an fsync takes effect.
    Fsync,
    /// Just before an operation takes effect that changes a file.
    Change,
    /// When a client was told of its commit.
    Acknowledgement,
    /// At the end of the run, and of the life of each process before that.
    End,
}

impl Barrier {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Fsync, Self::Change, Self::Acknowledgement, Self::End];

    /// The barrier, if it is one, that an operation meets when it ends.
    pub const fn before(kind: IoKind) -> Option<Self> {
        match kind {
            IoKind::Read => None,
            IoKind::Sync => Some(Self::Fsync),
            IoKind::Write | IoKind::Truncate | IoKind::Remove => Some(Self::Change),
        }
    }

    /// Whether images of such a crash may become impossible here, or are owed more.
    pub const fn concerns(self, kind: CrashKind) -> bool {
        match self {
            Self::Fsync => matches!(kind, CrashKind::Power),
            Self::Change => matches!(kind, CrashKind::Process),
            Self::Acknowledgement | Self::End => true,
        }
    }

    /// In words, for evidence.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fsync => "just before an fsync takes effect",
            Self::Change => "just before an operation in flight ends",
            Self::Acknowledgement => "when a commit was acknowledged",
            Self::End => "at the end",
        }
    }
}

#[cfg(test)]
mod tests;

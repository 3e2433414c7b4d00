//! What crash images have covered, in figures.

use super::plan::Depth;
use super::raw::Raw;
use crate::action::CrashKind;

/// Whose figures an image counts among.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Figures {
    /// [`Coverage::first`].
    First = 0,
    /// [`Coverage::second`].
    Second = 1,
    /// [`Coverage::process`].
    Process = 2,
}

impl Figures {
    /// Those of a crash of the run itself.
    pub(super) fn of(kind: CrashKind) -> Self {
        match kind {
            CrashKind::Power => Self::First,
            CrashKind::Process => Self::Process,
        }
    }
}

/// The images of one kind of crash.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Explored {
    /// Moments at which images were enumerated.
    pub barriers: u64,
    /// Of these, where every choice was taken.
    pub exhaustive: u64,
    /// Of these, where the reduction was taken whole and the rest sampled.
    pub reduced: u64,
    /// Of these, where the limit cut the reduction off.
    pub cut: u64,
    /// How many choices there were: the product of all chains' versions, summed over the moments.
    pub raw: Raw,
    /// Images made.
    pub images: u64,
    /// Of these, different ones, or the same under other obligations.
    pub distinct: u64,
    /// Of these, recovered: all with different bytes.
    pub recovered: u64,
    /// The different databases that came out.
    pub states: u64,
}

impl Explored {
    pub(super) fn note_barrier(&mut self) {
        self.barriers += 1;
    }

    pub(super) fn note_lattice(&mut self, raw: Raw) {
        self.raw = self.raw.plus(raw);
    }

    pub(super) fn note_depth(&mut self, depth: Depth) {
        match depth {
            Depth::Exhaustive => self.exhaustive += 1,
            Depth::Reduced => self.reduced += 1,
            Depth::Cut => self.cut += 1,
        }
    }

    fn add(&mut self, other: &Self) {
        self.barriers += other.barriers;
        self.exhaustive += other.exhaustive;
        self.reduced += other.reduced;
        self.cut += other.cut;
        self.raw = self.raw.plus(other.raw);
        self.images += other.images;
        self.distinct += other.distinct;
        self.recovered += other.recovered;
        self.states += other.states;
    }

    /// Which part of all choices was looked at, from 0 to 1.
    pub fn share(&self) -> f64 {
        self.raw.share(self.images)
    }
}

/// What was covered. Figures of several runs add up; states are counted per run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Coverage {
    /// The power losses of the run itself.
    pub first: Explored,
    /// The crashes of the run's process: everything that has ended is there, and any part of what is in flight.
    pub process: Explored,
    /// Recovered classes (a database and the end of its log) from which a process went on: it read everything, committed one
    /// more transaction and checkpointed it.
    pub went_on: u64,
    /// The crashes of those processes, of either kind.
    pub second: Explored,
    /// Images that were not judged, because the log's checksum takes an old page for the one that was written.
    pub collisions: u64,
}

impl Coverage {
    pub(super) fn of(&mut self, figures: Figures) -> &mut Explored {
        match figures {
            Figures::First => &mut self.first,
            Figures::Second => &mut self.second,
            Figures::Process => &mut self.process,
        }
    }

    /// Adds another run's figures.
    pub fn add(&mut self, other: &Self) {
        self.first.add(&other.first);
        self.process.add(&other.process);
        self.went_on += other.went_on;
        self.second.add(&other.second);
        self.collisions += other.collisions;
    }
}

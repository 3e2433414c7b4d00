//! Strategies: what answers choices. They see ids and keys, never the subject.
//!
//! A new strategy is one file and one line in [`TABLE`].

mod access;
mod aimed;
mod pct;
mod pct_depth;
pub mod portfolio;
mod pos;
mod random;
mod replay;
mod round_robin;
mod surw;
mod swarm;
mod whereabouts;

use crate::choice::{Choice, Kind};
pub use aimed::{Aim, Aimed, Passed, Point};
pub use pct::Pct;
pub use pct_depth::PctDepth;
pub use portfolio::Portfolio;
pub use pos::Pos;
pub use random::Random;
pub use replay::{Divergence, Replay};
pub use round_robin::RoundRobin;
pub use surw::Surw;
pub use swarm::Swarm;
pub use whereabouts::Whereabouts;

/// Answers choices.
pub trait Strategy: Send {
    /// Picks one of the options: an index below `choice.options.len()`.
    fn choose(&mut self, choice: &Choice<'_>) -> usize;

    /// Picks a number from 0 up to and including `most`; 0 is the simplest.
    fn number(&mut self, kind: Kind, key: u64, most: u64) -> u64;

    /// How the run departed from what the strategy was told to do, if it did. Asked once, at the end.
    fn divergence(&self) -> Option<Divergence> {
        None
    }
}

/// A strategy that can be named on a command line.
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    /// One line about it.
    pub about: &'static str,
    /// Makes one for a seed.
    pub new: fn(u64) -> Box<dyn Strategy>,
}

/// The name of the portfolio: a batch shares its runs out among some of [`TABLE`], see [`portfolio`].
pub const PORTFOLIO: &str = "portfolio";

/// The strategies that explore. Replay is not one: it needs a tape.
pub const TABLE: &[Entry] = &[
    Entry {
        name: "random",
        about: "every enabled actor is equally likely at every step; faults by their rates",
        new: |seed| Box::new(Random::new(seed)),
    },
    Entry {
        name: "pct",
        about: "actors have priorities that fall at random points: holds one back while others do a lot",
        new: |seed| Box::new(Pct::new(seed)),
    },
    Entry { name: "pct-2", about: "PCT with one change point in a run", new: |seed| Box::new(PctDepth::new(seed, 2)) },
    Entry { name: "pct-3", about: "PCT with two change points", new: |seed| Box::new(PctDepth::new(seed, 3)) },
    Entry { name: "pct-6", about: "PCT with five change points", new: |seed| Box::new(PctDepth::new(seed, 6)) },
    Entry { name: "pct-12", about: "PCT with eleven change points", new: |seed| Box::new(PctDepth::new(seed, 12)) },
    Entry {
        name: "pos",
        about: "partial order sampling: what races is drawn again, what does not keeps its order",
        new: |seed| Box::new(Pos::new(seed)),
    },
    Entry {
        name: "surw",
        about: "uniform over the interleavings of the accesses to one shared object",
        new: |seed| Box::new(Surw::new(seed)),
    },
    Entry {
        name: "swarm",
        about: "every run another tester: speeds, omitted features, fault rates, extreme values, starvation",
        new: |seed| Box::new(Swarm::new(seed)),
    },
    Entry {
        name: "round-robin",
        about: "everybody in turn, for so many steps at a time",
        new: |seed| Box::new(RoundRobin::new(seed)),
    },
    Entry {
        name: PORTFOLIO,
        about: "several of them; those that find new situations get more of the runs",
        new: portfolio::member_for,
    },
];

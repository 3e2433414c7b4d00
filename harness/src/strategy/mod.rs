//! Strategies: what answers choices. They see ids and keys, never the subject.
//!
//! A new strategy is one file and one line in [`TABLE`].

mod aimed;
mod pct;
mod random;
mod replay;
mod whereabouts;

use crate::choice::{Choice, Kind};
pub use aimed::{Aim, Aimed, Passed, Point};
pub use pct::Pct;
pub use random::Random;
pub use replay::{Divergence, Replay};
pub use whereabouts::Whereabouts;

/// Answers choices.
pub trait Strategy {
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
];

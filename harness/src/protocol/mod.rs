//! Protocols in plain Rust: a state, who can do what, and what must hold; searched exhaustively or walked under a strategy.
//!
//! The models of this workspace are an engine; a question about a *protocol* (a commit, a lock, a hand-over) is answered
//! sooner by thirty lines that say only what matters. What is written for [`Protocol`] gets the search that `falken
//! explore` uses, on states that are plain values, and every strategy of [`strategy::TABLE`](crate::strategy::TABLE):
//!
//! ```
//! use falken_harness::protocol::{Fork, Limits, Protocol, Step, search, walk};
//! use falken_harness::{explore::Ended, strategy, verdict::Evidence};
//!
//! /// Two clients add one to a counter, each in two steps: read, then write what was read plus one.
//! #[derive(Clone, Hash)]
//! struct Counter {
//!     value: u8,
//!     read: [Option<u8>; 2],
//!     done: [bool; 2],
//! }
//!
//! impl Protocol for Counter {
//!     fn enabled(&self, steps: &mut Vec<Step>) {
//!         steps.extend((0..2).filter(|actor| !self.done[usize::from(*actor)]).map(Step::of));
//!     }
//!
//!     fn step(&mut self, Step { actor, .. }: Step) {
//!         let me = usize::from(actor);
//!         match self.read[me] {
//!             None => self.read[me] = Some(self.value),
//!             Some(read) => (self.value, self.done[me]) = (read + 1, true),
//!         }
//!     }
//!
//!     fn check_end(&self) -> Result<(), Evidence> {
//!         if self.value == 2 { Ok(()) } else { Err(Evidence::new("an addition is lost").with("value", self.value)) }
//!     }
//! }
//!
//! let start = || Counter { value: 0, read: [None; 2], done: [false; 2] };
//! let outcome = search(&Fork(start()), &Limits::default(), &Default::default());
//! assert_eq!(outcome.ended, Ended::Violation);
//! let failure = outcome.failure.unwrap();
//! assert_eq!(failure.path, [0, 1, 0, 1].map(Step::of));
//!
//! let lost = |seed| walk(&mut start(), &mut *(strategy::TABLE[0].new)(seed), 100).failure.is_some();
//! assert!((0..20).any(lost));
//! ```
//!
//! What a finished search says: no schedule of *these* steps breaks what is checked, except with the probability that two
//! states share a hash ([`collision_probability`](crate::explore::collision_probability)). What it does not: that the
//! engine does what the protocol does, or that it ever gets anywhere (a cycle is no violation).

mod search;
mod walk;
mod way;

use std::hash::Hash;

use crate::verdict::Evidence;
pub use search::{Limits, Outcome, search};
pub use walk::{Walk, walk};
pub use way::{Again, Fork, Way};

/// One thing that an actor can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Step {
    /// Who.
    pub actor: u8,
    /// Which of the things that this actor can do.
    pub option: u16,
}

impl Step {
    /// The step of an actor that has no choice.
    pub fn of(actor: u8) -> Self {
        Self { actor, option: 0 }
    }
}

/// A protocol in one of its states.
///
/// [`Hash`] decides which states are the same one: it must tell apart what has different futures, and may leave out what
/// makes no difference. Participants that are interchangeable are hashed in sorted order; then of all states that differ
/// only in who is who one is looked at.
pub trait Protocol: Hash {
    /// Adds everything that can happen next, in ascending order of actors. Nothing is added at an end.
    fn enabled(&self, steps: &mut Vec<Step>);

    /// Lets one of the enabled steps happen. It must be a function of state and step.
    fn step(&mut self, step: Step);

    /// What holds in every state.
    ///
    /// # Errors
    /// Evidence that it does not.
    fn check(&self) -> Result<(), Evidence> {
        Ok(())
    }

    /// What holds besides where nothing is enabled: say here whether that is an end or a deadlock.
    ///
    /// # Errors
    /// Evidence that it does not.
    fn check_end(&self) -> Result<(), Evidence> {
        Ok(())
    }
}

/// A way to a state in which something does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The steps from the first state.
    pub path: Vec<Step>,
    /// What was found there.
    pub evidence: Evidence,
}

/// Judges a state from which `steps` are enabled.
fn judge(state: &impl Protocol, steps: &[Step]) -> Result<(), Evidence> {
    state.check()?;
    if steps.is_empty() { state.check_end() } else { Ok(()) }
}

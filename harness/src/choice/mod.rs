//! Decisions: every one goes through [`Chooser::choose`].
//!
//! A choice has a *kind*, a *key* that names who asks, and the *options* that are enabled, each with a stable id. Kinds
//! are kept apart, each with its own law: faults never compete with actors in one draw. Strategies only answer; the
//! [`Tape`] records kind and id, never an index into a list, so it can be read, edited and replayed on changed code.

mod id;
mod tape;

use falken_models::site::Site;

use crate::strategy::{Divergence, Strategy};
pub use id::{CrashId, EndingId, OptionId, Until};
pub use tape::{Tape, TapeEntry};

/// What a choice is about. Each kind has its own law and its own random stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    /// Which actor does the next thing: a connection steps, or an operation in flight ends.
    Who,
    /// Whether something drastic happens before that: a crash, an abandoned statement, a dropped connection.
    Disturbance,
    /// Which connection a disturbance hits.
    Target,
    /// How an operation in flight ends.
    Ending,
    /// Which version of a sector or size survives a crash.
    Survivor,
    /// Which statement or transaction a client runs next.
    Operation,
    /// Which key, length or count a client uses.
    Value,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 7] =
        [Self::Who, Self::Disturbance, Self::Target, Self::Ending, Self::Survivor, Self::Operation, Self::Value];
}

/// Where a connection stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// How many statements it has begun.
    pub statement: u32,
    /// Where the last of them has yielded; `None` if it has ended.
    pub site: Option<Site>,
}

/// One decision to be taken.
#[derive(Clone, Copy, Debug)]
pub struct Choice<'a> {
    /// What it is about.
    pub kind: Kind,
    /// Who asks, and for the how-manieth time: stable under changes elsewhere.
    pub key: u64,
    /// What is enabled; never empty. The first option is the simplest: no fault, the same actor, success.
    pub options: &'a [OptionId],
    /// How likely each option should be; all alike if empty.
    pub weights: &'a [u32],
    /// Where each connection stands, by number. Empty where the choice is about what a connection has just begun.
    pub standing: &'a [Standing],
    /// The hash of all events before it; 0 where the choice is about what a connection has just begun.
    pub events: u64,
}

/// Puts choices to a strategy and records the answers.
pub struct Chooser {
    strategy: Box<dyn Strategy>,
    tape: Tape,
}

impl Chooser {
    /// A chooser with an empty tape.
    pub fn new(strategy: Box<dyn Strategy>) -> Self {
        Self { strategy, tape: Tape::default() }
    }

    /// Decides: returns the index of the chosen option.
    ///
    /// "No disturbance" and "it succeeds" are what a replay assumes when the tape says nothing, so they are not recorded:
    /// each of these choices is followed by one of another kind, which keeps the tape unambiguous.
    #[inline]
    pub fn choose(&mut self, choice: &Choice<'_>) -> usize {
        debug_assert!(!choice.options.is_empty(), "a choice needs an option");
        let index = self.strategy.choose(choice);
        if index != 0 || !matches!(choice.kind, Kind::Disturbance | Kind::Ending) {
            self.tape.push(TapeEntry { kind: choice.kind, id: choice.options[index] });
        }
        index
    }

    /// Chooses a number from 0 up to and including `most`.
    pub fn number(&mut self, kind: Kind, key: u64, most: u64) -> u64 {
        let picked = self.strategy.number(kind, key, most).min(most);
        self.tape.push(TapeEntry { kind, id: OptionId::Number(picked) });
        picked
    }

    /// What has been recorded so far.
    pub fn tape(&self) -> &Tape {
        &self.tape
    }

    /// Ends recording: the tape, and what the strategy has to say about how well it could follow its orders.
    pub fn finish(self) -> (Tape, Option<Divergence>) {
        let divergence = self.strategy.divergence();
        (self.tape, divergence)
    }
}

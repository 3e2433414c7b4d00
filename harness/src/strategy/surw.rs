//! Selectively uniform random walk (Zhao et al.: "Selectively Uniform Concurrency Testing", ASPLOS 2025).
//!
//! A run picks one object; the accesses to it are the interesting events. Whose interesting event comes next is drawn with
//! the number of those that each connection still has ahead as weights, which makes every interleaving *of them* about
//! equally likely; everything else runs freely in between.
//!
//! What it guarantees: uniformity over the interleavings of the interesting events, if their numbers are known. What it does
//! not: clients never end here, so the numbers are those of a window that starts again when it is used up.

use super::access::{Accesses, Object};
use super::{Random, Strategy};
use crate::choice::{Choice, Kind, OptionId};
use crate::random::Stream;

const LABEL: u64 = 120;

/// Interesting events of each connection in a window.
const WINDOW: u64 = 64;

/// A selectively uniform walk for actors; faults and values as in [`Random`].
pub struct Surw {
    others: Random,
    stream: Stream,
    drawn: u64,
    accesses: Accesses,
    interesting: Object,
    /// Interesting events that each connection still has in this window.
    left: Vec<u64>,
    /// Whose interesting event is next.
    intended: Option<u8>,
}

impl Surw {
    /// A schedule that is a function of the seed.
    pub fn new(seed: u64) -> Self {
        let stream = Stream::new(seed, LABEL);
        let interesting = Object(1 + stream.below(0, u64::from(Object::COUNT)) as u8);
        Self {
            others: Random::new(seed),
            stream,
            drawn: 0,
            accesses: Accesses::default(),
            interesting,
            left: Vec::new(),
            intended: None,
        }
    }

    fn below(&mut self, n: u64) -> u64 {
        self.drawn += 1;
        self.stream.below(self.drawn, n)
    }

    fn intend(&mut self) -> u8 {
        if self.left.iter().sum::<u64>() == 0 {
            self.left.fill(WINDOW);
        }
        let mut ticket = self.below(self.left.iter().sum());
        for (conn, left) in (0..).zip(&self.left) {
            match ticket.checked_sub(*left) {
                None => return conn,
                Some(rest) => ticket = rest,
            }
        }
        0
    }
}

impl Strategy for Surw {
    fn choose(&mut self, choice: &Choice<'_>) -> usize {
        if choice.kind != Kind::Who {
            return self.others.choose(choice);
        }
        self.accesses.learn(choice.standing);
        self.left.resize(choice.standing.len().max(1), WINDOW);
        let intended = self.intended.unwrap_or_else(|| self.intend());
        self.intended = Some(intended);
        let is_interesting =
            |actor: OptionId, strategy: &Self| strategy.accesses.next(actor, choice.standing) == strategy.interesting;
        let free: Vec<usize> = (0..choice.options.len())
            .filter(|index| {
                let actor = choice.options[*index];
                actor.connection() == Some(intended) || !is_interesting(actor, self)
            })
            .collect();
        let index = if free.is_empty() {
            self.below(choice.options.len() as u64) as usize
        } else {
            free[self.below(free.len() as u64) as usize]
        };
        let actor = choice.options[index];
        if is_interesting(actor, self)
            && let Some(left) = actor.connection().and_then(|conn| self.left.get_mut(usize::from(conn)))
        {
            *left = left.saturating_sub(1);
            self.intended = None;
        }
        index
    }

    fn number(&mut self, kind: Kind, key: u64, most: u64) -> u64 {
        self.others.number(kind, key, most)
    }
}

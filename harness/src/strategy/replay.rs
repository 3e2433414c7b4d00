//! Replay: answers from a tape.
//!
//! A tape is a recording of every choice, or a list of orders (`run c1 to 2 wal.append.frames`), or a mixture. An entry that
//! is not offered is skipped, and where the tape says nothing the simplest option is taken: the same connection goes on and
//! its operations succeed in order. So an edited or outdated tape still leads somewhere; what was skipped is said at the
//! end.

use std::fmt;

use falken_models::connection::StatementId;

use super::Strategy;
use super::whereabouts::Whereabouts;
use crate::choice::{Choice, Kind, OptionId, Tape, TapeEntry, Until};

/// How a replay departed from its tape.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Divergence {
    /// The entries that were not offered or changed nothing, by position.
    pub unused: Vec<usize>,
    /// The first of them.
    pub first: Option<TapeEntry>,
    /// Choices of an actor made behind the end of the tape.
    pub past_end: u64,
    /// Entries that the run did not come to.
    pub left: usize,
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} recorded choices were not offered", self.unused.len())?;
        if let (Some(at), Some(entry)) = (self.unused.first(), self.first) {
            write!(f, ", first at choice {at} (`{}`)", entry.id)?;
        }
        write!(f, "; {} were made past the end of the tape; {} were left over", self.past_end, self.left)
    }
}

/// An order under way.
struct Order {
    id: StatementId,
    until: Option<Until>,
    /// Its position on the tape, as long as it has led to no action.
    unused: Option<usize>,
}

/// Follows a tape.
pub struct Replay {
    tape: Tape,
    next: usize,
    order: Option<Order>,
    last: Option<StatementId>,
    whereabouts: Whereabouts,
    divergence: Divergence,
}

impl Replay {
    /// A replay of `tape`.
    pub fn new(tape: Tape) -> Self {
        let (whereabouts, divergence) = (Whereabouts::default(), Divergence::default());
        Self { tape, next: 0, order: None, last: None, whereabouts, divergence }
    }

    fn peek(&self) -> Option<TapeEntry> {
        self.tape.entries().get(self.next).copied()
    }

    fn skip(&mut self, position: usize) {
        self.divergence.first = self.divergence.first.or_else(|| self.tape.entries().get(position).copied());
        self.divergence.unused.push(position);
    }

    /// Forgets the order under way if its connection has come to its place.
    fn end_order(&mut self) {
        let over = |order: &Order| order.until.is_some_and(|until| self.whereabouts.has_reached(order.id, until));
        if self.order.as_ref().is_some_and(over) {
            self.drop_order();
        }
    }

    fn drop_order(&mut self) {
        if let Some(Order { unused: Some(position), .. }) = self.order.take() {
            self.skip(position);
        }
    }

    fn actor(&mut self, options: &[OptionId]) -> usize {
        loop {
            self.end_order();
            if let Some(order) = &mut self.order {
                if let Some(index) = carry_on(order.id, options) {
                    order.unused = None;
                    return index;
                }
                self.drop_order();
            }
            let Some(entry) = self.peek() else {
                self.divergence.past_end += 1;
                return self.last.and_then(|id| carry_on(id, options)).unwrap_or(0);
            };
            self.next += 1;
            let wanted = match entry.id {
                OptionId::Run { id, until } => {
                    self.order = Some(Order { id, until, unused: Some(self.next - 1) });
                    continue;
                }
                OptionId::FinishOf { id, statement, nth } => self.whereabouts.find_operation(id, statement, nth),
                id => Some(id),
            };
            match options.iter().position(|option| entry.kind == Kind::Who && Some(*option) == wanted) {
                Some(index) => return index,
                None => self.skip(self.next - 1),
            }
        }
    }
}

/// What lets a slot go on: its next step, or the end of its connection's oldest operation.
fn carry_on(id: StatementId, options: &[OptionId]) -> Option<usize> {
    let step = options.iter().position(|option| *option == OptionId::Step(id));
    step.or_else(|| {
        options.iter().position(|option| matches!(option, OptionId::Finish { owner, .. } if *owner == id.conn))
    })
}

impl Strategy for Replay {
    fn choose(&mut self, choice: &Choice<'_>) -> usize {
        if matches!(choice.kind, Kind::Who | Kind::Disturbance) {
            self.whereabouts.look(choice);
        }
        if choice.kind == Kind::Who {
            let index = self.actor(choice.options);
            self.last = match choice.options[index] {
                OptionId::Step(id) => Some(id),
                other => self
                    .last
                    .filter(|id| other.connection() == Some(id.conn))
                    .or(other.connection().map(StatementId::first)),
            };
            self.whereabouts.took(choice.options[index]);
            return index;
        }
        if choice.kind == Kind::Disturbance {
            self.end_order();
            if self.order.is_some() {
                return 0;
            }
        }
        let wanted = self.peek().filter(|entry| entry.kind == choice.kind);
        let index = wanted.and_then(|entry| choice.options.iter().position(|option| *option == entry.id));
        if index.is_some() {
            self.next += 1;
        }
        index.unwrap_or(0)
    }

    fn number(&mut self, kind: Kind, _key: u64, most: u64) -> u64 {
        match self.peek() {
            Some(TapeEntry { kind: k, id: OptionId::Number(n) }) if k == kind && n <= most => {
                self.next += 1;
                n
            }
            _ => 0,
        }
    }

    fn divergence(&self) -> Option<Divergence> {
        let mut divergence = self.divergence.clone();
        divergence.left = self.tape.entries().len() - self.next;
        (divergence != Divergence::default()).then_some(divergence)
    }
}

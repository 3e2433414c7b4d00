//! Replay: answers from a tape.
//!
//! An entry that is not offered is skipped, and where the tape says nothing the simplest option is taken; so an edited
//! or outdated tape still leads somewhere; what was skipped is said at the end.

use super::Strategy;
use crate::choice::{Choice, Kind, OptionId, Tape, TapeEntry};

/// Follows a tape.
pub struct Replay {
    tape: Tape,
    next: usize,
    first_skipped: Option<usize>,
    skipped: usize,
    past_end: usize,
    last_actor: Option<OptionId>,
}

impl Replay {
    /// A replay of `tape`.
    pub fn new(tape: Tape) -> Self {
        Self { tape, next: 0, first_skipped: None, skipped: 0, past_end: 0, last_actor: None }
    }

    fn peek(&self) -> Option<TapeEntry> {
        self.tape.entries().get(self.next).copied()
    }

    fn skip(&mut self) {
        self.first_skipped.get_or_insert(self.next);
        self.skipped += 1;
        self.next += 1;
    }

    /// The next actor on the tape that is enabled; other entries up to it cannot be meant for an earlier choice any more.
    fn next_actor(&mut self, options: &[OptionId]) -> Option<usize> {
        while let Some(entry) = self.peek() {
            if entry.kind == Kind::Who
                && let Some(index) = options.iter().position(|option| *option == entry.id)
            {
                self.next += 1;
                return Some(index);
            }
            self.skip();
        }
        self.past_end += 1;
        None
    }
}

impl Strategy for Replay {
    fn choose(&mut self, choice: &Choice<'_>) -> usize {
        if choice.kind == Kind::Who {
            // Past the end of the tape the actor that was last goes on, as long as it can.
            let last = self.last_actor;
            let index = self
                .next_actor(choice.options)
                .or_else(|| choice.options.iter().position(|option| Some(*option) == last))
                .unwrap_or(0);
            self.last_actor = Some(choice.options[index]);
            return index;
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

    fn divergence(&self) -> Option<String> {
        let left = self.tape.entries().len() - self.next;
        if self.skipped == 0 && self.past_end == 0 && left == 0 {
            return None;
        }
        let first = self.first_skipped.and_then(|at| Some((at, self.tape.entries().get(at)?)));
        let at = first.map_or(String::new(), |(at, entry)| format!(", first at choice {at} (`{}`)", entry.id));
        let Self { skipped, past_end, .. } = self;
        Some(format!(
            "{skipped} recorded choices were not offered{at}; {past_end} were made past the end of the tape; {left} were left over"
        ))
    }
}

//! The strategy behind a search: answers from a script, then takes the first option, and notes what else there was.

use falken_models::connection::StatementId;
use falken_models::sync::{Arc, Mutex};

use crate::choice::{Choice, Kind, OptionId};
use crate::strategy::Strategy;

/// What a search leaves out on purpose. Whatever it leaves out, it says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// How often a connection may be made to wait although it could go on; any number if `None`.
    pub preemptions: Option<u32>,
    /// How many faults may happen: crashes, abandoned statements, dropped connections, failed operations.
    pub faults: Option<u32>,
    /// How many actions a reader has to follow ([`Tally::actions`](crate::run::Tally::actions)).
    pub actions: Option<u64>,
}

/// One answer where there was more than one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Answer {
    /// The option taken.
    index: u16,
    /// The next one that may be taken instead.
    next: Option<u16>,
}

/// A script and what came of it.
#[derive(Debug, Default)]
pub struct Script {
    bounds: Bounds,
    /// Choices are neither followed nor noted: what happens is not part of the search.
    pub is_straight: bool,
    /// Answers still to be given, in order; those with only one option are not among them.
    script: Vec<u16>,
    given: usize,
    /// From which answer on they are noted.
    noted_from: usize,
    /// The answers given from there on.
    noted: Vec<Answer>,
    last: Option<StatementId>,
    preemptions: u32,
    faults: u32,
    /// Whether a bound has forbidden an option.
    pub was_bounded: bool,
}

impl Script {
    /// Nothing to follow yet.
    pub fn new(bounds: Bounds) -> Self {
        Self { bounds, is_straight: true, ..Self::default() }
    }

    /// From here on these answers are given, and then the first ones; those behind the first `noted_from` are noted.
    pub fn follow(&mut self, script: Vec<u16>, noted_from: usize) {
        (self.script, self.given, self.noted_from, self.is_straight) = (script, 0, noted_from, false);
        self.noted.clear();
    }

    /// The noted answers.
    pub fn answers(&self) -> impl Iterator<Item = u16> {
        self.noted.iter().map(|answer| answer.index)
    }

    /// The answers to try after the noted ones: the last one that has an alternative takes it. `None` if all are tried.
    pub fn next_answers(&self) -> Option<Vec<u16>> {
        let last = self.noted.iter().rposition(|answer| answer.next.is_some())?;
        Some(self.answers().take(last).chain(self.noted[last].next).collect())
    }

    /// What the bounds have used up, apart from actions: part of the state, because it decides what is allowed.
    pub fn budget(&self) -> (u32, u32) {
        let faults = if self.bounds.faults.is_some() { self.faults } else { 0 };
        (self.preemptions, faults)
    }

    /// Who went last, if a bound counts who goes on after whom.
    pub fn last(&self) -> Option<StatementId> {
        self.last.filter(|_| self.bounds.preemptions.is_some() || self.bounds.actions.is_some())
    }

    fn allows(&self, choice: &Choice<'_>, index: usize) -> bool {
        match choice.kind {
            Kind::Who => {
                !self.preempts(choice, index) || self.bounds.preemptions.is_none_or(|most| self.preemptions < most)
            }
            Kind::Disturbance | Kind::Ending => index == 0 || self.bounds.faults.is_none_or(|most| self.faults < most),
            Kind::Target | Kind::Survivor | Kind::Operation | Kind::Value => true,
        }
    }

    /// Whether this option makes the connection that went last wait although it could go on.
    fn preempts(&self, choice: &Choice<'_>, index: usize) -> bool {
        let OptionId::Step(conn) = choice.options[index] else { return false };
        self.last.is_some_and(|last| last != conn && choice.options.contains(&OptionId::Step(last)))
    }

    fn note(&mut self, choice: &Choice<'_>, index: usize) {
        match (choice.kind, choice.options[index]) {
            (Kind::Who, OptionId::Step(conn)) => {
                if self.bounds.preemptions.is_some() {
                    self.preemptions += u32::from(self.preempts(choice, index));
                }
                self.last = Some(conn);
            }
            (Kind::Disturbance | Kind::Ending, _) if index > 0 => self.faults += 1,
            _ => {}
        }
    }

    /// Answers a choice among several allowed options, given in ascending order.
    fn answer(&mut self, mut allowed: impl Iterator<Item = u16>) -> usize {
        let scripted = self.script.get(self.given).copied();
        self.given += 1;
        if let Some(index) = scripted.filter(|_| self.given <= self.noted_from) {
            return usize::from(index);
        }
        let index = allowed.by_ref().find(|index| scripted.is_none_or(|scripted| scripted == *index));
        let index = index.expect("a script holds what was allowed when it was made");
        self.noted.push(Answer { index, next: allowed.next() });
        usize::from(index)
    }

    fn choose(&mut self, choice: &Choice<'_>) -> usize {
        if self.is_straight || choice.options.len() == 1 {
            self.note(choice, 0);
            return 0;
        }
        let allowed: Vec<u16> =
            (0..choice.options.len()).filter(|&i| self.allows(choice, i)).map(|i| i as u16).collect();
        self.was_bounded |= allowed.len() < choice.options.len();
        let index = match allowed[..] {
            [only] => usize::from(only),
            _ => self.answer(allowed.into_iter()),
        };
        self.note(choice, index);
        index
    }

    fn number(&mut self, kind: Kind, most: u64) -> u64 {
        if self.is_straight || most == 0 {
            return 0;
        }
        match kind {
            Kind::Survivor => self.answer(0..=most as u16) as u64,
            // How many bytes a failed write has left: none or all.
            _ => self.answer([0, 1].into_iter()) as u64 * most,
        }
    }
}

/// The script as a strategy; the search keeps the other handle.
pub struct Scripted(pub Arc<Mutex<Script>>);

impl Strategy for Scripted {
    fn choose(&mut self, choice: &Choice<'_>) -> usize {
        self.0.lock().choose(choice)
    }

    fn number(&mut self, kind: Kind, _key: u64, most: u64) -> u64 {
        self.0.lock().number(kind, most)
    }
}

//! What came out of a run. Evidence is data; rendering happens in reports.

use std::fmt;

use crate::fault::Fault;
use crate::invariant;

/// A fact that a violation rests on: what it is about, and what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// What it is about.
    pub label: &'static str,
    /// What was found.
    pub value: String,
}

/// Why an invariant does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// One sentence.
    pub summary: String,
    /// The pages, frames, locks, completions and connections involved.
    pub facts: Vec<Fact>,
    /// The injected damage that explains it: then nothing else was owed, and to notice it is all that was hoped for.
    pub explained_by: Option<Fault>,
}

impl Evidence {
    /// Evidence that begins with one sentence.
    pub fn new(summary: impl Into<String>) -> Self {
        Self { summary: summary.into(), facts: Vec::new(), explained_by: None }
    }

    /// Says what explains it, if something does.
    #[must_use]
    pub fn explained_by(self, fault: Option<Fault>) -> Self {
        Self { explained_by: fault, ..self }
    }

    /// Adds a fact.
    #[must_use]
    pub fn with(mut self, label: &'static str, value: impl fmt::Display) -> Self {
        self.facts.push(Fact { label, value: value.to_string() });
        self
    }
}

/// A panic in the subject is a violation like any other; its message may name the invariant.
pub(crate) fn of_panic(panic: &(dyn std::any::Any + Send)) -> (&'static str, Evidence) {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    let text = text.unwrap_or("a panic without a message");
    let judged = invariant::JUDGED_BY_THE_LOOP.iter().map(|(id, ..)| *id);
    let named =
        invariant::TABLE.iter().map(|entry| entry.id).chain(judged).find(|id| text.starts_with(&format!("{id}:")));
    (named.unwrap_or("LIVE-3"), Evidence::new(format!("the subject panicked: {text}")))
}

/// A broken invariant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The invariant's id, for example `WAL-7`.
    pub invariant: &'static str,
    /// The action at which it was noticed, from 1.
    pub step: u64,
    /// Why.
    pub evidence: Evidence,
}

impl Violation {
    /// The invariant's rule in words.
    pub fn rule(&self) -> &'static str {
        invariant::rule(self.invariant)
    }
}

/// The judgement on a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every invariant held wherever it was checked. That says nothing about schedules that were not tried.
    Pass,
    /// An invariant was broken, and injected damage that the protocol cannot survive explains it: it was detected.
    Detected(Box<Violation>),
    /// An invariant was broken.
    Violation(Box<Violation>),
}

impl From<Box<Violation>> for Verdict {
    fn from(violation: Box<Violation>) -> Self {
        match violation.evidence.explained_by {
            Some(_) => Self::Detected(violation),
            None => Self::Violation(violation),
        }
    }
}

impl Verdict {
    /// The violation, if there is one.
    pub fn violation(&self) -> Option<&Violation> {
        match self {
            Self::Pass | Self::Detected(_) => None,
            Self::Violation(violation) => Some(violation),
        }
    }

    /// The injected damage that was noticed, if some was, and the invariant that noticed it.
    pub fn detected(&self) -> Option<(Fault, &'static str)> {
        match self {
            Self::Detected(violation) => violation.evidence.explained_by.map(|fault| (fault, violation.invariant)),
            Self::Pass | Self::Violation(_) => None,
        }
    }
}

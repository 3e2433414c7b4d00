//! What an exhaustive search says about itself, in text and in JSON.

use std::fmt::Write;

use falken_harness::explore::{Ended, Figures, collision_probability};
use serde_json::json;

use crate::night::{Search, Timing};
use crate::{Failure, json, text};

/// A search that has ended.
#[derive(Clone, Debug)]
pub struct Exploration {
    /// The scenario.
    pub scenario: String,
    /// From which every run of it draws.
    pub seed: u64,
    /// The planted bug.
    pub planted: Option<&'static str>,
    /// Why it has ended.
    pub ended: Ended,
    /// What it has counted.
    pub figures: Figures,
    /// States found but not looked at.
    pub waiting: u64,
    /// What was left out on purpose, in words.
    pub bounds: Vec<String>,
    /// Threads.
    pub jobs: usize,
    /// Wall-clock seconds of this session.
    pub seconds: f64,
    /// States that this session has found; the others were in the state directory.
    pub found_now: u64,
    /// The first violation.
    pub failure: Option<Failure>,
    /// What else there is to say.
    pub notes: Vec<String>,
}

impl Exploration {
    /// The verdict in one word.
    pub fn verdict(&self) -> &'static str {
        match (&self.failure, self.ended) {
            (Some(_), _) => "violation",
            (None, Ended::Finished) => "pass",
            (None, Ended::Limit | Ended::Stopped | Ended::Violation) => "unknown",
        }
    }

    fn headline(&self) -> String {
        let reach = Search::from(self).reach();
        match (&self.failure, self.ended) {
            (Some(_), _) => "VIOLATION".into(),
            (None, Ended::Finished) => format!("pass: {reach}"),
            (None, Ended::Limit | Ended::Stopped) => format!("unknown: {reach}"),
            (None, Ended::Violation) => "violation".into(),
        }
    }

    fn rate(&self) -> u64 {
        (self.found_now as f64 / self.seconds.max(1e-9)) as u64
    }

    /// Text, for people.
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        if let Some(failure) = &self.failure {
            text::write_failure(&mut out, failure);
        }
        let planted = self.planted.map_or(String::new(), |bug| format!(" with `{bug}` planted"));
        let _ = writeln!(out, "{}: {}{planted}", self.scenario, self.headline());
        let timing = Timing { seconds: self.seconds, jobs: self.jobs as u64, ..Timing::default() };
        let figures = Search::from(self).figures(&timing);
        figures.iter().for_each(|(label, value)| _ = writeln!(out, "  {label:11} {value}"));
        self.notes.iter().for_each(|note| _ = writeln!(out, "  note        {note}"));
        out
    }

    /// One JSON object, for programs.
    ///
    /// # Panics
    /// Never: everything in it has a JSON form.
    pub fn to_json(&self) -> String {
        let Figures { states, transitions, pruned, ends, violations, depth, bounded } = self.figures;
        let report = json!({
            "scenario": self.scenario,
            "verdict": self.verdict(),
            "finished": self.ended == Ended::Finished,
            "ended": match self.ended {
                Ended::Finished => "finished",
                Ended::Limit => "limit",
                Ended::Stopped => "stopped",
                Ended::Violation => "violation",
            },
            "planted": self.planted,
            "states": states,
            "waiting": self.waiting,
            "transitions": transitions,
            "pruned": pruned,
            "ends": ends,
            "violations": violations,
            "depth": depth,
            "bounds": self.bounds,
            "bounded": bounded,
            "collision_probability": collision_probability(states),
            "jobs": self.jobs,
            "seconds": self.seconds,
            "states_per_second": self.rate(),
            "notes": self.notes,
            "violation": self.failure.as_ref().map(json::failure),
        });
        let mut text = serde_json::to_string_pretty(&report).expect("a report has a JSON form");
        text.push('\n');
        text
    }
}

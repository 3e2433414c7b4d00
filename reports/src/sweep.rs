//! What a sweep has covered.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::summary::{loud, verdict};
use crate::{Failure, json as run_json, text};

/// Points of one kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Covered {
    /// The statement that was disturbed.
    pub statement: &'static str,
    /// How.
    pub aim: &'static str,
    /// Where it was suspended.
    pub site: &'static str,
    /// At how many points.
    pub points: u64,
}

/// A sweep of one scenario.
#[derive(Clone, Debug)]
pub struct Sweep {
    /// The scenario's name.
    pub scenario: String,
    /// The strategy's name.
    pub strategy: String,
    /// The planted bug, if any.
    pub planted: Option<&'static str>,
    /// The seed of the first schedule.
    pub seed: u64,
    /// How many schedules were swept.
    pub schedules: u64,
    /// How many points there are in them.
    pub points: u64,
    /// How many of these were disturbed.
    pub disturbed: u64,
    /// The same by kind.
    pub covered: Vec<Covered>,
    /// Whether the user ended it before every point was disturbed.
    pub interrupted: bool,
    /// The first point at which something broke.
    pub failure: Option<Failure>,
    /// What the reader should know besides.
    pub notes: Vec<String>,
}

impl Sweep {
    /// `pass`, `violation` or `interrupted`.
    pub fn verdict(&self) -> &'static str {
        verdict(self.failure.is_some(), self.interrupted)
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut out = String::new();
        if let Some(failure) = &self.failure {
            text::write_failure(&mut out, failure);
        }
        let planted = self.planted.map_or(String::new(), |bug| format!(" with `{bug}` planted"));
        let verdict = match loud(self.verdict()) {
            "pass" => "all clean",
            other => other,
        };
        let _ = writeln!(out, "{}: {verdict}{planted}", self.scenario);
        let _ = writeln!(
            out,
            "  points      {} of {} disturbed (schedules {}, seeds from {}, strategy {})",
            text::grouped(self.disturbed),
            text::grouped(self.points),
            self.schedules,
            self.seed,
            self.strategy
        );
        let aims: Vec<&str> = self.columns();
        let _ = writeln!(out, "\n  {:11} {:28}{}", "statement", "suspended at", cells(aims.iter()));
        let mut rows: Vec<(&str, &str)> = self.covered.iter().map(|c| (c.statement, c.site)).collect();
        rows.dedup();
        for (statement, site) in rows {
            let count = |aim: &&str| {
                let is_it = |c: &&Covered| (c.statement, c.site, c.aim) == (statement, site, *aim);
                self.covered.iter().find(is_it).map_or(String::from("-"), |c| text::grouped(c.points))
            };
            let _ = writeln!(out, "  {statement:11} {site:28}{}", cells(aims.iter().map(count)));
        }
        self.notes.iter().for_each(|note| _ = writeln!(out, "  note        {note}"));
        out
    }

    fn columns(&self) -> Vec<&'static str> {
        let mut aims: Vec<&str> = self.covered.iter().map(|c| c.aim).collect();
        aims.sort_unstable();
        aims.dedup();
        aims
    }

    /// For programs.
    pub fn json(&self) -> String {
        let covered: Vec<Value> = self
            .covered
            .iter()
            .map(|c| json!({"statement": c.statement, "disturbance": c.aim, "site": c.site, "points": c.points}))
            .collect();
        let value = json!({
            "scenario": self.scenario,
            "verdict": self.verdict(),
            "strategy": self.strategy,
            "planted": self.planted,
            "seed": self.seed,
            "schedules": self.schedules,
            "points": self.points,
            "disturbed": self.disturbed,
            "covered": covered,
            "violation": self.failure.as_ref().map(run_json::failure),
            "notes": self.notes,
        });
        format!("{value:#}\n")
    }
}

fn cells(cells: impl Iterator<Item = impl ToString>) -> String {
    cells.fold(String::new(), |line, cell| format!("{line} {:>9}", cell.to_string()))
}

//! One table for runs of many scenarios, and what none of them came to.

use std::fmt::Write;

use falken_harness::probe::Hits;
use serde_json::{Value, json};

use crate::Summary;
use crate::json::failure;
use crate::summary::verdict;
use crate::text::{grouped, write_failure};
use crate::words::count;

/// What many scenarios led to.
#[derive(Debug)]
pub struct Catalogue {
    /// One after the other.
    pub scenarios: Vec<Summary>,
    /// Whether the user ended it before every scenario had its runs.
    pub interrupted: bool,
    /// The hits of all of them, if somebody wants to know what was never reached.
    pub probes: Option<Hits>,
}

/// The names of the probes that were never hit.
pub fn unreached(hits: &Hits) -> Vec<String> {
    hits.all().filter(|(_, hits)| *hits == 0).map(|(name, _)| name).collect()
}

/// Those names in lines, one for each kind of probe.
pub(crate) fn write_unreached(out: &mut String, hits: &Hits) {
    let (all, names) = (hits.all().count(), unreached(hits));
    let _ = writeln!(out, "  never       {} of {all} probes were never hit", names.len());
    for name in names {
        let _ = writeln!(out, "              {name}");
    }
}

impl Catalogue {
    /// `pass`, `violation` or `interrupted`.
    pub fn verdict(&self) -> &'static str {
        verdict(self.failed().next().is_some(), self.interrupted)
    }

    /// The scenarios that failed.
    pub fn failed(&self) -> impl Iterator<Item = &Summary> {
        self.scenarios.iter().filter(|summary| summary.failure.is_some())
    }

    fn sum(&self, figure: impl Fn(&Summary) -> u64) -> u64 {
        self.scenarios.iter().map(figure).sum()
    }

    /// The table for people.
    pub fn text(&self) -> String {
        let mut out = String::new();
        self.scenarios.iter().filter_map(|s| s.failure.as_ref()).for_each(|failure| write_failure(&mut out, failure));
        let width = self.scenarios.iter().map(|s| s.scenario.len()).max().unwrap_or(0).max("scenario".len());
        let mut line = |cells: [&str; 6]| {
            let [name, runs, actions, commits, crashes, verdict] = cells;
            let _ = writeln!(out, "{name:width$}  {runs:>9}  {actions:>15}  {commits:>11}  {crashes:>9}  {verdict}");
        };
        line(["scenario", "runs", "actions", "commits", "crashes", "verdict"]);
        for s in &self.scenarios {
            let missed: Vec<&str> = s.missed_probes().filter(|_| !s.interrupted).collect();
            let verdict = match (&s.failure, missed.is_empty()) {
                (Some(failure), _) => format!("VIOLATION of {}", failure.violation.invariant),
                (None, true) => s.verdict().to_owned(),
                (None, false) => format!("{}; not hit: {}", s.verdict(), missed.join(" ")),
            };
            let [runs, actions, commits, crashes] = [s.runs, s.actions, s.commits, s.crashes].map(grouped);
            line([&s.scenario, &runs, &actions, &commits, &crashes, &verdict]);
        }
        let figures = [self.sum(|s| s.runs), self.sum(|s| s.actions), self.sum(|s| s.commits), self.sum(|s| s.crashes)];
        let [runs, actions, commits, crashes] = figures.map(grouped);
        let total = count(self.scenarios.len() as u64, "scenario");
        line([&total, &runs, &actions, &commits, &crashes, self.verdict()]);
        let seconds: f64 = self.scenarios.iter().map(|s| s.seconds).sum();
        let evaluated = self.sum(|s| s.invariants.iter().map(|i| i.evaluated).sum());
        let _ = writeln!(out, "\n  time        {seconds:.1} s, invariants evaluated {} times", grouped(evaluated));
        if let Some(hits) = &self.probes {
            write_unreached(&mut out, hits);
        }
        out
    }

    /// One object, for programs.
    pub fn json(&self) -> String {
        let row = |s: &Summary| {
            json!({
                "scenario": s.scenario,
                "verdict": s.verdict(),
                "runs": s.runs,
                "actions": s.actions,
                "commits": s.commits,
                "crashes": s.crashes,
                "seconds": s.seconds,
                "hash": format!("{:#018x}", s.hash),
                "missed_probes": s.missed_probes().collect::<Vec<_>>(),
                "violation": s.failure.as_ref().map(failure),
            })
        };
        let report = json!({
            "verdict": self.verdict(),
            "interrupted": self.interrupted,
            "runs": self.sum(|s| s.runs),
            "scenarios": self.scenarios.iter().map(row).collect::<Vec<Value>>(),
            "never_hit": self.probes.as_ref().map(unreached),
        });
        format!("{report:#}\n")
    }
}

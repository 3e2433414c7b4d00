//! What an exploration of threads says about itself, in text and in JSON.

use std::fmt::Write;

use serde_json::json;

use crate::night::{Racing, Timing};
use crate::summary::{loud, verdict};
use crate::{text, words};

/// The width of a lane.
const LANE_WIDTH: usize = 34;
/// How many lines of lanes a report shows.
const LINES: usize = 60;

/// A failing execution.
#[derive(Clone, Debug)]
pub struct ThreadsFailure {
    /// The broken invariant.
    pub invariant: &'static str,
    /// Its rule.
    pub rule: &'static str,
    /// What was found.
    pub found: String,
    /// In which execution, from 1.
    pub execution: u64,
    /// How often its schedule goes from one thread to another; `None` if nobody made it.
    pub switches: Option<usize>,
    /// What happened: in whose lane, and what.
    pub lanes: Vec<(String, String)>,
    /// Where the repro file is, or why there is none.
    pub repro: Result<String, String>,
    /// The command that replays it.
    pub replay: Option<String>,
}

/// An exploration that has ended.
#[derive(Clone, Debug)]
pub struct Threads {
    /// The form or scenario.
    pub subject: String,
    /// The engine.
    pub engine: &'static str,
    /// The planted bug.
    pub planted: Option<String>,
    /// From which its schedules are drawn, where they are drawn.
    pub seed: u64,
    /// Within what it explored, in words.
    pub bound: String,
    /// How many executions.
    pub executions: u64,
    /// Whether there are no others within the bound.
    pub exhaustive: bool,
    /// Whether the user ended it before it was through.
    pub interrupted: bool,
    /// Wall-clock seconds.
    pub seconds: f64,
    /// What a pass does not prove.
    pub not_proved: &'static [&'static str],
    /// The first failing execution.
    pub failure: Option<ThreadsFailure>,
    /// What else there is to say.
    pub notes: Vec<String>,
}

impl Threads {
    fn rate(&self) -> u64 {
        (self.executions as f64 / self.seconds.max(1e-9)) as u64
    }

    /// `pass`, `violation` or `interrupted`.
    pub fn verdict(&self) -> &'static str {
        verdict(self.failure.is_some(), self.interrupted)
    }

    /// Text, for people.
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        if let Some(failure) = &self.failure {
            write_failure(&mut out, failure);
        }
        let planted = self.planted.as_ref().map_or(String::new(), |bug| format!(" with `{bug}` planted"));
        let _ = writeln!(out, "{} under {}{planted}: {}", self.subject, self.engine, loud(self.verdict()));
        let timing = Timing { seconds: self.seconds, ..Timing::default() };
        let figures = Racing::from(self).figures(&timing);
        figures.iter().for_each(|(label, value)| _ = writeln!(out, "  {label:11} {value}"));
        self.notes.iter().for_each(|note| _ = writeln!(out, "  note        {note}"));
        if self.failure.is_none() {
            let mut label = "not proved";
            for gap in self.not_proved {
                let _ = writeln!(out, "  {label:11} {gap}");
                label = "";
            }
        }
        out
    }

    /// One JSON object, for programs.
    ///
    /// # Panics
    /// Never: everything in it has a JSON form.
    pub fn to_json(&self) -> String {
        let failure = |failure: &ThreadsFailure| {
            json!({
                "invariant": failure.invariant,
                "rule": failure.rule,
                "found": failure.found,
                "execution": failure.execution,
                "switches": failure.switches,
                "events": failure.lanes.iter().map(|(lane, text)| json!({ "lane": lane, "text": text })).collect::<Vec<_>>(),
                "repro": failure.repro.as_ref().ok(),
                "repro_error": failure.repro.as_ref().err(),
                "replay": failure.replay,
            })
        };
        let report = json!({
            "subject": self.subject,
            "engine": self.engine,
            "verdict": self.verdict(),
            "planted": self.planted,
            "bound": self.bound,
            "executions": self.executions,
            "exhaustive": self.exhaustive,
            "seconds": self.seconds,
            "executions_per_second": self.rate(),
            "not_proved": self.not_proved,
            "notes": self.notes,
            "violation": self.failure.as_ref().map(failure),
        });
        let mut text = serde_json::to_string_pretty(&report).expect("a report has a JSON form");
        text.push('\n');
        text
    }
}

fn write_failure(out: &mut String, failure: &ThreadsFailure) {
    let _ = writeln!(out, "{} is broken: {}\n\n  {}\n", failure.invariant, failure.rule, failure.found);
    if !failure.lanes.is_empty() {
        let _ = writeln!(out, "What the threads did in execution {}:\n", text::grouped(failure.execution));
        out.push_str(&draw(&failure.lanes));
        out.push('\n');
    }
    match &failure.repro {
        Ok(path) => _ = writeln!(out, "  repro       {path}"),
        Err(error) => _ = writeln!(out, "  repro       none: {error}"),
    }
    if let Some(replay) = &failure.replay {
        let _ = writeln!(out, "  replay      {replay}");
    }
    if let Some(switches) = failure.switches {
        let _ = writeln!(out, "  schedule    {}", words::switches(switches));
    }
    out.push('\n');
}

/// One column a lane, in order of first appearance; the last lines if there are many.
pub fn draw(lines: &[(String, String)]) -> String {
    let shown = &lines[lines.len().saturating_sub(LINES)..];
    let mut lanes: Vec<&str> = Vec::new();
    for (lane, _) in shown {
        if !lanes.contains(&lane.as_str()) {
            lanes.push(lane);
        }
    }
    let mut out: String = lanes.iter().map(|lane| format!("  {lane:LANE_WIDTH$}")).collect();
    out = format!("{}\n", out.trim_end());
    for (lane, text) in shown {
        let at = lanes.iter().position(|other| other == lane).unwrap_or(0);
        let _ = writeln!(out, "  {}{text}", " ".repeat(at * (LANE_WIDTH + 2)));
    }
    out
}

//! What several formats say about a night, in plain text.

use std::fmt::Write;

use crate::Night;
use crate::night::Group;
use crate::text::grouped;

/// A group in a paragraph for a terminal or a log.
pub(crate) fn group(group: &Group) -> String {
    let mut out = format!("{} is broken: {}\n\n{}\n", group.invariant, group.rule, group.summary);
    group.evidence.iter().for_each(|fact| _ = writeln!(out, "  {}: {}", fact.label, fact.value));
    if let Some(story) = &group.story {
        let _ = writeln!(out);
        for (conn, program) in story.programs.iter().enumerate() {
            let _ = writeln!(out, "c{conn} runs {}", program.join("; "));
        }
        for (at, order) in story.orders.iter().enumerate() {
            let _ = writeln!(out, "{:3}  {}", at + 1, order.text);
        }
        story.race.iter().for_each(|race| _ = writeln!(out, "race: {race}"));
    }
    if !group.replay.is_empty() {
        let _ = writeln!(out, "\nreplay: {}", group.replay);
    }
    out
}

/// The figures of a night, as label and value.
pub(crate) fn figures(night: &Night) -> Vec<(&'static str, String)> {
    let facts = &night.facts;
    let evaluations: u64 = facts.invariants.iter().map(|invariant| invariant.evaluated).sum();
    let jobs = night.timing.jobs;
    vec![
        ("runs", grouped(facts.runs)),
        ("failed runs", grouped(facts.failed)),
        ("actions", grouped(facts.actions)),
        (
            "actions per second",
            format!("{} on {jobs} job{}", grouped(night.rate() as u64), if jobs == 1 { "" } else { "s" }),
        ),
        ("commits", grouped(facts.commits)),
        ("crashes", grouped(facts.crashes)),
        ("invariants", format!("{} evaluated {} times", facts.invariants.len(), grouped(evaluations))),
        ("time", time(night.timing.seconds)),
    ]
}

/// Seconds as a person says them.
pub(crate) fn time(seconds: f64) -> String {
    match seconds {
        s if s < 60.0 => format!("{s:.1} s"),
        s if s < 3600.0 => format!("{} min {} s", s as u64 / 60, s as u64 % 60),
        s => format!("{} h {} min", s as u64 / 3600, s as u64 / 60 % 60),
    }
}

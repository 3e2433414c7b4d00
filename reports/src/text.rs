//! Plain text: for people at a terminal.

use std::fmt::Write;

use crate::summary::loud;
use crate::{Failure, Format, Summary, catalogue, damage, images, lanes, scene, story};

/// The format.
pub struct Text;

impl Format for Text {
    fn write(&self, s: &Summary) -> String {
        let mut out = String::new();
        if let Some(failure) = &s.failure {
            write_failure(&mut out, failure);
        }
        let planted = s.planted.map_or(String::new(), |bug| format!(" with `{bug}` planted"));
        let _ = writeln!(out, "{}: {}{planted}", s.scenario, loud(s.verdict()));
        write_figures(&mut out, s);
        for note in &s.notes {
            let _ = writeln!(out, "  note        {note}");
        }
        out
    }
}

pub(crate) fn write_failure(out: &mut String, f: &Failure) {
    let v = &f.violation;
    let _ = writeln!(out, "{} is broken: {}", v.invariant, v.rule());
    let _ = writeln!(out, "\n  {}", v.evidence.summary);
    let width = v.evidence.facts.iter().map(|fact| fact.label.len()).max().unwrap_or(0);
    for fact in &v.evidence.facts {
        let _ = writeln!(out, "    {:width$}  {}", fact.label, fact.value);
    }
    if let Some(story) = &f.story {
        story::write(out, story);
    }
    // Of an engine that does not return there are none: its thread has them.
    if !f.last_events.is_empty() {
        let _ =
            writeln!(out, "\nThe last events before action {}, with header words and busy locks left out:\n", v.step);
        out.push_str(&lanes::draw(&f.last_events, f.connections));
    }
    if let Some(state) = &f.scene {
        let _ = writeln!(out, "\nWho was where, each statement at its last yield:\n");
        scene::lines(state).iter().for_each(|(who, told)| _ = writeln!(out, "  {who:4}  {told}"));
    }
    let _ = writeln!(out);
    match &f.repro {
        Ok(path) => _ = writeln!(out, "  repro       {path}"),
        Err(problem) => _ = writeln!(out, "  repro       not written: {problem}"),
    }
    if let Some(replay) = &f.replay {
        let _ = writeln!(out, "  replay      {replay}");
    }
    if let Some(raw) = f.story.as_ref().and_then(|story| story.raw.as_ref()) {
        let _ = writeln!(out, "  as found    {raw}");
    }
    let _ = writeln!(out, "  found at    seed {}, action {}, event hash {:#018x}\n", f.seed, v.step, f.hash);
}

fn write_figures(out: &mut String, s: &Summary) {
    let stopped = if s.interrupted { ", interrupted" } else { "" };
    let _ = writeln!(
        out,
        "  runs        {} of {}{stopped} (seeds from {}, strategy {})",
        s.runs, s.runs_asked, s.seed, s.strategy
    );
    let _ = writeln!(
        out,
        "  actions     {} in {:.1} s: {} per second on {} job{}",
        grouped(s.actions),
        s.seconds,
        grouped(s.rate() as u64),
        s.jobs,
        if s.jobs == 1 { "" } else { "s" }
    );
    let _ = writeln!(out, "  commits     {}   crashes {}", grouped(s.commits), grouped(s.crashes));
    let evaluations: u64 = s.invariants.iter().map(|i| i.evaluated).sum();
    let idle: Vec<_> = s.invariants.iter().filter(|i| i.evaluated == 0).map(|i| i.id).collect();
    let idle = if idle.is_empty() { String::new() } else { format!("; never: {}", idle.join(" ")) };
    let _ = writeln!(out, "  invariants  {} evaluated {} times{idle}", s.invariants.len(), grouped(evaluations));
    let expected = s.probes.iter().filter(|p| p.expected).count();
    let missed: Vec<_> = s.missed_probes().collect();
    let missed_text = if missed.is_empty() { String::new() } else { format!("; not hit: {}", missed.join(" ")) };
    // A batch that was cut short has no reason to have hit everything.
    if expected > 0 && s.failure.is_none() && !s.interrupted {
        let _ = writeln!(out, "  probes      {} of {expected} expected were hit{missed_text}", expected - missed.len());
    }
    if let Some(hits) = &s.never_hit {
        catalogue::write_unreached(out, hits);
    }
    damage::write(out, &s.damage);
    if let Some(images) = &s.images {
        images::write(out, images);
    }
    let _ = writeln!(out, "  hash        {:#018x}", s.hash);
}

/// A number with its digits in groups of three.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn digits_are_grouped_by_three() {
        let texts = [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")];
        texts.into_iter().for_each(|(number, text)| assert_eq!(grouped(number), text));
    }
}

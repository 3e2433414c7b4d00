//! A night as plain text: for people at a terminal, and for the log of a job.

use std::fmt::Write;

use super::{Report, ReportFormat};
use crate::Night;
use crate::night::{Gate, GateOutcome, Group, NIGHTLY, NightStory, Plan, Sighting, Standing, Way, Work};
use crate::table::Style;
use crate::text::grouped;
use crate::words;

/// The format.
pub struct Text;

impl ReportFormat for Text {
    fn write(&self, report: &Report) -> String {
        write(&report.night)
    }
}

fn write(night: &Night) -> String {
    let mut out = String::new();
    night.facts.groups.iter().for_each(|group| write_group(&mut out, night, group));
    let planted = match &*night.plan.planted {
        [] => String::new(),
        planted => {
            format!(" with {} planted", planted.iter().map(|bug| format!("`{bug}`")).collect::<Vec<_>>().join(", "))
        }
    };
    match night.work() {
        Work::Runs => {
            let _ = writeln!(out, "{}: {}{planted}", night.plan.command, verdict(night));
            write_figures(&mut out, night);
        }
        Work::Search(_) | Work::Racing(_) => {
            let (command, subject) = (&night.plan.command, words::subject(night));
            let _ = writeln!(out, "{command} {subject}{planted}: {}", verdict(night));
            write_counted(&mut out, night);
        }
        Work::Kills(kills) => {
            let _ = writeln!(out, "{}: {}\n\n{}", night.plan.command, verdict(night), words::kills(kills, Style::Text));
            write_counted(&mut out, night);
        }
    }
    night.gates().for_each(|gate| write_gate(&mut out, gate));
    for difference in &night.facts.determinism.differences {
        let _ = writeln!(
            out,
            "  not the same twice: run {}: {}\n    {}",
            difference.run, difference.what, difference.replay
        );
    }
    for note in &night.notes {
        let _ = writeln!(out, "  note        {note}");
    }
    out
}

fn write_counted(out: &mut String, night: &Night) {
    words::figures(night).iter().for_each(|(label, value)| _ = writeln!(out, "  {label:11} {value}"));
    words::not_proved(night).iter().for_each(|gap| _ = writeln!(out, "  {:11} {gap}", "not proved"));
}

fn verdict(night: &Night) -> String {
    let failing = night.facts.groups.iter().filter(|group| group.standing == Standing::Failing).count();
    match failing {
        0 => night.verdict().into(),
        1 => "VIOLATION, 1 group".into(),
        n => format!("VIOLATION, {n} groups"),
    }
}

fn seeds(plan: &Plan) -> String {
    plan.seed_from.as_ref().map_or_else(|| format!("seed {}", plan.seed), |text| format!("seeds from {text}"))
}

fn write_figures(out: &mut String, night: &Night) {
    let (facts, timing) = (&night.facts, &night.timing);
    let asked = match (night.plan.runs, night.plan.seconds) {
        (Some(runs), _) => format!(" of {}", grouped(runs)),
        (None, Some(seconds)) => format!(" in {seconds} s"),
        (None, None) => String::new(),
    };
    let _ = writeln!(
        out,
        "  runs        {}{asked}, {} failed ({})",
        grouped(facts.runs),
        grouped(facts.failed),
        seeds(&night.plan)
    );
    let _ = writeln!(
        out,
        "  actions     {} in {:.1} s: {} per second, {} per busy job, {}",
        grouped(facts.actions),
        timing.seconds,
        grouped(night.rate() as u64),
        grouped(timing.actions_per_second_per_job as u64),
        words::count(timing.jobs, "job")
    );
    let _ = writeln!(out, "  commits     {}   crashes {}", grouped(facts.commits), grouped(facts.crashes));
    let _ = writeln!(
        out,
        "  twice       {} made twice, {} differed",
        words::count(facts.determinism.twice, "run"),
        facts.determinism.differences.len()
    );
    let _ = writeln!(out, "  scenarios   {}", facts.scenarios.len());
    let width = facts.scenarios.iter().map(|scenario| scenario.name.len()).max().unwrap_or(0);
    for scenario in &facts.scenarios {
        let seconds = timing.scenarios.iter().find(|timing| timing.name == scenario.name).map_or(0.0, |t| t.seconds);
        let missed: Vec<&str> = scenario.missed_probes().collect();
        let missed = if missed.is_empty() { String::new() } else { format!("; not hit: {}", missed.join(" ")) };
        let failed = if scenario.failed > 0 { format!(", {} failed", scenario.failed) } else { String::new() };
        let _ = writeln!(
            out,
            "    {:width$}  {:>7} {:5} {seconds:7.1} s{failed}{missed}",
            scenario.name,
            grouped(scenario.runs),
            if scenario.runs == 1 { "run," } else { "runs," }
        );
    }
    let _ = writeln!(out, "  hash        {}", facts.hash);
}

fn write_gate(out: &mut String, gate: &Gate) {
    let outcome = match gate.outcome {
        GateOutcome::Held => "held",
        GateOutcome::Failed => "FAILED",
        GateOutcome::NotJudged => "not judged",
    };
    let _ = writeln!(out, "  gate        {} {outcome}: {}", gate.name, gate.what);
}

fn sighting(sighting: &Sighting) -> String {
    format!("run {}, {} under {}, seed {}", sighting.run, sighting.scenario, sighting.strategy, sighting.seed)
}

fn write_group(out: &mut String, night: &Night, group: &Group) {
    let news = match (&group.known, group.standing) {
        // A single command knows no earlier nights.
        (None, _) if night.plan.command != NIGHTLY => String::new(),
        (None, _) => " (new)".into(),
        (Some(known), Standing::Failing) => format!(" (known from {})", known.from),
        (Some(known), Standing::Fixed) => format!(" (known from {}, FIXED at this commit)", known.from),
    };
    let _ = writeln!(out, "{}: {} is broken: {}{news}", group.id, group.invariant, group.rule);
    let _ = writeln!(out, "\n  {}", group.summary);
    let width = group.evidence.iter().map(|fact| fact.label.len()).max().unwrap_or(0);
    for fact in &group.evidence {
        let _ = writeln!(out, "    {:width$}  {}", fact.label, fact.value);
    }
    if let Some(story) = &group.story {
        write_story(out, story);
    }
    if !group.lanes.is_empty() {
        let _ = writeln!(out, "\n{}\n", words::lanes(group).trim_end());
    }
    match night.work() {
        Work::Runs => write_sightings(out, group),
        Work::Search(_) | Work::Racing(_) | Work::Kills(_) => {}
    }
    if !group.ways.is_empty() {
        let count = group.ways.len();
        let _ =
            writeln!(out, "  ways        {count} that have no stage of the protocol in common: one may be another bug");
        for Way { slice, shrunk, replay, .. } in &group.ways {
            let _ = writeln!(out, "    {shrunk} shrunk: {}\n      {replay}", slice.join(" → "));
        }
    }
    if !group.planted.is_empty() {
        let _ = writeln!(out, "  planted     {}", group.planted.join(", "));
    }
    if !group.slice.is_empty() {
        let _ = writeln!(out, "  slice       {}", group.slice.join(" → "));
    }
    let _ = writeln!(out, "  replay      {}\n", group.replay);
}

fn write_sightings(out: &mut String, group: &Group) {
    if group.count > 0 {
        let names =
            group.scenarios.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ");
        let s = if group.count == 1 { "" } else { "s" };
        let _ = writeln!(out, "\n  seen        {} run{s}, {} shrunk: {names}", group.count, group.shrunk);
    } else {
        let _ = writeln!(out, "\n  seen        not this night");
    }
    let sightings = [("first", &group.first), ("last", &group.last)];
    for (label, seen) in sightings.into_iter().filter_map(|(label, seen)| Some((label, seen.as_ref()?))) {
        let _ = writeln!(out, "  {label:10}  {}", sighting(seen));
    }
}

fn write_story(out: &mut String, story: &NightStory) {
    let (before, after) = (&story.before, &story.after);
    let rest = if story.is_fixed_point { "" } else { "; stopped at the limit, so there may be more to take away" };
    let _ = writeln!(
        out,
        "\n  shrunk in {} from {} to {}{rest}\n",
        words::count(story.replays, "run"),
        words::count(before.actions, "action"),
        after.actions
    );
    for (conn, program) in story.programs.iter().enumerate() {
        let _ = writeln!(out, "  c{conn} runs  {}", program.join("; "));
    }
    if !story.settings.is_empty() {
        let _ = writeln!(out, "  with     {}", story.settings.join(", "));
    }
    let width = story.orders.iter().map(|order| order.text.len()).max().unwrap_or(0);
    for (at, order) in story.orders.iter().enumerate() {
        let line = format!("  {:2}  {:width$}  {}", at + 1, order.text, order.note.as_deref().unwrap_or(""));
        let _ = writeln!(out, "{}", line.trim_end());
    }
    if let Some(race) = &story.race {
        let _ = writeln!(out, "\n  race  {race}");
    }
}

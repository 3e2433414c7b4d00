//! What several formats say about a night, in plain text.

use std::fmt::Write;

use crate::night::{Group, KillMatrix, Work};
use crate::table::{Style, write_rows};
use crate::text::grouped;
use crate::{Night, threads};

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
    if !group.ways.is_empty() {
        let _ = writeln!(
            out,
            "\n{} ways to it have no stage of the protocol in common; one may be another bug",
            group.ways.len()
        );
        for way in &group.ways {
            let _ = writeln!(out, "{} shrunk: {}\n  {}", way.shrunk, way.slice.join(" → "), way.replay);
        }
    }
    if !group.lanes.is_empty() {
        let _ = writeln!(out, "\n{}", lanes(group).trim_end());
    }
    if !group.replay.is_empty() {
        let _ = writeln!(out, "\nreplay: {}", group.replay);
    }
    out
}

/// What the threads did, a column each; the last events if there are many.
pub(crate) fn lanes(group: &Group) -> String {
    let lines: Vec<(String, String)> =
        group.lanes.iter().map(|event| (event.lane.clone(), event.text.clone())).collect();
    threads::draw(&lines)
}

/// Everything that was hunted for planted bugs, as a table.
pub(crate) fn kills(kills: &KillMatrix, style: Style) -> String {
    let mut engines: Vec<&str> =
        kills.rows.iter().flat_map(|row| &row.racing).map(|kill| kill.engine.as_str()).collect();
    engines.sort_unstable();
    engines.dedup();
    let heads = ["bug", "status", "caught by", "shown in"].into_iter();
    let heads =
        heads.chain(kills.strategies.iter().map(String::as_str)).chain(["shrunk"]).chain(engines.iter().copied());
    let mut rows: Vec<Vec<String>> = vec![heads.map(String::from).collect()];
    for row in &kills.rows {
        let cells = (0..kills.strategies.len()).map(|at| match row.cells.get(at) {
            None => String::new(),
            Some(cell) if cell.found == 0 => "-".into(),
            Some(cell) if cell.found < kills.trials => format!("{} ({}/{})", cell.runs, cell.found, kills.trials),
            Some(cell) => cell.runs.to_string(),
        });
        let racing = engines.iter().map(|engine| {
            let kill = row.racing.iter().find(|kill| kill.engine == *engine);
            kill.map_or_else(String::new, |kill| {
                kill.caught_by.as_ref().map_or("-".into(), |_| kill.executions.to_string())
            })
        });
        let about = [row.name(), row.status.name().into(), row.invariants.join(" "), row.scenario.clone()];
        let shrunk = row.shrunk.map_or_else(String::new, |actions| actions.to_string());
        rows.push(about.into_iter().chain(cells).chain([shrunk]).chain(racing).collect());
    }
    write_rows(&rows, style)
}

/// What was worked on, in a few words.
pub(crate) fn subject(night: &Night) -> String {
    let plural = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    match night.work() {
        Work::Runs => {
            let (runs, s) = (grouped(night.facts.runs), if night.facts.runs == 1 { "" } else { "s" });
            format!("{runs} run{s} of {}", plural(night.facts.scenarios.len(), "scenario"))
        }
        Work::Search(_) => {
            let names: Vec<&str> = night.facts.scenarios.iter().map(|scenario| scenario.name.as_str()).collect();
            format!("every schedule of {}", names.join(", "))
        }
        Work::Racing(racing) => format!("{} under {}", racing.subject, racing.engine),
        Work::Kills(_) => plural(night.plan.planted.len(), "planted bug"),
    }
}

/// How often a schedule goes from one thread to another.
pub(crate) fn switches(switches: usize) -> String {
    format!("{switches} switch{} between threads", if switches == 1 { "" } else { "es" })
}

/// What a pass does not prove, one sentence each; nothing if it was none.
pub(crate) fn not_proved(night: &Night) -> &[String] {
    match night.work() {
        Work::Racing(racing) if !racing.failed => &racing.not_proved,
        Work::Racing(_) | Work::Runs | Work::Search(_) | Work::Kills(_) => &[],
    }
}

/// The figures of a night, as label and value.
pub(crate) fn figures(night: &Night) -> Vec<(&'static str, String)> {
    match night.work() {
        Work::Runs => of_runs(night),
        Work::Search(search) => search.figures(&night.timing),
        Work::Racing(racing) => racing.figures(&night.timing),
        Work::Kills(kills) => kills.figures(&night.timing),
    }
}

fn of_runs(night: &Night) -> Vec<(&'static str, String)> {
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

/// So many of something, as a person says it.
pub fn count(number: u64, word: &str) -> String {
    let ending = match (number, word) {
        (1, _) => "",
        (_, word) if word.ends_with("ch") => "es",
        _ => "s",
    };
    format!("{} {word}{ending}", grouped(number))
}

/// Seconds as a person says them.
pub(crate) fn time(seconds: f64) -> String {
    match seconds {
        s if s < 60.0 => format!("{s:.1} s"),
        s if s < 3600.0 => format!("{} min {} s", s as u64 / 60, s as u64 % 60),
        s => format!("{} h {} min", s as u64 / 3600, s as u64 / 60 % 60),
    }
}

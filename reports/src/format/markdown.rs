//! Markdown: a page for a pull request or a job's summary.

use std::fmt::Write;

use super::{Report, ReportFormat};
use crate::Night;
use crate::night::{GateOutcome, Group, KillMatrix, Known, ScenarioFacts, Standing, Work};
use crate::table::Style;
use crate::text::grouped;
use crate::words;

/// The format.
pub struct Markdown;

impl ReportFormat for Markdown {
    fn write(&self, report: &Report) -> String {
        let night = &report.night;
        let mut out = format!("# falken {}: {}\n\n", inline(&night.plan.command), night.verdict());
        figures(&mut out, night);
        groups(&mut out, &night.facts.groups);
        match night.work() {
            Work::Runs => {
                gates(&mut out, night);
                scenarios(&mut out, &night.facts.scenarios);
            }
            Work::Search(_) | Work::Racing(_) => not_proved(&mut out, night),
            Work::Kills(matrix) => kills(&mut out, matrix),
        }
        if !night.notes.is_empty() {
            let _ = writeln!(out, "## Notes\n");
            night.notes.iter().for_each(|note| _ = writeln!(out, "- {}", inline(note)));
            let _ = writeln!(out);
        }
        out
    }
}

/// Text that stands for itself in a line of Markdown or in a cell of a table.
fn inline(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '!' => out.extend(['\\', c]),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// A block of code whose fence is longer than any run of backticks in it.
fn code(out: &mut String, language: &str, text: &str) {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let _ = writeln!(out, "{fence}{language}\n{}\n{fence}\n", text.trim_end());
}

fn figures(out: &mut String, night: &Night) {
    let _ = writeln!(out, "| | |\n|---|---|");
    words::figures(night).iter().for_each(|(label, value)| _ = writeln!(out, "| {label} | {} |", inline(value)));
    let planted = night.plan.planted.join(", ");
    match night.work() {
        Work::Kills(_) => _ = writeln!(out),
        Work::Runs | Work::Search(_) | Work::Racing(_) => {
            if !planted.is_empty() {
                let _ = writeln!(out, "| planted | {} |", inline(&planted));
            }
            let _ = writeln!(out, "| seed | {} |\n", night.plan.seed);
        }
    }
}

fn not_proved(out: &mut String, night: &Night) {
    let gaps = words::not_proved(night);
    if !gaps.is_empty() {
        let _ = writeln!(out, "## What a pass does not prove\n");
        gaps.iter().for_each(|gap| _ = writeln!(out, "- {}", inline(gap)));
        let _ = writeln!(out);
    }
}

fn kills(out: &mut String, matrix: &KillMatrix) {
    let _ = writeln!(out, "## Planted bugs\n\n{}", words::kills(matrix, Style::Markdown));
    let _ = writeln!(
        out,
        "Under each strategy the median runs until it is caught, under each engine the execution that fails; - is not caught.\n"
    );
}

fn groups(out: &mut String, groups: &[Group]) {
    if groups.is_empty() {
        return;
    }
    let _ = writeln!(out, "## Violations\n\n| group | broken | runs | known | now |\n|---|---|---|---|---|");
    for group in groups {
        let known = group.known.as_ref().map_or("new".into(), |Known { from, .. }| format!("since {}", inline(from)));
        let now = match group.standing {
            Standing::Failing => "failing",
            Standing::Fixed => "fixed",
        };
        let (id, count) = (inline(&group.id), grouped(group.count));
        let _ = writeln!(
            out,
            "| {id} | **{}** {} | {count} | {known} | {now} |",
            inline(&group.invariant),
            inline(&group.rule)
        );
    }
    let _ = writeln!(out);
    for group in groups.iter().filter(|group| group.standing == Standing::Failing) {
        let _ = writeln!(out, "### {}: {}\n", inline(&group.invariant), inline(&group.summary));
        code(out, "text", &words::group(group));
        if !group.replay.is_empty() {
            code(out, "sh", &group.replay);
        }
        if !group.repro.is_empty() {
            let _ = writeln!(out, "<details><summary>the repro file</summary>\n");
            code(out, "toml", &group.repro);
            let _ = writeln!(out, "</details>\n");
        }
    }
}

fn gates(out: &mut String, night: &Night) {
    let mut gates = night.gates().peekable();
    if gates.peek().is_some() {
        let _ = writeln!(out, "## Gates\n\n| gate | | |\n|---|---|---|");
    }
    for gate in gates {
        let outcome = match gate.outcome {
            GateOutcome::Held => "held",
            GateOutcome::Failed => "**failed**",
            GateOutcome::NotJudged => "not judged",
        };
        let _ = writeln!(out, "| {} | {outcome} | {} |", inline(&gate.name), inline(&gate.what));
    }
    let _ = writeln!(out);
}

fn scenarios(out: &mut String, scenarios: &[ScenarioFacts]) {
    let _ = writeln!(
        out,
        "## Scenarios\n\n| scenario | runs | failed | actions | expected probes |\n|---|---|---|---|---|"
    );
    for scenario in scenarios {
        let expected = scenario.probes.iter().filter(|probe| probe.expected).count();
        let missed: Vec<String> = scenario.missed_probes().map(inline).collect();
        let probes = match (expected, missed.len()) {
            (0, _) => String::new(),
            (expected, 0) => format!("all {expected} hit"),
            (expected, missing) => format!("{} of {expected}; not hit: {}", expected - missing, missed.join(", ")),
        };
        let (name, runs, actions) = (inline(&scenario.name), grouped(scenario.runs), grouped(scenario.actions));
        let _ = writeln!(out, "| {name} | {runs} | {} | {actions} | {probes} |", grouped(scenario.failed));
    }
    let _ = writeln!(out);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_stays_text() {
        assert_eq!(inline("a|b <img> `x` [l](u)\n# h"), "a\\|b &lt;img&gt; \\`x\\` \\[l\\](u) \\# h");
        let mut out = String::new();
        code(&mut out, "", "```\nno way out\n````");
        assert!(out.starts_with("`````\n") && out.ends_with("\n`````\n\n"), "{out}");
    }
}

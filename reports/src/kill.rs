//! The kill matrix: which planted bug is caught by what and how soon, as text, Markdown and JSON.

use serde_json::{Value, json};

use crate::table::{Style, write_rows};

/// What one hunt for a bug brought.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Kill {
    /// The invariant that caught it.
    pub caught_by: Option<&'static str>,
    /// Whether the same run without the bug passes; if not, nothing was caught.
    pub passes_without: bool,
    /// Runs made.
    pub runs: u64,
    /// Their actions.
    pub actions: u64,
    /// Seconds that it took.
    pub seconds: f64,
}

impl Kill {
    /// Whether the bug was caught, and nothing but the bug.
    pub fn counts(&self) -> bool {
        self.caught_by.is_some() && self.passes_without
    }
}

/// The hunts of one strategy for one bug.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// The strategy.
    pub strategy: &'static str,
    /// What each hunt brought.
    pub kills: Vec<Kill>,
}

impl Cell {
    fn found(&self) -> usize {
        self.kills.iter().filter(|kill| kill.counts()).count()
    }

    fn median<T: Copy + PartialOrd>(&self, of: impl Fn(&Kill) -> T) -> Option<T> {
        let mut numbers: Vec<T> = self.kills.iter().filter(|kill| kill.counts()).map(of).collect();
        numbers.sort_by(|a, b| a.partial_cmp(b).expect("no number is NaN"));
        numbers.get(numbers.len() / 2).copied()
    }

    /// The median of the runs of the hunts that caught it.
    pub fn runs(&self) -> Option<u64> {
        self.median(|kill| kill.runs)
    }

    /// Who caught it, the most frequent first.
    fn caught_by(&self) -> Vec<&'static str> {
        let caught = |kill: &Kill| kill.caught_by.filter(|_| kill.counts());
        let mut ids: Vec<&str> = self.kills.iter().filter_map(caught).collect();
        ids.sort_unstable();
        let mut counted: Vec<(usize, &str)> = ids.chunk_by(|a, b| a == b).map(|same| (same.len(), same[0])).collect();
        counted.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
        counted.into_iter().map(|(_, id)| id).collect()
    }
}

/// One bug in one sync mode.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The bug.
    pub bug: &'static str,
    /// The invariants that the catalogue names for it.
    pub names: &'static [&'static str],
    /// The scenario; `None` if only threads show it.
    pub scenario: Option<String>,
    /// The sync mode.
    pub mode: &'static str,
    /// The bug does nothing wrong in this mode.
    pub is_equivalent: bool,
    /// One per strategy.
    pub cells: Vec<Cell>,
    /// Actions of the first catch of the best strategy, shrunk.
    pub shrunk: Option<u64>,
}

impl Row {
    /// The row of a bug that only real threads show.
    pub fn threads(bug: &'static str, names: &'static [&'static str]) -> Self {
        Self { bug, names, scenario: None, mode: "threads", is_equivalent: false, cells: Vec::new(), shrunk: None }
    }

    /// The strategy that catches it most surely and soonest.
    pub fn best(&self) -> Option<&Cell> {
        let caught = self.cells.iter().filter(|cell| cell.found() > 0);
        caught.min_by_key(|cell| (std::cmp::Reverse(cell.found()), cell.runs(), cell.median(|kill| kill.actions)))
    }

    /// Whether nothing catches it although something should.
    pub fn survives(&self) -> bool {
        self.scenario.is_some() && !self.is_equivalent && self.best().is_none()
    }

    fn status(&self) -> &'static str {
        match () {
            () if self.scenario.is_none() => "threads",
            () if self.is_equivalent => "equivalent",
            () if self.survives() => "SURVIVED",
            () => "caught",
        }
    }

    fn cells_of_table(&self) -> Vec<String> {
        let (status, names) = (self.status(), self.names.join(" "));
        let scenario = self.scenario.clone().unwrap_or_else(|| "cargo test -p falken-models-loom".into());
        let mut row = vec![self.bug.to_owned(), self.mode.to_owned()];
        match self.best() {
            None => row.extend([status.into(), names, scenario].into_iter().chain((0..6).map(|_| String::new()))),
            Some(best) => row.extend([
                best.caught_by().join(" "),
                names,
                scenario,
                best.strategy.into(),
                format!("{}/{}", best.found(), best.kills.len()),
                best.runs().map_or_else(String::new, |runs| runs.to_string()),
                best.median(|kill| kill.actions).map_or_else(String::new, |actions| actions.to_string()),
                best.median(|kill| kill.seconds).map_or_else(String::new, |seconds| format!("{:.0}", seconds * 1000.0)),
                self.shrunk.map_or_else(String::new, |actions| actions.to_string()),
            ]),
        }
        row
    }

    fn to_json(&self) -> Value {
        let cell = |cell: &Cell| {
            json!({
                "strategy": cell.strategy,
                "hunts": cell.kills.len(),
                "found": cell.found(),
                "false_alarms": cell.kills.iter().filter(|kill| kill.caught_by.is_some() && !kill.passes_without).count(),
                "caught_by": cell.caught_by(),
                "runs_median": cell.runs(),
                "actions_median": cell.median(|kill| kill.actions),
                "seconds_median": cell.median(|kill| kill.seconds),
            })
        };
        json!({
            "bug": self.bug,
            "mode": self.mode,
            "status": self.status(),
            "names": self.names,
            "scenario": self.scenario,
            "best_strategy": self.best().map(|best| best.strategy),
            "shrunk_actions": self.shrunk,
            "cells": self.cells.iter().map(cell).collect::<Vec<Value>>(),
            // Thread runs are not part of this command: who has them fills these in.
            "loom": null,
            "shuttle": null,
        })
    }
}

/// The whole matrix.
#[derive(Clone, Debug, PartialEq)]
pub struct KillReport {
    /// Its rows.
    pub rows: Vec<Row>,
    /// Seconds that it took.
    pub seconds: f64,
}

impl KillReport {
    /// The bugs that nothing catches although something should, with the mode.
    pub fn survivors(&self) -> Vec<(&'static str, &'static str)> {
        self.rows.iter().filter(|row| row.survives()).map(|row| (row.bug, row.mode)).collect()
    }

    /// The best of each row, and then the median runs of every strategy.
    pub fn to_table(&self, style: Style) -> String {
        let header = [
            "bug",
            "sync",
            "caught by",
            "named",
            "scenario",
            "best strategy",
            "hunts",
            "runs",
            "actions",
            "ms",
            "shrunk",
        ];
        let mut rows = vec![header.map(String::from).to_vec()];
        rows.extend(self.rows.iter().map(Row::cells_of_table));
        let mut out = write_rows(&rows, style);
        let strategies: Vec<&str> = self
            .rows
            .iter()
            .find(|row| !row.cells.is_empty())
            .into_iter()
            .flat_map(|row| &row.cells)
            .map(|cell| cell.strategy)
            .collect();
        if strategies.len() > 1 {
            let mut grid = vec![
                ["median runs of", "sync"].into_iter().chain(strategies.iter().copied()).map(String::from).collect(),
            ];
            for row in self.rows.iter().filter(|row| !row.cells.is_empty()) {
                let cell = |cell: &Cell| match (row.is_equivalent, cell.runs()) {
                    (true, _) => "=".into(),
                    (false, Some(runs)) => runs.to_string(),
                    (false, None) => "-".into(),
                };
                let names = [row.bug, row.mode].map(String::from);
                grid.push(names.into_iter().chain(row.cells.iter().map(cell)).collect::<Vec<String>>());
            }
            out += &format!(
                "\n{}\n= does nothing wrong in this mode, - was not caught within the budget\n",
                write_rows(&grid, style)
            );
        }
        let count = |status: &str| self.rows.iter().filter(|row| row.status() == status).count();
        out += &format!(
            "\n{} caught, {} survived, {} equivalent, {} for threads, in {:.0} s\n",
            count("caught"),
            count("SURVIVED"),
            count("equivalent"),
            count("threads"),
            self.seconds
        );
        out
    }

    /// The report for programs.
    pub fn to_json(&self) -> String {
        let rows: Vec<Value> = self.rows.iter().map(Row::to_json).collect();
        let survivors: Vec<String> = self.survivors().iter().map(|(bug, mode)| format!("{bug} {mode}")).collect();
        format!("{:#}\n", json!({"rows": rows, "survivors": survivors, "seconds": self.seconds}))
    }
}

/// Whether one invariant catches a bug when it is the only one that is checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Alone {
    /// The bug.
    pub bug: &'static str,
    /// The invariant.
    pub check: &'static str,
    /// Scenario, strategy and seed of the run that did.
    pub kill: Option<(String, &'static str, u64)>,
    /// Runs that it took.
    pub runs: u64,
}

/// Writes the pairs: as a table, or as lines of five words that a test reads.
pub fn alone_to_table(pairs: &[Alone], style: Style) -> String {
    let mut rows = vec![["bug", "check", "scenario", "strategy", "seed", "runs"].map(String::from).to_vec()];
    for Alone { bug, check, kill, runs } in pairs {
        let [scenario, strategy, seed] = match kill {
            Some((scenario, strategy, seed)) => [scenario.clone(), (*strategy).into(), seed.to_string()],
            None => ["NOT CAUGHT", "-", "-"].map(String::from),
        };
        rows.push(vec![(*bug).into(), (*check).into(), scenario, strategy, seed, runs.to_string()]);
    }
    write_rows(&rows, style)
}

/// The pairs for programs.
pub fn alone_to_json(pairs: &[Alone]) -> String {
    let pair = |Alone { bug, check, kill, runs }: &Alone| {
        let kill = kill
            .as_ref()
            .map(|(scenario, strategy, seed)| json!({"scenario": scenario, "strategy": strategy, "seed": seed}));
        json!({"bug": bug, "check": check, "kill": kill, "runs": runs})
    };
    format!("{:#}\n", Value::from(pairs.iter().map(pair).collect::<Vec<Value>>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAUGHT: Kill = Kill { caught_by: Some("WAL-7"), passes_without: true, runs: 3, actions: 30, seconds: 0.1 };
    const MISSED: Kill = Kill { caught_by: None, passes_without: false, ..CAUGHT };
    const ALARM: Kill = Kill { passes_without: false, ..CAUGHT };

    fn row(bug: &'static str, kills: [&[Kill]; 2]) -> Row {
        let cells =
            ["a", "b"].iter().zip(kills).map(|(strategy, kills)| Cell { strategy, kills: kills.to_vec() }).collect();
        Row { scenario: Some("s".into()), mode: "full", cells, ..Row::threads(bug, &["WAL-7"]) }
    }

    #[test]
    fn a_bug_survives_unless_something_catches_it_and_a_false_alarm_is_no_catch() {
        let equivalent = Row { is_equivalent: true, ..row("equal", [&[], &[]]) };
        let rows = vec![
            row("caught", [&[MISSED, MISSED], &[MISSED, CAUGHT]]),
            row("alarm", [&[ALARM], &[MISSED]]),
            equivalent,
            Row::threads("threads", &["IO-2"]),
        ];
        assert_eq!(rows[0].best().map(|cell| cell.strategy), Some("b"));
        let report = KillReport { rows, seconds: 1.0 };
        assert_eq!(report.survivors(), [("alarm", "full")]);
        let text = report.to_table(Style::Text);
        assert!(text.contains("1 caught, 1 survived, 1 equivalent, 1 for threads"), "{text}");
        assert!(report.to_table(Style::Markdown).contains("|---|"));
        assert!(report.to_json().contains("\"alarm full\""));
    }
}

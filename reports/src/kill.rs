//! The kill matrix: which planted bug is caught by what and how soon, as text, Markdown and JSON.

use serde_json::{Value, json};

use crate::night::KillStatus;
use crate::table::{Style, write_rows};

/// The engines of racing threads that have a column.
const ENGINES: [&str; 2] = ["loom", "shuttle"];

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
    /// How many hunts caught it.
    pub fn found(&self) -> usize {
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

    /// The median of their seconds.
    pub fn seconds(&self) -> Option<f64> {
        self.median(|kill| kill.seconds)
    }

    /// Who caught it, the most frequent first.
    pub fn caught_by(&self) -> Vec<&'static str> {
        let caught = |kill: &Kill| kill.caught_by.filter(|_| kill.counts());
        let mut ids: Vec<&str> = self.kills.iter().filter_map(caught).collect();
        ids.sort_unstable();
        let mut counted: Vec<(usize, &str)> = ids.chunk_by(|a, b| a == b).map(|same| (same.len(), same[0])).collect();
        counted.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
        counted.into_iter().map(|(_, id)| id).collect()
    }
}

/// What an engine of racing threads has made of a bug.
#[derive(Clone, Debug, PartialEq)]
pub struct ThreadKill {
    /// Its name: loom or shuttle.
    pub engine: &'static str,
    /// What it has explored.
    pub form: &'static str,
    /// The invariant that an execution has broken.
    pub caught_by: Option<&'static str>,
    /// Which execution that was, from 1; or how many there were.
    pub executions: u64,
    /// Whether that execution fails again when its schedule is replayed.
    pub replays: bool,
    /// Seconds that it took, with the replay.
    pub seconds: f64,
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
    /// What engines of racing threads have made of it, if a form shows it.
    pub threads: Vec<ThreadKill>,
}

impl Row {
    /// The row of a bug that only real threads show.
    pub fn threads(bug: &'static str, names: &'static [&'static str]) -> Self {
        let (cells, threads) = (Vec::new(), Vec::new());
        Self { bug, names, scenario: None, mode: "threads", is_equivalent: false, cells, shrunk: None, threads }
    }

    /// The strategy that catches it most surely and soonest.
    pub fn best(&self) -> Option<&Cell> {
        let caught = self.cells.iter().filter(|cell| cell.found() > 0);
        caught.min_by_key(|cell| (std::cmp::Reverse(cell.found()), cell.runs(), cell.median(|kill| kill.actions)))
    }

    /// Whether nothing catches it although something should.
    pub fn survives(&self) -> bool {
        if self.scenario.is_none() {
            return !self.threads.is_empty() && self.threads.iter().all(|kill| kill.caught_by.is_none());
        }
        !self.is_equivalent && self.best().is_none()
    }

    /// What became of it.
    pub fn status(&self) -> KillStatus {
        match () {
            () if self.survives() => KillStatus::Survived,
            () if self.scenario.is_none() && self.threads.is_empty() => KillStatus::NotTried,
            () if self.is_equivalent => KillStatus::Equivalent,
            () => KillStatus::Caught,
        }
    }

    /// The same for a column in which a survivor should be seen.
    fn status_shown(&self) -> &'static str {
        match self.status() {
            KillStatus::Survived => "SURVIVED",
            status => status.name(),
        }
    }

    /// In which execution an engine has caught it; `-` if it has not, nothing if it was not asked.
    fn executions(&self, engine: &str) -> String {
        let kill = self.threads.iter().find(|kill| kill.engine == engine);
        kill.map_or_else(String::new, |kill| kill.caught_by.map_or_else(|| "-".into(), |_| kill.executions.to_string()))
    }

    /// Who catches it: in the simulator, or on threads if only those show it.
    fn catchers(&self) -> String {
        match self.best() {
            Some(best) => best.caught_by().join(" "),
            None if self.scenario.is_some() => self.status_shown().into(),
            None => self.threads.iter().find_map(|kill| kill.caught_by).unwrap_or(self.status_shown()).into(),
        }
    }

    fn cells_of_table(&self) -> Vec<String> {
        let scenario = self.scenario.clone().unwrap_or_else(|| self.form().into());
        let mut row = vec![self.bug.into(), self.mode.into(), self.catchers(), self.names.join(" "), scenario];
        match self.best() {
            None => row.extend((0..6).map(|_| String::new())),
            Some(best) => row.extend([
                best.strategy.into(),
                format!("{}/{}", best.found(), best.kills.len()),
                best.runs().map_or_else(String::new, |runs| runs.to_string()),
                best.median(|kill| kill.actions).map_or_else(String::new, |actions| actions.to_string()),
                best.median(|kill| kill.seconds).map_or_else(String::new, |seconds| format!("{:.0}", seconds * 1000.0)),
                self.shrunk.map_or_else(String::new, |actions| actions.to_string()),
            ]),
        }
        row.extend(ENGINES.map(|engine| self.executions(engine)));
        row
    }

    /// The form that shows it on threads.
    pub fn form(&self) -> &'static str {
        let caught = self.threads.iter().find(|kill| kill.caught_by.is_some());
        caught.or(self.threads.first()).map_or("falken threads", |kill| kill.form)
    }

    /// The row without what only somebody who tunes strategies wants to know.
    fn brief(&self) -> Vec<String> {
        let best = self.best();
        let runs = best.and_then(Cell::runs).map_or_else(String::new, |runs| runs.to_string());
        let milliseconds = best.and_then(|best| best.median(|kill| kill.seconds)).map(|seconds| seconds * 1000.0);
        let shown_in = self.scenario.clone().unwrap_or_else(|| self.form().into());
        let row = [
            self.bug.into(),
            self.catchers(),
            shown_in,
            best.map_or("", |best| best.strategy).into(),
            runs,
            milliseconds.map_or_else(String::new, |milliseconds| format!("{milliseconds:.0}")),
            self.shrunk.map_or_else(String::new, |actions| actions.to_string()),
        ];
        row.into_iter().chain(ENGINES.map(|engine| self.executions(engine))).collect()
    }

    /// Sorts the rows of one bug: the one that says most comes first.
    fn rank(&self) -> (bool, bool, u64, u64) {
        let best = self.best();
        let actions = best.and_then(|best| best.median(|kill| kill.actions));
        (!self.survives(), best.is_none(), best.and_then(Cell::runs).unwrap_or(u64::MAX), actions.unwrap_or(u64::MAX))
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
        let threads = |kill: &ThreadKill| {
            let ThreadKill { engine, form, caught_by, executions, replays, seconds } = kill;
            json!({
                "engine": engine,
                "form": form,
                "caught_by": caught_by,
                "executions": executions,
                "replays": replays,
                "seconds": seconds,
            })
        };
        json!({
            "bug": self.bug,
            "mode": self.mode,
            "status": self.status_shown(),
            "names": self.names,
            "scenario": self.scenario,
            "best_strategy": self.best().map(|best| best.strategy),
            "shrunk_actions": self.shrunk,
            "cells": self.cells.iter().map(cell).collect::<Vec<Value>>(),
            "threads": self.threads.iter().map(threads).collect::<Vec<Value>>(),
        })
    }
}

/// The whole matrix.
#[derive(Clone, Debug, PartialEq)]
pub struct KillReport {
    /// Its rows.
    pub rows: Vec<Row>,
    /// Whether somebody has stopped it before every cell was filled: the rows are those that are.
    pub is_stopped: bool,
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
            "loom",
            "shuttle",
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
        out + &self.summary()
    }

    /// One line a bug: the sync mode in which it is caught soonest.
    pub fn to_brief_table(&self, style: Style) -> String {
        let header = ["bug", "caught by", "shown in", "strategy", "runs", "ms", "shrunk", "loom", "shuttle"];
        let mut rows = vec![header.map(String::from).to_vec()];
        let mut bugs: Vec<&str> = Vec::new();
        self.rows.iter().for_each(|row| {
            if !bugs.contains(&row.bug) {
                bugs.push(row.bug);
            }
        });
        let best = |bug: &&str| self.rows.iter().filter(|row| row.bug == *bug).min_by_key(|row| row.rank());
        rows.extend(bugs.iter().filter_map(best).map(Row::brief));
        write_rows(&rows, style) + &self.summary()
    }

    fn summary(&self) -> String {
        let count = |status: KillStatus| self.rows.iter().filter(|row| row.status() == status).count();
        let stopped = if self.is_stopped { "stopped early: " } else { "" };
        format!(
            "\n{stopped}{} caught, {} survived, {} equivalent, {} not tried, in {:.0} s; loom, shuttle: the execution that fails\n",
            count(KillStatus::Caught),
            count(KillStatus::Survived),
            count(KillStatus::Equivalent),
            count(KillStatus::NotTried),
            self.seconds
        )
    }

    /// The report for programs.
    pub fn to_json(&self) -> String {
        let rows: Vec<Value> = self.rows.iter().map(Row::to_json).collect();
        let survivors: Vec<String> = self.survivors().iter().map(|(bug, mode)| format!("{bug} {mode}")).collect();
        let report = json!({"rows": rows, "survivors": survivors, "stopped": self.is_stopped, "seconds": self.seconds});
        format!("{report:#}\n")
    }
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
        let report = KillReport { rows, is_stopped: false, seconds: 1.0 };
        assert_eq!(report.survivors(), [("alarm", "full")]);
        let text = report.to_table(Style::Text);
        assert!(text.contains("1 caught, 1 survived, 1 equivalent, 1 not tried"), "{text}");
        assert!(report.to_table(Style::Markdown).contains("|---|"));
        assert!(report.to_json().contains("\"alarm full\""));
    }

    fn on_threads(caught_by: Option<&'static str>) -> ThreadKill {
        ThreadKill { engine: "loom", form: "f", caught_by, executions: 17, replays: true, seconds: 0.5 }
    }

    #[test]
    fn a_bug_that_only_threads_show_is_judged_by_their_engines() {
        let row = |caught_by| Row { threads: vec![on_threads(caught_by)], ..Row::threads("races", &["IO-2"]) };
        let report = |row| KillReport { rows: vec![row], is_stopped: true, seconds: 1.0 };
        let caught = report(row(Some("IO-2")));
        assert!(caught.survivors().is_empty());
        let text = caught.to_brief_table(Style::Text);
        assert!(text.contains("races") && text.contains("IO-2") && text.contains("17"), "{text}");
        assert!(text.contains("stopped early: 1 caught"), "{text}");
        assert_eq!(report(row(None)).survivors(), [("races", "threads")]);
    }

    #[test]
    fn the_brief_table_has_one_line_for_each_bug_and_shows_a_mode_that_lets_it_live() {
        let caught = row("twice", [&[CAUGHT], &[]]);
        let lives = Row { mode: "normal", ..row("twice", [&[MISSED], &[]]) };
        let report = KillReport { rows: vec![caught, lives], is_stopped: false, seconds: 1.0 };
        let text = report.to_brief_table(Style::Markdown);
        assert_eq!(text.lines().filter(|line| line.contains("twice")).count(), 1, "{text}");
        assert!(text.contains("SURVIVED"), "{text}");
    }
}

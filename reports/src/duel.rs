//! The duel of strategies over planted bugs, as text, Markdown and JSON.

use std::fmt::Write;

use serde_json::{Value, json};

/// One search for one bug.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trial {
    /// Whether it was found before the cap.
    pub found: bool,
    /// Runs made.
    pub runs: u64,
    /// Actions of those runs.
    pub actions: u64,
    /// Seconds that it took.
    pub seconds: f64,
}

/// The trials of one strategy on one bug.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// The bug.
    pub bug: &'static str,
    /// The strategy.
    pub strategy: &'static str,
    /// The trials, by number.
    pub trials: Vec<(u64, Trial)>,
}

/// Mean, median and 95th percentile.
struct Spread {
    mean: f64,
    median: u64,
    p95: u64,
}

fn spread(mut numbers: Vec<u64>) -> Spread {
    numbers.sort_unstable();
    let count = numbers.len().max(1);
    let at = |percent: usize| numbers.get((count * percent / 100).min(count - 1)).copied().unwrap_or(0);
    Spread { mean: numbers.iter().sum::<u64>() as f64 / count as f64, median: at(50), p95: at(95) }
}

impl Cell {
    /// How many trials found the bug.
    pub fn found(&self) -> usize {
        self.trials.iter().filter(|(_, trial)| trial.found).count()
    }

    /// Mean runs; a trial that found nothing counts with its cap.
    pub fn mean_runs(&self) -> f64 {
        self.runs().mean
    }

    /// Mean seconds; a trial that found nothing counts with what it took.
    pub fn mean_seconds(&self) -> f64 {
        self.trials.iter().map(|(_, trial)| trial.seconds).sum::<f64>() / self.trials.len().max(1) as f64
    }

    fn runs(&self) -> Spread {
        spread(self.trials.iter().map(|(_, trial)| trial.runs).collect())
    }

    fn actions(&self) -> Spread {
        spread(self.trials.iter().map(|(_, trial)| trial.actions).collect())
    }
}

/// A duel that is over.
#[derive(Clone, Debug, PartialEq)]
pub struct DuelReport {
    /// Trials of each strategy on each bug.
    pub trials: u64,
    /// Runs after which a trial gave up.
    pub cap: u64,
    /// The name of the portfolio.
    pub portfolio: &'static str,
    /// All cells, those of a bug together.
    pub cells: Vec<Cell>,
}

/// How a table's rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Columns of the same width.
    Text,
    /// A Markdown table.
    Markdown,
}

impl DuelReport {
    fn bugs(&self) -> impl Iterator<Item = &[Cell]> {
        self.cells.chunk_by(|a, b| a.bug == b.bug)
    }

    /// For each bug the best single strategy, and how many times its mean runs the portfolio needs.
    pub fn regrets(&self) -> Vec<(&'static str, &'static str, f64)> {
        let of_bug = |cells: &[Cell]| {
            let single = cells.iter().filter(|cell| cell.strategy != self.portfolio);
            let best = single.min_by(|a, b| a.mean_runs().total_cmp(&b.mean_runs()))?;
            let portfolio = cells.iter().find(|cell| cell.strategy == self.portfolio)?;
            Some((best.bug, best.strategy, portfolio.mean_runs() / best.mean_runs()))
        };
        self.bugs().filter_map(of_bug).collect()
    }

    /// The report as a table.
    pub fn to_table(&self, style: Style) -> String {
        let header =
            ["bug", "strategy", "found", "runs mean", "median", "p95", "actions mean", "median", "p95", "ms mean"];
        let mut rows = vec![header.map(String::from).to_vec()];
        for cell in &self.cells {
            let (runs, actions) = (cell.runs(), cell.actions());
            rows.push(vec![
                cell.bug.into(),
                cell.strategy.into(),
                format!("{}/{}", cell.found(), cell.trials.len()),
                format!("{:.1}", runs.mean),
                runs.median.to_string(),
                runs.p95.to_string(),
                format!("{:.0}", actions.mean),
                actions.median.to_string(),
                actions.p95.to_string(),
                format!("{:.1}", cell.mean_seconds() * 1000.0),
            ]);
        }
        let mut out = write_rows(&rows, style);
        let mut regrets = vec![["bug", "best single strategy", "portfolio's regret"].map(String::from).to_vec()];
        let found = self.regrets();
        regrets.extend(
            found.iter().map(|(bug, best, regret)| vec![(*bug).into(), (*best).into(), format!("{regret:.2}")]),
        );
        if regrets.len() > 1 {
            let _ = writeln!(out, "\n{}", write_rows(&regrets, style));
            let worst = found.iter().map(|(.., regret)| *regret).fold(0.0, f64::max);
            let _ = writeln!(
                out,
                "worst regret {worst:.2}, in mean runs to the bug, {} trials, cap {}",
                self.trials, self.cap
            );
        }
        out
    }

    /// The report for programs.
    pub fn to_json(&self) -> String {
        let spread = |s: Spread| json!({"mean": s.mean, "median": s.median, "p95": s.p95});
        let cell = |cell: &Cell| {
            json!({
                "bug": cell.bug,
                "strategy": cell.strategy,
                "found": cell.found(),
                "trials": cell.trials.len(),
                "runs": spread(cell.runs()),
                "actions": spread(cell.actions()),
                "seconds_mean": cell.mean_seconds(),
            })
        };
        let regret = |(bug, best, regret): &(&str, &str, f64)| json!({"bug": bug, "best": best, "regret": regret});
        let report = json!({
            "trials": self.trials,
            "cap": self.cap,
            "cells": self.cells.iter().map(cell).collect::<Vec<Value>>(),
            "regrets": self.regrets().iter().map(regret).collect::<Vec<Value>>(),
        });
        format!("{report:#}\n")
    }
}

fn write_rows(rows: &[Vec<String>], style: Style) -> String {
    let columns = rows[0].len();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut out = String::new();
    for (at, row) in rows.iter().enumerate() {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        let _ = match style {
            Style::Text => writeln!(out, "{}", cells.join("  ").trim_end()),
            Style::Markdown => writeln!(out, "| {} |", cells.join(" | ")),
        };
        if at == 0 && style == Style::Markdown {
            let _ = writeln!(out, "|{}", "---|".repeat(columns));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(strategy: &'static str, runs: &[u64]) -> Cell {
        let trial =
            |(at, runs): (u64, &u64)| (at, Trial { found: *runs < 9, runs: *runs, actions: runs * 10, seconds: 0.1 });
        Cell { bug: "b", strategy, trials: (0..).zip(runs).map(trial).collect() }
    }

    #[test]
    fn regret_is_against_the_best_single_strategy_and_misses_count_with_the_cap() {
        let cells = vec![cell("x", &[2, 2, 2]), cell("y", &[9, 9, 9]), cell("portfolio", &[4, 5, 6])];
        let report = DuelReport { trials: 3, cap: 9, portfolio: "portfolio", cells };
        assert_eq!(report.regrets(), [("b", "x", 2.5)]);
        let text = report.to_table(Style::Text);
        assert!(text.contains("0/3") && text.contains("worst regret 2.50"), "{text}");
        assert!(report.to_table(Style::Markdown).contains("|---|"));
        assert!(report.to_json().contains("\"regret\": 2.5"));
    }
}

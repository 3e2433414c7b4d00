//! The duel of strategies over planted bugs, as text, Markdown and JSON.

use std::fmt::Write;

use falken_harness::shrink::Size;
use serde_json::{Value, json};

use crate::table::{Style, write_rows};

/// One search for one bug.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trial {
    /// Whether it was found before the cap.
    pub found: bool,
    /// Runs made.
    pub runs: u64,
    /// Actions of those runs.
    pub actions: u64,
    /// CPU seconds that it took.
    pub cpu_seconds: f64,
    /// The seed of its last run: the one that found the bug, if one did.
    pub last_seed: u64,
    /// The strategy of that run; of a portfolio's trial the member that made it.
    pub last_strategy: &'static str,
}

/// How large a failure was when it was found, and how large it is now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sizes {
    /// As it was found.
    pub raw: Size,
    /// Shrunk.
    pub shrunk: Size,
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
    /// The first failure found; `None` if no trial found one.
    pub sizes: Option<Sizes>,
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

    /// Median runs; a trial that found nothing counts with its cap.
    pub fn runs_median(&self) -> u64 {
        self.runs().median
    }

    /// Mean CPU seconds; a trial that found nothing counts with what it took.
    pub fn mean_cpu_seconds(&self) -> f64 {
        self.trials.iter().map(|(_, trial)| trial.cpu_seconds).sum::<f64>() / self.trials.len().max(1) as f64
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
    /// Whether somebody has stopped it before every bug had its trials: the cells are those that were done.
    pub is_stopped: bool,
    /// All cells, those of a bug together.
    pub cells: Vec<Cell>,
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

    /// Median actions and switches of the shrunk failures with more than one connection.
    pub fn shrunk_median(&self) -> Option<(u64, u64)> {
        let shrunk = self.cells.iter().filter_map(|cell| cell.sizes).map(|sizes| sizes.shrunk);
        let (actions, switches): (Vec<u64>, Vec<u64>) =
            shrunk.filter(|size| size.connections > 1).map(|size| (size.actions(), size.switches)).unzip();
        (!actions.is_empty()).then(|| (spread(actions).median, spread(switches).median))
    }

    /// The report as a table.
    pub fn to_table(&self, style: Style) -> String {
        // Sizes are in actions and context switches, as a reader counts them.
        let header = [
            "bug",
            "strategy",
            "found",
            "runs mean",
            "median",
            "p95",
            "actions mean",
            "median",
            "p95",
            "CPU ms mean",
            "raw",
            "shrunk",
            "switches",
        ];
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
                format!("{:.1}", cell.mean_cpu_seconds() * 1000.0),
                size(cell, |sizes| sizes.raw.actions()),
                size(cell, |sizes| sizes.shrunk.actions()),
                size(cell, |sizes| sizes.shrunk.switches),
            ]);
        }
        let mut out = write_rows(&rows, style);
        if self.is_stopped {
            let _ = writeln!(out, "\nstopped early: the rows are those that were done");
        }
        if let Some((actions, switches)) = self.shrunk_median() {
            let _ = writeln!(
                out,
                "\nmedian of the shrunk repros that need two connections: {actions} actions, {switches} switches"
            );
        }
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
                "cpu_seconds_mean": cell.mean_cpu_seconds(),
                "sizes": cell.sizes.map(|sizes| json!({
                    "raw_actions": sizes.raw.actions(),
                    "shrunk_actions": sizes.shrunk.actions(),
                    "shrunk_switches": sizes.shrunk.switches,
                    "shrunk_connections": sizes.shrunk.connections,
                })),
            })
        };
        let regret = |(bug, best, regret): &(&str, &str, f64)| json!({"bug": bug, "best": best, "regret": regret});
        let report = json!({
            "trials": self.trials,
            "cap": self.cap,
            "stopped": self.is_stopped,
            "cells": self.cells.iter().map(cell).collect::<Vec<Value>>(),
            "shrunk_median": self.shrunk_median().map(|(actions, switches)| {
                json!({"actions": actions, "switches": switches})
            }),
            "regrets": self.regrets().iter().map(regret).collect::<Vec<Value>>(),
        });
        format!("{report:#}\n")
    }
}

fn size(cell: &Cell, of: impl Fn(&Sizes) -> u64) -> String {
    cell.sizes.as_ref().map_or("-".into(), |sizes| of(sizes).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(strategy: &'static str, runs: &[u64]) -> Cell {
        let trial = |(at, runs): (u64, &u64)| {
            let (found, runs) = (*runs < 9, *runs);
            (at, Trial { found, runs, actions: runs * 10, cpu_seconds: 0.1, last_seed: 7, last_strategy: strategy })
        };
        let sizes = Sizes {
            raw: Size { connections: 3, switches: 80, ..Size::default() },
            shrunk: Size { connections: 2, switches: 3, endings: 2, ..Size::default() },
        };
        let trials: Vec<_> = (0..).zip(runs).map(trial).collect();
        let sizes = trials.iter().any(|(_, trial)| trial.found).then_some(sizes);
        Cell { bug: "b", strategy, trials, sizes }
    }

    #[test]
    fn regret_is_against_the_best_single_strategy_and_misses_count_with_the_cap() {
        let cells = vec![cell("x", &[2, 2, 2]), cell("y", &[9, 9, 9]), cell("portfolio", &[4, 5, 6])];
        let report = DuelReport { trials: 3, cap: 9, portfolio: "portfolio", is_stopped: false, cells };
        assert_eq!(report.regrets(), [("b", "x", 2.5)]);
        let text = report.to_table(Style::Text);
        assert!(text.contains("0/3") && text.contains("worst regret 2.50"), "{text}");
        assert!(text.contains("two connections: 5 actions, 3 switches"), "{text}");
        assert!(report.to_table(Style::Markdown).contains("|---|"));
        assert!(report.to_json().contains("\"regret\": 2.5"));
    }
}

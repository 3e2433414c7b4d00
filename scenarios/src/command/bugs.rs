//! `falken bugs`: how soon planted bugs are found.

use falken_harness::strategy;
use falken_models::bug::Bug;
use falken_reports::duel::{DuelReport, Style};
use indicatif::{ProgressBar, ProgressStyle};

use super::run::{default_jobs, find_bug, find_strategy};
use crate::catalog;
use crate::cli::Bugs;
use crate::duel::Duel;
use crate::exit::{Exit, Failure};
use crate::plant::{SHOWN_BY, shown_by};

/// Compares strategies on planted bugs.
///
/// # Errors
/// A bug or a strategy is unknown or cannot be shown.
pub fn bugs(options: &Bugs) -> Result<Exit, Failure> {
    if !options.duel {
        return Err(Failure::Input("say what to do with the planted bugs: --duel compares strategies on them".into()));
    }
    let named: Vec<Bug> = if options.bug.is_empty() {
        SHOWN_BY.iter().map(|(bug, ..)| *bug).collect()
    } else {
        options.bug.iter().map(|id| find_bug(id)).collect::<Result<_, _>>()?
    };
    let strategies = if options.strategy.is_empty() {
        strategy::TABLE.iter().collect()
    } else {
        options.strategy.iter().map(|name| find_strategy(name)).collect::<Result<Vec<_>, _>>()?
    };
    let with_scenario = |bug: Bug| {
        let (name, _) = shown_by(bug).ok_or_else(|| {
            Failure::Input(format!("`{}` shows only on real threads, so nothing here finds it", bug.id()))
        })?;
        Ok((bug, catalog::find(name)?))
    };
    let bugs = named.into_iter().map(with_scenario).collect::<Result<Vec<_>, Failure>>()?;
    let jobs = options.jobs.map_or_else(default_jobs, usize::from);
    let duel = Duel { bugs, strategies, trials: options.trials, cap: options.cap, jobs };
    let total = (duel.bugs.len() * duel.strategies.len()) as u64 * options.trials;
    let bar = ProgressBar::new(total).with_style(
        ProgressStyle::with_template("duel {wide_bar} {pos}/{len} trials, {eta} left").expect("a well-formed template"),
    );
    let cells = duel.go(|done| bar.set_position(done));
    bar.finish_and_clear();
    let report = DuelReport { trials: options.trials, cap: options.cap, portfolio: strategy::PORTFOLIO, cells };
    super::print(&match (options.json, options.markdown) {
        (true, _) => report.to_json(),
        (false, true) => report.to_table(Style::Markdown),
        (false, false) => report.to_table(Style::Text),
    })
}

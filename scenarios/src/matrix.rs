//! The kill matrix: which planted bug is caught by what, under which strategy and sync mode, how soon; and whether each of
//! the invariants that the catalogue names for a bug catches it when nobody else looks.
//!
//! A catch counts only if the same run without the bug passes. Bugs that racing threads show are also given to loom and to
//! shuttle (`matrix/threads.rs`).

mod threads;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use falken_harness::case::Case;
use falken_harness::scenario::{Scenario, Sync};
use falken_harness::shrink;
use falken_harness::strategy;
use falken_models::bug::{Bug, Planted};
use falken_models::wal::SyncMode;
use falken_reports::alone::Alone;
use falken_reports::kill::{Cell, Kill, KillReport, Row};

use crate::batch::in_order_until;
use crate::catalog;
use crate::exit::Failure;
use crate::hunt::{Bag, Catch, Hunt, run};
use crate::plant::{shown_by, why_not_alone};

/// What the matrix is made of, and what each cell may cost.
pub struct Matrix {
    /// The bugs.
    pub bugs: Vec<Bug>,
    /// The strategies.
    pub strategies: Vec<&'static strategy::Entry>,
    /// The sync modes; empty is the scenario's own.
    pub modes: Vec<Sync>,
    /// Hunts in a cell.
    pub trials: u64,
    /// Runs after which a hunt gives up.
    pub runs: u64,
    /// Seconds after which a hunt gives up.
    pub seconds: f64,
    /// The most seconds that the shrinking of a bug's first catch may take; 0 for none.
    pub shrink_seconds: f64,
    /// Who may catch; see `--checks`.
    pub checks: Vec<String>,
    /// Cells at a time.
    pub jobs: usize,
    /// Set from outside to stop early and keep what is done.
    pub stop: Arc<AtomicBool>,
}

/// A bug in a sync mode: one row.
struct Place {
    bug: Bug,
    scenario: Scenario,
    is_equivalent: bool,
}

impl Matrix {
    /// The rows: every bug in every mode. A bug that only threads show has one without a scenario.
    fn places(&self) -> Result<Vec<Place>, Failure> {
        let mut places = Vec::new();
        for bug in self.bugs.iter().copied() {
            let Some((name, _)) = shown_by(bug) else { continue };
            let mut own = catalog::find(name)?;
            own.checks.only.clone_from(&self.checks);
            let modes = if self.modes.is_empty() { std::slice::from_ref(&own.database.sync) } else { &self.modes[..] };
            for mode in modes {
                let mut scenario = own.clone();
                scenario.database.sync = *mode;
                let is_equivalent = bug.equivalent_in().contains(&SyncMode::from(*mode));
                places.push(Place { bug, scenario, is_equivalent });
            }
        }
        Ok(places)
    }

    /// Fills the matrix. `progress` is told how many cells are done, of how many.
    ///
    /// # Errors
    /// A scenario of the catalogue is not there, or a worker of the threads cannot be run.
    pub fn go(&self, mut progress: impl FnMut(u64, u64)) -> Result<KillReport, Failure> {
        let started = Instant::now();
        let (places, strategies) = (self.places()?, self.strategies.len());
        let racing: Vec<Bug> = self.bugs.iter().copied().filter(|bug| threads::shows(*bug)).collect();
        let (cells, total) = (places.len() * strategies, (places.len() * strategies + racing.len()) as u64);
        let cell = |at: usize| self.cell(&places[at / strategies], self.strategies[at % strategies]);
        let cells = in_order_until(&self.stop, cells, self.jobs, cell, |done| progress(done, total));
        let cells: Vec<_> = cells.into_iter().map(Option::flatten).collect();
        let is_done = |cells: &[Option<(Cell, Option<Case>)>]| cells.iter().all(Option::is_some);
        let done: Vec<_> = places.iter().zip(cells.chunks(strategies)).filter(|(_, cells)| is_done(cells)).collect();
        let row = |at: usize| self.row(done[at].0, done[at].1);
        let rows = in_order_until(&self.stop, done.len(), self.jobs, row, |_| {});
        let mut rows: Vec<Row> = rows.into_iter().flatten().collect();
        let mut is_stopped = rows.len() < places.len();
        let only_threads = self.bugs.iter().filter(|bug| bug.needs_threads());
        rows.extend(only_threads.map(|bug| Row::threads(bug.id(), bug.violates())));
        for (at, bug) in racing.iter().enumerate() {
            let kills = if is_stopped { Vec::new() } else { threads::hunt(*bug, &self.stop)? };
            is_stopped |= self.is_stopped();
            if is_stopped {
                break;
            }
            rows.iter_mut().filter(|row| row.bug == bug.id()).for_each(|row| row.threads.clone_from(&kills));
            progress(total - (racing.len() - at - 1) as u64, total);
        }
        Ok(KillReport { rows, is_stopped, seconds: started.elapsed().as_secs_f64() })
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// `None` if somebody has said stop meanwhile: a hunt that was cut off says nothing.
    fn cell(&self, place: &Place, strategy: &'static strategy::Entry) -> Option<(Cell, Option<Case>)> {
        let mut cell = Cell { strategy: strategy.name, kills: Vec::new() };
        let mut first = None;
        for trial in (0..self.trials).take_while(|_| !place.is_equivalent) {
            let hunt = Hunt {
                bug: place.bug,
                scenario: &place.scenario,
                strategy,
                first_seed: 1 + trial * 1_000_000,
                runs: self.runs,
                seconds: self.seconds,
                stop: &self.stop,
            };
            let bag = hunt.go();
            cell.kills.push(kill(&place.scenario, &bag));
            if let Some(Catch { seed, report, .. }) = bag.catch {
                let (scenario, planted) = (place.scenario.clone(), Planted(Some(place.bug)));
                first.get_or_insert(Case { scenario, seed, planted, tape: report.tape });
            }
        }
        (!self.is_stopped()).then_some((cell, first))
    }

    fn row(&self, place: &Place, cells: &[Option<(Cell, Option<Case>)>]) -> Row {
        let cells: Vec<_> = cells.iter().flatten().collect();
        let mode = match place.scenario.database.sync {
            Sync::Off => "off",
            Sync::Normal => "normal",
            Sync::Full => "full",
        };
        let mut row = Row {
            bug: place.bug.id(),
            names: place.bug.violates(),
            scenario: Some(place.scenario.name.clone()),
            mode,
            is_equivalent: place.is_equivalent,
            cells: cells.iter().map(|(cell, _)| cell.clone()).collect(),
            shrunk: None,
            threads: Vec::new(),
        };
        let case = row.best().and_then(|best| cells.iter().find(|(cell, _)| cell.strategy == best.strategy)?.1.clone());
        row.shrunk = case.and_then(|case| self.shrunk_size(case));
        row
    }

    fn shrunk_size(&self, case: Case) -> Option<u64> {
        let (started, limit) = (Instant::now(), Duration::from_secs_f64(self.shrink_seconds));
        let wanted = self.shrink_seconds > 0.0;
        let shrunk =
            wanted.then(|| shrink::shrink(case, &mut |_| started.elapsed() < limit && !self.is_stopped())).flatten();
        shrunk.map(|shrunk| shrunk.smallest.size.actions())
    }

    /// Asks of every invariant that the catalogue names for a bug whether it catches it alone: in the scenario that shows
    /// the bug soonest, or else in any other. `progress` is told how many pairs are done, of how many. Also says whether
    /// somebody has said stop before all were done.
    ///
    /// # Errors
    /// A scenario of the catalogue is not there.
    pub fn alone(&self, mut progress: impl FnMut(u64, u64)) -> Result<(Vec<Alone>, bool), Failure> {
        let scenarios = catalog::TABLE.iter().map(|(name, _)| catalog::find(name)).collect::<Result<Vec<_>, _>>()?;
        let shown = self.bugs.iter().filter(|bug| shown_by(**bug).is_some());
        let pairs: Vec<(Bug, &'static str)> =
            shown.flat_map(|bug| bug.violates().iter().map(|check| (*bug, *check))).collect();
        let pair = |at: usize| self.pair(pairs[at].0, pairs[at].1, &scenarios);
        let tried = in_order_until(&self.stop, pairs.len(), self.jobs, pair, |done| progress(done, pairs.len() as u64));
        let tried: Vec<Alone> = tried.into_iter().flatten().flatten().collect();
        let is_stopped = tried.len() < pairs.len();
        Ok((tried, is_stopped))
    }

    /// `None` if somebody has said stop before it was caught.
    fn pair(&self, bug: Bug, check: &'static str, scenarios: &[Scenario]) -> Option<Alone> {
        let (shown, strategy) = shown_by(bug).expect("the simulator shows it");
        let entry = |name: &str| strategy::TABLE.iter().find(|entry| entry.name == name).expect("a strategy");
        let own =
            scenarios.iter().filter(|scenario| scenario.name == shown).map(|scenario| (scenario, entry(strategy)));
        let lattice = |scenario: &Scenario| scenario.crash_images.is_some();
        let others = scenarios.iter().filter(|other| other.name != shown && !lattice(other));
        let others = others.chain(scenarios.iter().filter(|other| lattice(other)));
        let places = own.chain(others.map(|scenario| (scenario, entry("random"))));
        let mut alone = Alone { bug: bug.id(), check, kill: None, excuse: why_not_alone(bug, check), runs: 0 };
        let started = Instant::now();
        for (scenario, strategy) in places {
            let left = self.seconds - started.elapsed().as_secs_f64();
            if left <= 0.0 || self.is_stopped() {
                break;
            }
            let mut scenario = scenario.clone();
            scenario.checks.only = vec![check.into()];
            // Where a bug shows soonest it deserves the most patience.
            let runs = if scenario.name == shown { 5 * self.runs } else { self.runs };
            let (first_seed, stop) = (1, &*self.stop);
            let bag = Hunt { bug, scenario: &scenario, strategy, first_seed, runs, seconds: left, stop }.go();
            alone.runs += bag.runs;
            let Some(catch) = &bag.catch else { continue };
            if catch.invariant == check && kill(&scenario, &bag).passes_without {
                alone.kill = Some((scenario.name, strategy.name, catch.seed));
                break;
            }
        }
        (alone.kill.is_some() || !self.is_stopped()).then_some(alone)
    }
}

/// What a hunt brought, with the same run made again without the bug.
fn kill(scenario: &Scenario, bag: &Bag) -> Kill {
    let without =
        |catch: &Catch| run(scenario, Planted(None), catch.strategy, catch.seed).verdict.violation().is_none();
    Kill {
        caught_by: bag.catch.as_ref().map(|catch| catch.invariant),
        passes_without: bag.catch.as_ref().is_some_and(without),
        runs: bag.runs,
        actions: bag.actions,
        seconds: bag.seconds,
    }
}

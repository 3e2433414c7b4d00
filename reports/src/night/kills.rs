//! Hunts for planted bugs, as a night: the kill matrix, the invariants that each catch a bug alone, and the duel of strategies.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{FORMAT, Night, Plan, Timing};
use crate::alone::Alone;
use crate::duel::DuelReport;
use crate::kill::{KillReport, Row, ThreadKill};

/// How soon each strategy finds each planted bug.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct KillMatrix {
    /// Trials of each strategy on each bug.
    pub trials: u64,
    /// Runs after which a trial gives up.
    pub cap: u64,
    /// The strategies: the columns.
    pub strategies: Vec<String>,
    /// The bugs.
    pub rows: Vec<KillRow>,
}

/// One planted bug.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct KillRow {
    /// Its id.
    pub bug: String,
    /// What tells the row from others of the same bug: the sync mode, or the one invariant that was checked.
    #[serde(default)]
    pub variant: String,
    /// What became of it.
    #[serde(default)]
    pub status: KillStatus,
    /// The scenario or form that shows it.
    pub scenario: String,
    /// The invariants that it broke.
    pub invariants: Vec<String>,
    /// For each strategy what it found. Empty if the simulator does not show the bug.
    pub cells: Vec<KillCell>,
    /// Actions of the smallest repro.
    #[serde(default)]
    pub shrunk: Option<u64>,
    /// What engines of racing threads found.
    #[serde(default)]
    pub racing: Vec<RacingKill>,
}

/// What became of a planted bug.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KillStatus {
    /// Something has caught it.
    #[default]
    Caught,
    /// Nothing has, and something should.
    Survived,
    /// Nothing has, and nothing had to: strategies were compared, or there is a reason why it cannot.
    Missed,
    /// It does nothing wrong in this sync mode.
    Equivalent,
    /// Nobody has looked.
    NotTried,
}

impl KillStatus {
    /// As a word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Caught => "caught",
            Self::Survived => "survived",
            Self::Missed => "missed",
            Self::Equivalent => "equivalent",
            Self::NotTried => "not tried",
        }
    }
}

/// What one strategy found of one bug.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct KillCell {
    /// Trials that found it.
    pub found: u64,
    /// Median runs until then.
    pub runs: u64,
    /// Median seconds until then; CPU time where strategies are compared.
    pub seconds: f64,
}

/// What an engine of racing threads found of one bug.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RacingKill {
    /// The engine: loom or shuttle.
    pub engine: String,
    /// What it has explored.
    pub form: String,
    /// The invariant that an execution has broken.
    pub caught_by: Option<String>,
    /// Which execution that was, from 1; or how many there were.
    pub executions: u64,
    /// Whether that execution fails again when its schedule is replayed.
    pub replays: bool,
    /// Seconds that it took, with the replay.
    pub seconds: f64,
}

impl KillRow {
    /// The bug, with what tells the row from others.
    pub fn name(&self) -> String {
        format!("{} {}", self.bug, self.variant).trim_end().into()
    }
}

impl KillMatrix {
    /// The bugs that nothing has caught although something should.
    pub fn survivors(&self) -> impl Iterator<Item = &KillRow> {
        self.rows.iter().filter(|row| row.status == KillStatus::Survived)
    }

    /// What it counted, as label and value.
    pub fn figures(&self, timing: &Timing) -> Vec<(&'static str, String)> {
        use KillStatus::{Caught, Equivalent, Missed, NotTried, Survived};
        let count = |status: KillStatus| self.rows.iter().filter(|row| row.status == status).count();
        let counted = [Caught, Survived, Missed, Equivalent, NotTried].map(|status| (status.name(), count(status)));
        let rows = counted.into_iter().filter(|(name, count)| *count > 0 || *name == Survived.name());
        let tried = ("trials", format!("{} of at most {} runs each", self.trials, self.cap));
        rows.map(|(name, count)| (name, count.to_string()))
            .chain([tried, ("time", crate::words::time(timing.seconds))])
            .collect()
    }

    fn night(self, planted: Vec<String>, timing: Timing, interrupted: bool) -> Night {
        let plan = Plan { command: "bugs".into(), planted, ..Plan::default() };
        let falken = env!("CARGO_PKG_VERSION").into();
        let says = || "stopped early: the rows are those that were done".into();
        let notes = interrupted.then(says).into_iter().collect();
        Night { format: FORMAT, falken, plan, timing, kill_matrix: Some(self), interrupted, notes, ..Night::default() }
    }
}

fn bugs(matrix: &KillMatrix) -> Vec<String> {
    let mut bugs: Vec<String> = matrix.rows.iter().map(|row| row.bug.clone()).collect();
    bugs.dedup();
    bugs
}

fn timing(seconds: f64, jobs: u64) -> Timing {
    Timing { seconds, jobs, ..Timing::default() }
}

fn words(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).into()).collect()
}

fn row(row: &Row) -> KillRow {
    let cell = |cell: &crate::kill::Cell| KillCell {
        found: cell.found() as u64,
        runs: cell.runs().unwrap_or(0),
        seconds: cell.seconds().unwrap_or(0.0),
    };
    let racing = |kill: &ThreadKill| RacingKill {
        engine: kill.engine.into(),
        form: kill.form.into(),
        caught_by: kill.caught_by.map(Into::into),
        executions: kill.executions,
        replays: kill.replays,
        seconds: kill.seconds,
    };
    let on_threads = || row.threads.iter().find_map(|kill| kill.caught_by).into_iter().collect();
    KillRow {
        bug: row.bug.into(),
        variant: row.mode.into(),
        status: row.status(),
        scenario: row.scenario.clone().unwrap_or_else(|| row.form().into()),
        invariants: words(&row.best().map_or_else(on_threads, crate::kill::Cell::caught_by)),
        cells: row.cells.iter().map(cell).collect(),
        shrunk: row.shrunk,
        racing: row.threads.iter().map(racing).collect(),
    }
}

impl Night {
    /// A kill matrix of hunts that gave up after `cap` runs.
    pub fn of_kills(report: &KillReport, cap: u64, jobs: u64) -> Self {
        let cells = report.rows.iter().map(|row| &row.cells).find(|cells| !cells.is_empty());
        let matrix = KillMatrix {
            trials: cells.map_or(0, |cells| cells.iter().map(|cell| cell.kills.len() as u64).max().unwrap_or(0)),
            cap,
            strategies: cells.iter().flat_map(|cells| cells.iter()).map(|cell| cell.strategy.into()).collect(),
            rows: report.rows.iter().map(row).collect(),
        };
        let planted = bugs(&matrix);
        matrix.night(planted, timing(report.seconds, jobs), report.is_stopped)
    }

    /// Which invariants catch a bug when each is checked alone.
    pub fn of_alone(pairs: &[Alone], is_stopped: bool, cap: u64, seconds: f64, jobs: u64) -> Self {
        let status = |pair: &Alone| match () {
            () if pair.kill.is_some() => KillStatus::Caught,
            () if pair.is_missed() => KillStatus::Survived,
            () => KillStatus::Missed,
        };
        let row = |pair @ Alone { bug, check, kill, runs, .. }: &Alone| KillRow {
            bug: (*bug).into(),
            variant: (*check).into(),
            status: status(pair),
            scenario: kill.as_ref().map_or_else(String::new, |(scenario, ..)| scenario.clone()),
            invariants: kill.iter().map(|_| (*check).into()).collect(),
            cells: vec![KillCell { found: u64::from(kill.is_some()), runs: *runs, seconds: 0.0 }],
            ..KillRow::default()
        };
        let rows = pairs.iter().map(row).collect();
        let matrix = KillMatrix { trials: 1, cap, strategies: vec!["checked alone".into()], rows };
        let planted = bugs(&matrix);
        matrix.night(planted, timing(seconds, jobs), is_stopped)
    }

    /// A duel of strategies.
    pub fn of_duel(report: &DuelReport, seconds: f64, jobs: u64) -> Self {
        let bugs_of = || report.cells.chunk_by(|a, b| a.bug == b.bug);
        let cell = |cell: &crate::duel::Cell| KillCell {
            found: cell.found() as u64,
            runs: cell.runs_median(),
            seconds: cell.mean_cpu_seconds(),
        };
        let row = |cells: &[crate::duel::Cell]| KillRow {
            bug: cells[0].bug.into(),
            status: if cells.iter().any(|cell| cell.found() > 0) { KillStatus::Caught } else { KillStatus::Missed },
            cells: cells.iter().map(cell).collect(),
            ..KillRow::default()
        };
        let strategies = bugs_of().next().unwrap_or_default().iter().map(|cell| cell.strategy.into()).collect();
        let matrix =
            KillMatrix { trials: report.trials, cap: report.cap, strategies, rows: bugs_of().map(row).collect() };
        let planted = bugs(&matrix);
        matrix.night(planted, timing(seconds, jobs), report.is_stopped)
    }
}

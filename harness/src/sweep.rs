//! The sweep: each statement of a run is disturbed at its first yield, in another run at its second, and so on until there
//! is none left; each I/O operation fails once and is refused once at its submission; what a statement waits for is cancelled
//! once as a whole and once member by member. What a statement has in flight when it is abandoned comes to each outcome of a
//! cancel in turn: done before, done long after, done in part, not done.
//!
//! A survey runs the scenario once without any disturbance and writes down every point at which there could be one. Up to
//! its point a disturbed run is the survey, since nothing but the point differs; so there is one run for each point, and
//! no point is missed or hit twice. What happens after a disturbance is decided by the same strategy, and ends as every run
//! does: everything must still work.
//!
//! A sweep covers the points of *one* schedule. It says nothing about two disturbances, or other schedules: use other
//! seeds for those.

use falken_models::bug::Planted;

use crate::case::Case;
use crate::choice::Tape;
use crate::fault::Rate;
use crate::run::RunReport;
use crate::scenario::{Faults, Scenario};
use crate::strategy::{Aim, Aimed, Entry, Passed, Point};

/// A sweep over one schedule.
pub struct Sweep {
    case: Case,
    strategy: &'static Entry,
    aims: Vec<Aim>,
}

/// What the undisturbed run has passed.
pub struct Survey {
    /// How it ended: a sweep makes no sense if it failed.
    pub report: RunReport,
    /// The points, in order, each with the name of its statement.
    pub points: Vec<(Point, &'static str)>,
}

impl Sweep {
    /// A sweep of what a scenario does with this seed under a strategy. Of its own disturbances and crashes there are none.
    pub fn new(scenario: &Scenario, seed: u64, planted: Planted, strategy: &'static Entry, aims: &[Aim]) -> Self {
        let rate = |aim: Aim| if aims.contains(&aim) { Rate::one_in(ASKED) } else { Rate::NEVER };
        let any = |kinds: &[Aim]| kinds.iter().map(|aim| rate(*aim)).find(|rate| rate.is_on()).unwrap_or(Rate::NEVER);
        let abandon = any(&[Aim::Abandon, Aim::CancelDone, Aim::CancelLate, Aim::CancelPartly, Aim::Cancelled]);
        let (drop, interrupt, eio_at_submit) = (rate(Aim::Drop), rate(Aim::Interrupt), rate(Aim::Refuse));
        let (cancel, eio, fsync_kept_dirty) = (rate(Aim::Cancel), rate(Aim::Eio), rate(Aim::Eio));
        let faults =
            Faults { abandon, drop, interrupt, cancel, eio, fsync_kept_dirty, eio_at_submit, ..Faults::default() };
        let scenario = Scenario { faults, ..scenario.clone() };
        let case = Case { scenario, seed, planted, tape: Tape::default() };
        Self { case, strategy, aims: aims.to_vec() }
    }

    /// Runs without disturbance.
    pub fn survey(&self) -> Survey {
        let passed = Passed::default();
        let report = self.case.run_under(Box::new(Aimed::nowhere((self.strategy.new)(self.case.seed), &passed)));
        let passed = std::mem::take(&mut *passed.lock());
        let points = passed.into_iter().filter(|point| self.aims.contains(&point.aim));
        let statement = |point: &Point| {
            let own = report.submitted.iter().filter(|submitted| submitted.id == point.id);
            own.skip(point.statement as usize - 1).map(|submitted| submitted.op.kind().name()).next().unwrap_or("?")
        };
        let points = points.map(|point| (point, statement(&point))).collect();
        Survey { points, report }
    }

    /// Runs with the disturbance of one point; `None` if it did not happen, which would be nondeterminism.
    pub fn disturb(&self, point: Point) -> Option<RunReport> {
        let report = self.case.run_under(Box::new(Aimed::at(point, (self.strategy.new)(self.case.seed))));
        let probes: &[&str] = match point.aim {
            Aim::Abandon | Aim::CancelDone | Aim::CancelLate | Aim::CancelPartly | Aim::Cancelled => &["abandon"],
            Aim::Drop => &["drop"],
            Aim::Interrupt => &["interrupt"],
            // Where a statement only lets others run there is nothing to cancel: see `is_covered`.
            Aim::Cancel => return Some(report),
            Aim::Eio => &["fault.eio", "fault.fsync-kept-dirty"],
            Aim::Refuse => &["fault.eio-at-submit"],
        };
        probes.iter().any(|probe| report.probes.of(probe) > 0).then_some(report)
    }

    /// Whether an operation was asked to cancel, and came to the outcome that the point is about. It is not where the
    /// statement had no more than writes in flight, which nobody cancels: they are waited for. Such a point is no more
    /// than an abandon.
    pub fn is_covered(point: Point, report: &RunReport) -> bool {
        let probe = match point.aim {
            Aim::Abandon | Aim::Drop | Aim::Interrupt | Aim::Eio | Aim::Refuse | Aim::CancelDone => return true,
            Aim::Cancel => "fault.cancel",
            Aim::CancelLate => "cancel.completed-anyway",
            Aim::CancelPartly => "cancel.partial",
            Aim::Cancelled => "cancel.cancelled",
        };
        report.probes.of(probe) > 0
    }

    /// The case that a disturbed run was: what a repro file holds.
    pub fn case_of(&self, report: &RunReport) -> Case {
        Case { tape: report.tape.clone(), ..self.case.clone() }
    }
}

/// The rate with which disturbances are offered; the strategy takes only the one that is aimed at.
const ASKED: u32 = 1_000_000;

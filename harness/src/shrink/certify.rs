//! The certificate: that no run of a shrunk case's programs fails for the same cause with fewer actions, or one that does.
//!
//! Every schedule with fewer actions than the repro has, and with no more faults, is searched ([`explore`](crate::explore)).
//! Where that ends by itself, the repro is a shortest one *of its programs and settings*. It says nothing about other
//! programs, and it tries what the search tries: of a failed write nothing or all, of a delay the shortest and the longest.

use std::sync::atomic::{AtomicBool, Ordering};

use super::{Failing, cause};
use crate::case::Case;
use crate::explore::{Bounds, Ended, Limits, Outcome, Subjects, Successor, Tree};

/// What was searched for a shorter repro, and whether that was all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// The most actions of the runs that were searched: one less than the repro has.
    pub actions_max: u64,
    /// The most faults of those runs: as many as the repro has.
    pub faults_max: u64,
    /// States looked at.
    pub states: u64,
    /// Whether all of them were.
    pub is_finished: bool,
}

/// What certifying led to.
#[derive(Clone, Debug)]
pub enum Certified {
    /// No shorter one was found.
    None(Certificate),
    /// A run with fewer actions.
    Shorter(Box<Failing>),
}

/// Searches for a run of the same programs with fewer actions. `watch` is told how many states there are after each round,
/// and ends the search by returning `false`.
///
/// Returns `None` if the case draws from mixes: then its runs have no end, and a search has none either.
pub fn certify(failing: &Failing, jobs: usize, watch: &mut dyn FnMut(u64) -> bool) -> Option<Certified> {
    let Failing { case, report, size } = failing;
    let cause_wanted = cause(report.verdict.violation()?);
    if !case.scenario.is_finite() {
        return None;
    }
    let mut certificate = Certificate {
        actions_max: size.actions().saturating_sub(1),
        faults_max: size.faults,
        states: 0,
        is_finished: false,
    };
    let bounds = Bounds {
        preemptions: None,
        faults: Some(u32::try_from(size.faults).unwrap_or(u32::MAX)),
        actions: Some(certificate.actions_max),
    };
    let subjects = Subjects { scenario: &case.scenario, planted: case.planted, seed: case.seed, bounds };
    let Successor::State(initial) = subjects.initial() else {
        // The setup alone fails: no schedule comes before it.
        return Some(Certified::None(Certificate { is_finished: true, ..certificate }));
    };
    let (mut tree, stop) = (Tree::new(initial), AtomicBool::new(false));
    let limits = Limits { jobs, ..Limits::default() };
    let wanted = |violation: &_| cause(violation) == cause_wanted;
    let Outcome { ended, failure, .. } = subjects.search_for(&wanted, &mut tree, &limits, &stop, |tree| {
        stop.store(!watch(tree.figures().states), Ordering::Relaxed);
    });
    if let Some(found) = failure {
        let shorter = Failing::of(Case { tape: found.tape, ..case.clone() })?;
        return Some(Certified::Shorter(Box::new(shorter)));
    }
    certificate.states = tree.figures().states;
    certificate.is_finished = ended == Ended::Finished;
    Some(Certified::None(certificate))
}

//! What statements are about: smaller keys, shorter values, weaker checkpoints.

use crate::case::Case;
use crate::shrink::{Failing, arguments::simpler, rebuild};

/// The case with the `index`-th simpler statement.
pub(super) fn candidate(best: &Failing, index: usize) -> Option<Case> {
    if !best.case.scenario.is_finite() {
        return None;
    }
    let submitted = &best.report.submitted;
    let all = submitted.iter().enumerate().flat_map(|(at, one)| simpler(&one.op).into_iter().map(move |op| (at, op)));
    let (at, op) = all.into_iter().nth(index)?;
    let mut changed = submitted.clone();
    changed[at].op = op;
    Some(rebuild::with_statements(&best.case, &changed, best.case.tape.clone()))
}

//! Statements: those that the run did not come to, then large pieces of everything that was run, in the order in which it began, then single ones, then a
//! transaction's frame around what it does.

use std::collections::BTreeSet;

use falken_models::connection::Op;

use super::chunks;
use crate::case::Case;
use crate::run::Submitted;
use crate::shrink::{Failing, rebuild};

/// The case without the `index`-th piece.
pub(super) fn candidate(best: &Failing, index: usize) -> Option<Case> {
    if !best.case.scenario.is_finite() {
        return None;
    }
    let submitted = &best.report.submitted;
    let unreached = std::iter::once(BTreeSet::new());
    let pieces = chunks(submitted.len()).map(|piece| piece.collect::<BTreeSet<_>>());
    let gone = unreached.chain(pieces).chain(frames(submitted)).nth(index)?;
    Some(rebuild::without_statements(&best.case, submitted, &gone))
}

/// BEGIN and the end that belongs to it: without them the statements between are transactions of their own. Then all from
/// one to the other.
fn frames(submitted: &[Submitted]) -> impl Iterator<Item = BTreeSet<usize>> {
    let begins = submitted.iter().enumerate().filter(|(_, one)| matches!(one.op, Op::Begin(_)));
    begins.flat_map(move |(begin, Submitted { id, .. })| {
        let own = || submitted.iter().enumerate().skip(begin + 1).filter(move |(_, one)| one.id == *id);
        let end = own().find(|(_, one)| matches!(one.op, Op::Commit | Op::Rollback)).map(|(at, _)| at);
        let all = own().map(|(at, _)| at).take_while(move |at| end.is_none_or(|end| *at <= end)).chain([begin]);
        [std::iter::once(begin).chain(end).collect(), all.collect()]
    })
}

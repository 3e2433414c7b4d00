//! Numbers on the tape, for example which version of a sector survives: nought, half, one less.

use crate::case::Case;
use crate::choice::{OptionId, Tape};
use crate::shrink::Failing;

/// The case with the `index`-th smaller number.
pub(super) fn candidate(best: &Failing, index: usize) -> Option<Case> {
    let entries = best.case.tape.entries();
    let numbers = entries.iter().enumerate().filter_map(|(at, entry)| match entry.id {
        OptionId::Number(n) if n > 0 => Some((at, n)),
        _ => None,
    });
    let (at, smaller) = numbers.flat_map(|(at, n)| [0, n / 2, n - 1].map(|smaller| (at, smaller))).nth(index)?;
    let mut changed = entries.to_vec();
    changed[at].id = OptionId::Number(smaller);
    Some(Case { tape: Tape::new(changed), ..best.case.clone() })
}

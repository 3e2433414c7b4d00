//! Whole connections, with all that they do.

use crate::case::Case;
use crate::shrink::{Failing, rebuild};

/// The case without connection `index`.
pub(super) fn candidate(best: &Failing, index: usize) -> Option<Case> {
    let connections = best.case.scenario.clients.len();
    if index >= connections || connections == 1 || !best.case.scenario.is_finite() {
        return None;
    }
    let mut case = best.case.clone();
    rebuild::remove_connection(&mut case, index as u8);
    Some(case)
}

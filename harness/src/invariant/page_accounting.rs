//! In every committed state each page is used exactly once, and tree order, chain lengths and freelist counts are right.

use super::{Invariant, Moment, View};
use crate::parser;
use crate::verdict::Evidence;

/// See the module.
#[derive(Debug, Default, Hash)]
pub struct PageAccounting;

impl Invariant for PageAccounting {
    fn moment(&mut self, _moment: Moment, view: &View<'_>) -> Result<(), Evidence> {
        let Some(recovered) = view.recover_copy() else { return Ok(()) };
        match parser::read_rows(&recovered.image, view.ledger.page_size) {
            Ok(_) => Ok(()),
            Err(problem) => {
                let summary = format!("in commit {} page {} {}", view.ledger.newest(), problem.page, problem.what);
                Err(Evidence::new(summary).with("page", problem.page))
            }
        }
    }
}

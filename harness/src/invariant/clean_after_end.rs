//! When an operation has ended, every resumable field it used is back at its start value.

use super::{Invariant, Moment, View};
use crate::verdict::Evidence;

/// See the module.
#[derive(Debug, Default, Hash)]
pub struct CleanAfterEnd;

impl Invariant for CleanAfterEnd {
    fn moment(&mut self, _moment: Moment, view: &View<'_>) -> Result<(), Evidence> {
        let Some(connection) = view.ended_connection() else { return Ok(()) };
        let conn = connection.session().conn;
        match connection.residue() {
            None => Ok(()),
            Some(field) => Err(Evidence::new(format!("connection c{conn} has ended its statement, but `{field}` is still set"))),
        }
    }
}

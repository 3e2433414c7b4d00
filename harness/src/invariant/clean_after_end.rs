//! When an operation has ended, every resumable field it used is back at its start value.

use falken_models::connection::Connection;

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
            None => check_header(connection, view),
            Some(field) => {
                Err(Evidence::new(format!("connection c{conn} has ended its statement, but `{field}` is still set")))
            }
        }
    }
}

/// The private header copy is that of the connection's last transaction, to which its cache belongs, or it is void. One that
/// has the file open no more takes a new one before it reads.
fn check_header(connection: &Connection, view: &View<'_>) -> Result<(), Evidence> {
    let session = connection.session();
    if !session.open {
        return Ok(());
    }
    let cached_at = view.ledger.conns[usize::from(session.conn)].snapshot;
    let header = session.view.header.log_point();
    match (view.ledger.commit_at(header), cached_at) {
        (Some(found), Some(cached_at)) if session.view.header.is_init && found != cached_at => {
            let summary = format!("connection c{} has kept a header that its cache does not belong to", session.conn);
            Err(Evidence::new(summary)
                .with("private header", format!("{header}, commit {found}"))
                .with("its last transaction saw", format!("commit {cached_at}")))
        }
        _ => Ok(()),
    }
}

//! What the models can come to at all: probes are made from the lists of all sites, states and errors, and this says which of
//! them no run of the catalogue can hit, and why.

use falken_models::event::StatementKind;
use falken_models::io::CompletionError;
use falken_models::session::Error;
use falken_models::site::Site;

/// One error of each kind.
pub(super) const ERRORS: [Error; 10] = [
    Error::Busy,
    Error::BusySnapshot,
    Error::Locked,
    Error::Protocol,
    Error::Io(CompletionError::Io),
    Error::Corrupt(""),
    Error::Full,
    Error::Misuse,
    Error::Abandoned,
    Error::Interrupted,
];

/// The place of an error's kind in [`ERRORS`].
pub(super) fn place(error: Error) -> usize {
    match error {
        Error::Busy => 0,
        Error::BusySnapshot => 1,
        Error::Locked => 2,
        Error::Protocol => 3,
        Error::Io(_) => 4,
        Error::Corrupt(_) => 5,
        Error::Full => 6,
        Error::Misuse => 7,
        Error::Abandoned => 8,
        Error::Interrupted => 9,
    }
}

/// Whether somebody can yield there.
pub(super) fn is_yielded_at(site: Site) -> bool {
    // A statement stands at its start before it has yielded; rehearsals need `schedule.rehearse-change`, which only tests of
    // repro files ask for.
    !matches!(site, Site::StatementStart | Site::Rehearsal)
}

/// Whether a machine can be in that state.
pub(super) fn is_entered(machine: &str, state: &str) -> bool {
    // Only a planted bug leads there.
    (machine, state) != ("wal.rollback", "TrimLate")
}

/// Whether this kind of statement can return this kind of error.
pub(super) fn may_return(kind: StatementKind, error: Error) -> bool {
    use StatementKind::{Begin, Checkpoint, Close, Commit, Delete, Drop, Release, Rollback, RollbackTo};
    let starts_reading = kind.writes() || kind.reads_only() || kind == Begin;
    // Dropping a connection undoes what is open, whatever happens.
    if kind == Drop {
        return false;
    }
    match error {
        // Where no lock is needed, a statement that writes beside it is in the way.
        Error::Busy | Error::Abandoned => true,
        Error::BusySnapshot => kind.writes(),
        Error::Locked => kind == Checkpoint,
        Error::Protocol => starts_reading,
        // A savepoint does no I/O; undoing and closing go on in spite of errors.
        Error::Io(_) => starts_reading || matches!(kind, Commit | Release | Checkpoint),
        // Every fault of the catalogue leaves files that are good, or that recovery puts right.
        Error::Corrupt(_) => false,
        Error::Full => kind.writes() && kind != Delete,
        Error::Misuse => matches!(kind, Begin | Commit | Rollback | Release | RollbackTo),
        // What ends or undoes a transaction is not interrupted.
        Error::Interrupted => !matches!(kind, Commit | Rollback | Close),
    }
}

#[cfg(test)]
mod tests {
    use strum::VariantNames;

    use super::*;

    #[test]
    fn errors_are_in_the_order_of_their_enum() {
        assert_eq!(ERRORS.map(place), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        let names = Error::VARIANTS.iter().map(|name| name.replace('-', ""));
        let debugged = ERRORS.map(|error| format!("{error:?}").to_lowercase());
        assert!(names.zip(debugged).all(|(name, debugged)| debugged.starts_with(&name)));
    }
}

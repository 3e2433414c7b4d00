//! Histories written out from the definitions, and a search through all schedules that the check must agree with.
//!
//! [`notation`] is how a history is written here; [`lists`], [`outcomes`] and [`registers`] are
//! tables of literal histories;
//! [`oracle`] decides small histories by trying everything, and [`random`] compares the two.

mod lists;
mod notation;
mod oracle;
mod outcomes;
mod random;
mod registers;
mod reports;

use super::{Model, Verdict, check};
use notation::history;

/// Models by the letters that the tables use: uncommitted, committed, snapshot, repeatable, serializable; in capitals
/// with a client's order (P snapshot, Q serializable) and with real time (T snapshot, U serializable).
const LETTERS: &[(char, Model)] = &[
    ('u', Model::ReadUncommitted),
    ('c', Model::ReadCommitted),
    ('i', Model::SnapshotIsolation),
    ('r', Model::RepeatableRead),
    ('s', Model::Serializable),
    ('P', Model::StrongSessionSnapshotIsolation),
    ('Q', Model::StrongSessionSerializable),
    ('T', Model::StrongSnapshotIsolation),
    ('U', Model::StrongSerializable),
];

/// A literal history, the anomalies that strong serializability finds in it, and the models that allow it.
struct Case {
    name: &'static str,
    history: &'static str,
    anomalies: &'static [&'static str],
    allowed_by: &'static str,
}

/// Every model allows it.
const ALL: &str = "ucirsPQTU";

/// No model allows it.
const NONE: &str = "";

const fn case(
    name: &'static str,
    history: &'static str,
    anomalies: &'static [&'static str],
    allowed_by: &'static str,
) -> Case {
    Case { name, history, anomalies, allowed_by }
}

fn check_case(case: &Case) {
    let history = history(case.history);
    assert_eq!(anomalies(&check(&history, Model::StrongSerializable).verdict), case.anomalies, "{}", case.name);
    let allows = |(letter, model): &(char, Model)| (check(&history, *model).verdict == Verdict::Ok).then_some(*letter);
    let allowed: String = LETTERS.iter().filter_map(allows).collect();
    assert_eq!(allowed, case.allowed_by, "{}", case.name);
}

/// The names of the anomalies, each once.
fn anomalies(verdict: &Verdict) -> Vec<&'static str> {
    match verdict {
        Verdict::Ok => Vec::new(),
        Verdict::Violation(anomalies) => {
            let mut names: Vec<_> = anomalies.iter().map(|a| a.kind.name()).collect();
            names.dedup();
            names
        }
        Verdict::Unknown(_) => vec!["unknown"],
    }
}

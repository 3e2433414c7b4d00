//! An operation that yields anywhere gives the result that it would give if it ran straight through on its snapshot.

use std::collections::BTreeMap;

use falken_models::connection::{Op, Outcome, StatementId};
use falken_models::session::Error;

use super::{Invariant, View};
use crate::ledger::{ConnFacts, Versions};
use crate::verdict::Evidence;

/// See the module.
#[derive(Debug, Default, Hash)]
pub struct ScheduleIndependence;

impl Invariant for ScheduleIndependence {
    fn ended(&mut self, id: StatementId, op: &Op, result: &Result<Outcome, Error>, view: &View<'_>) -> Result<(), Evidence> {
        let (facts, versions) = (&view.ledger.conns[usize::from(id.conn)], &view.ledger.versions);
        let wrong = |expected: String, found: String| {
            let summary = format!("{id} read pages of its snapshot, but {} gives a wrong result", op.kind().name());
            let snapshot = facts.snapshot.map_or("none".into(), |commit| format!("commit {commit}"));
            Err(Evidence::new(summary).with("key", op.key()).with("snapshot", snapshot).with("expected", expected).with("found", found))
        };
        match (op, result) {
            (_, Err(Error::Corrupt(what))) => wrong("a well-formed database".into(), (*what).into()),
            (Op::Get { key }, Ok(Outcome::Value(found))) => {
                if facts.may_read(*key, found.as_deref(), versions) {
                    return Ok(());
                }
                let expected = facts.expected(*key, versions).map(|bytes| &bytes[..]);
                wrong(describe(expected), describe(found.as_deref()))
            }
            (Op::Delete { key }, Ok(Outcome::Deleted(found))) => {
                let expected = facts.existed(*key, versions);
                if expected == *found { Ok(()) } else { wrong(format!("deleted: {expected}"), format!("deleted: {found}")) }
            }
            (Op::Count, Ok(Outcome::Count(found))) => {
                // Rows that the other statement changed may have been counted or not.
                let (rows, beside) = (facts.expected_rows(versions), facts.keys_beside(versions));
                let sure = rows.keys().filter(|key| !beside.contains(key)).count() as u64;
                let most = sure + beside.len() as u64;
                if (sure..=most).contains(found) { Ok(()) } else { wrong(format!("{sure} to {most} rows"), format!("{found} rows")) }
            }
            (Op::Scan, Ok(Outcome::Rows(found))) => match first_difference(facts, versions, found) {
                None => Ok(()),
                Some((expected, found)) => wrong(expected, found),
            },
            _ => Ok(()),
        }
    }
}

/// A value as a person can compare it: its length and how it starts.
fn describe(value: Option<&[u8]>) -> String {
    let Some(bytes) = value else { return "no row".into() };
    let start: String = bytes.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    format!("{} bytes {start}{}", bytes.len(), if bytes.len() > 12 { "…" } else { "" })
}

fn first_difference(facts: &ConnFacts, versions: &Versions, rows: &[(i64, Vec<u8>)]) -> Option<(String, String)> {
    let expected = facts.expected_rows(versions);
    let found: BTreeMap<i64, &[u8]> = rows.iter().map(|(key, value)| (*key, value.as_slice())).collect();
    if !rows.is_sorted_by(|(before, _), (after, _)| before < after) {
        return Some(("keys in ascending order".into(), format!("{:?}", rows.iter().map(|(key, _)| key).collect::<Vec<_>>())));
    }
    let keys = expected.keys().chain(found.keys()).copied();
    let differs = |key: &i64| {
        let found = found.get(key).copied();
        expected.get(key).map(|bytes| &bytes[..]) != found && !facts.may_read(*key, found, versions)
    };
    let key = keys.filter(differs).min()?;
    let row = |value: Option<&[u8]>| format!("key {key}: {}", describe(value));
    Some((row(expected.get(&key).map(|bytes| &bytes[..])), row(found.get(&key).copied())))
}

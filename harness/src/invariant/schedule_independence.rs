//! An operation that yields anywhere gives the result that it would give if it ran straight through on its snapshot.

use std::collections::BTreeMap;

use falken_models::connection::{Op, Outcome};
use falken_models::session::Error;

use super::{Invariant, View};
use crate::ledger::Bytes;
use crate::verdict::Evidence;

/// See the module.
#[derive(Debug, Default, Hash)]
pub struct ScheduleIndependence;

impl Invariant for ScheduleIndependence {
    fn ended(&mut self, conn: u8, op: &Op, result: &Result<Outcome, Error>, view: &View<'_>) -> Result<(), Evidence> {
        let (facts, versions) = (&view.ledger.conns[usize::from(conn)], &view.ledger.versions);
        let wrong = |expected: String, found: String| {
            let summary = format!("connection c{conn} read pages of its snapshot, but {} gives a wrong result", op.kind().name());
            let snapshot = facts.snapshot.map_or("none".into(), |commit| format!("commit {commit}"));
            Err(Evidence::new(summary).with("key", op.key()).with("snapshot", snapshot).with("expected", expected).with("found", found))
        };
        match (op, result) {
            (_, Err(Error::Corrupt(what))) => wrong("a well-formed database".into(), (*what).into()),
            (Op::Get { key }, Ok(Outcome::Value(found))) => {
                let expected = facts.expected(*key, versions).map(|bytes| &bytes[..]);
                if expected == found.as_deref() { Ok(()) } else { wrong(describe(expected), describe(found.as_deref())) }
            }
            (Op::Delete { key }, Ok(Outcome::Deleted(found))) => {
                let expected = facts.existed(*key, versions);
                if expected == *found { Ok(()) } else { wrong(format!("deleted: {expected}"), format!("deleted: {found}")) }
            }
            (Op::Count, Ok(Outcome::Count(found))) => {
                let expected = facts.expected_rows(versions).len() as u64;
                if expected == *found { Ok(()) } else { wrong(format!("{expected} rows"), format!("{found} rows")) }
            }
            (Op::Scan, Ok(Outcome::Rows(found))) => match first_difference(&facts.expected_rows(versions), found) {
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

fn first_difference(expected: &BTreeMap<i64, &Bytes>, found: &[(i64, Vec<u8>)]) -> Option<(String, String)> {
    let found: BTreeMap<i64, &[u8]> = found.iter().map(|(key, value)| (*key, value.as_slice())).collect();
    let keys = expected.keys().chain(found.keys()).copied();
    let differs = |key: &i64| expected.get(key).map(|bytes| &bytes[..]) != found.get(key).copied();
    let key = keys.filter(differs).min()?;
    let row = |value: Option<&[u8]>| format!("key {key}: {}", describe(value));
    Some((row(expected.get(&key).map(|bytes| &bytes[..])), row(found.get(&key).copied())))
}

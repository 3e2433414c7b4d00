//! What must hold when all threads have ended, judged by those who share no code with the models: the parser of the files,
//! and the effects that transactions claim.

use std::collections::BTreeMap;

use falken_harness::parser::{read_rows, recover};
use falken_models::threads::programs::{Effect, Known, Quiet};

/// What is known of the effects on one row.
#[derive(Default)]
struct Row<'a> {
    /// The bytes that must be in it.
    certain: Vec<u8>,
    /// The bytes that may be in it too.
    perhaps: Vec<u8>,
    sets: Vec<&'a [u8]>,
    is_certain_to_exist: bool,
    is_deleted: bool,
}

/// Judges an execution.
///
/// # Panics
/// If something does not hold; the message begins with the invariant's id.
pub fn judge(quiet: &Quiet, page_size: usize) {
    let image = recover(&quiet.database, &quiet.log, page_size).image;
    let rows = match read_rows(&image, page_size) {
        Ok(rows) => rows,
        Err(problem) => panic!("PG-5: page {} {}", problem.page, problem.what),
    };
    let read: BTreeMap<_, _> = quiet.rows.iter().cloned().collect();
    assert_eq!(read, rows, "WAL-3: what a connection reads is not what the files hold");
    let mut by_key: BTreeMap<i64, Row<'_>> = BTreeMap::new();
    for (known, effect) in &quiet.effects {
        let is_certain = *known == Known::Committed;
        match effect {
            Effect::Appended { key, element } => {
                let row = by_key.entry(*key).or_default();
                if is_certain { &mut row.certain } else { &mut row.perhaps }.extend(element);
                row.is_certain_to_exist |= is_certain;
            }
            Effect::Set { key, value } => {
                let row = by_key.entry(*key).or_default();
                row.sets.push(value);
                row.is_certain_to_exist |= is_certain;
            }
            Effect::Deleted { key } => by_key.entry(*key).or_default().is_deleted = true,
        }
    }
    by_key.iter().for_each(|(key, row)| judge_row(*key, row, rows.get(key).map(Vec::as_slice)));
    let invented = rows.keys().find(|key| !by_key.contains_key(key));
    assert_eq!(invented, None, "TX-1: a row that nobody has committed");
}

fn judge_row(key: i64, row: &Row<'_>, found: Option<&[u8]>) {
    let Some(found) = found else {
        assert!(row.is_deleted || !row.is_certain_to_exist, "TX-2: row {key} was committed and is lost");
        return;
    };
    let is_list = !row.certain.is_empty() || !row.perhaps.is_empty();
    match (&row.sets[..], is_list) {
        (sets, false) => assert!(sets.contains(&found), "TX-1: row {key} holds what nobody has committed"),
        // A list that one transaction began, before anybody appended: no append may be lost or repeated.
        ([] | [_], true) if !row.is_deleted => {
            let begun = row.sets.first().copied().unwrap_or_default();
            let list = found.strip_prefix(begun).unwrap_or_else(|| panic!("TX-5: row {key} has lost its beginning"));
            let missing = without(&row.certain, list);
            let surplus = without(list, &row.certain);
            assert!(missing.is_empty(), "TX-5: an append to row {key} was lost");
            assert!(without(&surplus, &row.perhaps).is_empty(), "TX-5: an append to row {key} was repeated");
        }
        // Values and lists on one row: what may be left depends on the order of commits, which is not known here.
        (_, true) => {}
    }
}

/// The bytes of `all` that `some` does not have, each as often as it is missing.
fn without(all: &[u8], some: &[u8]) -> Vec<u8> {
    let mut left = all.to_vec();
    for byte in some {
        if let Some(at) = left.iter().position(|other| other == byte) {
            left.swap_remove(at);
        }
    }
    left
}

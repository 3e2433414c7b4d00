//! Making a case from statements: programs are written from what was submitted, orders follow their statements.

use std::collections::{BTreeMap, BTreeSet};

use falken_models::connection::{Op, StatementId};

use crate::case::Case;
use crate::choice::{OptionId, Tape, TapeEntry, Until};
use crate::run::{RunReport, Submitted};
use crate::scenario::{Clients, program};

/// The case with these statements as its programs and with this tape. What belongs to no transaction any more is repaired:
/// one that was cut short by a crash ends with ROLLBACK.
pub(super) fn with_statements(case: &Case, submitted: &[Submitted], tape: Tape) -> Case {
    let mut case = Case { tape, ..case.clone() };
    let connections = case.scenario.connections();
    let write = |conn, slot| write_program(StatementId { conn, slot }, submitted);
    let clients = (0..connections).map(|conn| Clients {
        count: 1,
        program: write(conn, 0),
        beside_program: write(conn, 1),
        ..Clients::default()
    });
    // A connection with nothing to do still has a number: an empty program cannot be written, so it reads nothing.
    case.scenario.clients = clients.collect();
    case.scenario.setup.clear();
    remove_idle_connections(&mut case);
    case
}

fn write_program(id: StatementId, submitted: &[Submitted]) -> Vec<String> {
    let mut written = Vec::new();
    let (mut is_open, mut by_savepoint) = (false, false);
    for (ordinal, Submitted { op, begins, .. }) in submitted.iter().filter(|one| one.id == id).enumerate() {
        if is_open && (*begins || matches!(op, Op::Begin(_))) {
            written.push("rollback".into());
            is_open = false;
        }
        // A client rolls back after an error of its own accord.
        let goes_on = matches!(op, Op::Commit | Op::Rollback | Op::Release { .. } | Op::RollbackTo { .. });
        if *op == Op::Drop || (goes_on && !is_open) {
            continue;
        }
        match op {
            Op::Begin(_) | Op::Savepoint => {
                by_savepoint = if is_open { by_savepoint } else { *op == Op::Savepoint };
                is_open = true;
            }
            Op::Commit | Op::Rollback | Op::Close => is_open = false,
            Op::Release { depth: 0 } if by_savepoint => is_open = false,
            _ => {}
        }
        let letter = if id.slot == 0 { b'a' } else { b'A' } + id.conn % 26;
        let label = format!("{}{}", char::from(letter), ordinal + 1);
        written.push(program::write_statement(op, &label));
    }
    if is_open {
        written.push("rollback".into());
    }
    written
}

/// Connections without a program disappear, and those behind them move up. One stays in any case.
fn remove_idle_connections(case: &mut Case) {
    let idle = |clients: &Clients| clients.program.is_empty() && clients.beside_program.is_empty();
    while let Some(conn) = case.scenario.clients.iter().position(idle) {
        if case.scenario.clients.len() == 1 {
            return;
        }
        remove_connection(case, conn as u8);
    }
}

/// The case without a connection and what the tape says about it; those behind it move up.
pub(super) fn remove_connection(case: &mut Case, conn: u8) {
    case.scenario.clients.remove(usize::from(conn));
    let entries = case.tape.entries().iter().filter(|entry| entry.id.connection() != Some(conn));
    let moved = entries.map(|entry| match entry.id.connection() {
        Some(other) if other > conn => TapeEntry { id: entry.id.with_connection(other - 1), ..*entry },
        _ => *entry,
    });
    case.tape = Tape::new(moved.collect());
}

/// The case without some of the statements that its run has begun, each named by its place in `submitted`. Orders to run
/// into one of them are dropped, those behind it are counted anew.
pub(super) fn without_statements(case: &Case, submitted: &[Submitted], gone: &BTreeSet<usize>) -> Case {
    let mut kept = Vec::new();
    // For each connection and statement its new number, if it is still there.
    let mut numbers: BTreeMap<(StatementId, u32), Option<u32>> = BTreeMap::new();
    let mut counts: BTreeMap<StatementId, (u32, u32)> = BTreeMap::new();
    for (at, one) in submitted.iter().enumerate() {
        let id = &one.id;
        let (old, new) = counts.entry(*id).or_default();
        *old += 1;
        if gone.contains(&at) {
            numbers.insert((*id, *old), None);
        } else {
            *new += 1;
            numbers.insert((*id, *old), Some(*new));
            kept.push(one.clone());
        }
    }
    let renumber = |id: StatementId, statement: u32| -> Option<u32> {
        let (old, new) = counts.get(&id).copied().unwrap_or_default();
        // What comes behind the programs, like the last ROLLBACK, keeps its distance.
        numbers.get(&(id, statement)).copied().unwrap_or(Some(statement.saturating_sub(old - new)))
    };
    let entries = case.tape.entries().iter().filter_map(|entry| {
        let id = match entry.id {
            OptionId::Run { id, until: Some(until) } => {
                let statement = renumber(id, until.statement)?;
                OptionId::Run { id, until: Some(Until { statement, ..until }) }
            }
            OptionId::FinishOf { id, statement, nth } => {
                OptionId::FinishOf { id, statement: renumber(id, statement)?, nth }
            }
            id => id,
        };
        Some(TapeEntry { id, ..*entry })
    });
    with_statements(case, &kept, Tape::new(entries.collect()))
}

/// The case without the entries of its tape that were not offered, changed nothing, or came behind the end of the run.
/// `None` if there are none.
pub(super) fn without_unused(case: &Case, report: &RunReport) -> Option<Case> {
    let divergence =
        report.divergence.as_ref().filter(|divergence| !divergence.unused.is_empty() || divergence.left > 0)?;
    let entries = case.tape.entries();
    let used = (0..entries.len() - divergence.left).filter(|at| divergence.unused.binary_search(at).is_err());
    Some(Case { tape: Tape::new(used.map(|at| entries[at]).collect()), ..case.clone() })
}

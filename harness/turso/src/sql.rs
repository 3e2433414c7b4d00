//! What each operation of a scenario is in SQL, and what its rows mean.

use falken_harness::scenario::Journal;
use falken_models::connection::{BeginKind, Op, Outcome};
use falken_models::wal::{CheckpointMode, CheckpointResult};
use turso_core::{Numeric, Row, Value};

/// The statement for an operation on a connection, with its parameters; `None` for what is no statement.
pub fn statement(op: &Op, journal: Journal, savepoints: u8) -> Option<(String, Vec<Value>)> {
    let integer = |key: i64| Value::Numeric(Numeric::Integer(key));
    let blob = |bytes: &[u8]| Value::Blob(bytes.to_vec());
    let plain = |sql: &str| Some((sql.to_owned(), Vec::new()));
    match op {
        Op::Begin(BeginKind::Deferred) => plain(if journal.is_wal() { "BEGIN" } else { "BEGIN CONCURRENT" }),
        Op::Begin(BeginKind::Immediate) => plain("BEGIN IMMEDIATE"),
        Op::Get { key } => Some(("SELECT v FROM kv WHERE k = ?1".into(), vec![integer(*key)])),
        Op::Put { key, value } => {
            Some(("INSERT OR REPLACE INTO kv(k, v) VALUES (?1, ?2)".into(), vec![integer(*key), blob(value)]))
        }
        // Concatenation makes a text of two blobs.
        Op::Append { key, element } => Some((
            "INSERT INTO kv(k, v) VALUES (?1, ?2) ON CONFLICT(k) DO UPDATE SET v = CAST(v || excluded.v AS BLOB)"
                .into(),
            vec![integer(*key), blob(element)],
        )),
        Op::Delete { key } => Some(("DELETE FROM kv WHERE k = ?1".into(), vec![integer(*key)])),
        Op::Scan => plain("SELECT k, v FROM kv ORDER BY k"),
        Op::Count => plain("SELECT count(*) FROM kv"),
        Op::Commit => plain("COMMIT"),
        Op::Rollback => plain("ROLLBACK"),
        Op::Savepoint => Some((format!("SAVEPOINT s{savepoints}"), Vec::new())),
        Op::Release { depth } => Some((format!("RELEASE s{depth}"), Vec::new())),
        Op::RollbackTo { depth } => Some((format!("ROLLBACK TO s{depth}"), Vec::new())),
        Op::Checkpoint(mode) => Some((format!("PRAGMA wal_checkpoint({})", mode_name(*mode)), Vec::new())),
        Op::ChangeLayout | Op::Close | Op::Drop => None,
    }
}

fn mode_name(mode: CheckpointMode) -> &'static str {
    match mode {
        CheckpointMode::Passive => "PASSIVE",
        CheckpointMode::Full => "FULL",
        CheckpointMode::Restart => "RESTART",
        CheckpointMode::Truncate => "TRUNCATE",
    }
}

/// A row that a statement has returned.
pub type Columns = Vec<Value>;

/// The values of a row, which the engine keeps only until the next step.
pub fn columns(row: &Row) -> Columns {
    row.get_values().cloned().collect()
}

fn integer(value: &Value) -> i64 {
    match value {
        Value::Numeric(Numeric::Integer(number)) => *number,
        other => panic!("TX-9: {other:?} instead of an integer"),
    }
}

fn bytes(value: &Value) -> Vec<u8> {
    match value {
        Value::Blob(bytes) => bytes.to_vec(),
        other => panic!("TX-9: {other:?} instead of a blob"),
    }
}

/// Keys and values.
pub fn rows<C: FromIterator<(i64, Vec<u8>)>>(rows: &[Columns]) -> C {
    rows.iter().map(|row| (integer(&row[0]), bytes(&row[1]))).collect()
}

/// What a statement has returned that has ended well, with these rows and this many rows changed.
pub fn outcome(op: &Op, rows: &[Columns], changed: i64) -> Outcome {
    match op {
        Op::Get { .. } => Outcome::Value(rows.first().map(|row| bytes(&row[0]))),
        Op::Delete { .. } => Outcome::Deleted(changed > 0),
        Op::Scan => Outcome::Rows(self::rows(rows)),
        Op::Count => Outcome::Count(rows.first().map_or(0, |row| integer(&row[0]).cast_unsigned())),
        Op::Checkpoint(_) => {
            // A checkpoint that could not begin has no figures: they are NULL.
            let figure = |at: usize| match rows.first().map(|row| &row[at]) {
                Some(Value::Numeric(Numeric::Integer(number))) => u32::try_from(*number).unwrap_or(0),
                _ => 0,
            };
            Outcome::Checkpoint(CheckpointResult { busy: figure(0) != 0, log: figure(1), backfilled: figure(2) })
        }
        Op::Begin(_)
        | Op::Put { .. }
        | Op::Append { .. }
        | Op::ChangeLayout
        | Op::Commit
        | Op::Rollback
        | Op::Savepoint
        | Op::Release { .. }
        | Op::RollbackTo { .. }
        | Op::Close
        | Op::Drop => Outcome::Unit,
    }
}

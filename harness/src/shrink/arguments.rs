//! Simpler statements: what a statement can be replaced by, simplest first.

use falken_models::connection::{BeginKind, Op};
use falken_models::sync::Arc;
use falken_models::wal::CheckpointMode;

/// Statements that say less than this one.
pub(super) fn simpler(op: &Op) -> Vec<Op> {
    match op {
        Op::Begin(BeginKind::Deferred)
        | Op::Get { key: 1 }
        | Op::Delete { key: 1 }
        | Op::Scan
        | Op::Count
        | Op::ChangeLayout
        | Op::Commit
        | Op::Rollback
        | Op::Savepoint
        | Op::Close
        | Op::Drop => Vec::new(),
        Op::Release { depth } => (0..*depth).map(|depth| Op::Release { depth }).collect(),
        Op::RollbackTo { depth } => (0..*depth).map(|depth| Op::RollbackTo { depth }).collect(),
        Op::Begin(BeginKind::Immediate) => vec![Op::Begin(BeginKind::Deferred)],
        Op::Get { key } => keys(*key).map(|key| Op::Get { key }).collect(),
        Op::Delete { key } => keys(*key).map(|key| Op::Delete { key }).collect(),
        Op::Put { key, value } => {
            let shorter = values(value).map(|value| Op::Put { key: *key, value });
            shorter.chain(keys(*key).map(|key| Op::Put { key, value: value.clone() })).collect()
        }
        Op::Append { key, element } => {
            let shorter = values(element).map(|element| Op::Append { key: *key, element });
            shorter.chain(keys(*key).map(|key| Op::Append { key, element: element.clone() })).collect()
        }
        Op::Checkpoint(mode) => {
            let all =
                [CheckpointMode::Passive, CheckpointMode::Full, CheckpointMode::Restart, CheckpointMode::Truncate];
            all.into_iter().take_while(|simpler| simpler != mode).map(Op::Checkpoint).collect()
        }
    }
}

/// Smaller keys: the least, and one less.
fn keys(key: i64) -> impl Iterator<Item = i64> {
    [1, key - 1].into_iter().filter(move |smaller| *smaller >= 1 && *smaller < key)
}

/// Shorter values: one letter, half, one byte less; no two are made equal that were not.
fn values(value: &Arc<[u8]>) -> impl Iterator<Item = Arc<[u8]>> {
    let value = value.clone();
    let len = value.len();
    let lengths = [2, len / 4, len / 2, len * 3 / 4, len.saturating_sub(8), len.saturating_sub(1)];
    lengths
        .into_iter()
        .filter(move |shorter| *shorter >= 2 && *shorter < len)
        .map(move |shorter| value[..shorter].into())
}

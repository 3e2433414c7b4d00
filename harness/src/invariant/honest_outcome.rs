//! OK is returned only if the effect is in place: what a statement changed is committed when it returns.

use falken_models::connection::{Op, Outcome, StatementId};
use falken_models::session::Error;
use falken_models::wal::{CheckpointMode, CheckpointResult};

use super::{Invariant, View};
use crate::verdict::Evidence;

/// See the module.
#[derive(Debug, Default, Hash)]
pub struct HonestOutcome;

impl Invariant for HonestOutcome {
    fn ended(
        &mut self,
        id: StatementId,
        op: &Op,
        result: &Result<Outcome, Error>,
        view: &View<'_>,
    ) -> Result<(), Evidence> {
        let (conn, all) = (id.conn, &view.ledger.conns[usize::from(id.conn)]);
        let facts = all.current();
        let name = op.kind().name();
        // Undoing succeeds whatever happened before, and so does closing: what it cannot copy stays in the log.
        let undoes = matches!(op, Op::Rollback | Op::RollbackTo { .. } | Op::Close | Op::Drop);
        if result.is_ok() && facts.io_failed && !undoes {
            let summary =
                format!("connection c{conn} was told that its {name} succeeded, but an operation of it has failed");
            return Err(Evidence::new(summary));
        }
        if let Err(error) = result
            && facts.published.is_some()
            && !matches!(error, Error::Io(_) | Error::Abandoned | Error::Interrupted)
        {
            let summary = format!("connection c{conn} was told \"{error}\", but its {name} has been published");
            return Err(Evidence::new(summary));
        }
        if let (Op::Checkpoint(mode), Ok(Outcome::Checkpoint(figures))) = (op, result) {
            return check_figures(conn, *mode, *figures, view);
        }
        let changes = match (op, result) {
            (Op::Put { .. } | Op::Append { .. }, Ok(_)) | (Op::Delete { .. }, Ok(Outcome::Deleted(true))) => {
                !view.in_transaction
            }
            (Op::Commit, Ok(_)) => all.changes_rows(),
            _ => false,
        };
        if result.is_ok() && facts.published.is_some() && !facts.published_whole {
            let summary =
                format!("connection c{conn} was told that its {name} succeeded, but its frames are not all published");
            return Err(Evidence::new(summary).with("published", format!("{:?}", view.ledger.published)));
        }
        if !changes || facts.published.is_some() {
            return Ok(());
        }
        let summary =
            format!("connection c{conn} was told that its {} succeeded, but nothing was published", op.kind().name());
        Err(Evidence::new(summary).with("key", op.key()).with("newest commit", view.ledger.newest()))
    }
}

/// The figures of a checkpoint are true: it has copied what it says, and without "busy" all that it was asked for.
fn check_figures(conn: u8, mode: CheckpointMode, figures: CheckpointResult, view: &View<'_>) -> Result<(), Evidence> {
    let CheckpointResult { busy, log, backfilled } = figures;
    let facts = &view.ledger.conns[usize::from(conn)];
    let Some(from) = facts.checkpoint else { return Ok(()) };
    // A writer may have restarted the log since; then there is nothing left to compare with.
    let same_generation = view.ledger.published.salts == from.salts;
    let overstated = same_generation && backfilled > view.ledger.backfill;
    let asked_for_all = mode != CheckpointMode::Passive && !busy;
    let incomplete = asked_for_all && log > 0 && backfilled < from.frame;
    let truncates = asked_for_all && mode == CheckpointMode::Truncate;
    let not_cut = truncates && log > 0;
    // What was cut off must have been copied; a generation that began later is for whoever ended that one.
    let ended = view.ledger.ended.filter(|ended| ended.salts == from.salts);
    let cut_too_soon = truncates && ended.is_some_and(|ended| ended.backfill < from.frame);
    if !(overstated || incomplete || not_cut || cut_too_soon) {
        return Ok(());
    }
    let summary = format!("the {} checkpoint of c{conn} reports figures that are not true", mode.name());
    Err(Evidence::new(summary)
        .with("reported", format!("busy {busy}, log {log}, backfilled {backfilled}"))
        .with("nBackfill", ended.map_or(view.ledger.backfill, |ended| ended.backfill))
        .with("header", format!("{from:?}")))
}

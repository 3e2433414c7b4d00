//! What a checkpoint reports is true: "busy" if and only if something kept it from doing all that was asked, how many frames
//! there are in the log that it worked from, and how many of them are in the database file.

use falken_models::wal::{CheckpointMode, CheckpointResult};

use crate::invariant::View;
use crate::verdict::Evidence;

pub(super) fn check(
    conn: u8,
    mode: CheckpointMode,
    figures: CheckpointResult,
    view: &View<'_>,
) -> Result<(), Evidence> {
    let CheckpointResult { busy, log, backfilled } = figures;
    let facts = &view.ledger.conns[usize::from(conn)];
    let (Some(from), met) = (facts.checkpoint, facts.current().met) else { return Ok(()) };
    // A writer may have restarted the log since; then there is nothing left to compare with.
    let same_generation = view.ledger.published.salts == from.salts;
    let asked_for_all = mode != CheckpointMode::Passive && !busy;
    let restarts = asked_for_all && matches!(mode, CheckpointMode::Restart | CheckpointMode::Truncate);
    let truncates = asked_for_all && mode == CheckpointMode::Truncate;
    // What was cut off must have been copied; a generation that began later is for whoever ended that one.
    let ended = view.ledger.ended.filter(|ended| ended.salts == from.salts);
    let slots = view.internals.map_or(0, |internals| internals.shared.config.read_slots);
    let why = if same_generation && backfilled > view.ledger.backfill {
        "more than nBackfill are said to be copied"
    } else if same_generation && log > 0 && backfilled < met.backfill {
        "it has copied more"
    } else if asked_for_all && log > 0 && backfilled < from.frame {
        "it has not copied all, and does not say that it was kept from it"
    } else if truncates && (log > 0 || ended.is_some_and(|ended| ended.backfill < from.frame)) {
        "it has not cut off a log that was copied"
    } else if truncates && !met.log_gone {
        "the log file is still there"
    } else if log != from.frame && !(truncates && log == 0) {
        "its header has another number of frames"
    } else if asked_for_all && !met.write_lock {
        "it never had WRITE, and does not say that it was kept from it"
    } else if restarts && met.reader_locks < slots {
        "it never had all slots of readers, and does not say that it was kept from it"
    } else if busy && mode == CheckpointMode::Passive {
        "a PASSIVE one does what it can, and is never busy"
    } else if busy && !met.busy_lock {
        "nothing has kept it from doing all that was asked"
    } else {
        return Ok(());
    };
    let summary = format!("the {} checkpoint of c{conn} reports figures that are not true: {why}", mode.name());
    Err(Evidence::new(summary)
        .with("reported", format!("busy {busy}, log {log}, backfilled {backfilled}"))
        .with("nBackfill", ended.map_or(view.ledger.backfill, |ended| ended.backfill))
        .with("header", from))
}

//! What a client is told is true. OK is returned only if the effect is in place: what a statement changed is committed when it
//! returns, a transaction is open or has ended as it was asked to. The figures of a checkpoint are right (`figures.rs`), and an
//! error has a reason (`reasons.rs`).

mod figures;
mod reasons;

use std::hash::{Hash, Hasher};

use falken_models::connection::{BeginKind, Op, Outcome, StatementId};
use falken_models::event::{Event, EventKind};
use falken_models::session::Error;

use super::{Invariant, View};
use crate::ledger::Met;
use crate::verdict::Evidence;

/// See the module.
#[derive(Debug, Default)]
pub struct HonestOutcome {
    /// The transaction of each connection, if one is open.
    opened: Vec<Option<Open>>,
}

/// A transaction as its client knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Open {
    by: OpenedBy,
    /// How many savepoints are open; `None` if a statement has failed to change them, or two have changed them at a time.
    savepoints: Option<usize>,
}

/// What has opened a transaction; with the outermost savepoint it ends only if that has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum OpenedBy {
    Begin,
    Savepoint,
}

impl Open {
    /// What is open after a statement that has succeeded.
    fn after(op: &Op, before: Option<Self>) -> Option<Self> {
        let with = |savepoints: usize| move |open: Self| Self { savepoints: Some(savepoints), ..open };
        match op {
            Op::Begin(_) => Some(Self { by: OpenedBy::Begin, savepoints: Some(0) }),
            Op::Savepoint => {
                let open = before.unwrap_or(Self { by: OpenedBy::Savepoint, savepoints: Some(0) });
                Some(Self { savepoints: open.savepoints.map(|count| count + 1), ..open })
            }
            Op::Commit | Op::Rollback | Op::Close | Op::Drop => None,
            Op::Release { depth: 0 } => before.filter(|open| open.by == OpenedBy::Begin).map(with(0)),
            Op::Release { depth } => before.map(with(usize::from(*depth))),
            Op::RollbackTo { depth } => before.map(with(usize::from(*depth) + 1)),
            Op::Get { .. }
            | Op::Put { .. }
            | Op::Append { .. }
            | Op::Delete { .. }
            | Op::Scan
            | Op::Count
            | Op::ChangeLayout
            | Op::Checkpoint(_) => before,
        }
    }
}

impl Hash for HonestOutcome {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // A connection without a transaction is as one that has not had any.
        let open = self.opened.iter().enumerate().filter(|(_, opened)| opened.is_some());
        open.for_each(|opened| opened.hash(state));
    }
}

impl Invariant for HonestOutcome {
    fn event(&mut self, event: &Event, _view: &View<'_>) -> Result<(), Evidence> {
        if let EventKind::Crash { .. } = event.kind {
            self.opened.clear();
        }
        Ok(())
    }

    fn ended(
        &mut self,
        id: StatementId,
        op: &Op,
        result: &Result<Outcome, Error>,
        view: &View<'_>,
    ) -> Result<(), Evidence> {
        self.check_transaction(id, op, result, view)?;
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
        check_met(id, op, result.is_ok(), facts.met, view.in_transaction)?;
        if let Err(error) = result
            && facts.published.is_some()
            && !matches!(error, Error::Abandoned)
        {
            let summary = format!("connection c{conn} was told \"{error}\", but its {name} has been published");
            return Err(Evidence::new(summary));
        }
        if let Err(error) = result {
            reasons::check(id, op, *error, view)?;
        }
        if let (Op::Checkpoint(mode), Ok(Outcome::Checkpoint(figures))) = (op, result) {
            return figures::check(conn, *mode, *figures, view);
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
            return Err(Evidence::new(summary).with("published", view.ledger.published));
        }
        if !changes || facts.published.is_some() {
            return Ok(());
        }
        let summary =
            format!("connection c{conn} was told that its {} succeeded, but nothing was published", op.kind().name());
        Err(Evidence::new(summary).with("key", op.key()).with("newest commit", view.ledger.newest()))
    }
}

impl HonestOutcome {
    /// After a statement that has succeeded a transaction is open if it should be, and after any the savepoints that its client
    /// has opened. A statement beside it may have ended the transaction by failing; then nothing is said.
    fn check_transaction(
        &mut self,
        id: StatementId,
        op: &Op,
        result: &Result<Outcome, Error>,
        view: &View<'_>,
    ) -> Result<(), Evidence> {
        let slot = usize::from(id.conn);
        if self.opened.len() <= slot {
            self.opened.resize(slot + 1, None);
        }
        let before = self.opened[slot];
        let mut after = if result.is_ok() { Open::after(op, before) } else { before };
        let facts = &view.ledger.conns[slot];
        let is_alone = !facts.current().met.sibling;
        if let Some(open) = &mut after
            && moves_savepoints(op)
            && !(is_alone && result.is_ok())
        {
            open.savepoints = None;
        }
        self.opened[slot] = after.filter(|_| view.in_transaction);
        let owed = self.opened[slot].and_then(|open| open.savepoints).filter(|_| is_alone);
        if let Some(owed) = owed.filter(|owed| *owed != facts.savepoints()) {
            let (found, name) = (facts.savepoints(), op.kind().name());
            let summary = format!("{id} has ended its {name}, and savepoints are open: {found}, of its client {owed}");
            return Err(Evidence::new(summary));
        }
        if result.is_err() || !is_alone {
            return Ok(());
        }
        if *op == Op::Begin(BeginKind::Immediate) && !facts.writing {
            return Err(Evidence::new(format!(
                "{id} was told that its transaction can write, but it does not hold WRITE"
            )));
        }
        let met = facts.current().met;
        if *op == Op::Close && met.left_database && !(met.log_gone || met.busy_lock || met.failed_io) {
            let summary = format!(
                "{id} has closed the database as the last one, but left the log, and nothing kept it from removing it"
            );
            return Err(Evidence::new(summary));
        }
        if after.is_some() == view.in_transaction {
            return Ok(());
        }
        let (name, is) = (op.kind().name(), if view.in_transaction { "open" } else { "not open" });
        let summary = format!("{id} was told that its {name} succeeded, but after it a transaction is {is}");
        let opened_by = before.map_or("nothing", |open| match open.by {
            OpenedBy::Begin => "BEGIN",
            OpenedBy::Savepoint => "SAVEPOINT",
        });
        Err(Evidence::new(summary).with("transaction before, opened by", opened_by))
    }
}

fn moves_savepoints(op: &Op) -> bool {
    matches!(op, Op::Savepoint | Op::Release { .. } | Op::RollbackTo { .. })
}

/// What a statement has met, or has not, that goes ill with its outcome.
fn check_met(id: StatementId, op: &Op, is_ok: bool, met: Met, in_transaction: bool) -> Result<(), Evidence> {
    let is_savepoint = moves_savepoints(op);
    let what = if met.waited_unasked {
        "waited for a lock in its PASSIVE checkpoint, which does what it can without"
    } else if is_ok && met.no_savepoint {
        "was told that it succeeded, but no such savepoint is open"
    } else if is_ok && is_savepoint && in_transaction && !met.did_savepoint {
        "was told that it succeeded, but it has opened, released or undone no savepoint"
    } else {
        return Ok(());
    };
    Err(Evidence::new(format!("{id} ({}) {what}", op.kind().name())))
}

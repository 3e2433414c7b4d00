//! Going on from an image, as if all of it were durable: a process reads everything, commits one more transaction, checkpoints
//! it, and goes down again at every barrier on the way.

use falken_models::connection::{Op, Outcome, StatementId};
use falken_models::session::Error;
use falken_models::sync::Arc;
use falken_models::wal::CheckpointMode;

use super::Barrier;
use super::explorer::{Broken, Explorer, Moment, Second};
use super::process::{CONN, Process, STEPS_MAX};
use crate::ledger::{Found, Ledger};
use crate::parser::Recovered;
use crate::run::Oracle;
use crate::subject::Subject;
use crate::verdict::Evidence;

impl<S: Subject> Explorer<S> {
    /// Goes on from an image in which `found` was recovered.
    pub(super) fn go_on(
        &mut self,
        files: [&[u8]; 2],
        found: Found,
        recovered: &Recovered,
        moment: &Moment<'_>,
        class: u64,
        oracle: &mut Option<Box<dyn Oracle>>,
    ) -> Result<(), Broken> {
        let mut ledger = moment.ledger.clone();
        let commit = ledger.rewind(found, recovered, files[0], moment.owed.kind);
        let mut process = self.going_on.take().expect("nobody goes on from a second crash");
        process.start(files);
        let gone_on = self.go_on_in(&mut process, &mut ledger, commit, class, oracle);
        self.going_on = Some(process);
        gone_on.map_err(|(id, evidence)| (id, evidence.with("before that", "a crash, after which a process went on")))
    }

    fn go_on_in(
        &mut self,
        process: &mut Process<S>,
        ledger: &mut Ledger,
        commit: u32,
        class: u64,
        oracle: &mut Option<Box<dyn Oracle>>,
    ) -> Result<(), Broken> {
        let second = Second::After(class);
        let rows = self.run_statement(process, Op::Scan, ledger, second, oracle)?;
        let expected: Vec<_> = ledger.versions.rows(commit).map(|(key, value)| (key, value.to_vec())).collect();
        if rows != Ok(Outcome::Rows(expected)) {
            let summary = format!("after recovery a process does not read the rows of commit {commit}");
            return Err(("DUR-3", Evidence::new(summary)));
        }
        let put = Op::Put { key: 1, value: Arc::from(&b"one more"[..]) };
        // The checkpoint syncs the commit in every mode, so from then on it is owed.
        for op in [put, Op::Checkpoint(CheckpointMode::Passive)] {
            match self.run_statement(process, op, ledger, second, oracle)? {
                // The root may have no room for another leaf.
                Ok(_) | Err(Error::Full) => {}
                Err(error) => {
                    let summary = format!("after recovery a statement fails: {error}");
                    return Err(("LIVE-4", Evidence::new(summary)));
                }
            }
        }
        Ok(())
    }

    /// Runs a statement while the ledger looks on, and explores at its barriers.
    pub(super) fn run_statement(
        &mut self,
        process: &mut Process<S>,
        op: Op,
        ledger: &mut Ledger,
        second: Second,
        oracle: &mut Option<Box<dyn Oracle>>,
    ) -> Result<Result<Outcome, Error>, Broken> {
        let writes = op.kind().writes();
        ledger.begin_statement(StatementId::first(CONN), &op);
        process.submit(op);
        for _ in 0..STEPS_MAX {
            let ended = process.step();
            process.drain().iter().for_each(|event| ledger.note(event));
            if let Some(result) = ended {
                if result.is_ok() {
                    ledger.acknowledge(StatementId::first(CONN));
                }
                let facts = &mut ledger.conns[usize::from(CONN)];
                facts.end_statement(0, writes && result.is_ok(), false, &ledger.versions);
                if writes {
                    self.explore(Barrier::Acknowledgement, &process.disk, ledger, oracle, second)?;
                }
                return Ok(result);
            }
            let in_flight = process.in_flight();
            for op in &in_flight {
                if let Some(barrier) = Barrier::before(op.kind) {
                    self.explore(barrier, &process.disk, ledger, oracle, second)?;
                }
                process.finish(*op);
                process.drain().iter().for_each(|event| ledger.note(event));
            }
            process.give_back(in_flight);
        }
        Err(("LIVE-1", Evidence::new("after recovery a statement does not come to an end")))
    }
}

//! Applying an action: the only place that changes the subject and the disk.

use falken_models::connection::{Connection, Op};
use falken_models::disk::{FileId, Survivor};
use falken_models::event::{Actor, Event, EventKind};
use falken_models::io::{CompletionError, IOCompletions, IOResult};
use falken_models::site::Site;

use super::footprint;
use super::{Checked, Ended, Run, Stage, Submitted, Watch};
use crate::action::{Action, CrashKind, Held};
use crate::choice::{Chooser, Kind};
use crate::client::Phase;
use crate::fault::Fault;
use crate::image::Barrier;
use crate::parser;
use crate::subject::{Internals, Subject};
use crate::verdict::Violation;

impl<S: Subject> Run<'_, S> {
    /// Does what was selected. Fails only where a crash or its images are judged.
    pub(super) fn apply(&mut self, action: Action) -> Checked<()> {
        match action {
            Action::Step(conn) => self.apply_step(conn),
            Action::Poll(conn) => {
                self.mark(Fault::Spurious);
                self.polled = self.subject.awaiting(conn).cloned().map(|awaited| (conn, awaited));
                self.apply_step(conn);
            }
            Action::StepRefused(conn, after) => {
                self.disk.refuse(conn, after, CompletionError::Io);
                self.apply_step(conn);
                self.disk.stop_refusing();
            }
            Action::Finish(op, ending) => {
                self.explore_before(op)?;
                self.disk.finish(op, ending);
            }
            Action::Fail(op, ending, fault) => {
                self.explore_before(op)?;
                self.mark(fault);
                self.disk.finish(op, ending);
            }
            Action::Hold(held, actions) => {
                self.mark(if let Held::Connection(_) = held { Fault::Starve } else { Fault::Delay });
                self.injector.hold(held, self.step, actions);
            }
            Action::Abandon(conn) => self.subject.abandon(conn),
            Action::Drop(conn) => self.apply_drop(conn),
            Action::Crash(kind) => return self.apply_crash(kind),
            Action::Finale => {}
        }
        Ok(())
    }

    /// Marks what follows as injected.
    fn mark(&self, fault: Fault) {
        self.log.push(Actor::Run, EventKind::Injected { fault: fault.key() });
    }

    fn apply_step(&mut self, conn: u8) {
        let slot = usize::from(conn);
        let before = footprint::share(&self.standing[slot]);
        self.step_connection(conn);
        let after = footprint::share(&self.standing[slot]);
        self.situation = self.situation.wrapping_sub(before).wrapping_add(after);
        self.footprint.note(self.situation);
    }

    fn step_connection(&mut self, conn: u8) {
        let slot = usize::from(conn);
        if self.clients[slot].phase == Phase::Idle {
            self.submit_next(conn);
        }
        let result = match self.subject.step(conn) {
            Ok(IOResult::IO(IOCompletions::Single(awaited))) => {
                if !awaited.is_explicit_yield() {
                    self.wakers.park(conn, &awaited);
                }
                self.standing[slot].site = Some(self.site(conn));
                return;
            }
            Ok(IOResult::Done(outcome)) => Ok(outcome),
            Err(error) => Err(error),
        };
        self.standing[slot].site = None;
        let op = self.running[slot].take().expect("a statement was under way");
        self.ended = Some(Ended { conn, op, result });
    }

    fn submit_next(&mut self, conn: u8) {
        let client = &mut self.clients[usize::from(conn)];
        if self.scenario.schedule.rehearse_change {
            self.chooser.number(Kind::Value, self.step, 7);
        }
        let begins = !client.has_queued();
        if begins {
            client.take(&mut self.chooser, &self.scenario.rows);
        }
        let op = client.next_queued().expect("a transaction has at least one statement");
        client.phase = Phase::Running;
        if matches!(self.stage, Stage::Preparing | Stage::Working) {
            self.submitted.push(Submitted { conn, op: op.clone(), begins });
        }
        self.standing[usize::from(conn)].statement += 1;
        self.ledger.conns[usize::from(conn)].begin_statement(&op);
        self.running[usize::from(conn)] = Some(op.clone());
        self.subject.submit(conn, op);
    }

    /// Where a connection has yielded; a subject that shows no internals has one place for all yields.
    #[inline]
    fn site(&self, conn: u8) -> Site {
        let connection =
            |internals: Internals<'_>| internals.connections.get(usize::from(conn))?.as_ref().map(Connection::site);
        self.subject.inspect().and_then(connection).unwrap_or(Site::StatementStart)
    }

    fn apply_drop(&mut self, conn: u8) {
        let slot = usize::from(conn);
        self.clients[slot].reset();
        self.clients[slot].phase = Phase::Closing;
        if self.running[slot].is_none() {
            self.running[slot] = Some(Op::Close);
            self.submitted.push(Submitted { conn, op: Op::Close, begins: true });
            self.standing[slot].statement += 1;
        }
        self.subject.close(conn);
    }

    /// A dropped connection is gone: the client opens another one under the same number.
    pub(super) fn reconnect(&mut self, conn: u8) {
        self.ledger.conns[usize::from(conn)].reconnect();
        self.clients[usize::from(conn)].reset();
        self.subject.connect(conn);
    }

    fn apply_crash(&mut self, kind: CrashKind) -> Checked<()> {
        self.explore(Barrier::End)?;
        self.crashes += 1;
        let event = EventKind::Crash { power: kind == CrashKind::Power };
        self.log.push(Actor::Run, event);
        self.note_events()?;
        self.subject.crash();
        self.crash_disk(kind);
        self.judge_crash(kind)?;
        self.clients.iter_mut().for_each(crate::client::Client::reset);
        self.running.iter_mut().for_each(|op| *op = None);
        self.standing.iter_mut().for_each(|standing| standing.site = None);
        self.situation = 0;
        self.subject.open();
        (0..self.scenario.connections()).for_each(|conn| self.subject.connect(conn));
        Ok(())
    }

    fn crash_disk(&mut self, kind: CrashKind) {
        let (chooser, mut key) = (&mut self.chooser, self.step << 20);
        let mut choose = |_question: Survivor, versions: usize| {
            key += 1;
            survivor(chooser, key, versions)
        };
        match kind {
            CrashKind::Process => self.disk.crash_process(&mut choose),
            CrashKind::Power => self.disk.lose_power(&mut choose),
        }
    }

    /// What is left must be a commit that the sync mode allows, with every page and row in order.
    fn judge_crash(&mut self, kind: CrashKind) -> Checked<()> {
        let step = self.step;
        let failed = |invariant, evidence| Box::new(Violation { invariant, step, evidence });
        let [database, log] = FileId::ALL.map(|file| self.disk.contents(file));
        let recovered = parser::recover(&database, &log, self.ledger.page_size);
        let owed = self.ledger.owed(kind);
        let (found, rows) = self.ledger.judge(&recovered, owed).map_err(|(id, evidence)| failed(id, evidence))?;
        self.ledger.rewind(found, &recovered, &database, kind);
        match &mut self.oracle {
            Some(oracle) => oracle.judge(&database, &log, &rows).map_err(|evidence| failed("ORACLE", evidence)),
            None => Ok(()),
        }
    }

    /// Moves new events into the trace, the ledger and the probes, and shows them to the invariants.
    pub(super) fn note_events(&mut self) -> Checked<()> {
        let mut events: Vec<Event> = std::mem::take(&mut self.events);
        self.log.drain_into(&mut events);
        for event in &events {
            self.ledger.note(event);
            if self.watch == Watch::Report {
                self.trace.note(self.step, *event);
                self.probes.note(event);
                self.commits += u64::from(matches!(event.kind, EventKind::Publish { commit: true, .. }));
            }
            let view = view!(self, None);
            match self.watch {
                Watch::Report | Watch::Judge => self.checks.event(event, &view)?,
                Watch::Rebuild => self.checks.remember(event, &view),
            }
        }
        events.clear();
        self.events = events;
        Ok(())
    }
}

fn survivor(chooser: &mut Chooser, key: u64, versions: usize) -> usize {
    chooser.number(Kind::Survivor, key, versions as u64 - 1) as usize
}

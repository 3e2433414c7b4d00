//! Applying an action: the only place that changes the subject and the disk.

use falken_models::connection::{BeginKind, Op, StatementId};
use falken_models::disk::{FileId, Survivor};
use falken_models::event::{Actor, Event, EventKind};
use falken_models::io::{CompletionError, IOCompletions, IOResult};
use falken_models::session::STATEMENT_SLOTS;
use falken_models::site::Site;

use super::footprint;
use super::{Checked, Ended, Run, Stage, Submitted, Watch};
use crate::action::{Action, CrashKind, Held};
use crate::choice::{Chooser, Kind};
use crate::client::Phase;
use crate::fault::{Class, Fault};
use crate::history::run::Recovery;
use crate::image::Barrier;
use crate::parser;
use crate::subject::{Internals, Subject};
use crate::verdict::Violation;

impl<S: Subject> Run<'_, S> {
    /// Does what was selected. Fails only where a crash or its images are judged.
    pub(super) fn apply(&mut self, action: Action) -> Checked<()> {
        match action {
            Action::Step(id) => self.apply_step(id),
            Action::Poll(id) => {
                self.mark(Fault::Spurious);
                self.polled = self.subject.awaiting(id).cloned().map(|awaited| (id, awaited));
                self.apply_step(id);
            }
            Action::StepRefused(id, after) => {
                self.disk.refuse(id.conn, after, CompletionError::Io);
                self.apply_step(id);
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
                self.mark(if let Held::Statement(_) = held { Fault::Starve } else { Fault::Delay });
                self.injector.hold(held, self.step, actions);
            }
            Action::Cancel(id, nth) => {
                self.mark(Fault::Cancel);
                let mut awaited = self.awaited_operations(id);
                if let Some(only) = nth.checked_sub(1) {
                    awaited = vec![awaited[only as usize]];
                }
                awaited.into_iter().for_each(|ticket| _ = self.disk.cancel(id.conn, ticket));
            }
            Action::Abandon(id) => {
                self.subject.abandon(id);
                self.ledger.abandon_statement(id);
            }
            Action::Interrupt(conn) => self.subject.interrupt(conn),
            Action::Drop(conn) => self.apply_drop(conn),
            Action::Crash(kind) => return self.apply_crash(kind),
            Action::SecondCrash(kind) => {
                self.mark(Fault::DoubleCrash);
                return self.apply_crash(kind);
            }
            Action::Rot(file, offset, mask) => {
                self.mark(Fault::BitRot);
                self.disk.rot(file, offset, mask);
            }
            Action::Finale => {}
        }
        Ok(())
    }

    /// Marks what follows as injected.
    pub(super) fn mark(&mut self, fault: Fault) {
        if fault.entry().class == Class::DetectOnly {
            self.damage.push(fault);
        }
        self.log.push(Actor::Run, EventKind::Injected { fault: fault.key() });
    }

    fn apply_step(&mut self, id: StatementId) {
        let before = footprint::share(&self.standing[id.index()]);
        self.step_statement(id);
        let after = footprint::share(&self.standing[id.index()]);
        self.situation = self.situation.wrapping_sub(before).wrapping_add(after);
        self.footprint.note(self.situation);
    }

    fn step_statement(&mut self, id: StatementId) {
        if self.clients[id.index()].phase == Phase::Idle {
            self.submit_next(id);
        }
        self.ledger.conns[usize::from(id.conn)].stepping = id.slot;
        let result = match self.subject.step(id) {
            Ok(IOResult::IO(IOCompletions::Single(awaited))) => {
                if !awaited.is_explicit_yield() {
                    self.wakers.park(id, &awaited);
                }
                self.standing[id.index()].site = Some(self.site(id));
                return;
            }
            Ok(IOResult::Done(outcome)) => Ok(outcome),
            Err(error) => Err(error),
        };
        self.standing[id.index()].site = None;
        let op = self.running[id.index()].take().expect("a statement was under way");
        self.ended = Some(Ended { id, op, result });
    }

    fn submit_next(&mut self, id: StatementId) {
        let client = &mut self.clients[id.index()];
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
            self.submitted.push(Submitted { id, op: op.clone(), begins });
        }
        self.submit(id, op);
    }

    fn submit(&mut self, id: StatementId, op: Op) {
        self.standing[id.index()].statement += 1;
        self.ledger.begin_statement(id, &op);
        if self.watch == Watch::Report {
            self.history.call(id, self.as_judged(&op), self.subject.in_transaction(id.conn));
        }
        self.running[id.index()] = Some(op.clone());
        self.subject.submit(id, op);
    }

    /// A statement as the history has it: a concurrent transaction has its snapshot from BEGIN on.
    fn as_judged(&self, op: &Op) -> Op {
        match op {
            Op::Begin(_) if !self.scenario.database.journal.is_wal() => Op::Begin(BeginKind::Immediate),
            op => op.clone(),
        }
    }

    /// Where a statement has yielded; a subject that shows no internals has one place for all yields.
    #[inline]
    fn site(&self, id: StatementId) -> Site {
        let site =
            |internals: Internals<'_>| Some(internals.connections.get(usize::from(id.conn))?.as_ref()?.site(id.slot));
        self.subject.inspect().and_then(site).unwrap_or(Site::StatementStart)
    }

    /// Drops a connection: its statements are told to end, and when the last one has, it is closed.
    fn apply_drop(&mut self, conn: u8) {
        for slot in 0..STATEMENT_SLOTS as u8 {
            let client = &mut self.clients[StatementId { conn, slot }.index()];
            client.phase = if client.phase == Phase::Running { Phase::Closing } else { Phase::Closed };
        }
        self.subject.give_up_all(conn);
        self.close_when_idle(conn);
    }

    /// Closes a dropped connection once no statement of it is under way.
    pub(super) fn close_when_idle(&mut self, conn: u8) {
        let mut slots = (0..STATEMENT_SLOTS as u8).map(|slot| StatementId { conn, slot });
        if slots.all(|id| self.clients[id.index()].phase == Phase::Closed) {
            let first = StatementId::first(conn);
            self.clients[first.index()].phase = Phase::Closing;
            self.submitted.push(Submitted { id: first, op: Op::Drop, begins: true });
            self.submit(first, Op::Drop);
        }
    }

    /// A dropped or closed connection is gone: the client opens another one under the same number.
    pub(super) fn reconnect(&mut self, conn: u8) {
        self.ledger.conns[usize::from(conn)].reconnect();
        self.note_visits(Some(conn));
        for slot in 0..STATEMENT_SLOTS as u8 {
            self.clients[StatementId { conn, slot }.index()].reset();
        }
        self.subject.connect(conn);
    }

    /// Counts where the machines of a connection have been before it is gone; those of all connections without a number.
    pub(super) fn note_visits(&mut self, conn: Option<u8>) {
        let Some(Internals { connections, .. }) = self.subject.inspect() else { return };
        let going = (0..).zip(connections).filter(|(number, _)| conn.is_none_or(|conn| conn == *number));
        for connection in going.filter_map(|(_, connection)| connection.as_ref()) {
            self.probes.note_visits(connection.session().visits());
        }
    }

    fn apply_crash(&mut self, kind: CrashKind) -> Checked<()> {
        self.explore(Barrier::End)?;
        self.crashes += 1;
        let event = EventKind::Crash { power: kind == CrashKind::Power, in_recovery: self.is_recovering() };
        self.log.push(Actor::Run, event);
        self.note_events()?;
        self.note_visits(None);
        self.subject.crash();
        let written = self.duty.is_none().then(|| self.disk.newest_contents(FileId::Wal));
        self.crash_disk(kind);
        self.note_events()?;
        if let Some(written) = written {
            self.judge_crash(kind, &written)?;
        }
        // Before the engine gets at them: recovering may change them.
        let files = self.duty.is_some() && self.subject.has_sqlite_files();
        let left = if files { Some(self.judge_files()?) } else { None };
        self.clients.iter_mut().for_each(crate::client::Client::reset);
        self.running.iter_mut().for_each(|op| *op = None);
        self.standing.iter_mut().for_each(|standing| standing.site = None);
        self.situation = 0;
        self.subject.open();
        (0..self.scenario.connections()).for_each(|conn| self.subject.connect(conn));
        if self.duty.is_some() {
            self.judge_opaque_crash(kind, left)?;
        }
        self.select_second_crash();
        Ok(())
    }

    fn crash_disk(&mut self, kind: CrashKind) {
        let tears = if kind == CrashKind::Power { self.select_tears() } else { Vec::new() };
        let (chooser, mut key) = (&mut self.chooser, self.step << 20);
        let mut choose = |_question: Survivor, versions: usize| {
            key += 1;
            survivor(chooser, key, versions)
        };
        match kind {
            CrashKind::Process => self.disk.crash_process(&mut choose),
            CrashKind::Power => self.disk.lose_power(&tears, &mut choose),
        }
    }

    /// What is left must be a commit that the sync mode allows, with every page and row in order.
    /// `written` is the log as it was before, with what was in flight.
    fn judge_crash(&mut self, kind: CrashKind, written: &[u8]) -> Checked<()> {
        let step = self.step;
        let failed = |invariant, evidence| Box::new(Violation { invariant, step, evidence });
        let [database, log] = FileId::ALL.map(|file| self.disk.contents(file));
        let recovered = parser::recover(&database, &log, self.ledger.page_size);
        let owed = self.ledger.owed(kind);
        let (found, rows) = self.ledger.judge(&recovered, owed).map_err(|(id, mut evidence)| {
            if parser::collide(&log, written, self.ledger.page_size) {
                evidence.explained_by = evidence.explained_by.or(Some(Fault::PowerLoss));
                evidence.summary.push_str(", under a checksum of the log that cannot tell it from what was written");
            }
            // Half a transaction is no prefix; who asks only for the one is told that.
            match self.ledger.half_a_transaction(&recovered, owed) {
                Some(half) if id == "DUR-2" && !self.checks.has(id) => failed("TX-1", half),
                _ => failed(id, evidence),
            }
        })?;
        let (commit, is_ghost) = (found.commit, self.ledger.is_ghost(&found));
        // What a process crash has brought back without an acknowledgement or an fsync, a power loss may still take away.
        let may_lose = kind == CrashKind::Power && owed.must < self.ledger.newest();
        let published = self.ledger.rewind(found, &recovered, &database, kind);
        if let Some(oracle) = self.oracle.as_mut().filter(|_| parser::is_database(&database)) {
            oracle.judge(&database, &log, &rows).map_err(|evidence| failed("ORACLE", evidence))?;
        }
        if self.watch == Watch::Report {
            let synced = may_lose.then_some(owed.must);
            self.history.crash(Recovery { rows, synced, is_ghost, commit, published });
        }
        Ok(())
    }

    /// What a recovery finds that nobody has told the ledger lies in the files.
    fn look_into_log(&mut self, event: &Event) {
        if let EventKind::Recovered { at, .. } = event.kind
            && self.ledger.is_surprised_by(at)
        {
            let [database, log] = FileId::ALL.map(|file| self.disk.contents(file));
            self.ledger.adopt_log(&parser::recover(&database, &log, self.ledger.page_size));
        }
    }

    /// Moves new events into the trace, the ledger and the probes, and shows them to the invariants.
    pub(super) fn note_events(&mut self) -> Checked<()> {
        let mut events: Vec<Event> = std::mem::take(&mut self.events);
        self.log.drain_into(&mut events);
        for event in &events {
            match &mut self.duty {
                Some(duty) => duty.note(event),
                None => {
                    self.ledger.note(event);
                    self.look_into_log(event);
                }
            }
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

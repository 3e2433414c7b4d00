//! Selecting the next action: the only place that asks choices about who, when and how.

use falken_models::connection::Op;
use falken_models::disk::Ending;
use falken_models::io::CompletionError;
use falken_models::sync::Arc;
use falken_models::wal::CheckpointMode;

use super::{Checked, Run, Stage};
use crate::action::{Action, CrashKind};
use crate::choice::{Choice, CrashId, EndingId, Kind, OptionId};
use crate::client::Phase;
use crate::scenario::Faults;
use crate::subject::Subject;
use crate::verdict::{Evidence, Violation};

/// Actions that a run may take to bring everything to its end once faults have stopped, per connection.
const SETTLE_ACTIONS_MAX: u64 = 20_000;

/// What "one in so many" is measured in.
const RATE_BASE: u32 = 1_000_000;

/// The drastic things that may happen before an action, with their weights.
#[derive(Debug)]
pub(super) struct Disturbances {
    options: Vec<OptionId>,
    weights: Vec<u32>,
    crashes_max: u32,
    eio_weights: Option<[u32; 2]>,
}

fn weight(one_in: u32) -> u32 {
    RATE_BASE.checked_div(one_in).map_or(0, |weight| weight.max(1))
}

impl Disturbances {
    pub(super) fn new(faults: &Faults) -> Self {
        let all = [
            (OptionId::Crash(CrashId::Process), faults.process_crash),
            (OptionId::Crash(CrashId::Power), faults.power_loss),
            (OptionId::Abandon, faults.abandon),
            (OptionId::Drop, faults.drop),
        ];
        let enabled: Vec<_> = all.into_iter().filter(|(_, rate)| *rate > 0).collect();
        let sum: u32 = enabled.iter().map(|(_, rate)| weight(*rate)).sum();
        let none = (OptionId::None, RATE_BASE.saturating_sub(sum).max(1));
        let (options, weights) =
            std::iter::once(none).chain(enabled.into_iter().map(|(id, rate)| (id, weight(rate)))).unzip();
        let eio_weights =
            (faults.eio > 0).then(|| [RATE_BASE - weight(faults.eio).min(RATE_BASE - 1), weight(faults.eio)]);
        Self { options, weights, crashes_max: faults.crashes_max, eio_weights }
    }
}

impl<S: Subject> Run<'_, S> {
    /// Chooses what happens next.
    pub(super) fn select(&mut self) -> Checked<Action> {
        loop {
            self.advance_stage();
            if self.stage == Stage::Working
                && let Some(action) = self.select_disturbance()
            {
                return Ok(action);
            }
            self.list_options();
            if !self.options.is_empty() {
                return self.select_actor();
            }
            if self.clients.iter().any(|client| client.phase != Phase::Idle) {
                return Err(self.stuck("LIVE-2", "no connection can take a step and no operation is in flight"));
            }
            match self.stage {
                // Only here, not in `advance_stage`: the setup and the programs have come to their ends.
                Stage::Preparing => self.stage = Stage::Working,
                Stage::Working => self.begin_settling(),
                Stage::Settling => self.begin_proof(),
                Stage::Proving => return Ok(Action::Finale),
            }
        }
    }

    /// After its last working action the run settles.
    fn advance_stage(&mut self) {
        if self.stage == Stage::Working && self.step >= self.scenario.bounds.steps {
            self.begin_settling();
        }
    }

    /// From here on there are no faults and no new transactions.
    fn begin_settling(&mut self) {
        self.stage = Stage::Settling;
        self.stage_began = self.step;
        for (conn, client) in (0..).zip(&mut self.clients) {
            client.wind_down(self.subject.in_transaction(conn));
        }
    }

    /// Everything has ended. A checkpoint must be able to copy all of the log, and a writer to go on.
    fn begin_proof(&mut self) {
        self.stage = Stage::Proving;
        self.stage_began = self.step;
        let value = Arc::from(&b"the end"[..]);
        let proof = [Op::Checkpoint(CheckpointMode::Full), Op::Put { key: 1, value }, Op::Scan];
        self.clients[0].enqueue(proof);
    }

    /// Lists the actors that can do something: connections first, then operations in flight, each in a fixed order.
    fn list_options(&mut self) {
        self.options.clear();
        for (conn, client) in (0..).zip(&self.clients) {
            let enabled = match client.phase {
                Phase::Idle => client.has_queued() || (self.stage == Stage::Working && client.has_more()),
                Phase::Running | Phase::Closing => self
                    .subject
                    .awaiting(conn)
                    .is_none_or(|io| io.is_explicit_yield() || (io.finished() && self.wakers.woken(conn))),
            };
            if enabled {
                self.options.push(OptionId::Step(conn));
            }
        }
        self.disk.list_in_flight(&mut self.in_flight);
        let ends = self.in_flight.iter().map(|op| OptionId::Finish { owner: op.owner, ordinal: op.ordinal });
        self.options.extend(ends);
    }

    fn select_actor(&mut self) -> Checked<Action> {
        let limit = SETTLE_ACTIONS_MAX * self.clients.len() as u64;
        if self.stage != Stage::Working && self.step > self.stage_began + limit {
            return Err(self.stuck("LIVE-1", "faults have stopped, but statements do not end"));
        }
        let choice =
            Choice { kind: Kind::Who, key: self.step, options: &self.options, weights: &[], standing: &self.standing };
        let index = self.chooser.choose(&choice);
        if let OptionId::Step(conn) = self.options[index] {
            return Ok(Action::Step(conn));
        }
        // The operations stand behind the connections, in the same order.
        let connections = self.options.len() - self.in_flight.len();
        let op = self.in_flight[index - connections];
        Ok(Action::Finish(op.op, self.select_ending(op.len)))
    }

    fn select_ending(&mut self, len: u32) -> Ending {
        let Some(weights) = self.disturbances.eio_weights.filter(|_| self.stage == Stage::Working) else {
            return Ending::Success;
        };
        let options = [OptionId::End(EndingId::Success), OptionId::End(EndingId::Eio)];
        let choice = Choice {
            kind: Kind::Ending,
            key: self.step,
            options: &options,
            weights: &weights,
            standing: &self.standing,
        };
        if self.chooser.choose(&choice) == 0 {
            return Ending::Success;
        }
        // A failed write has left any part of itself.
        let moved = self.chooser.number(Kind::Value, self.step, u64::from(len)) as u32;
        Ending::Error { error: CompletionError::Io, moved }
    }

    fn select_disturbance(&mut self) -> Option<Action> {
        if self.disturbances.options.len() == 1 {
            return None;
        }
        let Disturbances { options, weights, .. } = &self.disturbances;
        let choice = Choice { kind: Kind::Disturbance, key: self.step, options, weights, standing: &self.standing };
        match options[self.chooser.choose(&choice)] {
            OptionId::Crash(_) if self.crashes >= u64::from(self.disturbances.crashes_max) => None,
            OptionId::Crash(CrashId::Process) => Some(Action::Crash(CrashKind::Process)),
            OptionId::Crash(CrashId::Power) => Some(Action::Crash(CrashKind::Power)),
            OptionId::Abandon => self.select_target(|client| client.phase == Phase::Running).map(Action::Abandon),
            OptionId::Drop => self.select_target(|client| client.phase != Phase::Closing).map(Action::Drop),
            _ => None,
        }
    }

    fn select_target(&mut self, eligible: impl Fn(&crate::client::Client) -> bool) -> Option<u8> {
        let named = (0..).zip(&self.clients).filter(|(_, client)| eligible(client));
        let options: Vec<OptionId> = named.map(|(conn, _)| OptionId::Conn(conn)).collect();
        if options.is_empty() {
            return None;
        }
        let choice =
            Choice { kind: Kind::Target, key: self.step, options: &options, weights: &[], standing: &self.standing };
        match options[self.chooser.choose(&choice)] {
            OptionId::Conn(conn) => Some(conn),
            _ => None,
        }
    }

    /// Who waits for what.
    fn stuck(&self, invariant: &'static str, summary: &str) -> Box<Violation> {
        let mut evidence = Evidence::new(summary);
        for (conn, op) in (0..).zip(&self.running) {
            let Some(op) = op else { continue };
            let wait = self.subject.awaiting(conn).map_or("nothing".into(), |io| format!("{io:?}"));
            let site = self
                .subject
                .inspect()
                .and_then(|internals| Some(internals.connections.get(usize::from(conn))?.as_ref()?.site().name()));
            let site = site.unwrap_or("?");
            evidence = evidence.with("waiting", format!("c{conn} {} at {site}, for {wait}", op.kind().name()));
        }
        let held = (0_u8..).zip(&self.ledger.locks).filter(|(_, holders)| **holders != Default::default());
        for (lock, holders) in held {
            evidence = evidence.with("lock", format!("{} {holders:?}", falken_models::wal::LockId(lock).name()));
        }
        Box::new(Violation { invariant, step: self.step, evidence })
    }
}

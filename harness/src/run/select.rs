//! Selecting the next action: the only place that asks choices about who, when and how.

use falken_models::connection::{Op, StatementId};
use falken_models::digest::mix;
use falken_models::session::STATEMENT_SLOTS;
use falken_models::sync::Arc;
use falken_models::wal::CheckpointMode;

use super::{Checked, Run, Stage};
use crate::action::Action;
use crate::choice::{Choice, Kind, OptionId};
use crate::client::Phase;
use crate::invariant::Moment;
use crate::subject::Subject;

/// Actions that a run may take to bring everything to its end once faults have stopped, per connection.
const SETTLE_ACTIONS_MAX: u64 = 20_000;

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
                Stage::Preparing => {
                    self.stage = Stage::Working;
                    self.subject.set_micro(0, self.scenario.schedule.micro);
                }
                Stage::Working => self.begin_settling(),
                Stage::Settling => {
                    self.check_moment(Moment::Settled, None)?;
                    self.begin_proof();
                }
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
        self.injector.release_all();
        self.stage_began = self.step;
        for client in &mut self.clients {
            client.wind_down(self.subject.in_transaction(client.id.conn));
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

    /// Lists the actors that can do something: statements first, then operations in flight, each in a fixed order.
    pub(super) fn list_options(&mut self) {
        self.options.clear();
        for client in &self.clients {
            let enabled = match client.phase {
                Phase::Closed => false,
                Phase::Idle if self.is_closing(client.id.conn) => false,
                Phase::Idle => client.has_queued() || (self.stage == Stage::Working && client.has_more()),
                Phase::Running | Phase::Closing => self.is_steppable(client.id),
            };
            if enabled {
                self.options.push(OptionId::Step(client.id));
            }
        }
        self.disk.list_in_flight(&mut self.in_flight);
        let ends = self.in_flight.iter().map(|op| OptionId::Finish { owner: op.owner, ordinal: op.ordinal });
        self.options.extend(ends);
        self.injector.withhold(self.step, &mut self.options);
    }

    /// Whether a client closes the connection: then nothing can be started on it any more.
    fn is_closing(&self, conn: u8) -> bool {
        let mut slots = (0..STATEMENT_SLOTS as u8).map(|slot| StatementId { conn, slot });
        slots.any(|id| self.running[id.index()] == Some(Op::Close))
    }

    /// Whether a step of a running statement leads further.
    pub(super) fn is_steppable(&self, id: StatementId) -> bool {
        let awaiting = self.subject.awaiting(id);
        awaiting.is_none_or(|io| io.is_explicit_yield() || (io.is_settled() && self.wakers.woken(id)))
    }

    fn select_actor(&mut self) -> Checked<Action> {
        let limit = SETTLE_ACTIONS_MAX * self.clients.len() as u64;
        if self.stage != Stage::Working && self.step > self.stage_began + limit {
            return Err(self.stuck("LIVE-1", "faults have stopped, but statements do not end"));
        }
        // Progress is owed only to whoever is fair, and strategies need not be: one that prefers a connection that waits for
        // somebody else may do so for ever. So in the second half of the time everybody has an equal chance.
        let must_be_fair = self.stage != Stage::Working && self.step > self.stage_began + limit / 2;
        let index = if must_be_fair {
            (mix(self.step, 0) % self.options.len() as u64) as usize
        } else {
            let choice = Choice {
                kind: Kind::Who,
                key: self.step,
                options: &self.options,
                weights: &[],
                standing: &self.standing,
                events: self.trace.hash(),
            };
            self.chooser.choose(&choice)
        };
        Ok(match self.options[index] {
            OptionId::Finish { owner, ordinal } => {
                let op = self.in_flight.iter().find(|op| (op.owner, op.ordinal) == (owner, ordinal));
                let op = *op.expect("only operations in flight are offered");
                self.select_ending(op)
            }
            OptionId::Step(id) => Action::Step(id),
            other => unreachable!("{other} is no actor"),
        })
    }
}

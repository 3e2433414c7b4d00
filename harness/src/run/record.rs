//! The run loop with somebody who takes notes.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};

use falken_models::connection::StatementId;
use falken_models::session::STATEMENT_SLOTS;

use super::{Checked, Run, RunReport, Stage};
use crate::action::Action;
use crate::choice::{Choice, Kind, OptionId, Until};
use crate::recording::{ACTIONS_MAX, Recorded, Recording, State};
use crate::strategy::Whereabouts;
use crate::subject::Subject;
use crate::verdict::of_panic;

/// What the recorder keeps between two actions.
struct Notes {
    whereabouts: Whereabouts,
    before: State,
    actions: VecDeque<Recorded>,
    skipped: u64,
    woken: Vec<StatementId>,
}

impl<S: Subject> Run<'_, S> {
    /// Like [`go`](Self::go), and tells what happened.
    pub fn record(mut self) -> (RunReport, Recording) {
        let mut notes = Notes {
            whereabouts: Whereabouts::default(),
            before: self.snapshot(),
            actions: VecDeque::new(),
            skipped: 0,
            woken: Vec::new(),
        };
        let verdict = loop {
            match self.advance_and_note(&mut notes) {
                Ok(Action::Finale) => break Ok(()),
                Ok(_) => {}
                Err(violation) => break Err(violation),
            }
        };
        let Notes { before, actions, skipped, .. } = notes;
        let connections = self.scenario.connections();
        let recording = Recording { connections, skipped, before, actions: actions.into(), race: None };
        (self.report(verdict), recording)
    }

    /// Like [`go`](Self::go), and how everything stands when the run has ended: of a violation, in the middle of its action.
    pub fn go_and_look(mut self) -> (RunReport, State) {
        let verdict = self.finish();
        let scene = self.snapshot();
        (self.report(verdict), scene)
    }

    fn advance_and_note(&mut self, notes: &mut Notes) -> Checked<Action> {
        let mut selected = None;
        let done = catch_unwind(AssertUnwindSafe(|| {
            let action = self.select()?;
            selected = Some(action);
            self.take(action)?;
            Ok(action)
        }));
        let done = done.unwrap_or_else(|panic| Err(self.failed(of_panic(&*panic))));
        // A violation in the middle of an action leaves events behind.
        self.note_rest();
        let place = selected.and_then(|action| self.place(&mut notes.whereabouts, action));
        let woken = self.woken();
        let newly = woken.iter().filter(|id| !notes.woken.contains(id)).copied().collect();
        let (step, events, state) = (self.step, self.trace.of(self.step), self.snapshot());
        if notes.actions.len() == ACTIONS_MAX
            && let Some(oldest) = notes.actions.pop_front()
        {
            notes.skipped += 1;
            notes.before = oldest.state;
        }
        notes.actions.push_back(Recorded { step, action: selected, place, events, woken: newly, state });
        notes.woken = woken;
        done
    }

    /// Where a step has led, counted as orders count.
    fn place(&self, whereabouts: &mut Whereabouts, action: Action) -> Option<Until> {
        let id = match action {
            Action::Step(id) | Action::Poll(id) | Action::StepRefused(id, _) => id,
            Action::Finish(..)
            | Action::Fail(..)
            | Action::Hold(..)
            | Action::Cancel(..)
            | Action::Abandon(_)
            | Action::Interrupt(_)
            | Action::Drop(_)
            | Action::Crash(_)
            | Action::SecondCrash(_)
            | Action::Rot(..)
            | Action::Finale => return None,
        };
        whereabouts.took(OptionId::Step(id));
        let standing = &self.standing;
        whereabouts.look(&Choice { kind: Kind::Who, key: 0, options: &[], weights: &[], standing, events: 0 });
        whereabouts.place(id)
    }

    /// The statements that wait for something and have been woken since.
    fn woken(&self) -> Vec<StatementId> {
        let slots = |conn| (0..STATEMENT_SLOTS as u8).map(move |slot| StatementId { conn, slot });
        let internals = self.subject.inspect();
        // After a crash that is judged wrong there are no connections.
        let waits = |id: &StatementId| {
            let connection = internals.and_then(|all| all.connections.get(usize::from(id.conn))?.as_ref());
            connection.is_some_and(|connection| connection.awaiting(id.slot).is_some())
        };
        let all = (0..self.scenario.connections()).flat_map(slots);
        all.filter(|id| self.wakers.woken(*id) && waits(id)).collect()
    }

    fn snapshot(&self) -> State {
        let stage = match self.stage {
            Stage::Preparing => "setup",
            Stage::Working => "working",
            Stage::Settling => "settling",
            Stage::Proving => "proof",
        };
        State::read(stage, self.subject.inspect(), &self.disk, &self.ledger.locks, &self.standing)
    }
}

//! Telling a run as orders: who runs until where, which operations end out of their order, which faults strike.

use falken_models::connection::StatementId;
use falken_models::sync::{Arc, Mutex};

use crate::case::Case;
use crate::choice::{Choice, Kind, OptionId, TapeEntry};
use crate::run::RunReport;
use crate::strategy::{Divergence, Replay, Strategy, Whereabouts};

/// Whether an entry stands for one single choice, as a recording has them.
pub(super) fn belongs_to_a_recording(entry: &TapeEntry) -> bool {
    matches!(entry.id, OptionId::Step(_) | OptionId::Finish { .. } | OptionId::Template(_))
}

/// Replays a case and tells the run as orders.
pub(super) fn as_orders(case: &Case) -> (Vec<TapeEntry>, RunReport) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let teller = Teller {
        inner: Replay::new(case.tape.clone()),
        whereabouts: Whereabouts::default(),
        running: None,
        drawing: false,
        ended: Vec::new(),
        told: Arc::clone(&told),
    };
    let report = case.run_under(Box::new(teller));
    (std::mem::take(&mut *told.lock()), report)
}

/// Follows a tape and tells what it does.
struct Teller {
    inner: Replay,
    whereabouts: Whereabouts,
    /// The slot whose steps make up the order that is not written yet.
    running: Option<StatementId>,
    /// A client is drawing its next transaction: that ends up in its program, not on the tape.
    drawing: bool,
    /// Operations of that connection that ended since its last step, oldest first: if it goes on, they need no saying.
    ended: Vec<OptionId>,
    told: Arc<Mutex<Vec<TapeEntry>>>,
}

impl Teller {
    fn tell(&self, kind: Kind, id: OptionId) {
        self.told.lock().push(TapeEntry { kind, id });
    }

    /// Writes the order under way: its connection has come to where it stands now, and what has ended since is said too.
    fn end_order(&mut self) {
        if let Some(id) = self.running.take() {
            self.tell(Kind::Who, OptionId::Run { id, until: self.whereabouts.place(id) });
        }
        std::mem::take(&mut self.ended).into_iter().for_each(|operation| self.tell(Kind::Who, operation));
    }

    fn tell_actor(&mut self, choice: &Choice<'_>, taken: OptionId) {
        match taken {
            OptionId::Step(id) if self.running == Some(id) => self.ended.clear(),
            OptionId::Step(id) => {
                self.end_order();
                self.running = Some(id);
            }
            OptionId::Finish { owner, ordinal } => {
                let waits = |id: StatementId| !choice.options.contains(&OptionId::Step(id));
                let oldest =
                    |option: &&OptionId| matches!(option, OptionId::Finish { owner: other, .. } if *other == owner);
                let is_next = choice.options.iter().find(oldest) == Some(&taken);
                if !self.running.is_some_and(|id| id.conn == owner && waits(id)) || !is_next {
                    self.end_order();
                }
                self.ended.push(self.whereabouts.name_operation(owner, ordinal).unwrap_or(taken));
            }
            _ => {}
        }
    }

    fn tell_other(&mut self, kind: Kind, id: OptionId) {
        self.end_order();
        self.tell(kind, id);
    }
}

impl Strategy for Teller {
    fn choose(&mut self, choice: &Choice<'_>) -> usize {
        let index = self.inner.choose(choice);
        let taken = choice.options[index];
        match choice.kind {
            Kind::Who => {
                self.drawing = false;
                self.whereabouts.look(choice);
                self.tell_actor(choice, taken);
                self.whereabouts.took(taken);
            }
            Kind::Operation => self.drawing = true,
            Kind::Disturbance => {
                self.drawing = false;
                self.whereabouts.look(choice);
                if index != 0 {
                    self.tell_other(choice.kind, taken);
                }
            }
            Kind::Ending if index == 0 => {}
            Kind::Target | Kind::Ending | Kind::Survivor | Kind::Value => self.tell_other(choice.kind, taken),
        }
        index
    }

    fn number(&mut self, kind: Kind, key: u64, most: u64) -> u64 {
        let number = self.inner.number(kind, key, most);
        if !self.drawing {
            self.tell_other(kind, OptionId::Number(number));
        }
        number
    }

    fn divergence(&self) -> Option<Divergence> {
        self.inner.divergence()
    }
}

impl Drop for Teller {
    /// The run has ended: so has the last order, wherever its connection was going.
    fn drop(&mut self) {
        if let Some(id) = self.running.take() {
            self.tell(Kind::Who, OptionId::Run { id, until: None });
        } else {
            self.end_order();
        }
    }
}

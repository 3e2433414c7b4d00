//! Where statement slots have been: what an order on a tape refers to. Not a strategy.
//!
//! An order says "up to the second time that statement 3 comes to this site", and "the first operation that statement 3 has
//! submitted". Both are counted here from what each choice shows, so that whoever records orders and whoever follows them
//! counts alike.

use falken_models::connection::StatementId;
use falken_models::session::STATEMENT_SLOTS;
use falken_models::site::Site;

use crate::choice::{Choice, OptionId, Standing, Until};

/// What one slot has done so far.
struct One {
    standing: Standing,
    /// How often the statement under way has come to each site.
    arrivals: [u16; Site::ALL.len()],
    /// The operations that its statements have submitted: statement and ordinal, ascending.
    operations: Vec<(u32, u32)>,
}

impl Default for One {
    fn default() -> Self {
        Self { standing: Standing::default(), arrivals: [0; Site::ALL.len()], operations: Vec::new() }
    }
}

/// What every slot has done so far.
#[derive(Default)]
pub struct Whereabouts {
    /// By [`StatementId::index`].
    slots: Vec<One>,
    /// For each connection the ordinal after the last of its operations seen.
    next_ordinals: Vec<u32>,
    /// The slot that has taken a step since the last look.
    stepped: Option<StatementId>,
}

impl Whereabouts {
    /// Looks at a choice of an actor or of a disturbance: the action before it is over.
    pub fn look(&mut self, choice: &Choice<'_>) {
        if self.slots.len() < choice.standing.len() {
            self.slots.resize_with(choice.standing.len(), One::default);
            self.next_ordinals.resize(choice.standing.len() / STATEMENT_SLOTS, 0);
        }
        for (one, standing) in self.slots.iter_mut().zip(choice.standing) {
            if one.standing.statement != standing.statement {
                one.arrivals.fill(0);
            }
            one.standing = *standing;
        }
        let stepped = self.stepped.take();
        if let Some(id) = stepped
            && let Some(one) = self.slots.get_mut(id.index())
            && let Some(site) = one.standing.site
        {
            one.arrivals[site as usize] += 1;
        }
        for option in choice.options {
            if let OptionId::Finish { owner, ordinal } = *option {
                // Whoever has just stepped has submitted what is new.
                let id = stepped.filter(|id| id.conn == owner).unwrap_or(StatementId::first(owner));
                self.note_operation(id, ordinal);
            }
        }
    }

    fn note_operation(&mut self, id: StatementId, ordinal: u32) {
        let Some(next) = self.next_ordinals.get_mut(usize::from(id.conn)) else { return };
        if ordinal < *next {
            return;
        }
        *next = ordinal + 1;
        let one = &mut self.slots[id.index()];
        let statement = one.standing.statement;
        one.operations.push((statement, ordinal));
    }

    /// The actor that was chosen.
    pub fn took(&mut self, actor: OptionId) {
        if let OptionId::Step(id) = actor {
            self.stepped = Some(id);
        }
    }

    /// Where a slot stands, as a place to run to. `None` before its first statement.
    pub fn place(&self, id: StatementId) -> Option<Until> {
        let one = self.slots.get(id.index())?;
        let Standing { statement, site } = one.standing;
        let nth = site.map_or(1, |site| one.arrivals[site as usize]);
        (statement > 0).then_some(Until { statement, site, nth })
    }

    /// Whether a slot has come to this place or gone past it.
    pub fn has_reached(&self, id: StatementId, until: Until) -> bool {
        let Some(one) = self.slots.get(id.index()) else { return false };
        let Standing { statement, site } = one.standing;
        statement > until.statement
            || (statement == until.statement
                && (site.is_none() || until.site.is_some_and(|site| one.arrivals[site as usize] >= until.nth)))
    }

    /// The name of an operation by the statement that has submitted it.
    pub fn name_operation(&self, owner: u8, ordinal: u32) -> Option<OptionId> {
        (0..STATEMENT_SLOTS as u8).map(|slot| StatementId { conn: owner, slot }).find_map(|id| {
            let operations = &self.slots.get(id.index())?.operations;
            let at = operations.binary_search_by_key(&ordinal, |(_, ordinal)| *ordinal).ok()?;
            let statement = operations[at].0;
            let first = operations.partition_point(|(other, _)| *other < statement);
            Some(OptionId::FinishOf { id, statement, nth: (at - first) as u32 })
        })
    }

    /// The operation of this name, if that statement has submitted it.
    pub fn find_operation(&self, id: StatementId, statement: u32, nth: u32) -> Option<OptionId> {
        let operations = &self.slots.get(id.index())?.operations;
        let first = operations.partition_point(|(other, _)| *other < statement);
        let (found, ordinal) = operations.get(first.checked_add(nth as usize)?)?;
        (*found == statement).then_some(OptionId::Finish { owner: id.conn, ordinal: *ordinal })
    }
}

//! Where connections have been: what an order on a tape refers to. Not a strategy.
//!
//! An order says "up to the second time that statement 3 comes to this site", and "the first operation that statement 3 has
//! submitted". Both are counted here from what each choice shows, so that whoever records orders and whoever follows them
//! counts alike.

use falken_models::site::Site;

use crate::choice::{Choice, OptionId, Standing, Until};

/// What one connection has done so far.
struct One {
    standing: Standing,
    /// How often the statement under way has come to each site.
    arrivals: [u16; Site::ALL.len()],
    /// For each statement that has submitted an operation, the ordinal of its first one.
    first_ordinals: Vec<(u32, u32)>,
    /// The ordinal after the last operation seen.
    next_ordinal: u32,
}

impl Default for One {
    fn default() -> Self {
        Self {
            standing: Standing::default(),
            arrivals: [0; Site::ALL.len()],
            first_ordinals: Vec::new(),
            next_ordinal: 0,
        }
    }
}

/// What every connection has done so far.
#[derive(Default)]
pub struct Whereabouts {
    conns: Vec<One>,
    /// The connection that has taken a step since the last look.
    stepped: Option<u8>,
}

impl Whereabouts {
    /// Looks at a choice of an actor or of a disturbance: the action before it is over.
    pub fn look(&mut self, choice: &Choice<'_>) {
        if self.conns.len() < choice.standing.len() {
            self.conns.resize_with(choice.standing.len(), One::default);
        }
        for (one, standing) in self.conns.iter_mut().zip(choice.standing) {
            if one.standing.statement != standing.statement {
                one.arrivals.fill(0);
            }
            one.standing = *standing;
        }
        if let Some(conn) = self.stepped.take()
            && let Some(one) = self.conns.get_mut(usize::from(conn))
            && let Some(site) = one.standing.site
        {
            one.arrivals[site as usize] += 1;
        }
        for option in choice.options {
            if let OptionId::Finish { owner, ordinal } = *option {
                self.note_operation(owner, ordinal);
            }
        }
    }

    fn note_operation(&mut self, owner: u8, ordinal: u32) {
        let Some(one) = self.conns.get_mut(usize::from(owner)) else { return };
        if ordinal < one.next_ordinal {
            return;
        }
        one.next_ordinal = ordinal + 1;
        let statement = one.standing.statement;
        if one.first_ordinals.last().is_none_or(|(last, _)| *last != statement) {
            one.first_ordinals.push((statement, ordinal));
        }
    }

    /// The actor that was chosen.
    pub fn took(&mut self, actor: OptionId) {
        if let OptionId::Step(conn) = actor {
            self.stepped = Some(conn);
        }
    }

    /// Where a connection stands, as a place to run to. `None` before its first statement.
    pub fn place(&self, conn: u8) -> Option<Until> {
        let one = self.conns.get(usize::from(conn))?;
        let Standing { statement, site } = one.standing;
        let nth = site.map_or(1, |site| one.arrivals[site as usize]);
        (statement > 0).then_some(Until { statement, site, nth })
    }

    /// Whether a connection has come to this place or gone past it.
    pub fn has_reached(&self, conn: u8, until: Until) -> bool {
        let Some(one) = self.conns.get(usize::from(conn)) else { return false };
        let Standing { statement, site } = one.standing;
        statement > until.statement
            || (statement == until.statement
                && (site.is_none() || until.site.is_some_and(|site| one.arrivals[site as usize] >= until.nth)))
    }

    /// The name of an operation by the statement that has submitted it.
    pub fn name_operation(&self, owner: u8, ordinal: u32) -> Option<OptionId> {
        let one = self.conns.get(usize::from(owner))?;
        let (statement, first) = one.first_ordinals.iter().rev().find(|(_, first)| *first <= ordinal)?;
        Some(OptionId::FinishOf { owner, statement: *statement, nth: ordinal - first })
    }

    /// The operation of this name, if that statement has submitted any.
    pub fn find_operation(&self, owner: u8, statement: u32, nth: u32) -> Option<OptionId> {
        let one = self.conns.get(usize::from(owner))?;
        let (_, first) = one.first_ordinals.iter().find(|(known, _)| *known == statement)?;
        Some(OptionId::Finish { owner, ordinal: first.checked_add(nth)? })
    }
}

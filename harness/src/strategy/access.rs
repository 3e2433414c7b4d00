//! What an actor is about to touch, as far as a strategy can know. Not a strategy.
//!
//! A site names the access that a connection has just made. What it does next is what followed that site the last time:
//! protocols repeat themselves, so after a few statements the guess is nearly always right, and a wrong one costs a strategy
//! a little of its guarantee but never a run its correctness.

use falken_models::site::Site;

use crate::choice::{OptionId, Standing};

/// Objects that steps can race for; [`Object::NONE`] races with nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Object(pub u8);

impl Object {
    /// Private work.
    pub const NONE: Self = Self(0);
    /// How many objects there are besides [`Self::NONE`].
    pub const COUNT: u8 = GROUPS.len() as u8 + 1;
    /// The files: ends of operations race with each other.
    const DISK: Self = Self(Self::COUNT);
}

/// Words in the names of sites that tell the object, most telling first.
const GROUPS: &[&[&str]] = &[
    &["header"],
    &["backfill", "attempted", "publish", "min-frame"],
    &["mark", "raise-store"],
    &["index"],
    &["slot", "raise", "after-lock", "read.unlock"],
    &["write-lock", "write.", "write-unlock"],
    &["lock"],
];

fn object_of(site: Site) -> Object {
    let name = site.name();
    let group = GROUPS.iter().position(|words| words.iter().any(|word| name.contains(word)));
    group.map_or(Object::NONE, |group| Object(group as u8 + 1))
}

/// Learns what follows what.
pub struct Accesses {
    objects: Vec<Object>,
    /// For each site, the one that followed it last.
    follower: Vec<Option<Site>>,
    last: Vec<Option<Site>>,
}

impl Default for Accesses {
    fn default() -> Self {
        let sites = Site::ALL.len();
        Self {
            objects: Site::ALL.iter().map(|site| object_of(*site)).collect(),
            follower: vec![None; sites],
            last: Vec::new(),
        }
    }
}

impl Accesses {
    /// Looks at where everybody stands after an action.
    pub fn learn(&mut self, standing: &[Standing]) {
        self.last.resize(standing.len(), None);
        for (last, now) in self.last.iter_mut().zip(standing) {
            if let (Some(before), Some(after)) = (*last, now.site)
                && before != after
            {
                self.follower[before as usize] = Some(after);
            }
            *last = now.site;
        }
    }

    /// What this actor is about to touch.
    pub fn next(&self, actor: OptionId, standing: &[Standing]) -> Object {
        match actor {
            OptionId::Step(id) => {
                let site = standing.get(id.index()).and_then(|standing| standing.site);
                let next = site.map(|site| self.follower[site as usize].unwrap_or(site));
                next.map_or(Object::NONE, |site| self.objects[site as usize])
            }
            OptionId::Finish { .. } => Object::DISK,
            _ => Object::NONE,
        }
    }
}

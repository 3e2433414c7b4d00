//! Which invariants are checked in a run: all of them, the cheap ones, or some by id or name.

use super::{JUDGED_BY_THE_LOOP, TABLE};

/// The groups that a selection may name, and what they are.
pub const GROUPS: &[(&str, &str)] = &[
    ("all", "every invariant"),
    (
        "cheap",
        "every invariant but those that parse the files, walk the tree, compare all rows or judge the whole history",
    ),
    ("none", "no invariant: only a panic of the subject counts"),
];

/// What needs neither internals nor ledger: what clients were told, what the disk itself saw, and panics.
const OPAQUE: [&str; 3] = ["IO-1", "LIVE-3", "TX-9"];

/// The ids of some invariants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection(Vec<&'static str>);

impl Selection {
    /// The invariants that a list of groups, ids and names means; an empty list means all.
    ///
    /// # Errors
    /// The first entry that is none of them.
    pub fn of(list: &[String]) -> Result<Self, &str> {
        let mut ids = Vec::new();
        for entry in list {
            let found = named(entry);
            if found.is_empty() && entry != "none" {
                return Err(entry);
            }
            ids.extend(found);
        }
        Ok(if list.is_empty() { Self(named("all")) } else { Self(ids) })
    }

    /// Those of them that an engine can be asked which shows no internals and sends the ledger no events.
    #[must_use]
    pub fn of_opaque(mut self) -> Self {
        let judged = |id: &&str| JUDGED_BY_THE_LOOP.iter().any(|(known, ..)| known == id);
        self.0.retain(|id| OPAQUE.contains(id) || judged(id));
        self
    }

    /// Whether this invariant is checked.
    pub fn has(&self, id: &str) -> bool {
        self.0.contains(&id)
    }
}

/// The ids that one entry of a list means.
fn named(entry: &str) -> Vec<&'static str> {
    let judged = JUDGED_BY_THE_LOOP.iter().map(|(id, name, _)| (*id, *name, false));
    let known = TABLE.iter().map(|entry| (entry.id, entry.name, entry.is_dear())).chain(judged);
    let meant = known.filter(|(id, name, is_dear)| match entry {
        "all" => true,
        "cheap" => !is_dear,
        _ => id.eq_ignore_ascii_case(entry) || *name == entry,
    });
    meant.map(|(id, ..)| id).collect()
}

/// Everything that a list may hold, for help and for suggestions.
pub fn known() -> impl Iterator<Item = &'static str> {
    let ids = TABLE.iter().flat_map(|entry| [entry.id, entry.name]);
    let judged = JUDGED_BY_THE_LOOP.iter().flat_map(|(id, name, _)| [*id, *name]);
    GROUPS.iter().map(|(name, _)| *name).chain(ids).chain(judged)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(list: &[&str]) -> Result<Selection, String> {
        let list: Vec<String> = list.iter().map(|entry| (*entry).to_owned()).collect();
        Selection::of(&list).map_err(str::to_owned)
    }

    #[test]
    fn groups_ids_and_names_are_understood_and_nothing_else() {
        let all = of(&[]).unwrap();
        assert_eq!(Ok(&all), of(&["all"]).as_ref());
        assert!(all.has("WAL-3") && all.has("LIVE-1"));
        let cheap = of(&["cheap"]).unwrap();
        assert!(!cheap.has("WAL-3") && !cheap.has("PG-5") && cheap.has("WAL-7") && cheap.has("DUR-1"));
        assert_eq!(of(&["wal-7"]), of(&["read-mark-safety"]));
        assert!(of(&["wal-7", "DUR-1"]).unwrap().has("DUR-1"));
        assert!(!of(&["none"]).unwrap().has("WAL-7"));
        assert_eq!(of(&["WAL-7", "WAL-77"]), Err("WAL-77".into()));
    }
}

//! Names that stand in a history as integers.
//!
//! Histories of other tools use keywords and strings as keys and elements. Each gets an integer from the bottom of
//! the range of `i64`, so that the checks see integers only. This is not a general interner: it knows nothing of
//! what the names mean. Next: [`event`](super::event), which fills the table.

use std::collections::BTreeMap;
use std::fmt;

/// The most names one history may have.
const NAMES_MAX: usize = 1 << 32;

/// The integers below this are names and cannot be written as integers in a file.
pub(super) const RESERVED_BELOW: i64 = i64::MIN + NAMES_MAX as i64;

/// A two-way table of names and their integers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    by_name: BTreeMap<String, i64>,
    spelled: Vec<String>,
}

impl Names {
    /// The integer for a name, as it is spelled in its file (`:x` and `"x"` differ).
    pub fn intern(&mut self, name: &str) -> i64 {
        if let Some(&id) = self.by_name.get(name) {
            return id;
        }
        let id = i64::MIN + i64::try_from(self.spelled.len()).unwrap_or(i64::MAX);
        self.spelled.push(name.to_owned());
        self.by_name.insert(name.to_owned(), id);
        id
    }

    /// How to print a key or an element.
    pub fn show(&self, id: i64) -> Shown<'_> {
        Shown { names: self, id }
    }

    /// The name behind an integer, if it has one.
    pub fn get(&self, id: i64) -> Option<&str> {
        let place = usize::try_from(id.checked_sub(i64::MIN)?).ok()?;
        self.spelled.get(place).map(String::as_str)
    }
}

/// A key or an element, ready to be printed.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    names: &'a Names,
    id: i64,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.names.get(self.id) {
            Some(name) => f.write_str(name),
            None => write!(f, "{}", self.id),
        }
    }
}

//! The scenario's settings, one by one back to the simplest. They are taken from its text form, so a setting that is new
//! needs no line here.

use toml::{Table, Value};

use crate::case::Case;
use crate::scenario::Scenario;
use crate::shrink::Failing;

/// Where the simplest is not the default: fewer fsyncs, fewer places to switch.
fn simplest_instead_of_default() -> [(&'static str, &'static str, Value); 2] {
    [("database", "sync", Value::from("off")), ("schedule", "micro", Value::from(false))]
}

/// Values between the usual ones and the simplest.
fn steps_between() -> [(&'static str, &'static str, Value); 1] {
    [("database", "sync", Value::from("normal"))]
}

/// One thing made simpler.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Change {
    /// A setting gets another value.
    Set(String, String, Value),
    /// A section that is there only if somebody wants it goes.
    Drop(String),
}

/// The case with the `index`-th setting made simpler.
pub(super) fn candidate(best: &Failing, index: usize) -> Option<Case> {
    let mut current = table(&best.case.scenario);
    let between = steps_between().into_iter().filter(|(section, key, value)| {
        current.get(*section).and_then(|section| section.get(*key)).is_some_and(|now| now != value)
    });
    let between = between.map(|(section, key, value)| Change::Set(section.into(), key.into(), value));
    match not_simplest(&best.case.scenario).into_iter().chain(between).nth(index)? {
        Change::Set(section, key, value) => _ = current.get_mut(&section)?.as_table_mut()?.insert(key, value),
        Change::Drop(section) => _ = current.remove(&section),
    }
    Some(Case { scenario: current.try_into().ok()?, ..best.case.clone() })
}

/// Every setting that is not the simplest, and what would make it so.
pub(crate) fn not_simplest(scenario: &Scenario) -> Vec<Change> {
    let mut simplest = table(&Scenario::with_defaults());
    for (section, key, value) in simplest_instead_of_default() {
        let section = simplest.get_mut(section).and_then(Value::as_table_mut).expect("a section of the scenario");
        section.insert(key.into(), value);
    }
    let current = table(scenario);
    let sections = simplest.iter().filter_map(|(name, section)| Some((name, section.as_table()?)));
    let settings = sections.flat_map(|(name, section)| section.iter().map(move |(key, value)| (name, key, value)));
    let differs = settings
        .filter(|(name, key, value)| current.get(*name).and_then(|section| section.get(*key)) != Some(value))
        .map(|(name, key, value)| Change::Set(name.clone(), key.clone(), value.clone()));
    let extra = current.iter().filter(|(name, section)| section.is_table() && !simplest.contains_key(*name));
    differs.chain(extra.map(|(name, _)| Change::Drop(name.clone()))).collect()
}

fn table(scenario: &Scenario) -> Table {
    Table::try_from(scenario).expect("a scenario has a TOML form")
}

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

/// The case with the `index`-th setting made simpler.
pub(super) fn candidate(best: &Failing, index: usize) -> Option<Case> {
    let current = table(&best.case.scenario);
    let between = steps_between().into_iter().filter(|(section, key, value)| {
        current.get(*section).and_then(|section| section.get(*key)).is_some_and(|now| now != value)
    });
    let between = between.map(|(section, key, value)| (section.to_owned(), key.to_owned(), value));
    let (section, key, value) = not_simplest(&best.case.scenario).into_iter().chain(between).nth(index)?;
    let mut changed = current;
    changed.get_mut(&section)?.as_table_mut()?.insert(key, value);
    let scenario = changed.try_into().ok()?;
    Some(Case { scenario, ..best.case.clone() })
}

/// Every setting that is not the simplest, with the value that is.
pub(crate) fn not_simplest(scenario: &Scenario) -> Vec<(String, String, Value)> {
    let mut simplest = table(&Scenario::with_defaults());
    for (section, key, value) in simplest_instead_of_default() {
        let section = simplest.get_mut(section).and_then(Value::as_table_mut).expect("a section of the scenario");
        section.insert(key.into(), value);
    }
    let current = table(scenario);
    let sections = simplest.iter().filter_map(|(name, section)| Some((name, section.as_table()?)));
    let settings = sections.flat_map(|(name, section)| section.iter().map(move |(key, value)| (name, key, value)));
    settings
        .filter(|(name, key, value)| current.get(*name).and_then(|section| section.get(*key)) != Some(value))
        .map(|(name, key, value)| (name.clone(), key.clone(), value.clone()))
        .collect()
}

fn table(scenario: &Scenario) -> Table {
    Table::try_from(scenario).expect("a scenario has a TOML form")
}

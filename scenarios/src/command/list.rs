//! `falken list`: what there is.

use std::collections::BTreeSet;

use falken_harness::{fault, invariant, probe, strategy};
use falken_models::bug::Bug;
use falken_models::threads::{self, Form};
use falken_threads::{Subject, engine};
use serde_json::{Map, Value};

use crate::catalog;
use crate::cli::{List, Listed};
use crate::exit::{Exit, Failure};

/// Lists what was asked for.
///
/// # Errors
/// The list cannot be written.
pub fn list(options: &List) -> Result<Exit, Failure> {
    let (columns, rows) = table(options.what)?;
    super::print(&if options.json { json(columns, &rows) } else { text(columns, &rows) })
}

type Rows = Vec<Vec<String>>;

fn table(what: Listed) -> Result<(&'static [&'static str], Rows), Failure> {
    Ok(match what {
        Listed::Scenarios => (&["scenario", "connections", "sync", "about"], scenarios()?),
        Listed::Bugs => {
            let row = |bug: &Bug| {
                let needs = if bug.needs_threads() { "threads" } else { "simulation" };
                vec![
                    bug.id().into(),
                    bug.class().name().into(),
                    needs.into(),
                    bug.violates().join(" "),
                    bug.what().into(),
                ]
            };
            (&["bug", "class", "found by", "violates", "what"], Bug::ALL.iter().map(row).collect())
        }
        Listed::Invariants => {
            let online = invariant::TABLE.iter().map(|entry| [entry.id, entry.name, entry.rule]);
            let judged = invariant::JUDGED_BY_THE_LOOP.iter().map(|(id, name, rule)| [*id, *name, *rule]);
            let mut rows: Rows = online.chain(judged).map(|row| row.map(String::from).to_vec()).collect();
            rows.extend(of_threads().map(|(id, rule)| {
                vec![
                    id.into(),
                    "of threads".into(),
                    format!("{rule} (judged by `falken threads` only, without --checks)"),
                ]
            }));
            (&["invariant", "name", "rule"], rows)
        }
        Listed::Faults => {
            let row = |entry: &fault::Entry| {
                let (class, per) = (entry.class.name().into(), entry.per.name().into());
                let probe = entry.fault.probe().into();
                vec![entry.fault.key().into(), class, per, probe, entry.does.into(), entry.owed.into()]
            };
            (
                &["fault", "class", "one in N per", "probe", "what it does", "what is owed"],
                fault::TABLE.iter().map(row).collect(),
            )
        }
        Listed::Probes => (
            &["probe", "hit when"],
            probe::TABLE.iter().map(|probe| vec![probe.name.into(), probe.about.into()]).collect(),
        ),
        Listed::Strategies => (
            &["strategy", "about"],
            strategy::TABLE.iter().map(|entry| vec![entry.name.into(), entry.about.into()]).collect(),
        ),
        Listed::Threads => (&["form", "threads", "engines", "shows", "about"], forms()?),
    })
}

/// The invariants, with their rules, that planted bugs break and no simulation judges.
pub(super) fn of_threads() -> impl Iterator<Item = (&'static str, &'static str)> {
    let named: BTreeSet<&str> = Bug::ALL.iter().flat_map(|bug| bug.violates()).copied().collect();
    let judged = |id: &str| {
        let online = invariant::TABLE.iter().map(|entry| entry.id);
        online.chain(invariant::JUDGED_BY_THE_LOOP.iter().map(|(id, ..)| *id)).any(|known| known == id)
    };
    named.into_iter().filter(move |id| !judged(id)).map(|id| (id, falken_threads::rule(id)))
}

fn scenarios() -> Result<Rows, Failure> {
    let row = |(name, _): &(&str, &str)| {
        let scenario = catalog::find(name)?;
        let sync = format!("{:?}", scenario.database.sync).to_lowercase();
        Ok(vec![scenario.name.clone(), scenario.connections().to_string(), sync, scenario.about])
    };
    catalog::TABLE.iter().map(row).collect()
}

/// The forms, and the scenarios that run on threads.
fn forms() -> Result<Rows, Failure> {
    let engines = |subject: Subject| {
        let engines = subject.engines().unwrap_or_default();
        engines.iter().map(|engine| engine::of(*engine).name).collect::<Vec<_>>().join(" ")
    };
    let form = |form: &Form| {
        let shows: Vec<_> = form.shows.iter().map(|bug| bug.id()).collect();
        let engines = engines(Subject::Form(form.name.into()));
        vec![form.name.into(), form.threads.to_string(), engines, shows.join(" "), form.about.into()]
    };
    let mut rows: Rows = threads::TABLE.iter().map(form).collect();
    for (name, _) in catalog::TABLE {
        let scenario = catalog::find(name)?;
        if scenario.threads.is_some() {
            let (threads, about) = (1 + scenario.connections(), scenario.about.clone());
            let engines = engines(Subject::Scenario(Box::new(scenario)));
            rows.push(vec![(*name).into(), threads.to_string(), engines, String::new(), about]);
        }
    }
    Ok(rows)
}

/// Columns as wide as their widest cell; the last one runs on.
fn text(columns: &[&str], rows: &Rows) -> String {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([columns[column].len()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let line = |cells: Vec<&str>| {
        let padded: Vec<String> = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        format!("{}\n", padded.join("  ").trim_end())
    };
    let header = line(columns.to_vec());
    rows.iter().fold(header, |out, row| out + &line(row.iter().map(String::as_str).collect()))
}

fn json(columns: &[&str], rows: &Rows) -> String {
    let object = |row: &Vec<String>| {
        let fields =
            columns.iter().zip(row).map(|(column, cell)| (column.replace(' ', "_"), Value::from(cell.clone())));
        Value::Object(fields.collect::<Map<_, _>>())
    };
    let list: Vec<Value> = rows.iter().map(object).collect();
    format!("{:#}\n", Value::from(list))
}

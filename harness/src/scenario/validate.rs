//! Ranges: what a scenario may ask for.

use std::collections::BTreeMap;

use falken_models::connection::Op;

use super::program::parse_program;
use super::{Clients, Scenario, ScenarioError, Sync, TEMPLATES, Torn};
use crate::action::CrashKind;
use crate::invariant::Selection;
use crate::probe;

/// The most connections in one run: their numbers and lanes stay readable.
const CONNECTIONS_MAX: u32 = 64;

fn problem(field: &str, problem: impl Into<String>) -> ScenarioError {
    ScenarioError::Value { field: field.into(), problem: problem.into() }
}

fn range(field: &str, value: u64, least: u64, most: u64) -> Result<(), ScenarioError> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(problem(field, format!("is {value}, but must be from {least} to {most}")))
}

fn one_of(field: &str, value: usize, allowed: &[usize]) -> Result<(), ScenarioError> {
    if allowed.contains(&value) {
        return Ok(());
    }
    let list = allowed.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    Err(problem(field, format!("is {value}, but must be one of {list}")))
}

impl Scenario {
    /// Whoever does not look for another layout must not meet one.
    fn validate_layout(&self) -> Result<(), ScenarioError> {
        let changes = |program: &[String]| {
            let transactions = parse_program(program).unwrap_or_default();
            transactions.iter().flatten().any(|op| *op == Op::ChangeLayout)
        };
        let changing = ["change-layout", "layout-tx", "layout-savepoint-tx"];
        let draws = |mix: &Mix| changing.iter().any(|name| mix.get(*name).is_some_and(|w| *w > 0));
        let has_changes = changes(&self.setup)
            || self.clients.iter().any(|clients| {
                draws(&clients.mix)
                    || draws(&clients.beside)
                    || changes(&clients.program)
                    || changes(&clients.beside_program)
            });
        if has_changes && !self.database.layout_changes {
            return Err(problem("database.layout-changes", "must be true where a statement changes the layout"));
        }
        Ok(())
    }

    /// Checks every value against its range. A scenario that was changed after it was read is checked again.
    ///
    /// # Errors
    /// The first field that is out of range.
    pub fn validate(&self) -> Result<(), ScenarioError> {
        let good_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if self.name.is_empty() || !self.name.chars().all(good_name) {
            return Err(problem("name", "must be lower-case letters, digits and dashes"));
        }
        if self.plant.is_some() && self.planted().0.is_none() {
            return Err(problem("plant", "names no bug of the catalogue"));
        }
        one_of("database.page-size", self.database.page_size, &[512, 1024, 4096])?;
        range("database.cache-pages", self.database.cache_pages as u64, 2, 100_000)?;
        range("database.read-slots", u64::from(self.database.read_slots), 1, 4)?;
        range("database.busy-retries", u64::from(self.database.busy_retries), 0, 10_000)?;
        range("database.read-retries", u64::from(self.database.read_retries), 0, 10_000)?;
        range("database.auto-checkpoint", u64::from(self.database.auto_checkpoint), 0, 1_000_000)?;
        one_of("disk.sector-size", self.disk.sector_size, &[512, 4096])?;
        Selection::of(&self.checks.only)
            .map_err(|unknown| problem("checks.only", format!("names `{unknown}`, which is no invariant")))?;
        range("rows.keys", u64::from(self.rows.keys), 1, 100_000)?;
        range("rows.key-stride", u64::from(self.rows.key_stride), 1, u64::from(u32::MAX))?;
        let span = i64::from(self.rows.keys - 1) * i64::from(self.rows.key_stride);
        if self.rows.first_key.checked_add(span).is_none() {
            return Err(problem("rows.first-key", "leaves no room for so many keys"));
        }
        range("rows.value-bytes-max", u64::from(self.rows.value_bytes_max), 0, 1 << 20)?;
        range("rows.statements-max", u64::from(self.rows.statements_max), 1, 1000)?;
        range("bounds.steps", self.bounds.steps, 1, 1_000_000_000)?;
        if self.faults.power_loss.is_on() && self.database.sync == Sync::Off {
            return Err(problem(
                "faults.power-loss",
                "owes nothing under `sync = \"off\"`, so there is nothing to check",
            ));
        }
        if self.faults.spoilt_sectors.is_on() && self.disk.powersafe_overwrite {
            return Err(problem("faults.spoilt-sectors", "cannot happen with `disk.powersafe-overwrite = true`"));
        }
        parse_program(&self.setup).map_err(|(at, text)| problem(&format!("setup[{at}]"), text))?;
        self.validate_layout()?;
        self.validate_crash_images()?;
        self.validate_clients()?;
        self.validate_threads()?;
        for name in &self.probes.expected {
            if !probe::TABLE.iter().any(|probe| probe.name == name) {
                return Err(problem("probes.expected", format!("names `{name}`, which is no probe")));
            }
        }
        Ok(())
    }

    fn validate_crash_images(&self) -> Result<(), ScenarioError> {
        let Some(images) = &self.crash_images else { return Ok(()) };
        if self.database.sync == Sync::Off && images.crashes.contains(&CrashKind::Power) {
            let text = "names `power`, which makes no sense under `sync = \"off\"`, where a power loss owes nothing";
            return Err(problem("crash-images.crashes", text));
        }
        range("crash-images.images-max", u64::from(images.images_max), 2, 100_000_000)?;
        range("crash-images.second-images-max", u64::from(images.second_images_max), 0, 100_000_000)?;
        if images.torn.contains(&Torn::Spoilt) && self.disk.powersafe_overwrite {
            let text = "names `spoilt`, which cannot happen with `disk.powersafe-overwrite = true`";
            return Err(problem("crash-images.torn", text));
        }
        if images.barriers.is_empty() {
            return Err(problem("crash-images.barriers", "names no moment at which to make images"));
        }
        let concerns = |kind: &CrashKind| images.barriers.iter().any(|barrier| barrier.concerns(*kind));
        if !images.crashes.iter().any(concerns) {
            let text = "names no crash for which images are made at one of the `barriers`";
            return Err(problem("crash-images.crashes", text));
        }
        Ok(())
    }

    fn validate_threads(&self) -> Result<(), ScenarioError> {
        let Some(threads) = &self.threads else { return Ok(()) };
        if !self.is_finite() || self.clients.iter().any(|clients| !clients.beside_program.is_empty()) {
            return Err(problem("threads", "needs clients that run one `program` each, and no mix"));
        }
        let undoes = |program: &Vec<String>| program.iter().any(|statement| statement.starts_with("rollback to"));
        if self.database.layout_changes {
            return Err(problem("threads", "have no `database.layout-changes`"));
        }
        if self.clients.iter().any(|clients| undoes(&clients.program)) {
            return Err(problem("threads", "cannot tell what a `rollback to` has left, so programs must not have one"));
        }
        if threads.engines.is_empty() {
            return Err(problem("threads.engines", "names no engine"));
        }
        range("threads.preemptions", u64::from(threads.preemptions), 0, 20)?;
        range("threads.io-threads", u64::from(threads.io_threads), 1, 16)?;
        range("threads.tries-max", u64::from(threads.tries_max), 1, 1_000_000)
    }

    fn validate_clients(&self) -> Result<(), ScenarioError> {
        let connections: u32 = self.clients.iter().map(|clients| u32::from(clients.count)).sum();
        range("clients (connections in all)", u64::from(connections), 1, u64::from(CONNECTIONS_MAX))?;
        for (i, clients) in self.clients.iter().enumerate() {
            range(&format!("clients[{i}].count"), u64::from(clients.count), 1, u64::from(CONNECTIONS_MAX))?;
            let field = format!("clients[{i}]");
            let idle = clients.mix.is_empty() && clients.program.is_empty();
            if idle && clients.beside_program.is_empty() {
                return Err(problem(&field, "needs a `mix` to draw from or a `program` to run"));
            }
            validate_source(&field, ("mix", &clients.mix), ("program", &clients.program))?;
            validate_source(&field, ("beside", &clients.beside), ("beside-program", &clients.beside_program))?;
            validate_beside(&field, clients)?;
        }
        Ok(())
    }
}

type Mix = BTreeMap<String, u32>;

fn validate_source(field: &str, mix: (&str, &Mix), program: (&str, &[String])) -> Result<(), ScenarioError> {
    let ((mix_name, mix), (program_name, program)) = (mix, program);
    if !mix.is_empty() && !program.is_empty() {
        let text = format!("has a `{mix_name}` and a `{program_name}`, but can follow only one");
        return Err(problem(field, text));
    }
    if !mix.is_empty() {
        validate_mix(&format!("{field}.{mix_name}"), mix)?;
    }
    parse_program(program).map_err(|(at, text)| problem(&format!("{field}.{program_name}[{at}]"), text))?;
    Ok(())
}

/// The second statement of a connection takes part in the transactions of the first, and has none of its own.
fn validate_beside(field: &str, clients: &Clients) -> Result<(), ScenarioError> {
    if let Some(name) = clients.beside.keys().find(|name| name.ends_with("-tx")) {
        return Err(problem(&format!("{field}.beside"), format!("names `{name}`, but takes single statements only")));
    }
    let transactions = parse_program(&clients.beside_program).unwrap_or_default();
    if transactions.iter().any(|statements| statements.len() > 1) {
        return Err(problem(
            &format!("{field}.beside-program"),
            "opens a transaction, but takes single statements only",
        ));
    }
    Ok(())
}

fn validate_mix(field: &str, mix: &Mix) -> Result<(), ScenarioError> {
    for (name, &weight) in mix {
        if !TEMPLATES.contains(&name.as_str()) {
            let known = TEMPLATES.join(", ");
            return Err(problem(field, format!("names `{name}`; known are {known}")));
        }
        range(&format!("{field}.{name}"), u64::from(weight), 0, 1_000_000)?;
    }
    if mix.values().all(|&weight| weight == 0) {
        return Err(problem(field, "has nothing to do"));
    }
    Ok(())
}

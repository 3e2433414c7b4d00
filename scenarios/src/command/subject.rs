//! On which engine a scenario is run, and what it can be asked of that engine.

use falken_harness::scenario::{Scenario, Sync};
use falken_harness::subject::{Engine, is_known};

use crate::exit::Failure;

/// An engine by its name.
pub fn engine(name: &str) -> Result<Engine, String> {
    let known = || Engine::ALL.map(Engine::name).join(", ");
    Engine::ALL.into_iter().find(|engine| engine.name() == name).ok_or_else(|| format!("known are {}", known()))
}

/// Puts a scenario on the engine that the user wants.
pub(super) fn choose(scenario: &mut Scenario, wanted: Option<Engine>) -> Result<(), Failure> {
    scenario.subject = wanted.unwrap_or(scenario.subject);
    must_be_known(scenario)?;
    match scenario.subject {
        Engine::Models => Ok(()),
        Engine::Turso => fit(scenario),
    }
}

/// Whether this build has the scenario's engine.
pub(crate) fn must_be_known(scenario: &Scenario) -> Result<(), Failure> {
    if is_known(scenario.subject) {
        return Ok(());
    }
    let name = scenario.subject.name();
    Err(Failure::Input(format!("this build has no engine `{name}`; build with --features {name}")))
}

/// What looks into its subject can do so only with the models.
pub(super) fn must_be_models(scenario: &Scenario) -> Result<(), Failure> {
    if scenario.subject.is_models() {
        return Ok(());
    }
    Err(Failure::Input(format!(
        "{} is for {}: this is done only with the models",
        scenario.name,
        scenario.subject.name()
    )))
}

/// Leaves out what the published engine does not promise to survive, and what nobody can see in it.
fn fit(scenario: &mut Scenario) -> Result<(), Failure> {
    let cannot = |what: &str| Failure::Input(format!("{} cannot be run on turso: {what}", scenario.name));
    if scenario.database.create {
        return Err(cannot("falken does not know the tables that it would create"));
    }
    if scenario.database.layout_changes {
        return Err(cannot("its statements change no layout"));
    }
    if scenario.plant.is_some() {
        return Err(cannot("bugs are planted in the models"));
    }
    if scenario.database.sync == Sync::Off && scenario.faults.power_loss.is_on() {
        return Err(cannot("without fsync nothing is owed after a power loss"));
    }
    let faults = &mut scenario.faults;
    let parts = [
        // The engine asserts that a write moves everything, and takes a read that does not for damage.
        ("short-write", std::mem::take(&mut faults.short_write).is_on()),
        ("short-read", std::mem::take(&mut faults.short_read).is_on()),
        // What it waits for is a bell of its own, and no operation that somebody could name.
        ("cancel", std::mem::take(&mut faults.cancel).is_on()),
        ("crash-images", scenario.crash_images.take().is_some()),
    ];
    let left_out: Vec<&str> = parts.into_iter().filter_map(|(part, was_on)| was_on.then_some(part)).collect();
    if !left_out.is_empty() {
        eprintln!("note: {} on turso without {}", scenario.name, left_out.join(", "));
    }
    // Most probes are events that only the models send.
    scenario.probes.expected.retain(|probe| probe.starts_with("crash.p") || probe.starts_with("fault."));
    Ok(())
}

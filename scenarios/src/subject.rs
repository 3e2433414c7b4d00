//! On which engine a scenario is run, and what it can be asked of that engine.

use falken_harness::scenario::{CrashImages, Scenario, Sync};
use falken_harness::subject::{Engine, is_known};

use crate::exit::Failure;

/// An engine by its name.
pub fn engine(name: &str) -> Result<Engine, String> {
    let known = || Engine::ALL.map(Engine::name).join(", ");
    Engine::ALL.into_iter().find(|engine| engine.name() == name).ok_or_else(|| format!("known are {}", known()))
}

/// Puts a scenario on the engine that the user wants, and returns what had to be left out for it.
pub(crate) fn choose(scenario: &mut Scenario, wanted: Option<Engine>) -> Result<Vec<&'static str>, Failure> {
    scenario.subject = wanted.unwrap_or(scenario.subject);
    must_be_runnable(scenario)?;
    Ok(if scenario.subject.is_models() { Vec::new() } else { fit(scenario) })
}

/// Says what was left out.
pub(crate) fn note_left_out(scenario: &Scenario, left_out: &[&str]) {
    if !left_out.is_empty() {
        eprintln!("note: {} on {} without {}", scenario.name, scenario.subject.name(), left_out.join(", "));
    }
}

/// Why a scenario of the catalogue is left out where all of them are wanted on another engine.
pub(crate) fn skipped(scenario: &Scenario, wanted: Option<Engine>) -> Option<String> {
    let scenario = Scenario { subject: wanted.unwrap_or(scenario.subject), ..scenario.clone() };
    unfit(&scenario).map(|why| format!("{}: {why}", scenario.name))
}

/// Whether this build has the scenario's engine, and that one can run it.
pub(crate) fn must_be_runnable(scenario: &Scenario) -> Result<(), Failure> {
    let (scenario_name, name) = (&scenario.name, scenario.subject.name());
    if !is_known(scenario.subject) {
        return Err(Failure::Input(format!("this build has no engine `{name}`; build with --features {name}")));
    }
    let refused = |why| Failure::Input(format!("{scenario_name} cannot be run on {name}: {why}"));
    unfit(scenario).map_or(Ok(()), |why| Err(refused(why)))
}

/// What looks into its subject can do so only with the models.
pub(crate) fn must_be_models(scenario: &Scenario) -> Result<(), Failure> {
    if scenario.subject.is_models() {
        return must_be_runnable(scenario);
    }
    Err(Failure::Input(format!(
        "{} is for {}: this is done only with the models",
        scenario.name,
        scenario.subject.name()
    )))
}

/// Why an engine cannot run a scenario at all.
fn unfit(scenario: &Scenario) -> Option<&'static str> {
    match scenario.subject {
        Engine::Models if !scenario.database.journal.is_wal() => {
            Some("they have no `database.journal = \"mvcc\"`; --subject turso has")
        }
        Engine::Models => None,
        Engine::Turso if scenario.database.create => Some("falken does not know the tables that it would create"),
        Engine::Turso if scenario.database.layout_changes => Some("its statements change no layout"),
        Engine::Turso if scenario.plant.is_some() => Some("bugs are planted in the models"),
        Engine::Turso if scenario.database.sync == Sync::Off && scenario.faults.power_loss.is_on() => {
            Some("without fsync nothing is owed after a power loss")
        }
        Engine::Turso => None,
    }
}

/// As many images at one moment as an engine opens in reasonable time: it takes most of a millisecond for each, and SQLite some.
const IMAGES_MAX: u32 = 100;

/// Nobody knows what the commit of a process that goes on has to leave; returns whether one was to go on.
fn without_second_crash(images: &mut CrashImages) -> bool {
    std::mem::take(&mut images.second_images_max) > 0
}

/// Returns whether there were to be more.
fn with_fewer_images(images: &mut CrashImages) -> bool {
    let wanted = images.images_max;
    images.images_max = wanted.min(IMAGES_MAX);
    images.images_max < wanted
}

/// Leaves out what the published engine does not promise to survive, and what nobody can see in it.
fn fit(scenario: &mut Scenario) -> Vec<&'static str> {
    let faults = &mut scenario.faults;
    let parts = [
        // The engine asserts that a write moves everything, and takes a read that does not for damage.
        ("short-write", std::mem::take(&mut faults.short_write).is_on()),
        ("short-read", std::mem::take(&mut faults.short_read).is_on()),
        // What it waits for is a bell of its own, and no operation that somebody could name.
        ("cancel", std::mem::take(&mut faults.cancel).is_on()),
        // Its third file is beside the disk, so no image would be whole.
        ("crash-images", !scenario.database.journal.is_wal() && scenario.crash_images.take().is_some()),
        ("crash-images.second-images-max", scenario.crash_images.as_mut().is_some_and(without_second_crash)),
        ("most of crash-images.images-max", scenario.crash_images.as_mut().is_some_and(with_fewer_images)),
    ];
    // Most probes are events that only the models send.
    scenario.probes.expected.retain(|probe| probe.starts_with("crash.p") || probe.starts_with("fault."));
    parts.into_iter().filter_map(|(part, was_on)| was_on.then_some(part)).collect()
}

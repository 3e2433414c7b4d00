//! Makes a failing execution of shuttle smaller: its schedule, and what the clients of a scenario do.
//!
//! With one statement less no schedule fits any more, so a smaller scenario is explored anew, for a few executions; what
//! fails there in the same way is shrunk, and is the next to be made smaller. Loom's executions are left alone: a
//! depth-first search finds short ones first.

use falken_harness::scenario::program::parse_program;
use falken_harness::scenario::{Scenario, Threads};

use crate::invariants::same_cause;
use crate::job::{Job, Subject, Task};
use crate::sampler;
use crate::schedule::Schedule;
use crate::supervise::{Failing, SuperviseError, Workers, shorten, supervise};

/// Executions in which a smaller scenario must fail.
const RUNS: u64 = 60;

/// What a failing execution consists of, largest part first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size {
    /// Threads that run a program.
    pub clients: usize,
    /// Their statements, and those of the setup.
    pub statements: usize,
    /// How often another thread goes on.
    pub switches: usize,
}

/// A failing execution that was made smaller.
#[derive(Clone, Debug)]
pub struct Reduced {
    /// What is left to run.
    pub subject: Subject,
    /// How it fails.
    pub failing: Failing,
    /// What it was.
    pub before: Size,
    /// What it is.
    pub after: Size,
    /// Whether it ended because nothing more was found, and not because the watcher had enough.
    pub is_fixed_point: bool,
}

fn size(subject: &Subject, schedule: Option<&Schedule>) -> Size {
    let switches = schedule.map_or(0, Schedule::switches);
    match subject {
        Subject::Form(_) => Size { switches, ..Size::default() },
        Subject::Scenario(scenario) => {
            let statements: usize = scenario.each_client().map(|client| client.program.len()).sum();
            let clients = scenario.each_client().count();
            Size { clients, statements: statements + scenario.setup.len(), switches }
        }
    }
}

/// Makes the execution of a replay smaller. `watch` is told how far it has come, and ends it by returning `false`.
///
/// Returns `None` if the execution does not fail.
///
/// # Errors
/// A worker cannot be started, or is not what it should be.
pub fn reduce(
    workers: Workers<'_>,
    replay: &Job,
    watch: &mut dyn FnMut(Size) -> bool,
) -> Result<Option<Reduced>, SuperviseError> {
    let Some(mut failing) = supervise(workers, replay, &mut |_| {})?.failure else { return Ok(None) };
    let mut subject = replay.subject.clone();
    let before = size(&subject, failing.schedule.as_ref());
    let explore = |subject: Subject| Job {
        subject,
        runs: RUNS,
        seed: 1,
        sampler: sampler::ALL.into(),
        task: Task::Explore(std::path::PathBuf::new()),
        ..replay.clone()
    };
    let (mut at, mut since_found, mut is_fixed_point) = (0, 0, true);
    while let Subject::Scenario(scenario) = &subject {
        let candidates = smaller(scenario);
        if since_found >= candidates.len() {
            break;
        }
        if !watch(size(&subject, failing.schedule.as_ref())) {
            is_fixed_point = false;
            break;
        }
        at %= candidates.len();
        let candidate = Subject::Scenario(Box::new(candidates[at].clone()));
        let found = supervise(workers, &explore(candidate.clone()), &mut |_| {})?.failure;
        match found.filter(|found| found.is_reproduced && same_cause(&found.text, &failing.text)) {
            Some(found) => (subject, failing, since_found) = (candidate, found, 0),
            None => (at, since_found) = (at + 1, since_found + 1),
        }
    }
    loop {
        let now = size(&subject, failing.schedule.as_ref());
        if !watch(now) {
            is_fixed_point = false;
            break;
        }
        shorten(workers, &explore(subject.clone()), &mut failing)?;
        if size(&subject, failing.schedule.as_ref()) >= now {
            break;
        }
    }
    let after = size(&subject, failing.schedule.as_ref());
    Ok(Some(Reduced { subject, failing, before, after, is_fixed_point }))
}

/// The scenarios that have one part less, large parts first.
fn smaller(scenario: &Scenario) -> Vec<Scenario> {
    let mut all = Vec::new();
    let mut with = |change: &dyn Fn(&mut Scenario)| {
        let mut changed = scenario.clone();
        change(&mut changed);
        if changed != *scenario && changed.validate().is_ok() {
            all.push(changed);
        }
    };
    if scenario.connections() > 1 {
        for at in 0..scenario.clients.len() {
            with(&|changed| match changed.clients[at].count {
                0 | 1 => _ = changed.clients.remove(at),
                _ => changed.clients[at].count -= 1,
            });
        }
    }
    let threads = |change: fn(&mut Threads)| move |changed: &mut Scenario| changed.threads.iter_mut().for_each(change);
    with(&threads(|threads| threads.drop_every = 0));
    with(&threads(|threads| threads.abandon_every = 0));
    with(&threads(|threads| threads.io_threads = threads.io_threads.min(1)));
    for (at, clients) in scenario.clients.iter().enumerate() {
        let mut from = 0;
        for transaction in parse_program(&clients.program).unwrap_or_default() {
            let part = from..from + transaction.len();
            from = part.end;
            with(&|changed| _ = changed.clients[at].program.drain(part.clone()));
        }
    }
    (0..scenario.setup.len()).for_each(|nth| with(&|changed| _ = changed.setup.remove(nth)));
    for (at, clients) in scenario.clients.iter().enumerate() {
        (0..clients.program.len()).for_each(|nth| with(&|changed| _ = changed.clients[at].program.remove(nth)));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_smaller_scenario_is_valid_and_has_one_part_less() {
        let text = "name = \"a\"\nabout = \"b\"\nsetup = [\"put 1 a\"]\n[threads]\nabandon-every = 3\n\
                    [[clients]]\ncount = 2\nprogram = [\"begin\", \"get 1\", \"commit\", \"put 2 b\"]\n\
                    [[clients]]\ncount = 1\nprogram = [\"checkpoint passive\"]\n";
        let scenario = Scenario::from_toml(text).unwrap();
        let all = smaller(&scenario);
        assert!(all.iter().all(|smaller| smaller.validate().is_ok() && *smaller != scenario));
        let one_less = |change: &dyn Fn(&Scenario) -> bool| all.iter().any(change);
        assert!(one_less(&|smaller| smaller.clients[0].count == 1) && one_less(&|smaller| smaller.clients.len() == 1));
        assert!(one_less(&|smaller| smaller.threads.as_ref().unwrap().abandon_every == 0));
        assert!(one_less(&|smaller| smaller.clients[0].program == ["put 2 b"]));
        assert!(one_less(&|smaller| smaller.clients[0].program == ["begin", "commit", "put 2 b"]));
        assert!(!one_less(&|smaller| smaller.clients[0].program.first().is_some_and(|first| first == "get 1")));
    }
}

//! One state's successors, by re-execution: the way to it is run again for each of them.

use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};

use falken_models::bug::Planted;
use falken_models::state::StateHasher;
use falken_models::sync::{Arc, Mutex};

use super::script::{Bounds, Script, Scripted};
use crate::action::Action;
use crate::run::{Run, RunReport, Settings, Watch};
use crate::scenario::Scenario;
use crate::subject::Models;
use crate::verdict::{Violation, of_panic};

/// What is searched.
#[derive(Clone, Copy, Debug)]
pub struct Subjects<'a> {
    /// The scenario; every client runs a program.
    pub scenario: &'a Scenario,
    /// The planted bug, if any.
    pub planted: Planted,
    /// From which salts are made.
    pub seed: u64,
    /// What is left out.
    pub bounds: Bounds,
}

/// Where a transition leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Successor {
    /// To a state with this hash.
    State(u64),
    /// To the end: the clients have ended, and the proof that nothing is left has passed.
    End,
    /// To a broken invariant.
    Violation(Box<Violation>),
    /// Beyond the bound of actions, whatever is there.
    OutOfBounds,
}

/// One transition: the answers that select it (behind those that lead to its state), and where it leads.
#[derive(Clone, Debug)]
pub struct Transition {
    /// The answers.
    pub answers: Vec<u16>,
    /// Where it leads.
    pub to: Successor,
    /// Whether a bound has forbidden something on the way.
    pub was_bounded: bool,
}

/// A run under a script.
struct Scripting<'a> {
    run: Run<'a, Models>,
    script: Arc<Mutex<Script>>,
    actions_max: Option<u64>,
}

impl<'a> Scripting<'a> {
    /// A run whose setup is over.
    fn new(subjects: &Subjects<'a>, watch: Watch) -> Result<Self, Box<Violation>> {
        let script = Arc::new(Mutex::new(Script::new(subjects.bounds)));
        let strategy = Box::new(Scripted(Arc::clone(&script)));
        let settings = Settings { seed: subjects.seed, planted: subjects.planted, strategy, oracle: None };
        let mut run = Run::models(subjects.scenario, settings);
        run.watch = watch;
        run.prepare()?;
        Ok(Self { run, script, actions_max: subjects.bounds.actions })
    }

    /// Takes one action, of which a violation may come, or a panic, which is one.
    fn advance(&mut self) -> Result<Action, Box<Violation>> {
        let run = &mut self.run;
        catch_unwind(AssertUnwindSafe(|| run.advance())).unwrap_or_else(|panic| Err(run.failed(of_panic(&*panic))))
    }

    fn hash(&mut self) -> u64 {
        let mut state = StateHasher::default();
        let script = self.script.lock();
        self.run.state_hash(script.last()).hash(&mut state);
        script.budget().hash(&mut state);
        self.actions_max.map(|_| self.run.tally().actions()).hash(&mut state);
        state.finish()
    }

    /// Takes an action, and says where it leads if it leads away from the run.
    fn advance_within(&mut self) -> Result<Action, Successor> {
        let taken = self.advance();
        if self.actions_max.is_some_and(|most| self.run.tally().actions() > most) {
            return Err(Successor::OutOfBounds);
        }
        match taken {
            Err(violation) => Err(Successor::Violation(violation)),
            Ok(Action::Finale) => Err(Successor::End),
            Ok(action) => Ok(action),
        }
    }

    /// Takes the action that leads out of a state, and those that follow it without a choice that matters.
    fn take(&mut self) -> Successor {
        if let Err(successor) = self.advance_within() {
            return successor;
        }
        if !self.run.is_proving() {
            return Successor::State(self.hash());
        }
        // The proof is one connection's and a check, not a part of the scenario: one order of its I/O is enough.
        self.script.lock().is_straight = true;
        loop {
            if let Err(successor) = self.advance_within() {
                return successor;
            }
        }
    }
}

impl Subjects<'_> {
    /// What is searched, as a text: a saved search can be continued only under the same one. The first state's hash is part
    /// of it, so that a change of the models that shows there is noticed.
    pub fn key(&self, version: &str) -> String {
        let Self { scenario, planted, seed, bounds } = self;
        let bug = planted.0.map_or("none", falken_models::bug::Bug::id);
        let scenario = toml::to_string(scenario).expect("a scenario has a TOML form");
        format!(
            "falken {version}\nplanted {bug}\nseed {seed}\n{bounds:?}\nfirst state {:?}\n{scenario}",
            self.initial()
        )
    }

    /// The state in which the clients start.
    pub fn initial(&self) -> Successor {
        match Scripting::new(self, Watch::Judge) {
            Ok(mut scripting) => Successor::State(scripting.hash()),
            Err(violation) => Successor::Violation(violation),
        }
    }

    /// Every transition out of the state to which `path` leads in `depth` actions. The order is that of the options.
    ///
    /// # Panics
    /// If the path does not lead there: then the run is not a function of its choices.
    pub fn expand(&self, path: &[u16], depth: usize) -> Vec<Transition> {
        let mut transitions = Vec::new();
        let mut answers = Some(Vec::new());
        while let Some(tried) = answers {
            let mut scripting = Scripting::new(self, Watch::Rebuild).expect("the setup has run before");
            scripting.script.lock().follow([path, &tried].concat(), path.len());
            for _ in 0..depth {
                scripting.run.advance().expect("the way to a state has been taken before");
            }
            scripting.run.watch = Watch::Judge;
            scripting.script.lock().was_bounded = false;
            let to = scripting.take();
            let script = scripting.script.lock();
            let was_bounded = script.was_bounded || to == Successor::OutOfBounds;
            transitions.push(Transition { answers: script.answers().collect(), to, was_bounded });
            answers = script.next_answers();
        }
        transitions
    }

    /// Runs to the end along a path: the report of a violation, with its tape and its last events.
    ///
    /// # Panics
    /// If the setup, which every state has behind it, breaks an invariant.
    pub fn replay(&self, path: Vec<u16>) -> RunReport {
        let scripting = Scripting::new(self, Watch::Report).expect("the setup has run before");
        scripting.script.lock().follow(path, 0);
        scripting.run.go()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCENARIO: &str = r#"
name = "savepoints-of-two"
about = "statements that leave something in an invariant's memory, beside another connection"

[schedule]
micro = false

[[clients]]
count = 1
program = ["begin", "put 1 a", "savepoint", "put 2 b", "rollback to 0", "commit"]

[[clients]]
count = 1
program = ["put 3 c", "get 1"]
"#;

    /// The hash of a state is that of a run in which everything was judged, also if the way to it was only rebuilt.
    #[test]
    fn rebuilding_the_way_to_a_state_leaves_the_memory_that_judging_it_leaves() {
        let scenario = Scenario::from_toml(SCENARIO).unwrap();
        let subjects = Subjects { scenario: &scenario, planted: Planted(None), seed: 1, bounds: Bounds::default() };
        let mut path = Vec::new();
        for depth in 0.. {
            let transitions = subjects.expand(&path, depth);
            // Now one way, now another, so that both connections are in the middle of something.
            let transition = &transitions[depth % transitions.len()];
            path.extend(&transition.answers);
            let Successor::State(rebuilt) = transition.to else {
                assert!(transition.to == Successor::End && depth > 12, "{depth}: {:?}", transition.to);
                return;
            };
            let mut judged = Scripting::new(&subjects, Watch::Judge).unwrap();
            judged.script.lock().follow(path.clone(), path.len());
            (0..=depth).for_each(|_| _ = judged.advance().unwrap());
            assert_eq!(judged.hash(), rebuilt, "after {} actions", depth + 1);
        }
    }
}

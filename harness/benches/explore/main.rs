//! How fast falken explores, against others, in one run: ratios first, since machines are noisy.
//!
//! `cargo bench -p falken-harness --bench explore` takes some minutes; `-- --quick` searches seven participants instead of
//! eight and makes fewer runs. The same states are searched by all, which is asserted; the protocol's types are the same
//! for falken and for stateright, so what is compared is the engines.

mod group;
mod models;
mod race;
mod spin;
mod stateright;
mod two_phase;

use std::time::Instant;

use falken_harness::explore::{Ended, collision_probability};
use falken_harness::protocol::{Again, Fork, Limits, Way, search};
use two_phase::TwoPhase;

/// A search that has finished.
#[derive(Clone, Copy)]
struct Searched {
    states: u64,
    transitions: u64,
    seconds: f64,
}

impl Searched {
    fn states_per_second(self) -> f64 {
        self.states as f64 / self.seconds
    }

    fn row(self, what: &str) {
        let Self { states, transitions, seconds } = self;
        let (fast, steps) = (self.states_per_second() / 1e6, transitions as f64 / seconds / 1e6);
        println!(
            "  {what:34} {states:>9} states {transitions:>9} steps {seconds:>8.2} s {fast:>8.3} M states/s {steps:>7.2} M steps/s"
        );
    }
}

/// What somebody's search took, or why it was not made.
type Other = Result<Searched, String>;

fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let started = Instant::now();
    let result = work();
    (result, started.elapsed().as_secs_f64())
}

fn falken<const N: usize>(way: &impl Way<TwoPhase<N>>) -> Searched {
    let (outcome, seconds) = timed(|| search(way, &Limits::default(), &Default::default()));
    assert_eq!(outcome.ended, Ended::Finished);
    Searched { states: outcome.figures.states, transitions: outcome.figures.transitions, seconds }
}

fn two_phase_commit<const N: usize>(expected: u64) {
    let ours = falken(&Fork(TwoPhase::<N>::new()));
    let theirs: [(&str, Other); 2] = [("stateright", Ok(stateright::search::<N>())), ("spin", spin::search(N))];
    println!("two-phase commit, {N} participants, one thread each");
    for (name, other) in &theirs {
        match other {
            Ok(other) => println!("  falken : {name:10} {:.1} : 1", other.seconds / ours.seconds),
            Err(why) => println!("  falken : {name:10} not measured: {why}"),
        }
    }
    ours.row("falken, states forked");
    assert_eq!(ours.states, expected);
    for (name, other) in theirs {
        if let Ok(other) = other {
            other.row(name);
            assert_eq!(other.states, expected, "{name} counts other states");
        }
    }
    println!(
        "  of {} bytes a state; two share a hash with a probability of at most {:.1e}\n",
        size_of::<TwoPhase<N>>(),
        collision_probability(expected)
    );
}

fn ways_back() {
    let (forked, again) = (falken(&Fork(TwoPhase::<6>::new())), falken(&Again(TwoPhase::<6>::new)));
    assert_eq!((forked.states, forked.transitions), (again.states, again.transitions));
    println!("two-phase commit, 6 participants: forking a state against running its prefix again");
    println!("  fork : again   {:.1} : 1", again.seconds / forked.seconds);
    forked.row("fork");
    again.row("again");
    println!();
}

fn main() {
    let is_quick = std::env::args().any(|argument| argument == "--quick");
    if is_quick {
        two_phase_commit::<7>(296_448)
    } else {
        two_phase_commit::<8>(1_745_408)
    }
    ways_back();
    race::compare(if is_quick { 2000 } else { 20_000 });
    models::strategies(if is_quick { 20 } else { 100 });
    models::searches();
}

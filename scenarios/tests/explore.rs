//! Exhaustive search: exact counts, what it finds, what it must not depend on, and the command around it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};

use falken_harness::explore::{
    Bounds, Ended, Figures, Limits, OnViolation, Outcome, Prune, Subjects, Successor, Transition, Tree,
};
use falken_harness::run::{Run, Settings};
use falken_harness::scenario::Scenario;
use falken_harness::strategy::Replay;
use falken_models::bug::{Bug, Planted};
use falken_scenarios::catalog;

fn subjects(scenario: &Scenario, planted: Option<Bug>) -> Subjects<'_> {
    Subjects { scenario, planted: Planted(planted), seed: 1, bounds: Bounds::default() }
}

fn start(subjects: &Subjects<'_>) -> Tree {
    let Successor::State(hash) = subjects.initial() else { panic!("the setup passes") };
    Tree::new(hash)
}

fn search(subjects: &Subjects<'_>, limits: &Limits) -> (Tree, Outcome) {
    let mut tree = start(subjects);
    let outcome = subjects.search(&mut tree, limits, &AtomicBool::new(false), |_| {});
    (tree, outcome)
}

/// A scenario of the catalogue with other programs, without switches between I/O.
fn coarse(setup: &[&str], programs: &[(u8, &[&str])]) -> Scenario {
    let mut scenario = catalog::find("two-writers").unwrap();
    scenario.schedule.micro = false;
    scenario.setup = setup.iter().map(|text| (*text).to_owned()).collect();
    let template = scenario.clients[0].clone();
    scenario.clients = programs
        .iter()
        .map(|(count, program)| {
            let program = program.iter().map(|text| (*text).to_owned()).collect();
            falken_harness::scenario::Clients { count: *count, program, ..template.clone() }
        })
        .collect();
    scenario.validate().unwrap();
    scenario
}

/// States, transitions, ends and depth. They change when the models' steps, the clients or the state's hash change; a
/// change that nobody can explain by one of these is a bug of the search or of the hash.
#[test]
fn small_scenarios_have_exactly_these_states() {
    for (name, expected) in [
        ("two-writers", [4527, 8362, 10, 50]),
        ("writer-and-checkpointer", [3706, 6856, 15, 65]),
        ("reader-on-slot-0", [25927, 50004, 23, 91]),
        ("reader-and-skipped-page", [19969, 38364, 24, 74]),
        ("restart-under-checkpointer", [1861, 3369, 8, 63]),
        ("writer-and-power-loss", [1353, 3553, 93, 70]),
        ("two-closers", [11301, 21268, 10, 94]),
        ("two-creators", [11847, 22459, 15, 97]),
    ] {
        let scenario = catalog::find(name).unwrap();
        let (tree, outcome) = search(&subjects(&scenario, None), &Limits { jobs: 2, ..Limits::default() });
        let Figures { states, transitions, ends, depth, violations, .. } = *tree.figures();
        assert_eq!((outcome.ended, violations), (Ended::Finished, 0), "{name} {:?}", outcome.broken);
        assert_eq!([states, transitions, ends, depth], expected, "{name}");
    }
}

#[test]
fn the_planted_protocol_bugs_are_found_and_their_tapes_replay() {
    for (bug, name, invariant) in [
        (Bug::WalSkipReadMarkRecheck, "reader-on-slot-0", "WAL-2"),
        (Bug::WalSlot0NotRevalidated, "reader-on-slot-0", "WAL-2"),
        (Bug::WalNoBusySnapshotCheck, "two-writers", "TX-5"),
        (Bug::WalRestartUnderReaders, "reader-and-restart", "WAL-8"),
        (Bug::WalOldMarkAsSnapshot, "two-writers", "WAL-7"),
        (Bug::CkptIgnoresReadMarks, "writer-and-checkpointer", "WAL-7"),
        (Bug::CkptNoSlot0Exclusive, "reader-on-slot-0", "WAL-7"),
        (Bug::CkptPublishedBeforeCopy, "writer-and-checkpointer", "CK-3"),
    ] {
        let scenario = catalog::find(name).unwrap();
        let subjects = subjects(&scenario, Some(bug));
        let (_, outcome) = search(&subjects, &Limits { jobs: 2, ..Limits::default() });
        let failure = outcome.failure.unwrap_or_else(|| panic!("{} is not found in {name}", bug.id()));
        assert_eq!(failure.verdict.violation().map(|v| v.invariant), Some(invariant), "{}", bug.id());

        let strategy = Box::new(Replay::new(failure.tape.clone()));
        let again =
            Run::models(&scenario, Settings { seed: 1, planted: Planted(Some(bug)), strategy, oracle: None }).go();
        assert_eq!((again.hash, &again.verdict), (failure.hash, &failure.verdict), "{}", bug.id());
        assert_eq!(again.divergence, None, "{}", bug.id());
    }
}

/// The pruning rests on the hash: a state taken for another one would hide what only the other one leads to.
#[test]
fn pruning_hides_no_verdict() {
    let (mut compared, mut pruned_away) = (BTreeSet::new(), 0);
    for (bug, setup, programs) in [
        (None, &["put 1 old"][..], &[(1, &["checkpoint passive"][..]), (1, &["put 1 new"])][..]),
        (None, &[], &[(2, &["put 1 new"])]),
        (Some(Bug::WalNoBusySnapshotCheck), &["put 1 old"], &[(2, &["put 1 new"])]),
        (Some(Bug::CkptPublishedBeforeCopy), &["put 1 old"], &[(1, &["checkpoint passive"]), (1, &["get 1"])]),
        (Some(Bug::WalVisibleBeforeWritten), &["put 1 old"], &[(1, &["put 1 new"]), (1, &["get 1"])]),
        (Some(Bug::WalOldMarkAsSnapshot), &["put 1 old"], &[(1, &["put 1 new"]), (1, &["get 1"])]),
        (Some(Bug::CacheKeptAcrossCommit), &["put 1 old"], &[(1, &["put 1 new"]), (1, &["get 1", "get 1"])]),
        (Some(Bug::CkptDbSyncSkipped), &["put 1 old"], &[(1, &["checkpoint truncate"]), (1, &["put 1 new"])]),
        (Some(Bug::DurSyncBeforeWritesFinish), &["put 1 old"], &[(1, &["put 1 new*600"]), (1, &["get 1"])]),
    ] {
        let scenario = coarse(setup, programs);
        let subjects = subjects(&scenario, bug);
        let all = |prune| Limits { prune, on_violation: OnViolation::GoOn, states: 400_000, ..Limits::default() };
        let (pruned, with) = search(&subjects, &all(Prune::Known));
        let (full, without) = search(&subjects, &all(Prune::Nothing));
        assert_eq!((with.ended, without.ended), (Ended::Finished, Ended::Finished), "{bug:?} {:?}", full.figures());
        pruned_away += full.figures().states - pruned.figures().states;
        let invariants = |outcome: &Outcome| outcome.broken.keys().copied().collect::<BTreeSet<_>>();
        assert_eq!(invariants(&with), invariants(&without), "{bug:?}");
        assert_eq!(pruned.figures().ends > 0, full.figures().ends > 0, "{bug:?}");
        compared.extend(invariants(&without));
    }
    assert!(pruned_away > 10_000, "there was little to prune: {pruned_away}");
    assert!(compared.len() >= 3, "too few verdicts to compare: {compared:?}");
}

/// What pruning needs of the hash, asked at every pruned transition: the known state and the one that has the same hash,
/// reached in another way, lead to the same successors.
#[test]
fn states_with_equal_hashes_have_equal_futures() {
    for (name, bug) in [
        ("two-writers", None),
        ("writer-and-power-loss", None),
        ("writer-and-checkpointer", Some(Bug::CkptIgnoresReadMarks)),
    ] {
        let scenario = catalog::find(name).unwrap();
        let subjects = subjects(&scenario, bug);
        let Successor::State(initial) = subjects.initial() else { panic!("the setup passes") };
        let future = |transitions: &[Transition]| -> BTreeSet<String> {
            let name = |to: &Successor| match to {
                Successor::Violation(violation) => violation.invariant.into(),
                other => format!("{other:?}"),
            };
            transitions.iter().map(|transition| name(&transition.to)).collect()
        };
        let mut futures = BTreeMap::new();
        let mut waiting = VecDeque::from([(initial, Vec::new(), 0)]);
        let mut compared = 0;
        while let Some((hash, path, depth)) = waiting.pop_front() {
            let transitions = subjects.expand(&path, depth);
            let now = future(&transitions);
            if let Some(known) = futures.get(&hash) {
                assert_eq!(&now, known, "{name}: state {hash:#x} after {depth} actions");
                compared += 1;
                continue;
            }
            futures.insert(hash, now);
            waiting.extend(transitions.into_iter().filter_map(|transition| match transition.to {
                Successor::State(hash) => Some((hash, [path.clone(), transition.answers].concat(), depth + 1)),
                Successor::End | Successor::Violation(_) | Successor::OutOfBounds => None,
            }));
        }
        assert!(compared * 3 > futures.len(), "{name}: {compared} of {}", futures.len());
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let scenario = catalog::find("writer-and-checkpointer").unwrap();
    let subjects = subjects(&scenario, Some(Bug::CkptIgnoresReadMarks));
    let [one, three] = [1, 3].map(|jobs| search(&subjects, &Limits { jobs, ..Limits::default() }));
    assert_eq!(one.0.figures(), three.0.figures());
    assert_eq!(one.1.failure.unwrap().hash, three.1.failure.unwrap().hash);
}

/// One state for two that differ only in which of two equal connections is which.
#[test]
fn equal_connections_are_interchangeable() {
    let count = |programs: &[(u8, &[&str])]| {
        let scenario = coarse(&["put 1 old"], programs);
        search(&subjects(&scenario, None), &Limits::default()).0.figures().states
    };
    // Connection 0 also runs the proof at the end, so it is unlike the others in any case.
    let alike = count(&[(1, &["get 1"]), (2, &["put 1 new"])]);
    let apart = count(&[(1, &["get 1"]), (1, &["put 1 new"]), (1, &["put 1 new"])]);
    assert!(alike * 10 < apart * 7, "{alike} of {apart}");
}

#[test]
fn bounds_leave_out_what_they_say() {
    let scenario = catalog::find("two-writers").unwrap();
    let with = |preemptions, planted| {
        let bounds = Bounds { preemptions: Some(preemptions), ..Bounds::default() };
        let (tree, outcome) = search(&Subjects { bounds, ..subjects(&scenario, planted) }, &Limits::default());
        (tree.figures().clone(), outcome)
    };
    let (none, outcome) = with(0, Some(Bug::WalNoBusySnapshotCheck));
    assert_eq!(outcome.ended, Ended::Finished, "without preemption the bug does not show");
    assert!(none.bounded > 0);
    assert_eq!(with(1, Some(Bug::WalNoBusySnapshotCheck)).1.ended, Ended::Violation);
    let (one, _) = with(1, None);
    assert!(none.states < one.states && one.states < 4503, "{one:?}");
}

/// Stops after some rounds, goes through the file, and goes on.
#[test]
fn a_resumed_search_ends_with_the_same_figures() {
    let scenario = catalog::find("two-writers").unwrap();
    let subjects = subjects(&scenario, None);
    let (whole, _) = search(&subjects, &Limits::default());
    let (stop, key) = (AtomicBool::new(false), subjects.key("test"));
    let mut tree = start(&subjects);
    let mut sessions = 0;
    loop {
        stop.store(false, Ordering::Relaxed);
        let mut rounds = 0;
        let outcome = subjects.search(&mut tree, &Limits::default(), &stop, |_| {
            rounds += 1;
            stop.store(rounds == 20, Ordering::Relaxed);
        });
        tree = Tree::from_bytes(&tree.to_bytes(&key), &key).unwrap();
        sessions += 1;
        if outcome.ended == Ended::Finished {
            break;
        }
        assert_eq!(outcome.ended, Ended::Stopped);
    }
    assert!(sessions > 2, "the search was stopped in between");
    assert_eq!(tree.figures(), whole.figures());
}

fn falken(dir: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_falken")).current_dir(dir).args(arguments).output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn the_command_says_how_it_ended_and_its_repro_replays() {
    let dir = tempfile::tempdir().unwrap();
    let finished = falken(dir.path(), &["explore", "two-writers"]);
    assert_eq!(finished.status.code(), Some(0), "{}", text(&finished));
    assert!(text(&finished).contains("pass: finished, every schedule was tried"), "{}", text(&finished));

    let cut = falken(dir.path(), &["explore", "two-writers", "--depth", "10"]);
    assert_eq!(cut.status.code(), Some(6), "{}", text(&cut));
    assert!(text(&cut).contains("a limit was hit"), "{}", text(&cut));

    let bug = ["explore", "two-writers", "--plant", "wal.no-busy-snapshot-check", "--json"];
    let failed = falken(dir.path(), &bug);
    assert_eq!(failed.status.code(), Some(1), "{}", text(&failed));
    let report: serde_json::Value = serde_json::from_slice(&failed.stdout).unwrap();
    let repro = report["violation"]["repro"].as_str().unwrap();
    let replayed = falken(dir.path(), &["replay", repro]);
    assert_eq!(replayed.status.code(), Some(1), "{}", text(&replayed));
    assert!(text(&replayed).contains("reproduced bit for bit"), "{}", text(&replayed));

    let mix = falken(dir.path(), &["explore", "tiny-cache"]);
    assert_eq!(mix.status.code(), Some(2), "{}", text(&mix));
    assert!(text(&mix).contains("draws from mixes"), "{}", text(&mix));
}

#[test]
fn the_state_directory_continues_a_search_and_refuses_another_one() {
    let dir = tempfile::tempdir().unwrap();
    let base = ["explore", "two-writers", "--state-dir", "kept", "--json"];
    let cut = falken(dir.path(), &[&base[..], &["--states", "1000"]].concat());
    assert_eq!(cut.status.code(), Some(6), "{}", text(&cut));
    let resumed = falken(dir.path(), &base);
    assert_eq!(resumed.status.code(), Some(0), "{}", text(&resumed));
    let report: serde_json::Value = serde_json::from_slice(&resumed.stdout).unwrap();
    assert_eq!((&report["states"], &report["finished"]), (&4527.into(), &true.into()));
    assert!(report["notes"][0].as_str().unwrap().starts_with("resumed with"), "{report}");

    let other = falken(dir.path(), &[&base[..], &["--seed", "2"]].concat());
    assert_eq!(other.status.code(), Some(2), "{}", text(&other));
    assert!(text(&other).contains("saved with `seed 1`, this one has `seed 2`"), "{}", text(&other));
}

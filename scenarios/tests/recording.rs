//! Recordings of known failures: the recorder watches and changes nothing, and what it notes fits together.

use std::fs;
use std::path::Path;

use falken_harness::action::Action;
use falken_harness::recording::Recording;
use falken_harness::repro::Repro;
use falken_harness::shrink::{Failing, explain};
use falken_models::event::EventKind;
use falken_models::wal::{LockId, MARK_UNUSED};

fn regressions() -> Vec<(String, Repro)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("regressions");
    let mut files: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let read = |path: &Path| Repro::from_toml(&fs::read_to_string(path).unwrap()).unwrap();
    files.iter().map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), read(path))).collect()
}

#[test]
fn a_recorded_run_is_the_run() {
    for (name, repro) in regressions() {
        let (report, recording) = repro.case.record();
        let plain = repro.case.run();
        assert_eq!((report.hash, report.verdict, report.actions), (plain.hash, plain.verdict, plain.actions), "{name}");
        let last = recording.actions.last().expect("something was done");
        assert_eq!(
            (last.step, recording.actions.len() as u64 + recording.skipped),
            (plain.actions, plain.actions),
            "{name}"
        );
        let events = recording.actions.iter().flat_map(|one| &one.events).copied();
        let events: Vec<_> = events.collect();
        let shown: Vec<_> = plain.last_events.iter().map(|traced| traced.event).collect();
        assert!(events.ends_with(&shown), "{name}: the events of the report are the last ones");
    }
}

/// The states are read from memory and the events come from the models: two sources that must tell the same.
#[test]
fn states_agree_with_the_events_between_them() {
    for (name, repro) in regressions() {
        let Recording { actions, .. } = repro.case.record().1;
        let mut in_flight = 0_usize;
        // Nobody looks at what follows the event that broke an invariant, so the last action's may not be all of them.
        for one in &actions[..actions.len() - 1] {
            for event in &one.events {
                match event.kind {
                    EventKind::Submit { .. } => in_flight += 1,
                    EventKind::Finish { .. } => in_flight -= 1,
                    EventKind::Crash { .. } => in_flight = 0,
                    _ => {}
                }
            }
            assert_eq!(one.state.in_flight.len(), in_flight, "{name}, action {}", one.step);
            let Some(EventKind::Backfill { frame }) = one.events.last().map(|event| event.kind) else { continue };
            assert_eq!(one.state.backfill, frame, "{name}, action {}", one.step);
        }
    }
}

#[test]
fn the_racing_steps_of_a_checkpoint_that_ignores_marks_are_marked() {
    let (_, repro) = regressions().into_iter().find(|(name, _)| name == "ckpt.ignores-read-marks.toml").unwrap();
    let failing = Failing::of(repro.case.clone()).expect("its bug is planted");
    let (_, mut recording) = repro.case.record();
    recording.mark(&explain(&failing, &mut || true).race.expect("orders of steps matter"));
    let [first, second] = recording.race.expect("both steps are in the recording");
    assert!(first < second && second < recording.actions.len());
    let [first, second] = [first, second].map(|at| recording.actions[at].stepped().expect("a step"));
    assert_ne!(first.conn, second.conn);
}

/// At the violation the reader still holds its slot: that is what the page shows to whoever looks at the last step.
#[test]
fn the_last_state_shows_the_reader_whose_mark_was_ignored() {
    let (_, repro) = regressions().into_iter().find(|(name, _)| name == "ckpt.ignores-read-marks.toml").unwrap();
    let (_, recording) = repro.case.record();
    let last = recording.actions.last().unwrap();
    let held = |slot: u8| !last.state.locks[usize::from(LockId::read(slot).0)].shared.is_empty();
    let marks = &last.state.marks;
    assert!((1..5).any(|slot| held(slot) && marks[usize::from(slot)] != MARK_UNUSED), "{last:?}");
    assert!(last.state.log.frames.iter().any(|frame| frame.of_this_generation && frame.commit_pages > 0));
    assert!(matches!(last.action, Some(Action::Step(_) | Action::Finish(..))));
}

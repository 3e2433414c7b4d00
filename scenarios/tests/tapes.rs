//! Whatever somebody does to a repro file, the answer is a clear error or a run: never a panic.

use std::panic::catch_unwind;

use falken_harness::choice::{OptionId, Tape, TapeEntry};
use falken_harness::random::Stream;
use falken_harness::repro::Repro;
use falken_models::connection::StatementId;

const RAW: &str = "\
format = 2\nfalken = \"0.1.0\"\nseed = \"0x1\"\nstrategy = \"random\"\nverdict = \"none\"\nstep = 0\nhash = \"0x0\"\n";

fn corpus() -> Vec<String> {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/regressions");
    let mut files: Vec<_> = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|path| std::fs::read_to_string(path).unwrap()).collect()
}

/// A replay of a changed tape must end in a verdict about the subject.
fn replay(repro: &Repro) {
    let report = repro.case.run();
    if let Some(violation) = report.verdict.violation() {
        assert!(!violation.evidence.summary.contains("the subject panicked"), "{violation:?}\n{}", repro.to_toml());
    }
    // The text form holds what was changed as well.
    assert_eq!(Repro::from_toml(&repro.to_toml()).unwrap(), *repro);
}

#[test]
fn a_file_with_changed_bytes_is_refused_or_replayed() {
    let stream = Stream::new(11, 0);
    let (mut refused, mut replayed) = (0, 0);
    for (file, text) in (0_u64..).zip(corpus()) {
        for round in 0..150 {
            let draw = |key: u64, n: usize| stream.below(file << 32 | round << 8 | key, n as u64) as usize;
            let mut bytes = text.clone().into_bytes();
            let at = draw(0, bytes.len());
            match draw(1, 4) {
                0 => bytes.truncate(at),
                1 => bytes[at] = b' ' + draw(2, 90) as u8,
                2 => _ = bytes.remove(at),
                _ => bytes.insert(at, b"0-.c#\"]"[draw(2, 7)]),
            }
            let Ok(changed) = String::from_utf8(bytes) else { continue };
            let outcome = catch_unwind(|| Repro::from_toml(&changed)).expect("reading never panics");
            match outcome {
                Err(error) => {
                    refused += 1;
                    assert!(!error.to_string().is_empty());
                }
                Ok(repro) => {
                    replayed += 1;
                    replay(&repro);
                }
            }
        }
    }
    assert!(refused > 50 && replayed > 50, "{refused} refused, {replayed} replayed");
}

#[test]
fn a_tape_with_changed_entries_is_followed_as_far_as_it_goes() {
    let stream = Stream::new(12, 0);
    for (file, text) in (0_u64..).zip(corpus()) {
        let original = Repro::from_toml(&text).unwrap();
        for round in 0..60 {
            let draw = |key: u64, n: usize| stream.below(file << 32 | round << 8 | key, n.max(1) as u64) as usize;
            let mut entries = original.case.tape.entries().to_vec();
            for change in 0..1 + draw(0, 3) as u64 {
                let key = 10 * (change + 1);
                let at = draw(key, entries.len() + 1);
                match draw(key + 1, 4) {
                    0 => entries.truncate(at),
                    1 if at < entries.len() => _ = entries.remove(at),
                    2 if at < entries.len() => {
                        let conn = draw(key + 2, 70) as u8;
                        entries[at].id = entries[at].id.with_connection(conn);
                    }
                    _ => {
                        let kind = falken_harness::choice::Kind::Who;
                        let conn = draw(key + 2, 4) as u8;
                        let ids = [
                            OptionId::Step(StatementId { conn, slot: conn % 2 }),
                            OptionId::Run { id: StatementId::first(conn), until: None },
                            OptionId::FinishOf {
                                id: StatementId::first(conn),
                                statement: draw(key + 3, 9) as u32,
                                nth: u32::MAX,
                            },
                            OptionId::Finish { owner: conn, ordinal: u32::MAX },
                        ];
                        entries.insert(at, TapeEntry { kind, id: ids[draw(key + 4, ids.len())] });
                    }
                }
            }
            let mut repro = original.clone();
            repro.case.tape = Tape::new(entries);
            replay(&repro);
        }
    }
}

#[test]
fn what_no_version_can_follow_is_refused_by_name() {
    for (tape, complaint) in [
        ("tape = [\"hop c1\"]", "`hop c1` is no choice"),
        ("tape = [\"run c1 to 2 wal.nowhere\"]", "is no choice"),
        ("tape = [\"run c900\"]", "is no choice"),
        ("tape = 5", "invalid type"),
    ] {
        let text = format!(
            "{RAW}{tape}\n[scenario]\nname = \"x\"\nabout = \"y\"\n[[scenario.clients]]\ncount = 1\nprogram = [\"get 1\"]\n"
        );
        let error = Repro::from_toml(&text).unwrap_err().to_string();
        assert!(error.contains(complaint), "{tape}: {error}");
    }
    let newer = Repro::from_toml("format = 99\nsomething = \"else\"\n").unwrap_err().to_string();
    assert!(newer.contains("format 99"), "{newer}");
}

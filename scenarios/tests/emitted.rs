//! Written by `falken shrink --emit-test`.

use falken_harness::repro::Repro;

/// connection c2 overwrites page 2 of the database file with frame 2, which reader c0 relies on
#[test]
fn long_readers_wal_7_1() {
    let repro = Repro::from_toml(REPRO).expect("a repro");
    let report = repro.case.run();
    let broken = report.verdict.violation().map(|violation| violation.invariant);
    assert_eq!(broken, Some("WAL-7"), "`ckpt.ignores-read-marks` is planted");
}

const REPRO: &str = r#"
format = 2
falken = "0.1.0"
seed = "0x1"
strategy = "random"
planted = "ckpt.ignores-read-marks"
verdict = "WAL-7: connection c2 overwrites page 2 of the database file with frame 2, which reader c0 relies on"
step = 17
hash = "0xcb33c9f75c002717"
tape = [
    "run c1 to 2 wal.append.frames",
    "run c0 to 2 end",
    "run c1 to 2 end",
    "run c2 to 1 wal.checkpoint.sync-wal",
]

[scenario]
about = "long read transactions over a tiny cache while checkpoints run: read marks and slot 0 must protect them"
name = "long-readers"

[[scenario.clients]]
count = 1
program = [
    "begin",
    "get 1",
    "rollback",
]

[[scenario.clients]]
count = 1
program = [
    "put 1 c9",
    "append 1 c1",
]

[[scenario.clients]]
count = 1
program = ["checkpoint passive"]

[scenario.database]
sync = "off"

[scenario.schedule]
micro = false
"#;

//! Literal histories of registers: each anomaly, and beside it the history that differs by what makes it legal.

use super::{ALL, Case, NONE, case, check_case};

const CASES: &[Case] = &[
    case(
        "one after the other",
        "0 0-1 ok: w 1 1, r 1 1
         1 2-3 ok: r 1 1, w 1 2, w 2 1
         0 4-5 ok: r 1 2, r 2 1, r 3 nil
         2 6-7 ok: w 3 1",
        &[],
        ALL,
    ),
    case(
        "G0: each replaced the other's version",
        "0 0-10 ok: r 2 2, w 2 1, w 1 1
         1 0-10 ok: r 1 1, w 1 2, w 2 2",
        &["G0"],
        NONE,
    ),
    case("G1a: an aborted write was seen", "0 0-1 fail: w 1 1\n1 2-3 ok: r 1 1", &["G1a"], "u"),
    case("an aborted write was not seen", "0 0-1 fail: w 1 1\n1 2-3 ok: r 1 nil", &[], ALL),
    case("G1b: a value that was replaced was seen", "0 0-9 ok: w 1 1, w 1 2\n1 0-9 ok: r 1 1", &["G1b"], "u"),
    case("the last value was seen", "0 0-9 ok: w 1 1, w 1 2\n1 0-9 ok: r 1 2", &[], ALL),
    case(
        "G1c: two transactions saw each other",
        "0 0-10 ok: w 1 1, r 2 1
         1 0-10 ok: w 2 1, r 1 1",
        &["G1c"],
        "u",
    ),
    case(
        "G-single: half of another transaction was seen",
        "0 0-10 ok: w 1 1, w 2 1
         1 0-10 ok: r 1 nil, r 2 1",
        &["G-single"],
        "uc",
    ),
    case(
        "G-single: an old version beside a new one",
        "0 0-1 ok: w 1 1, w 2 1
         1 2-10 ok: r 1 1, w 1 2, w 2 2
         2 2-10 ok: r 1 1, r 2 2",
        &["G-single"],
        "uc",
    ),
    case(
        "G-nonadjacent: a long fork",
        "0 0-10 ok: w 1 1
         1 0-10 ok: w 2 1
         2 0-10 ok: r 1 1, r 2 nil
         3 0-10 ok: r 1 nil, r 2 1",
        &["G-nonadjacent"],
        "uc",
    ),
    case(
        "G2-item: write skew",
        "0 0-10 ok: r 1 nil, r 2 nil, w 1 1
         1 0-10 ok: r 1 nil, r 2 nil, w 2 1",
        &["G2-item"],
        "uciPT",
    ),
    case(
        "lost-update: both replaced the initial state",
        "0 0-10 ok: r 1 nil, w 1 1
         1 0-10 ok: r 1 nil, w 1 2",
        &["lost-update", "G2-item"],
        "uc",
    ),
    case(
        "lost-update: both replaced a value",
        "0 0-1 ok: w 1 1
         1 2-10 ok: r 1 1, w 1 2
         2 2-10 ok: r 1 1, w 1 3",
        &["lost-update", "G2-item"],
        "uc",
    ),
    case("internal: a transaction misses its own write", "0 0-1 ok: w 1 1, r 1 nil", &["internal"], "uc"),
    case("future-read: a read of an own later write", "0 0-1 ok: r 1 1, w 1 1", &["future-read"], "u"),
    case("garbage-read: nobody wrote that", "0 0-1 ok: r 1 7", &["garbage-read"], NONE),
    case(
        "a write of unknown outcome was never seen",
        "0 0-1 info: w 1 1
         1 2-3 ok: r 1 nil",
        &[],
        ALL,
    ),
    case(
        "G-single-realtime: a write of unknown outcome was seen and then not",
        "0 0-1 info: w 1 1
         1 2-3 ok: r 1 1
         2 4-5 ok: r 1 nil",
        &["G-single-realtime"],
        "ucirsPQ",
    ),
];

const VERSIONS: &[Case] = &[
    case(
        "G-single-realtime: a value that had been overwritten is read",
        "0 0-1 ok: w 1 1
         1 2-3 ok: w 1 2
         2 4-5 ok: r 1 1",
        &["G-single-realtime"],
        "ucirsPQ",
    ),
    case(
        "the value written last is read",
        "0 0-1 ok: w 1 1
         1 2-3 ok: w 1 2
         2 4-5 ok: r 1 2",
        &[],
        ALL,
    ),
    case(
        "a value is read while it is overwritten",
        "0 0-1 ok: w 1 1
         1 2-5 ok: w 1 2
         2 4-6 ok: r 1 1",
        &[],
        ALL,
    ),
    case(
        "G-single-process: two clients see two versions in opposite orders",
        "0 0-100 ok: w 1 1
         1 0-100 ok: w 1 2
         2 0-1 ok: r 1 1
         3 0-1 ok: r 1 2
         2 2-3 ok: r 1 2
         3 2-3 ok: r 1 1",
        &["G-single-process"],
        "ucirs",
    ),
    case(
        "G-single-realtime: a version comes back",
        "0 0-9 ok: w 1 1
         1 0-9 ok: w 1 2
         2 10-11 ok: r 1 1
         3 12-13 ok: r 1 2
         4 14-15 ok: r 1 1",
        &["G-single-realtime"],
        "ucirsPQ",
    ),
    case(
        "each version is seen for a while",
        "0 0-12 ok: w 1 1
         1 0-9 ok: w 1 2
         2 10-11 ok: r 1 2
         3 11-13 ok: r 1 1
         4 14-15 ok: r 1 1",
        &[],
        ALL,
    ),
    case(
        "G-single-realtime: a read contradicts the order that readers of another key give",
        "0 0-9 ok: w 1 1
         1 0-9 ok: w 1 2, w 2 2
         2 10-11 ok: r 1 1
         3 12-13 ok: r 1 2
         4 8-20 ok: r 1 1, r 2 2",
        &["G-single-realtime"],
        "ucirsPQ",
    ),
];

#[test]
fn anomalies_of_registers() {
    CASES.iter().for_each(check_case);
}

#[test]
fn versions_ordered_by_clients_and_time() {
    VERSIONS.iter().for_each(check_case);
}

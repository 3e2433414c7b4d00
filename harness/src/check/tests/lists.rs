//! Literal histories of lists: each anomaly, and beside it the history that differs from it by what makes it legal.

use super::{ALL, Case, NONE, case, check_case};

const CYCLES: &[Case] = &[
    case("nothing happened", "", &[], ALL),
    case(
        "one after the other",
        "0 0-1 ok: append 1 1, r 1 [1]
         1 2-3 ok: r 1 [1], append 1 2, append 2 1
         0 4-5 ok: r 1 [1 2], r 2 [1]",
        &[],
        ALL,
    ),
    case(
        "G0: two lists in opposite orders",
        "0 0-10 ok: append 1 1, append 2 1
         1 1-11 ok: append 1 2, append 2 2
         2 12-13 ok: r 1 [1 2], r 2 [2 1]",
        &["G0"],
        NONE,
    ),
    case(
        "two lists in the same order",
        "0 0-10 ok: append 1 1, append 2 1
         1 1-11 ok: append 1 2, append 2 2
         2 12-13 ok: r 1 [2 1], r 2 [2 1]",
        &[],
        ALL,
    ),
    case(
        "G0: appends of one transaction with another's between them",
        "0 0-10 ok: append 1 1, append 1 3
         1 1-11 ok: append 1 2
         2 12-13 ok: r 1 [1 2 3]",
        &["G0"],
        NONE,
    ),
    case(
        "G1c: two transactions saw each other",
        "0 0-10 ok: append 1 1, r 2 [1]
         1 1-11 ok: append 2 1, r 1 [1]",
        &["G1c"],
        "u",
    ),
    case(
        "one saw the other",
        "0 0-10 ok: append 1 1, r 2 [1]
         1 1-11 ok: append 2 1, r 1 []",
        &[],
        ALL,
    ),
    case(
        "G-single: half of another transaction was seen",
        "0 0-10 ok: append 1 1, append 2 1
         1 1-11 ok: r 1 [], r 2 [1]",
        &["G-single"],
        "uc",
    ),
    case(
        "none of another transaction was seen",
        "0 0-10 ok: append 1 1, append 2 1
         1 1-11 ok: r 1 [], r 2 []",
        &[],
        ALL,
    ),
    case(
        "G-nonadjacent: a long fork",
        "0 0-10 ok: append 1 1
         1 0-10 ok: append 2 1
         2 0-10 ok: r 1 [1], r 2 []
         3 0-10 ok: r 1 [], r 2 [1]",
        &["G-nonadjacent"],
        "uc",
    ),
    case(
        "both readers on one side of the fork",
        "0 0-10 ok: append 1 1
         1 0-10 ok: append 2 1
         2 0-10 ok: r 1 [1], r 2 []
         3 0-10 ok: r 1 [1], r 2 [1]",
        &[],
        ALL,
    ),
    case(
        "G2-item: write skew",
        "0 0-10 ok: r 1 [], r 2 [], append 1 1
         1 0-10 ok: r 1 [], r 2 [], append 2 1",
        &["G2-item"],
        "uciPT",
    ),
    case(
        "write skew, where one saw the other",
        "0 0-10 ok: r 1 [], r 2 [], append 1 1
         1 0-10 ok: r 1 [1], r 2 [], append 2 1",
        &[],
        ALL,
    ),
    case(
        "G2-item: three transactions in a ring",
        "0 0-10 ok: r 1 [], append 2 1
         1 0-10 ok: r 2 [], append 3 1
         2 0-10 ok: r 3 [], append 1 1",
        &["G2-item"],
        "uciPT",
    ),
    case(
        "G2-item: the read-only transaction that sees a state which no order gives",
        "0 0-20 ok: r 1 [], r 2 [], append 1 1
         1 0-3 ok: r 2 [], append 2 1
         2 4-5 ok: r 1 [], r 2 [1]
         3 21-22 ok: r 1 [1], r 2 [1]",
        &["G2-item"],
        "uciPT",
    ),
];

const ORDERS: &[Case] = &[
    case(
        "G-single-process: a client does not see its own append",
        "0 0-1 ok: append 1 1
         0 2-3 ok: r 1 []",
        &["G-single-process"],
        "ucirs",
    ),
    case(
        "G-single-realtime: a client does not see another's finished append",
        "0 0-1 ok: append 1 1
         1 2-3 ok: r 1 []",
        &["G-single-realtime"],
        "ucirsPQ",
    ),
    case(
        "a client does not see another's append of the same time",
        "0 0-2 ok: append 1 1
         1 2-3 ok: r 1 []",
        &[],
        ALL,
    ),
    case(
        "G0-process: a client's appends are swapped",
        "0 0-1 ok: append 1 1
         0 2-3 ok: append 1 2
         1 4-5 ok: r 1 [2 1]",
        &["G0-process"],
        "ucirs",
    ),
    case(
        "G0-realtime: two clients' appends are swapped",
        "0 0-1 ok: append 1 1
         1 2-3 ok: append 1 2
         2 4-5 ok: r 1 [2 1]",
        &["G0-realtime"],
        "ucirsPQ",
    ),
    case(
        "G1c-process: a client sees what it appends only later",
        "0 0-1 ok: r 1 [1]
         0 2-3 ok: append 1 1",
        &["G1c-process"],
        "ucirs",
    ),
    case(
        "G1c-realtime: a read sees what is appended only later",
        "0 0-1 ok: r 1 [1]
         1 2-3 ok: append 1 1",
        &["G1c-realtime"],
        "ucirsPQ",
    ),
    case(
        "G-nonadjacent-realtime: a long fork closed by time",
        "0 0-10 ok: append 1 1
         1 0-1 ok: append 2 1
         2 0-10 ok: r 1 [1], r 2 []
         3 2-3 ok: r 1 []",
        &["G-nonadjacent-realtime"],
        "ucirsPQ",
    ),
    case(
        "G-nonadjacent-process: a long fork closed by a client",
        "0 0-10 ok: append 1 1
         1 0-1 ok: append 2 1
         2 0-10 ok: r 1 [1], r 2 []
         1 2-3 ok: r 1 []",
        &["G-nonadjacent-process"],
        "ucirs",
    ),
    case(
        "G2-item-realtime: two anti-dependencies closed by time",
        "0 0-1 ok: append 2 1
         1 2-3 ok: r 1 []
         2 0-10 ok: append 1 1, r 2 []",
        &["G2-item-realtime"],
        "ucirsPQT",
    ),
    case(
        "G2-item-process: two anti-dependencies closed by a client",
        "0 0-1 ok: append 2 1
         0 2-3 ok: r 1 []
         2 0-10 ok: append 1 1, r 2 []",
        &["G2-item-process"],
        "ucirsPT",
    ),
    case(
        "a worse cycle and one that needs time are both told",
        "0 0-10 ok: r 1 [], append 2 1
         1 0-10 ok: r 2 [], append 1 1
         0 20-21 ok: append 1 2
         1 22-23 ok: append 1 3
         2 24-25 ok: r 1 [1 3 2]",
        &["G0-realtime", "G2-item"],
        "uciP",
    ),
];

const READS: &[Case] = &[
    case(
        "G1a: an aborted append was seen",
        "0 0-1 fail: append 1 1
         1 2-3 ok: r 1 [1]",
        &["G1a"],
        "u",
    ),
    case(
        "an aborted append was not seen",
        "0 0-1 fail: append 1 1
         1 2-3 ok: r 1 []",
        &[],
        ALL,
    ),
    case(
        "dirty-update: a committed append after an aborted one",
        "0 0-1 fail: append 1 1
         1 2-3 ok: append 1 2
         2 4-5 ok: r 1 [1 2]",
        &["G1a", "dirty-update"],
        "u",
    ),
    case(
        "G1b: a state between two appends of one transaction",
        "0 0-10 ok: append 1 1, append 1 2
         1 1-11 ok: r 1 [1]
         2 12-13 ok: r 1 [1 2]",
        &["G1b", "G-single"],
        "u",
    ),
    case(
        "the transaction itself may see the state between its appends",
        "0 0-10 ok: append 1 1, r 1 [1], append 1 2
         1 1-11 ok: r 1 []
         2 12-13 ok: r 1 [1 2]",
        &[],
        ALL,
    ),
    case("internal: a transaction misses its own append", "0 0-1 ok: append 1 1, r 1 []", &["internal"], "uc"),
    case(
        "internal: two reads of one transaction differ",
        "0 0-10 ok: r 1 [], r 1 [1]
         1 0-10 ok: append 1 1",
        &["internal", "G-single"],
        "uc",
    ),
    case(
        "internal: an own append is not at the end",
        "0 0-10 ok: append 1 1, r 1 [1 2]
         1 0-10 ok: append 1 2",
        &["internal", "G1c"],
        "u",
    ),
    case("future-read: a read of an own later append", "0 0-1 ok: r 1 [1], append 1 1", &["future-read"], "u"),
    case(
        "duplicate-elements: an append was applied twice",
        "0 0-1 ok: append 1 1
         1 2-3 ok: append 1 2
         2 4-5 ok: r 1 [1 2 1]",
        &["duplicate-elements"],
        NONE,
    ),
    case("garbage-read: nobody wrote that", "0 0-1 ok: r 1 [7]", &["garbage-read"], NONE),
    case(
        "incompatible-order: two reads that no order explains",
        "0 0-9 ok: append 1 1
         1 0-9 ok: append 1 2
         2 0-9 ok: r 1 [1]
         3 0-9 ok: r 1 [2]",
        &["incompatible-order"],
        "u",
    ),
    case(
        "incompatible-order: an own append is lost",
        "0 0-1 ok: append 1 1, append 1 2
         1 2-3 ok: r 1 [2]",
        &["incompatible-order", "G-single"],
        "u",
    ),
    case(
        "incompatible-order: own appends are swapped",
        "0 0-1 ok: append 1 1, append 1 2
         1 2-3 ok: r 1 [2 1]",
        &["incompatible-order", "G1b"],
        "u",
    ),
    case(
        "lost-update: both read the empty list and appended",
        "0 0-10 ok: r 1 [], append 1 1
         1 0-10 ok: r 1 [], append 1 2
         2 11-12 ok: r 1 [1 2]",
        &["lost-update", "G-single"],
        "uc",
    ),
    case(
        "lost-update: nobody saw what became of it",
        "0 0-10 ok: r 1 [], append 1 1
         1 0-10 ok: r 1 [], append 1 2",
        &["lost-update", "G2-item"],
        "uc",
    ),
    case(
        "the second update saw the first",
        "0 0-10 ok: r 1 [], append 1 1
         1 0-10 ok: r 1 [1], append 1 2",
        &[],
        ALL,
    ),
];

#[test]
fn cycles_of_data_dependencies() {
    CYCLES.iter().for_each(check_case);
}

#[test]
fn cycles_through_clients_and_time() {
    ORDERS.iter().for_each(check_case);
}

#[test]
fn what_single_reads_show() {
    READS.iter().for_each(check_case);
}

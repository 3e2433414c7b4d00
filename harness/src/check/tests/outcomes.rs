//! Literal histories with transactions of unknown outcome: they count only when somebody saw them.

use super::{ALL, Case, case, check_case};

const UNKNOWN_OUTCOMES: &[Case] = &[
    case(
        "an append of unknown outcome was never seen",
        "0 0-1 info: append 1 1
         1 2-3 ok: r 1 []",
        &[],
        ALL,
    ),
    case(
        "an append of unknown outcome took effect long after its error",
        "0 0-1 info: append 1 1
         0 2-3 ok: r 1 []
         0 4-5 ok: r 1 [1]",
        &[],
        ALL,
    ),
    case(
        "G-single-process: an append of unknown outcome was seen and then not",
        "0 0-? info: append 1 1
         1 2-3 ok: r 1 [1]
         1 4-5 ok: r 1 []",
        &["G-single-process"],
        "ucirs",
    ),
    case(
        "G1c-realtime: an append of unknown outcome was seen before its call",
        "1 0-1 ok: r 1 [1]
         0 2-? info: append 1 1",
        &["G1c-realtime"],
        "ucirsPQ",
    ),
    case(
        "write skew with a transaction that nobody saw",
        "0 0-10 info: r 1 [], append 2 1
         1 0-10 ok: r 2 [], append 1 1",
        &[],
        ALL,
    ),
    case(
        "G2-item: write skew with a transaction of unknown outcome that somebody saw",
        "0 0-10 info: r 1 [], append 2 1
         1 0-10 ok: r 2 [], append 1 1
         2 11-12 ok: r 2 [1]",
        &["G2-item"],
        "uciPT",
    ),
    case(
        "G2-item: somebody saw a transaction of unknown outcome that saw another",
        "0 0-10 info: r 1 [], append 2 1
         1 0-10 ok: r 2 [], append 1 1
         2 11-12 info: r 2 [1], append 3 1
         3 13-14 ok: r 3 [1]",
        &["G2-item"],
        "uciPT",
    ),
    case(
        "reads without results say nothing",
        "0 0-10 ok: r 1 ?, append 2 1
         1 0-10 ok: r 2 ?, append 1 1",
        &[],
        ALL,
    ),
];

#[test]
fn unknown_outcomes_count_only_when_they_were_seen() {
    UNKNOWN_OUTCOMES.iter().for_each(check_case);
}

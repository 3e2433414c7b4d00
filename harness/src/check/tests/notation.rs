//! Histories in a few words: one transaction a line, `process call-return outcome: operation, operation`.
//!
//! `0 0-3 ok: append 1 7, r 1 [7], w 2 5, r 2 nil, r 3 ?`. A `?` in place of the return means that there was none; a
//! `?` in place of a result that nobody got it (as a list). `[]` is an empty list, `nil` a register never written.

use crate::history::{History, MicroOp, Names, Outcome, RegisterRead, Transaction};

pub(super) fn history(text: &str) -> History {
    let lines = text.lines().map(str::trim).filter(|l| !l.is_empty());
    History { transactions: lines.map(transaction).collect(), names: Names::default() }
}

fn transaction(line: &str) -> Transaction {
    let (head, ops) = line.split_once(':').expect("a colon");
    let [process, times, outcome] = head.split_whitespace().collect::<Vec<_>>()[..] else { panic!("bad head: {line}") };
    let (invoked, completed) = times.split_once('-').expect("two times");
    Transaction {
        process: process.parse().expect("a process"),
        invoked: invoked.parse().expect("a time"),
        completed: (completed != "?").then(|| completed.parse().expect("a time")),
        outcome: match outcome {
            "ok" => Outcome::Ok,
            "fail" => Outcome::Fail,
            "info" => Outcome::Info,
            _ => panic!("bad outcome: {line}"),
        },
        ops: ops.split(',').map(str::trim).filter(|o| !o.is_empty()).map(op).collect(),
    }
}

fn op(text: &str) -> MicroOp {
    let mut words = text.splitn(3, ' ');
    let mut word = || words.next().unwrap_or_else(|| panic!("bad operation: {text}"));
    let (f, key, value) = (word(), number(word()), word());
    match (f, value) {
        ("append", element) => MicroOp::Append { key, element: number(element) },
        ("w", value) => MicroOp::Write { key, value: number(value) },
        ("r", "nil") => MicroOp::ReadRegister { key, value: RegisterRead::Initial },
        ("r", "?") => MicroOp::ReadList { key, elements: None },
        ("r", list) if list.starts_with('[') => {
            let elements = list.trim_matches(['[', ']']).split_whitespace().map(number).collect();
            MicroOp::ReadList { key, elements: Some(elements) }
        }
        ("r", value) => MicroOp::ReadRegister { key, value: RegisterRead::Value(number(value)) },
        _ => panic!("bad operation: {text}"),
    }
}

fn number(text: &str) -> i64 {
    text.parse().unwrap_or_else(|_| panic!("not a number: {text}"))
}

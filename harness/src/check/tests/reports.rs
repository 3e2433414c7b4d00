//! What a report says: the evidence as text, histories that cannot be judged, and bounds on what is listed.

use super::notation::history;
use crate::check::{Coverage, EVIDENCE_MAX, Model, Verdict, check};
use crate::history::{History, MicroOp, Names, Outcome, Transaction};

fn rendered(text: &str) -> String {
    let history = history(text);
    check(&history, Model::StrongSerializable).render(&history).to_string()
}

#[test]
fn the_evidence_names_the_operations_that_make_each_edge() {
    let text = rendered(
        "0 0-10 ok: r 1 [], r 2 [], append 1 5
         1 1-11 ok: r 1 [], r 2 [], append 2 6",
    );
    let expected = "\
violation: strong-serializable forbids this history

G2-item (write skew)
  T0: process 0, ok, from 0 to 10: read 1 = [], read 2 = [], append 1 5
  T1: process 1, ok, from 1 to 11: read 1 = [], read 2 = [], append 2 6
  T0 -rw-> T1: T0 read 2 = [] did not see T1 append 2 6
  T1 -rw-> T0: T1 read 1 = [] did not see T0 append 1 5
";
    assert_eq!(text, expected);
}

#[test]
fn the_evidence_of_other_edges_and_of_single_reads() {
    let text = rendered(
        "0 0-1 ok: append 1 1
         1 2-3 ok: append 1 2
         2 4-5 ok: r 1 [2 1]",
    );
    assert!(text.contains("  T0 -realtime-> T1: T0 returned at 1, before T1 was called at 2\n"), "{text}");
    assert!(
        text.contains("  T1 -ww-> T0: T1 append 1 2, and after that T0 append 1 1 (T2 read 1 = [2 1])\n"),
        "{text}"
    );
    let text = rendered("0 0-1 fail: append 1 1\n1 2-? info: append 2 3\n2 4-5 ok: r 1 [1], r 2 [3]");
    assert!(text.contains("  G1a: T2 read 1 = [1]; T0 append 1 1\n"), "{text}");
    let text = rendered("0 0-1 ok: w 1 1\n1 2-3 ok: w 1 2\n2 4-5 ok: r 1 1");
    assert!(text.contains("  T2 -rw-> T1: T2 read 1 = 1 did not see T1 write 1 2 (by the order in time)\n"), "{text}");
}

#[test]
fn a_pass_says_how_much_there_was_to_see() {
    let history = history(
        "0 0-1 ok: append 1 1
         1 0-1 fail: append 1 2
         2 0-1 info: append 1 3
         3 0-1 info: append 1 4
         4 2-3 ok: r 1 [1 3]",
    );
    let report = check(&history, Model::Serializable);
    assert_eq!(report.verdict, Verdict::Ok);
    // ww T0 T2, and wr T2 T4.
    assert_eq!(report.coverage, Coverage { committed: 3, aborted: 1, unseen: 1, edges: 2, ..Coverage::default() });
}

#[test]
fn histories_that_cannot_be_judged_say_why() {
    for (text, said) in [
        (
            "0 0-1 ok: append 1 7\n1 0-1 fail: append 2 7, append 1 7",
            "unknown: 7 was written to key 1 twice, by transactions 0 and 1\n",
        ),
        ("0 0-1 ok: append 1 7\n1 0-1 ok: w 1 8", "unknown: key 1 is used as a list and as a register\n"),
        ("0 5-4 ok: r 1 []", "unknown: transaction 0 has no return after its call\n"),
        ("0 5-? ok: r 1 []", "unknown: transaction 0 has no return after its call\n"),
        ("3 0-5 ok: r 1 []\n3 4-6 ok: r 1 []", "unknown: process 3 runs transactions 0 and 1 at the same time\n"),
    ] {
        assert_eq!(rendered(text), said);
    }
}

#[test]
fn many_anomalies_of_one_kind_are_counted_and_few_are_listed() {
    // Pairs of write skew, each pair on keys of its own.
    let mut transactions = Vec::new();
    for pair in 0..100u64 {
        let (x, y) = (pair as i64 * 2, pair as i64 * 2 + 1);
        for (process, (reads, writes)) in [(0, (x, y)), (1, (y, x))] {
            let ops = vec![
                MicroOp::ReadList { key: reads, elements: Some(Vec::new()) },
                MicroOp::Append { key: writes, element: 1 },
            ];
            let (invoked, completed) = (pair * 2, Some(pair * 2 + 1));
            transactions.push(Transaction { process, invoked, completed, outcome: Outcome::Ok, ops });
        }
    }
    let report = check(&History { transactions, names: Names::default() }, Model::Serializable);
    let Verdict::Violation(anomalies) = report.verdict else { panic!("write skew") };
    assert_eq!(anomalies.len(), EVIDENCE_MAX);
    assert_eq!(report.coverage.cyclic_components, 100);
    assert!(report.coverage.anomalies_unlisted > 0);
}

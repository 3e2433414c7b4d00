//! Literal runs, written as what each statement slot calls and is told, and the histories that they make.

use falken_models::connection::{BeginKind, Op, Outcome as Returned, StatementId};
use falken_models::io::CompletionError;
use falken_models::session::Error;

use super::{Recorder, Recovery};
use crate::check::{self, Model, Verdict};
use crate::history::edn;
use crate::parser::Rows;

const BEGIN: Op = Op::Begin(BeginKind::Deferred);

/// A log under construction.
#[derive(Default)]
struct Log {
    recorder: Recorder,
    /// Which connections have a transaction open.
    open: [bool; 4],
}

fn first(conn: u8) -> StatementId {
    StatementId::first(conn)
}

fn put(key: i64, value: &str) -> Op {
    Op::Put { key, value: value.as_bytes().into() }
}

fn append(key: i64, element: &str) -> Op {
    Op::Append { key, element: element.as_bytes().into() }
}

fn rows(rows: &[(i64, &str)]) -> Rows {
    rows.iter().map(|(key, value)| (*key, value.as_bytes().to_vec())).collect()
}

impl Log {
    fn call(&mut self, id: StatementId, op: Op) {
        self.recorder.call(id, op, self.open[usize::from(id.conn)]);
    }

    fn returned(&mut self, id: StatementId, result: Result<Returned, Error>, published: u32) {
        self.recorder.returned(id, result, self.open[usize::from(id.conn)], published);
    }

    fn run(&mut self, conn: u8, op: Op, result: Result<Returned, Error>) {
        let open = match (&op, &result) {
            (Op::Begin(_) | Op::Savepoint, Ok(_)) => true,
            (Op::Commit | Op::Rollback, _) => false,
            _ => self.open[usize::from(conn)],
        };
        self.call(first(conn), op);
        self.open[usize::from(conn)] = open;
        self.returned(first(conn), result, 0);
    }

    fn done(&mut self, conn: u8, op: Op) {
        self.run(conn, op, Ok(Returned::Unit));
    }

    fn get(&mut self, conn: u8, key: i64, value: Option<&str>) {
        self.run(conn, Op::Get { key }, Ok(Returned::Value(value.map(|value| value.as_bytes().to_vec()))));
    }

    fn crash(&mut self, found: &[(i64, &str)], synced: Option<u32>) {
        self.open = [false; 4];
        self.recorder.crash(Recovery { rows: rows(found), synced, is_ghost: false, commit: 0, published: 0 });
    }

    /// The history, one transaction a line: outcome and operations.
    fn lines(&self) -> Vec<String> {
        let history = self.recorder.history();
        let report = check::check(&history, Model::StrongSerializable);
        let text = report.render(&history);
        let line = |id: usize| {
            let text = text.transaction(id);
            let (head, ops) = text.split_once(": process ").unwrap().1.split_once(": ").unwrap();
            format!("{} {}: {ops}", head.split(", ").next().unwrap(), history.transactions[id].outcome.name())
        };
        (0..history.transactions.len()).map(line).collect()
    }

    /// The names of the anomalies under strong serializability.
    fn anomalies(&self) -> Vec<&'static str> {
        match check::check(&self.recorder.history(), Model::StrongSerializable).verdict {
            Verdict::Ok => Vec::new(),
            Verdict::Violation(anomalies) => anomalies.iter().map(|anomaly| anomaly.kind.name()).collect(),
            Verdict::Unknown(reason) => panic!("{reason}"),
        }
    }
}

#[test]
fn keys_that_only_grow_are_lists_and_appends_to_registers_have_read_what_they_build_on() {
    let mut log = Log::default();
    log.done(0, append(1, "a"));
    log.done(0, append(1, "b"));
    log.get(1, 1, Some("ab"));
    log.done(0, put(2, "x"));
    log.done(0, append(2, "y"));
    log.get(1, 2, Some("xy"));
    let expected = [
        "0 ok: append 1 1",
        "0 ok: append 1 2",
        "1 ok: read 1 = [1 2]",
        "0 ok: write 2 3",
        "0 ok: read 2 = 3, write 2 4",
        "1 ok: read 2 = 4",
    ];
    assert_eq!(log.lines(), expected);
    assert_eq!(log.anomalies(), [""; 0]);
}

#[test]
fn statements_between_begin_and_commit_are_one_transaction_and_what_was_undone_is_another() {
    let mut log = Log::default();
    log.done(0, BEGIN);
    log.done(0, put(1, "kept"));
    log.done(0, Op::Savepoint);
    log.done(0, put(2, "undone"));
    log.done(0, Op::RollbackTo { depth: 0 });
    log.run(0, put(3, "failed"), Err(Error::Abandoned));
    log.done(0, Op::Commit);
    log.done(0, BEGIN);
    log.done(0, put(1, "rolled back"));
    log.done(0, Op::Rollback);
    // Writes are numbered in the order in which their transactions end, or are cut off.
    let expected = ["0 fail: write 2 1", "100 fail: write 3 2", "200 ok: write 1 3", "0 fail: write 1 4"];
    let mut lines = log.lines();
    lines.sort_by_key(|line| expected.iter().position(|expected| expected == line));
    assert_eq!(lines, expected);
    log.get(1, 2, Some("undone"));
    assert_eq!(log.anomalies(), ["G1a"]);
}

#[test]
fn an_error_leaves_the_outcome_open_unless_it_says_that_nothing_was_done() {
    let mut log = Log::default();
    log.run(0, put(1, "maybe"), Err(Error::Io(CompletionError::Io)));
    log.run(0, put(1, "no"), Err(Error::Busy));
    log.done(0, BEGIN);
    log.done(0, put(1, "perhaps"));
    log.run(0, Op::Commit, Err(Error::Abandoned));
    assert_eq!(log.lines(), ["0 info: write 1 1", "0 fail: write 1 2", "0 info: write 1 3"]);
    log.get(1, 1, Some("perhaps"));
    log.get(1, 1, Some("maybe"));
    assert_eq!(log.anomalies(), [""; 0], "both may have happened, the first one late");
    log.get(1, 1, Some("no"));
    assert_eq!(log.anomalies(), ["G1a"]);
}

#[test]
fn what_two_writes_can_have_made_or_nobody_says_nothing_or_too_much() {
    let mut log = Log::default();
    log.done(0, put(1, "same"));
    log.done(0, put(1, "same"));
    log.get(1, 1, Some("same"));
    log.run(0, Op::Delete { key: 2 }, Ok(Returned::Deleted(true)));
    log.get(1, 2, None);
    assert_eq!(log.lines().len(), 3, "the two reads say nothing: {:?}", log.lines());
    log.get(1, 1, Some("other"));
    assert_eq!(log.anomalies(), ["garbage-read"]);
}

#[test]
fn what_is_read_beside_a_write_of_the_same_connection_is_not_counted() {
    for (beside, counted) in [(put(1, "new"), 0), (Op::Scan, 1)] {
        let mut log = Log::default();
        let second = StatementId { conn: 0, slot: 1 };
        log.call(second, beside);
        log.get(0, 1, None);
        log.returned(second, Err(Error::Busy), 0);
        let reads = log
            .recorder
            .history()
            .transactions
            .iter()
            .filter(|t| t.ops.iter().any(|op| op.written().is_none()))
            .count();
        assert_eq!(reads, counted);
    }
}

#[test]
fn a_second_statement_may_have_the_snapshot_of_the_first() {
    let mut log = Log::default();
    let second = StatementId { conn: 0, slot: 1 };
    log.call(second, Op::Scan);
    log.done(1, put(1, "new"));
    log.get(0, 1, None);
    assert_eq!(log.anomalies(), [""; 0]);
    log.returned(second, Ok(Returned::Rows(Vec::new())), 0);
    log.get(0, 1, None);
    assert_eq!(log.anomalies(), ["G-single-realtime"], "the scan is over, and its snapshot with it");
}

#[test]
fn a_stale_read_and_a_lost_update_have_their_names() {
    let mut log = Log::default();
    log.done(0, put(1, "old"));
    log.done(0, put(1, "new"));
    log.get(1, 1, Some("old"));
    assert_eq!(log.anomalies(), ["G-single-realtime"]);
    let mut log = Log::default();
    [0, 1].into_iter().for_each(|conn| log.done(conn, BEGIN));
    [0, 1].into_iter().for_each(|conn| log.get(conn, 1, None));
    log.done(0, put(1, "first"));
    log.done(1, put(1, "second"));
    [0, 1].into_iter().for_each(|conn| log.done(conn, Op::Commit));
    assert!(log.anomalies().contains(&"lost-update"), "{:?}", log.anomalies());
}

#[test]
fn a_power_loss_leaves_a_prefix_with_all_that_was_synced() {
    // Two commits, of which fsyncs have covered so many; what is found; what is wrong with it.
    type Case<'a> = (Option<u32>, &'a [(i64, &'a str)], &'a [&'a str]);
    let cases: &[Case<'_>] = &[
        (None, &[(1, "a"), (2, "b")], &[]),
        (None, &[(1, "a")], &["G-single-realtime"]),
        (Some(0), &[], &[]),
        (Some(0), &[(1, "a")], &[]),
        (Some(1), &[(1, "a")], &[]),
        (Some(1), &[], &["G-single-realtime"]),
        // Both commits are of one client, whose own order is enough for a cycle.
        (Some(0), &[(2, "b")], &["G-single-process"]),
        (Some(0), &[(1, "c")], &["garbage-read"]),
    ];
    for (synced, found, expected) in cases {
        let mut log = Log::default();
        for (commit, (key, value)) in [(1, "a"), (2, "b")].into_iter().enumerate() {
            log.call(first(0), put(key, value));
            log.returned(first(0), Ok(Returned::Unit), commit as u32 + 1);
        }
        log.crash(found, *synced);
        assert_eq!(log.anomalies(), *expected, "{synced:?} {found:?}");
        // The next life builds on what was found, and on nothing else.
        let found = found.first().filter(|_| expected.is_empty());
        if let Some((key, value)) = found {
            log.get(1, *key, Some(value));
            assert_eq!(log.anomalies(), [""; 0]);
            log.get(2, *key, None);
            assert_eq!(log.anomalies(), ["G-single-realtime"]);
        }
    }
}

#[test]
fn what_is_under_way_at_a_crash_may_have_happened_but_an_open_transaction_has_not() {
    let mut log = Log::default();
    log.done(1, BEGIN);
    log.done(1, put(2, "open"));
    log.call(first(0), put(1, "a"));
    log.crash(&[(1, "a")], None);
    log.get(1, 1, Some("a"));
    assert_eq!(log.anomalies(), [""; 0]);
    log.get(1, 2, Some("open"));
    assert_eq!(log.anomalies(), ["G1a"]);
}

#[test]
fn an_exported_history_has_the_same_verdict() {
    let mut log = Log::default();
    log.done(0, put(1, "a"));
    log.done(0, put(1, "b"));
    log.call(first(1), put(1, "c"));
    log.crash(&[(1, "b")], Some(0));
    log.get(0, 1, Some("b"));
    for stale in [false, true] {
        if stale {
            log.get(1, 1, None);
        }
        let mut text = Vec::new();
        edn::write(&log.recorder.history(), &mut text).unwrap();
        let again = edn::read(std::str::from_utf8(&text).unwrap()).unwrap();
        let verdict = check::check(&again, Model::StrongSerializable).verdict;
        assert_eq!(verdict == Verdict::Ok, !stale);
        assert_eq!(log.anomalies().is_empty(), !stale);
    }
}

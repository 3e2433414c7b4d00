//! Reading and writing: both formats give the same transactions, and malformed text gives line and reason.

use super::MicroOp::{Append, ReadList, ReadRegister, Write};
use super::RegisterRead::{Initial, Unknown, Value};
use super::*;

fn edn_of(history: &History) -> String {
    let mut out = Vec::new();
    edn::write(history, &mut out).expect("writing to memory");
    String::from_utf8(out).expect("text")
}

fn jsonl_of(history: &History) -> String {
    let mut out = Vec::new();
    jsonl::write(history, &mut out).expect("writing to memory");
    String::from_utf8(out).expect("text")
}

const EDN: &str = r#"
; one of everything
{:index 0, :type :invoke, :process 0, :time 12, :f :txn, :value [[:append 1 2] [:r 3 nil] [:r 5 nil]], :extra {:a #{1}}}
{:index 1, :type :invoke, :process 1, :f :txn, :value [[:w 5 7] [:r 5 nil] [:r :x nil]]}
{:type :info, :process :nemesis, :f :kill, :value "n1"}
#jepsen.history.Op{:index 2, :type :ok, :process 0, :f :txn, :value [[:append 1 2] [:r 3 [4 -5]] [:r 5 nil]]}
{:index 3, :type :fail, :process 1, :f :txn, :value [[:w 5 7] [:r 5 nil] [:r :x nil]], :error [:oops "x"]}
{:type :invoke, :process 1, :value [[:append :x "a"]]} #_ {:type :bogus}
{:type :info, :process 1, :value nil, :error :timeout}
{:type :invoke :process 1 :value [[:r :x nil]]}
"#;

const JSON: &str = r#"
{"index":0,"type":"invoke","process":0,"time":12,"f":"txn","value":[["append",1,2],["r",3,null],["r",5,null]],"extra":{"a":[1]}}
{"index":1,"type":"invoke","process":1,"f":"txn","value":[["w",5,7],["r",5,null],["r",":x",null]]}
{"type":"info","process":"nemesis","f":"kill","value":"n1"}
{"type":"ok","process":0,"f":"txn","value":[["append",1,2],["r",3,[4,-5]],["r",5,null]]}
{"type":"fail","process":1,"f":"txn","value":[["w",5,7],["r",5,null],["r",":x",null]],"error":["oops","x"]}
{"type":"invoke","process":1,"value":[["append",":x","a"]]}
{"type":"info","process":1,"value":null,"error":1.5}
{"type":"invoke","process":1,"value":[["r",":x",null]]}
"#;

fn one_of_everything(x: i64, a: i64) -> Vec<Transaction> {
    let transaction =
        |process, invoked, completed, outcome, ops| Transaction { process, invoked, completed, outcome, ops };
    vec![
        transaction(
            0,
            0,
            Some(2),
            Outcome::Ok,
            vec![
                Append { key: 1, element: 2 },
                ReadList { key: 3, elements: Some(vec![4, -5]) },
                ReadRegister { key: 5, value: Initial },
            ],
        ),
        transaction(
            1,
            1,
            Some(3),
            Outcome::Fail,
            vec![
                Write { key: 5, value: 7 },
                ReadRegister { key: 5, value: Unknown },
                ReadList { key: x, elements: None },
            ],
        ),
        transaction(1, 4, Some(5), Outcome::Info, vec![Append { key: x, element: a }]),
        transaction(1, 6, None, Outcome::Info, vec![ReadList { key: x, elements: None }]),
    ]
}

#[test]
fn both_formats_give_the_same_transactions() {
    for (read, text) in [(edn::read as fn(&str) -> _, EDN), (jsonl::read, JSON)] {
        let history: History = read(text).expect("well-formed");
        let (x, a) = (i64::MIN, i64::MIN + 1);
        assert_eq!(history.transactions, one_of_everything(x, a));
        assert_eq!(history.names.show(a).to_string(), "\"a\"");
        assert_eq!(history.names.show(-7).to_string(), "-7");
    }
}

#[test]
fn one_vector_or_array_around_the_events_changes_nothing() {
    let events: Vec<&str> = JSON.lines().filter(|l| !l.is_empty()).collect();
    let array = format!(" [\n{}\n]\n", events.join(",\n"));
    assert_eq!(jsonl::read(&array).map(|h| h.transactions), jsonl::read(JSON).map(|h| h.transactions));
    let vector = format!("[{EDN}]");
    assert_eq!(edn::read(&vector).map(|h| h.transactions), edn::read(EDN).map(|h| h.transactions));
}

#[test]
fn what_is_written_reads_back_the_same() {
    let history = edn::read(EDN).expect("well-formed");
    assert_eq!(edn::read(&edn_of(&history)), Ok(history.clone()));
    let json = jsonl::read(JSON).expect("well-formed");
    assert_eq!(jsonl::read(&jsonl_of(&json)), Ok(json));
    let registers = History { transactions: vec![register_transaction()], names: Names::default() };
    assert_eq!(edn::read(&edn_of(&registers)), Ok(registers.clone()));
    assert_eq!(jsonl::read(&jsonl_of(&registers)), Ok(registers));
}

fn register_transaction() -> Transaction {
    let ops = vec![Write { key: 1, value: 2 }, ReadRegister { key: 1, value: Value(2) }];
    Transaction { process: 3, invoked: 0, completed: Some(1), outcome: Outcome::Ok, ops }
}

#[test]
fn an_empty_file_is_an_empty_history() {
    for text in ["", "\n\n", "[]", " [ ] "] {
        assert_eq!(edn::read(text), Ok(History::default()), "{text:?}");
        assert_eq!(jsonl::read(text), Ok(History::default()), "{text:?}");
    }
}

/// Malformed EDN and what is said about it.
const BAD_EDN: &[(&str, &str)] = &[
    ("{:type :invoke :process 0 :value []", "line 1, column 36: the text ends inside a form"),
    ("\n{:type :invoke :process 0 :value}", "line 2, column 33: map key :value has no value"),
    ("{:type ]", "line 1, column 8: unexpected ]"),
    ("{:type \"invoke", "line 1, column 15: a string is not closed"),
    ("{:time 12x}", "line 1, column 11: 12x is not a number"),
    ("[{:type :invoke :process 0 :value []}", "line 1, column 38: the outer vector is not closed"),
    ("[] 3", "line 1, column 4: text after the outer vector"),
    ("\n\n7", "line 3: an event must be a map, not 7"),
    ("{:process 0}", "line 1: the event has no type"),
    ("{:type :invoked :process 0}", "line 1: type must be invoke, ok, fail or info, not :invoked"),
    ("{:type :invoke :value []}", "line 1: the event has no process"),
    ("{:type :invoke :process -1 :value []}", "line 1: process must be a number from 0, not -1"),
    ("{:type :invoke :process 0}", "line 1: the event has no value"),
    (
        "{:type :invoke :process 0 :f :read :value nil}",
        "line 1: cannot judge operation :read: only transactions (f = txn) are known",
    ),
    ("{:type :invoke :process 0 :value nil}", "line 1: value must be a list of micro-operations, not nil"),
    (
        "{:type :invoke :process 0 :value [[:append 1]]}",
        "line 1: micro-operation [:append 1] is not [append k e], [r k result] or [w k v]",
    ),
    (
        "{:type :invoke :process 0 :value [[:inc 1 2]]}",
        "line 1: micro-operation [:inc 1 2] is not [append k e], [r k result] or [w k v]",
    ),
    (
        "{:type :invoke :process 0 :value [[:w 1 nil]]}",
        "line 1: micro-operation [:w 1 nil] is not [append k e], [r k result] or [w k v]",
    ),
    (
        "{:type :invoke :process 0 :value []}\n{:type :invoke :process 0 :value []}",
        "line 2: process 0 is invoked again while its call of line 1 is open",
    ),
    ("{:type :ok :process 4 :value []}", "line 1: process 4 completes a call that it never made"),
    (
        "{:type :invoke :process 0 :value [[:append 1 2]]}\n{:type :ok :process 0 :value [[:append 1 3]]}",
        "line 2: the completion does not match its invocation of line 1",
    ),
    (
        "{:type :invoke :process 0 :value [[:append 1 2]]}\n{:type :invoke :process 1 :value [[:w 1 2]]}",
        "line 2: key 1 is a register here and a list at line 1",
    ),
];

/// Malformed JSON and what is said about it.
const BAD_JSON: &[(&str, &str)] = &[
    (
        "{\"type\":\"invoke\",\"process\":0,\"value\":[]}\n{\"type\":\"ok\" \"process\":0}",
        "line 2, column 14: expected `,` or `}`",
    ),
    ("\n[1,", "line 2: an event must be a map, not 1"),
    (
        "[{\"type\":\"invoke\",\"process\":0,\"value\":[]}",
        "line 1: events in an array need commas between them, and the array needs its ]",
    ),
    ("{\"type\":\"ok\"}", "line 1: the event has no process"),
    (
        "{\"type\":\"invoke\",\"process\":0,\"value\":[[\"r\",1]]}",
        "line 1: micro-operation [\"r\" 1] is not [append k e], [r k result] or [w k v]",
    ),
    ("{\"type\":\"invoke\",\"process\":0.5,\"value\":[]}", "line 1: process must be a number from 0, not 0.5"),
];

#[test]
fn malformed_histories_give_line_and_reason() {
    for (read, cases) in [(edn::read as fn(&str) -> _, BAD_EDN), (jsonl::read, BAD_JSON)] {
        for (text, said) in cases {
            let result: Result<History, HistoryError> = read(text);
            assert_eq!(result.map_err(|e| e.to_string()), Err((*said).to_owned()), "{text:?}");
        }
    }
}

#[test]
fn deep_nesting_is_an_error_and_not_a_crash() {
    let error = edn::read(&"[".repeat(100_000)).expect_err("too deep");
    assert!(error.to_string().contains("nested too deep"), "{error}");
    let error = edn::read(&"#_".repeat(100_000)).expect_err("too deep");
    assert!(error.to_string().contains("nested too deep"), "{error}");
    jsonl::read(&"[".repeat(100_000)).expect_err("too deep");
}

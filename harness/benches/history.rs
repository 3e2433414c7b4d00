//! How the cost of a history check grows with the history: 10,000, 100,000 and 1,000,000 operations.
//!
//! An operation is one read, append or write; transactions have four. Keys retire after some writes, as they do in
//! real runs, so that lists stay short. Run with `cargo bench -p falken-harness --bench history`.

use divan::{Bencher, counter::ItemsCount};
use falken_harness::check::{Model, Verdict, check};
use falken_harness::history::{History, MicroOp, Names, Outcome, RegisterRead, Transaction, edn, jsonl};

const SIZES: [usize; 3] = [10_000, 100_000, 1_000_000];
const OPS_PER_TRANSACTION: usize = 4;
const PROCESSES: usize = 16;
const ACTIVE_KEYS: usize = 12;
const WRITES_PER_KEY: usize = 48;

fn main() {
    divan::main();
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n as u64) as usize
    }
}

/// Clients that overlap all the time; each transaction takes effect as its call returns.
fn history(operations: usize, run: impl Fn(&mut Random, &mut [(i64, Vec<i64>)]) -> MicroOp) -> History {
    let mut random = Random(operations as u64);
    let mut keys: Vec<(i64, Vec<i64>)> = (0..ACTIVE_KEYS).map(|k| (k as i64, Vec::new())).collect();
    let mut open: [Option<usize>; PROCESSES] = [None; PROCESSES];
    let mut transactions: Vec<Transaction> = Vec::new();
    for now in 0.. {
        let process = random.below(PROCESSES);
        if let Some(id) = open[process].take() {
            let ops = (0..OPS_PER_TRANSACTION).map(|_| run(&mut random, &mut keys)).collect();
            transactions[id] = Transaction { completed: Some(now), outcome: Outcome::Ok, ops, ..transactions[id] };
        } else if transactions.len() * OPS_PER_TRANSACTION < operations {
            open[process] = Some(transactions.len());
            let (process, outcome) = (process as u64, Outcome::Info);
            transactions.push(Transaction { process, invoked: now, completed: None, outcome, ops: Vec::new() });
        } else if open.iter().all(Option::is_none) {
            break;
        }
    }
    History { transactions, names: Names::default() }
}

fn lists(operations: usize) -> History {
    history(operations, |random, keys| {
        let slot = random.below(ACTIVE_KEYS);
        let (key, list) = &mut keys[slot];
        if random.below(2) == 0 {
            return MicroOp::ReadList { key: *key, elements: Some(list.clone()) };
        }
        let (key, element) = (*key, list.len() as i64);
        list.push(element);
        if list.len() == WRITES_PER_KEY {
            keys[slot] = (key + ACTIVE_KEYS as i64, Vec::new());
        }
        MicroOp::Append { key, element }
    })
}

fn registers(operations: usize) -> History {
    history(operations, |random, keys| {
        let slot = random.below(ACTIVE_KEYS);
        let (key, values) = &mut keys[slot];
        if random.below(2) == 0 {
            let value = values.last().map_or(RegisterRead::Initial, |v| RegisterRead::Value(*v));
            return MicroOp::ReadRegister { key: *key, value };
        }
        let (key, value) = (*key, values.len() as i64);
        values.push(value);
        if values.len() == WRITES_PER_KEY {
            keys[slot] = (key + ACTIVE_KEYS as i64, Vec::new());
        }
        MicroOp::Write { key, value }
    })
}

/// Every thousandth read of a list misses its last two elements.
fn spoilt_lists(operations: usize) -> History {
    let mut history = lists(operations);
    let ops = history.transactions.iter_mut().flat_map(|t| &mut t.ops);
    for (place, op) in ops.enumerate() {
        if let (MicroOp::ReadList { elements: Some(elements), .. }, 0) = (op, place % 1_000) {
            elements.truncate(elements.len().saturating_sub(2));
        }
    }
    history
}

fn judge(bencher: Bencher<'_, '_>, operations: usize, history: &History, model: Model, passes: bool) {
    bencher.counter(ItemsCount::new(operations)).bench_local(|| {
        let report = check(history, model);
        assert_eq!(report.verdict == Verdict::Ok, passes);
        report
    });
}

#[divan::bench(args = SIZES, sample_count = 10, sample_size = 1)]
fn lists_strong_serializable(bencher: Bencher<'_, '_>, operations: usize) {
    judge(bencher, operations, &lists(operations), Model::StrongSerializable, true);
}

#[divan::bench(args = SIZES, sample_count = 10, sample_size = 1)]
fn lists_snapshot_isolation(bencher: Bencher<'_, '_>, operations: usize) {
    judge(bencher, operations, &lists(operations), Model::SnapshotIsolation, true);
}

#[divan::bench(args = SIZES, sample_count = 10, sample_size = 1)]
fn lists_with_stale_reads(bencher: Bencher<'_, '_>, operations: usize) {
    judge(bencher, operations, &spoilt_lists(operations), Model::StrongSerializable, false);
}

#[divan::bench(args = SIZES, sample_count = 10, sample_size = 1)]
fn registers_strong_serializable(bencher: Bencher<'_, '_>, operations: usize) {
    judge(bencher, operations, &registers(operations), Model::StrongSerializable, true);
}

#[divan::bench(args = SIZES, sample_count = 3, sample_size = 1)]
fn reading_edn(bencher: Bencher<'_, '_>, operations: usize) {
    let mut text = Vec::new();
    edn::write(&lists(operations), &mut text).expect("writing to memory");
    let text = String::from_utf8(text).expect("text");
    bencher.counter(ItemsCount::new(operations)).bench_local(|| edn::read(&text).expect("well-formed"));
}

#[divan::bench(args = SIZES, sample_count = 3, sample_size = 1)]
fn reading_json_lines(bencher: Bencher<'_, '_>, operations: usize) {
    let mut text = Vec::new();
    jsonl::write(&lists(operations), &mut text).expect("writing to memory");
    let text = String::from_utf8(text).expect("text");
    bencher.counter(ItemsCount::new(operations)).bench_local(|| jsonl::read(&text).expect("well-formed"));
}

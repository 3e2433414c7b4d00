//! Nothing is left of a run: not its disk, not its threads, not its memory.
//!
//! Whoever holds a database of the engine holds its I/O, and that holds the disk; so a disk that is gone says that nobody, no
//! registry of the process either, has kept anything of the run.
#![cfg(feature = "turso")]

use std::fs;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;

use falken_harness::run::{Run, Settings};
use falken_harness::scenario::{Journal, Scenario};
use falken_harness::strategy::Random;
use falken_models::bug::Planted;
use falken_models::disk::Disk;
use falken_turso::Turso;

/// Crashes leave operations in flight and statements in the middle; drops and abandons leave half of either.
const SCENARIO: &str = "name = \"memory\"\nabout = \"everything that can be left behind\"\nsubject = \"turso\"\n\
    bounds.steps = 600\nfaults = { process-crash = 150, power-loss = 150, abandon = 100, drop = 100, crashes-max = 6 }\n\
    [[clients]]\ncount = 3\nmix = { put = 2, append = 2, write-tx = 3, scan = 1, checkpoint-truncate = 1 }\n";

fn one_run(journal: Journal, seed: u64) -> Weak<Disk> {
    let work = move || {
        let mut scenario = Scenario::from_toml(SCENARIO).unwrap();
        scenario.database.journal = journal;
        let settings = Settings { seed, planted: Planted(None), strategy: Box::new(Random::new(seed)), oracle: None };
        let disk = Mutex::new(Weak::new());
        let make = |config, its, log| {
            *disk.lock().unwrap() = Arc::downgrade(&its);
            Turso::new(journal, config, its, log)
        };
        drop(Run::over(&scenario, settings, make).go());
        disk.into_inner().unwrap_or_else(PoisonError::into_inner)
    };
    // As the harness does it: what the engine keeps in thread-local memory goes with the thread.
    thread::spawn(work).join().unwrap()
}

/// A figure of `/proc/self/status`; 0 where there is none.
fn status(name: &str) -> u64 {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

fn open_files() -> usize {
    fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

/// One test, because it counts what its process has. `FALKEN_RUNS=2000` makes it longer.
#[test]
fn runs_leave_nothing_behind() {
    // Some runs fail, and a backtrace would load the symbols of the whole engine.
    std::panic::set_hook(Box::new(|panic| eprintln!("{panic}")));
    let runs: u64 = std::env::var("FALKEN_RUNS").ok().and_then(|text| text.parse().ok()).unwrap_or(200);
    for journal in [Journal::Wal, Journal::Mvcc] {
        (0..runs / 4).for_each(|seed| _ = one_run(journal, seed));
        let (threads, files, resident) = (status("Threads"), open_files(), status("VmRSS"));
        for seed in 0..runs {
            assert_eq!(one_run(journal, seed).strong_count(), 0, "{journal:?}, seed {seed}: somebody holds the disk");
        }
        let after = status("VmRSS");
        println!("{journal:?}: {resident} kB after {} runs, {after} kB after {runs} more", runs / 4);
        assert_eq!((status("Threads"), open_files()), (threads, files), "{journal:?}");
        assert!(after < resident + 16_384, "{journal:?}: {resident} kB have become {after} kB");
    }
}

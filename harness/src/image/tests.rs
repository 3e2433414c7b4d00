//! The lattice against the disk that it is made from, the counts of small runs, and how much of large lattices is taken.

use std::collections::BTreeSet;

use falken_models::connection::Op;
use falken_models::disk::{Disk, Ending, FileId, Request};
use falken_models::event::EventLog;
use falken_models::io::{Buffer, Completion};
use falken_models::session::Config;
use falken_models::sync::Arc;
use falken_models::table::initial_database;
use falken_models::wal::{CheckpointMode, SyncMode};

use super::process::Process;
use super::*;
use crate::action::CrashKind;
use crate::ledger::Ledger;
use crate::random::Stream;
use crate::scenario::{CrashImages, Torn};
use crate::subject::Models;

const SECTOR: usize = 16;

fn disk(sector_size: usize, database: &[u8]) -> Arc<Disk> {
    Disk::new(Arc::new(EventLog::default()), sector_size, database.to_vec())
}

fn perform(disk: &Disk, request: Request) {
    let op = disk.submit(0, request, Completion::new_sync(|_| {})).expect("the ring has no end").op;
    disk.finish(op, Ending::Success);
}

fn write(disk: &Disk, file: FileId, offset: usize, bytes: Vec<u8>) {
    perform(disk, Request::write(file, offset as u64, Buffer::from_vec(bytes)));
}

/// A disk after some random effects on both files.
fn random_disk(seed: u64) -> Arc<Disk> {
    let stream = Stream::new(seed, 1);
    let mut key = 0;
    let mut roll = |sides: u64| {
        key += 1;
        stream.below(key, sides) as usize
    };
    let disk = disk(SECTOR, &vec![b'-'; roll(3 * SECTOR as u64)]);
    for _ in 0..roll(5) {
        let file = FileId::ALL[roll(2)];
        match roll(4) {
            0 => perform(&disk, Request::Truncate { file, len: roll(40) as u64 }),
            1 if roll(2) == 0 => perform(&disk, Request::Remove { file }),
            _ => {
                let bytes = vec![b'a' + roll(3) as u8; 1 + roll(20)];
                write(&disk, file, roll(30), bytes);
            }
        }
    }
    disk
}

/// The same with some writes and truncations in flight.
fn busy_disk(seed: u64) -> Arc<Disk> {
    let (disk, stream) = (random_disk(seed), Stream::new(seed, 2));
    for key in 0..stream.below(0, 5) {
        let [kind, file, offset] = [1, 2, 3].map(|salt| stream.below(4 * key + salt, 30) as usize);
        let file = FileId::ALL[file % 2];
        let request = match kind % 4 {
            0 => Request::Truncate { file, len: offset as u64 },
            _ => Request::write(file, offset as u64, Buffer::from_vec(vec![b'A' + key as u8; 1 + kind])),
        };
        disk.submit(0, request, Completion::new_sync(|_| {})).expect("the ring has no end");
    }
    disk
}

/// Asks the driver, and takes an answer to a question with so many options.
type Choose<'a> = &'a mut dyn FnMut(usize) -> usize;

/// Every pair of files that a crash leaves, by trying all answers to the disk's questions.
fn by_crashing(disk: impl Fn() -> Arc<Disk>, crash: impl Fn(&Disk, Choose<'_>)) -> BTreeSet<[Vec<u8>; 2]> {
    let mut images = BTreeSet::new();
    let mut answers: Vec<(usize, usize)> = Vec::new();
    loop {
        let (disk, mut asked) = (disk(), 0);
        crash(&disk, &mut |options| {
            if asked == answers.len() {
                answers.push((0, options));
            }
            asked += 1;
            answers[asked - 1].0
        });
        images.insert(FileId::ALL.map(|file| disk.contents(file)));
        while answers.last().is_some_and(|&(answer, options)| answer + 1 == options) {
            answers.pop();
        }
        match answers.last_mut() {
            Some((answer, _)) => *answer += 1,
            None => return images,
        }
    }
}

fn visit_all(lattice: &Lattice, limit: u64, mut look: impl FnMut(&Image<'_>)) -> Depth {
    let looked = visit::<()>(lattice, limit, Stream::new(1, 1), |image| {
        look(image);
        Ok(())
    });
    looked.unwrap()
}

#[test]
fn the_images_of_a_lattice_are_those_that_a_power_loss_leaves_and_equal_keys_mean_equal_images() {
    for seed in 0..300 {
        let (mut images, mut keys) = (BTreeSet::new(), BTreeSet::new());
        for lattice in &Lattice::all(&random_disk(seed), CrashKind::Power, &[]) {
            let mut count = 0;
            let depth = visit_all(lattice, u64::MAX, |image| {
                images.insert(image.files().map(<[u8]>::to_vec));
                keys.insert(image.key());
                count += 1;
            });
            assert_eq!((depth, lattice.raw().exact()), (Depth::Exhaustive, Some(count)));
        }
        assert_eq!(images.len(), keys.len(), "seed {seed}");
        let lost =
            by_crashing(|| random_disk(seed), |disk, choose| disk.lose_power(&[], &mut |_, options| choose(options)));
        assert_eq!(images, lost, "seed {seed}");
    }
}

#[test]
fn a_crash_of_the_process_keeps_what_has_ended_and_any_of_what_is_in_flight() {
    let mut in_doubt = 0;
    for seed in 0..300 {
        let disk = busy_disk(seed);
        let mut images = BTreeSet::new();
        for lattice in &Lattice::all(&disk, CrashKind::Process, &[]) {
            visit_all(lattice, u64::MAX, |image| _ = images.insert(image.files().map(<[u8]>::to_vec)));
        }
        // The lattice has more: a write that was in flight may have got as far as one of its sectors, too.
        let left =
            by_crashing(|| busy_disk(seed), |disk, choose| disk.crash_process(&mut |_, options| choose(options)));
        let missing = left.difference(&images).count();
        // Of two operations in flight to one sector, the later without the earlier is not among the versions.
        assert!(missing == 0 || disk.in_flight() > 1, "seed {seed}: {missing} of {}", left.len());
        in_doubt += usize::from(missing == 0 && images.len() > 1);
        if disk.in_flight() == 0 {
            assert_eq!(images, BTreeSet::from([FileId::ALL.map(|file| disk.contents(file))]), "seed {seed}");
        }
    }
    assert!(in_doubt > 100, "{in_doubt}");
}

#[test]
fn one_appended_commit_has_as_many_versions_as_sectors_and_writes_make() {
    // (page, sector, frames, choices): header and page of a frame are two writes, as SQLite makes them.
    let cases = [
        (512, 512, 1, 6),
        (512, 512, 2, 24),
        (512, 512, 3, 96),
        (512, 512, 5, 1536),
        (1024, 512, 1, 12),
        (1024, 512, 2, 96),
        (1024, 512, 3, 768),
        (1024, 512, 5, 49_152),
        (4096, 512, 1, 768),
        (4096, 4096, 1, 6),
        (4096, 4096, 5, 1536),
    ];
    for (page, sector, frames, expected) in cases {
        let disk = disk(sector, &[]);
        write(&disk, FileId::Wal, 0, vec![1; 32]);
        perform(&disk, Request::Sync { file: FileId::Wal });
        for frame in 0..frames {
            let at = 32 + frame * (24 + page);
            write(&disk, FileId::Wal, at, vec![2 * frame as u8 + 2; 24]);
            write(&disk, FileId::Wal, at + 24, vec![2 * frame as u8 + 3; page]);
        }
        let [lattice] = &Lattice::all(&disk, CrashKind::Power, &[])[..] else { panic!("no name is in doubt") };
        let sectors = lattice.chains().iter().filter(|chain| chain.sector().is_some());
        let choices: usize = sectors.map(Chain::versions).product();
        assert_eq!(choices, expected, "{frames} frames of {page} bytes on sectors of {sector}");
    }
}

/// Runs statements one after the other on one connection and explores at every barrier.
fn explore(sync: SyncMode, sector: usize, options: &CrashImages, statements: &[Op]) -> Coverage {
    let config = Config { sync, micro: false, ..Config::default() };
    let database = initial_database(config.page_size);
    let log = Arc::new(EventLog::default());
    let models = Models::new(config, disk(sector, &database), log);
    let mut ledger = Ledger::new(sync, config.page_size, 1, &database);
    let mut explorer = Explorer::new(options, 1, &models, sector);
    let mut process = Process::like(&models, sector);
    process.start([&database, &[]]);
    for op in statements {
        explorer.run_statement(&mut process, op.clone(), &mut ledger, Second::No, &mut None).unwrap().unwrap();
    }
    explorer.explore(Barrier::End, &process.disk, &ledger, &mut None, Second::No).unwrap();
    explorer.coverage()
}

fn put(key: i64, len: usize) -> Op {
    Op::Put { key, value: vec![key as u8; len].into() }
}

fn exhaustive() -> CrashImages {
    CrashImages { images_max: 100_000_000, second_images_max: 0, ..CrashImages::default() }
}

/// Runs of this shape (two commits, a checkpoint and a commit that restarts the log; three commits, a checkpoint and a larger
/// commit; a truncating checkpoint) are known to give, in raw choices, distinct images and recovered states, with SQLite's
/// way of writing: FULL 177 → 79 → 4 and NORMAL 1,522 → 203 → 4; FULL 166 → 126 → 5 and NORMAL 1,684 → 275 → 5; FULL 156 → 59 → 3.
/// The states are the same here. There are fewer images because a frame is one write, not two, and because a put into a root
/// that has room is one frame; there are some more because sizes are chains too.
#[test]
fn small_runs_have_the_known_states_and_pinned_counts() {
    let full = || Op::Checkpoint(CheckpointMode::Full);
    let truncate = || Op::Checkpoint(CheckpointMode::Truncate);
    let restart = vec![put(1, 10), put(2, 10), full(), put(3, 10)];
    let longer = vec![put(1, 10), put(2, 10), put(3, 10), full(), put(4, 900)];
    let cut = vec![put(1, 10), put(2, 10), truncate()];
    let cases = [
        ("restart", SyncMode::Full, &restart, (33, 22, 4)),
        ("restart", SyncMode::Normal, &restart, (96, 32, 4)),
        ("longer", SyncMode::Full, &longer, (74, 60, 5)),
        ("longer", SyncMode::Normal, &longer, (412, 117, 5)),
        ("cut", SyncMode::Full, &cut, (27, 17, 3)),
    ];
    for (name, sync, statements, expected) in cases {
        let Explored { raw, images, distinct, states, barriers, exhaustive: all, .. } =
            explore(sync, 512, &exhaustive(), statements).first;
        assert_eq!((raw.exact(), barriers), (Some(u128::from(images)), all), "{name}");
        assert_eq!((images, distinct, states), expected, "{name} under {sync:?}");
    }
}

#[test]
fn beyond_the_limit_every_sector_is_lost_in_turn_with_what_follows_kept_and_lost() {
    let disk = disk(SECTOR, &[b'.'; 3 * SECTOR]);
    for sector in 0..40 {
        write(&disk, FileId::Wal, sector * SECTOR, vec![b'a' + (sector % 26) as u8; SECTOR]);
    }
    for sector in 0..3 {
        write(&disk, FileId::Database, sector * SECTOR, vec![b'0'; SECTOR]);
    }
    let [lattice] = &Lattice::all(&disk, CrashKind::Power, &[])[..] else { panic!("no name is in doubt") };
    assert!(lattice.raw().exact().unwrap() > 1 << 43);
    let log = lattice.chains_of(FileId::Wal);
    let newest: Vec<usize> = lattice.chains().iter().map(|chain| chain.versions() - 1).collect();
    let mut seen = BTreeSet::new();
    let mut count = 0;
    let depth = visit_all(lattice, 2000, |image| {
        seen.insert(image.picked().to_vec());
        count += 1;
    });
    assert_eq!((depth, count), (Depth::Reduced, 2000));
    for lost in log.clone().filter(|&chain| lattice.chains()[chain].sector().is_some()) {
        let mut one = newest.clone();
        one[lost] = 0;
        assert!(seen.contains(&one), "sector {lost} alone");
        (lost..log.end).for_each(|behind| one[behind] = 0);
        assert!(seen.contains(&one), "sector {lost} and all behind it");
    }
    // The same seed gives the same sample, and little of it is wasted on images that were taken before.
    let mut again = BTreeSet::new();
    visit_all(lattice, 2000, |image| _ = again.insert(image.picked().to_vec()));
    assert_eq!(seen, again);
    assert!(seen.len() > 1500, "{} different", seen.len());
    assert_eq!(visit_all(lattice, 30, |_| {}), Depth::Cut);
}

#[test]
fn torn_sectors_are_recovered_too_and_a_process_goes_on_from_every_class() {
    let torn = [Torn::Halves, Torn::Zeros, Torn::Noise].into();
    let options = CrashImages { torn, images_max: 5000, ..CrashImages::default() };
    let statements = [put(1, 10), put(2, 900), Op::Checkpoint(CheckpointMode::Truncate), put(3, 10)];
    for sync in [SyncMode::Full, SyncMode::Normal] {
        for sector in [512, 4096] {
            let coverage = explore(sync, sector, &options, &statements);
            let whole = explore(sync, sector, &CrashImages { torn: Vec::new(), ..options.clone() }, &statements);
            assert!(coverage.first.raw.log10() > whole.first.raw.log10());
            assert_eq!((coverage.first.states, whole.first.states), (4, 4));
            assert!(coverage.went_on >= 4 && coverage.second.images > coverage.went_on, "{coverage:?}");
        }
    }
}

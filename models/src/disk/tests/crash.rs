//! Process crash and power loss, in cases small enough to list every outcome.

use std::collections::BTreeSet;

use super::*;

/// Every image that a crash can leave of `file`, by trying all answers to its questions in turn.
fn images(
    file: FileId,
    build: impl Fn() -> Arc<Disk>,
    crash: fn(&Disk, &mut dyn FnMut(Survivor, usize) -> usize),
) -> BTreeSet<Vec<u8>> {
    let mut images = BTreeSet::new();
    let mut answers: Vec<(usize, usize)> = Vec::new();
    loop {
        let (disk, mut asked) = (build(), 0);
        crash(&disk, &mut |_, options| {
            if asked == answers.len() {
                answers.push((0, options));
            }
            asked += 1;
            answers[asked - 1].0
        });
        images.insert(disk.contents(file));
        // The next combination of answers, like an odometer.
        while answers.last().is_some_and(|&(answer, options)| answer + 1 == options) {
            answers.pop();
        }
        match answers.last_mut() {
            Some((answer, _)) => *answer += 1,
            None => return images,
        }
    }
}

fn lose_power(disk: &Disk, choose: &mut dyn FnMut(Survivor, usize) -> usize) {
    disk.lose_power(&[], choose);
}

const HALVES: Tear = Tear::Parted { eighths: 4 };

fn set<const N: usize>(images: [&[u8]; N]) -> BTreeSet<Vec<u8>> {
    images.map(<[u8]>::to_vec).into()
}

/// One completed write, two in flight, a truncate of the log in flight.
fn busy() -> Arc<Disk> {
    let disk = disk(b"....");
    perform(&disk, write_of(DB, 0, b"1"), Ending::Success);
    perform(&disk, write_of(WAL, 0, b"log"), Ending::Success);
    submit(&disk, write_of(DB, 1, b"2"));
    submit(&disk, write_of(DB, 2, b"3"));
    submit(&disk, Request::Truncate { file: WAL, len: 0 });
    submit(&disk, Request::Sync { file: DB });
    disk
}

#[test]
fn a_process_crash_keeps_completed_writes_and_may_perform_those_in_flight() {
    let expected = set([b"1...", b"12..", b"1.3.", b"123."]);
    assert_eq!(images(DB, busy, Disk::crash_process), expected);
    assert_eq!(images(WAL, busy, Disk::crash_process), set([b"log", b""]));
}

#[test]
fn a_process_crash_makes_nothing_durable_and_tells_nobody() {
    let disk = disk(b"....");
    let (_, write) = submit(&disk, write_of(DB, 0, b"1"));
    let (_, sync) = submit(&disk, Request::Sync { file: DB });
    disk.crash_process(&mut |_, _| 1);
    assert_eq!((disk.contents(DB), disk.durable_contents(DB)), (b"1...".to_vec(), b"....".to_vec()));
    assert!(!write.finished() && !sync.finished());
    disk.lose_power(&[], &mut |_, _| 0);
    assert_eq!(disk.contents(DB), b"....", "a power loss may still take what the process left");
}

#[test]
fn a_power_loss_keeps_for_each_sector_the_durable_version_or_any_later_one() {
    fn build() -> Arc<Disk> {
        let disk = disk(&[b'0'; 2 * SECTOR]);
        perform(&disk, write_of(DB, 0, &[b'1'; SECTOR]), Ending::Success);
        perform(&disk, write_of(DB, 0, &[b'2'; 2 * SECTOR]), Ending::Success);
        disk
    }
    let image = |first: u8, second: u8| [[first; SECTOR], [second; SECTOR]].concat();
    let expected = [(b'0', b'0'), (b'1', b'0'), (b'2', b'0'), (b'0', b'2'), (b'1', b'2'), (b'2', b'2')];
    assert_eq!(images(DB, build, lose_power), expected.map(|(a, b)| image(a, b)).into());
}

#[test]
fn a_size_survives_on_its_own() {
    fn build() -> Arc<Disk> {
        let disk = disk(b"ab");
        perform(&disk, write_of(DB, 2, b"cd"), Ending::Success);
        perform(&disk, Request::Truncate { file: DB, len: 1 }, Ending::Success);
        disk
    }
    // Sector 0: "ab" or "abcd", since a change of size writes no sector; size: 2, 4 or 1. A size without its data reads as
    // zeros.
    let expected: [&[u8]; 4] = [b"ab", b"abcd", b"ab\0\0", b"a"];
    assert_eq!(images(DB, build, lose_power), set(expected));
}

#[test]
fn a_power_loss_cannot_take_what_an_fsync_covered() {
    fn build() -> Arc<Disk> {
        let disk = disk(b"..");
        perform(&disk, write_of(DB, 0, b"1"), Ending::Success);
        perform(&disk, Request::Sync { file: DB }, Ending::Success);
        perform(&disk, write_of(DB, 1, b"2"), Ending::Success);
        disk
    }
    assert_eq!(images(DB, build, lose_power), set([b"1.", b"12"]));
}

#[test]
fn what_survived_is_all_there_is_afterwards() {
    let disk = busy();
    disk.lose_power(&[], &mut |_, options| options - 1);
    assert_eq!(disk.contents(DB), b"123.");
    assert_eq!(disk.durable_contents(DB), b"123.");
    disk.lose_power(&[], &mut |_, _| panic!("nothing is un-synced"));
    assert_eq!(disk.in_flight(), 0);
}

#[test]
fn a_crash_asks_only_about_what_can_differ() {
    let mut questions = Vec::new();
    let disk = disk(&[b'.'; 3 * SECTOR]);
    perform(&disk, write_of(DB, SECTOR as u64, b"1"), Ending::Success);
    perform(&disk, write_of(DB, 0, b"."), Ending::Success);
    disk.lose_power(&[], &mut |question, options| {
        questions.push((question, options));
        0
    });
    assert_eq!(questions, [(Survivor::Sector { file: DB, sector: 1 }, 2)]);
}

#[test]
fn versions_are_chains_of_different_contents_and_a_tear_harms_only_what_was_being_written() {
    let disk = disk(&[b'0'; SECTOR]);
    // Sector 0 gets two versions and its first one back; sector 1 is being written, as far as its half.
    for byte in [b'1', b'2', b'0'] {
        perform(&disk, write_of(DB, 0, &[byte; SECTOR]), Ending::Success);
    }
    submit(&disk, write_of(DB, SECTOR as u64, &[b'3'; 8]));
    let whole = disk.versions(DB, &[]);
    assert_eq!(whole.sizes, [SECTOR, SECTOR + 8]);
    let expected = [[b'0'; SECTOR], [b'1'; SECTOR], [b'2'; SECTOR]].map(Vec::from).to_vec();
    let half = |first: u8, second: u8| [[first; 4].as_slice(), &[second; 4], &[0; 8]].concat();
    assert_eq!(whole.sectors, [(0, expected), (1, vec![half(0, 0), half(b'3', b'3')])].into());

    let torn = disk.versions(DB, &[HALVES, Tear::Zeros]);
    assert_eq!(torn.sectors[&1], [half(0, 0), half(b'3', 0), half(0, b'3'), half(b'3', b'3')]);
    let noisy = &disk.versions(DB, &[Tear::Noise]).sectors[&1];
    assert!(noisy.len() == 3 && noisy[1][..8] != noisy[2][..8] && noisy[1][8..] == [0; 8]);
}

/// A synced log that is removed, and a new one with a write that no fsync has covered.
fn removed(then: fn(&Disk)) -> impl Fn() -> Arc<Disk> {
    move || {
        let disk = disk(b"");
        perform(&disk, write_of(WAL, 0, b"old"), Ending::Success);
        perform(&disk, Request::SyncEntry { file: WAL }, Ending::Success);
        perform(&disk, Request::Remove { file: WAL }, Ending::Success);
        assert_eq!(disk.size(WAL), 0);
        then(&disk);
        disk
    }
}

#[test]
fn a_removed_file_may_come_back_until_its_directory_is_synced() {
    assert_eq!(images(WAL, removed(|_| {}), lose_power), set([b"old", b""]));
    let written = removed(|disk| drop(perform(disk, write_of(WAL, 0, b"new"), Ending::Success)));
    assert_eq!(images(WAL, written, lose_power), set([b"old", b"", b"\0\0\0", b"new"]));
    // An fsync of the new file alone keeps its bytes, not its name.
    let synced = removed(|disk| {
        perform(disk, write_of(WAL, 0, b"new"), Ending::Success);
        perform(disk, Request::Sync { file: WAL }, Ending::Success);
    });
    assert_eq!(images(WAL, synced, lose_power), set([b"old", b"", b"new"]));
    let with_entry = removed(|disk| {
        perform(disk, write_of(WAL, 0, b"new"), Ending::Success);
        perform(disk, Request::SyncEntry { file: WAL }, failing(0));
        perform(disk, Request::SyncEntry { file: WAL }, Ending::Success);
    });
    assert_eq!(images(WAL, with_entry, lose_power), set([b"new"]));
    let failed = || {
        let disk = disk(b"");
        perform(&disk, write_of(WAL, 0, b"old"), Ending::Success);
        perform(&disk, Request::SyncEntry { file: WAL }, Ending::Success);
        perform(&disk, Request::Remove { file: WAL }, failing(0));
        disk
    };
    assert_eq!(images(WAL, failed, lose_power), set([b"old"]));
}

#[test]
fn a_removal_in_flight_happens_or_not() {
    let in_flight = || {
        let disk = disk(b"");
        perform(&disk, write_of(WAL, 0, b"old"), Ending::Success);
        perform(&disk, Request::SyncEntry { file: WAL }, Ending::Success);
        submit(&disk, Request::Remove { file: WAL });
        disk
    };
    assert_eq!(images(WAL, in_flight, lose_power), set([b"old", b""]));
    assert_eq!(images(WAL, in_flight, Disk::crash_process), set([b"old", b""]));
}

#[test]
fn an_operation_stays_with_the_file_that_it_was_submitted_for() {
    let disk = disk(b"");
    perform(&disk, write_of(WAL, 0, b"old"), Ending::Success);
    let (late, _) = submit(&disk, write_of(WAL, 0, b"OLD"));
    perform(&disk, Request::Remove { file: WAL }, Ending::Success);
    perform(&disk, write_of(WAL, 0, b"new"), Ending::Success);
    disk.finish(late, Ending::Success);
    assert_eq!(disk.contents(WAL), b"new");
}

/// Two writes to one sector, of which the first is covered by no fsync any more; the second one is durable.
fn marked_clean() -> Arc<Disk> {
    let disk = disk(b"....");
    perform(&disk, write_of(DB, 0, b"11"), Ending::Success);
    let sync = perform(&disk, Request::Sync { file: DB }, Ending::MarkedClean { error: CompletionError::Io });
    assert_eq!(sync.get_error(), Some(CompletionError::Io));
    perform(&disk, write_of(DB, 1, b"22"), Ending::Success);
    disk
}

#[test]
fn an_fsync_after_one_that_marked_its_pages_clean_covers_only_what_was_written_since() {
    // The page may leave the cache while it counts as clean, so the second write may land on what is durable.
    assert_eq!(images(DB, marked_clean, lose_power), set([b"....", b"11..", b"122.", b".22."]));
    fn synced() -> Arc<Disk> {
        let disk = marked_clean();
        perform(&disk, Request::Sync { file: DB }, Ending::Success);
        assert_eq!((disk.contents(DB), disk.durable_contents(DB)), (b"122.".to_vec(), b".22.".to_vec()));
        disk
    }
    assert_eq!(images(DB, synced, lose_power), set([b"122.", b".22."]));
    fn written_again() -> Arc<Disk> {
        let disk = synced();
        perform(&disk, write_of(DB, 0, b"1"), Ending::Success);
        perform(&disk, Request::Sync { file: DB }, Ending::Success);
        disk
    }
    assert_eq!(images(DB, written_again, lose_power), set([b"122."]));
}

#[test]
fn a_size_that_no_fsync_covers_takes_nothing_away_that_one_has() {
    fn build() -> Arc<Disk> {
        let disk = disk(b"abcd");
        perform(&disk, Request::Truncate { file: DB, len: 1 }, Ending::Success);
        perform(&disk, Request::Sync { file: DB }, Ending::MarkedClean { error: CompletionError::Io });
        perform(&disk, write_of(DB, 1, b"e"), Ending::Success);
        perform(&disk, Request::Sync { file: DB }, Ending::Success);
        disk
    }
    assert_eq!(images(DB, build, lose_power), set([b"aecd".as_slice(), b"ae"]));
}

#[test]
fn an_fsync_that_lies_makes_nothing_durable_and_an_honest_one_all() {
    let disk = disk(b"..");
    perform(&disk, write_of(DB, 0, b"1"), Ending::Success);
    let lie = perform(&disk, Request::Sync { file: DB }, Ending::Lie(Lie::NotDurable));
    assert!(lie.succeeded());
    assert_eq!(disk.durable_contents(DB), b"..");
    perform(&disk, Request::Sync { file: DB }, Ending::Success);
    assert_eq!(disk.durable_contents(DB), b"1.");
}

#[test]
fn writes_that_lie_report_success_and_land_elsewhere_or_nowhere() {
    let disk = disk(b"....");
    let lost = perform(&disk, write_of(DB, 0, b"1"), Ending::Lie(Lie::Lost));
    assert_eq!((lost.transferred(), disk.contents(DB)), (Some(1), b"....".to_vec()));
    let stray = perform(&disk, write_of(DB, 0, b"1"), Ending::Lie(Lie::Misdirected { offset: 2 }));
    assert_eq!((stray.transferred(), disk.contents(DB)), (Some(1), b"..1.".to_vec()));
    disk.rot(DB, 3, 1);
    disk.rot(DB, 4, 1);
    assert_eq!((disk.contents(DB), disk.durable_contents(DB)), (b"..1/".to_vec(), b".../".to_vec()));
}

#[test]
fn operations_in_flight_to_one_sector_reach_it_in_any_order() {
    fn build() -> Arc<Disk> {
        let disk = disk(b"...");
        submit(&disk, write_of(DB, 0, b"11"));
        submit(&disk, write_of(DB, 1, b"22"));
        disk
    }
    assert_eq!(images(DB, build, lose_power), set([b"...", b"11.", b"122", b".22", b"112"]));
}

#[test]
fn without_powersafe_overwrite_a_torn_write_harms_its_whole_sector_and_no_other() {
    let disk = disk(&[b'.'; 2 * SECTOR]);
    perform(&disk, write_of(DB, 1, b"1"), Ending::Success);
    let versions = disk.versions(DB, &[Tear::Spoilt]);
    assert_eq!(versions.sectors.keys().copied().collect::<Vec<_>>(), [0]);
    let spoilt = &versions.sectors[&0][1];
    assert!(spoilt.iter().all(|byte| *byte != b'.') && spoilt.len() == SECTOR);
}

//! What a fair disk may and must not do.
//!
//! This file: operations and their effects while the power is on. `crash.rs`: what is left after a crash.
//! `ring.rs`: slots, refusals, cancels. `survivors.rs`: random histories, each survivor checked against versions that are computed independently.

mod crash;
mod ring;
mod survivors;

use super::*;
use crate::io::{Buffer, CompletionKind};

const SECTOR: usize = 16;
const DB: FileId = FileId::Database;
const WAL: FileId = FileId::Wal;

fn disk(database: &[u8]) -> Arc<Disk> {
    Disk::new(Arc::new(EventLog::default()), SECTOR, database.to_vec())
}

fn write_of(file: FileId, offset: u64, bytes: &[u8]) -> Request {
    Request::write(file, offset, Buffer::from_vec(bytes.to_vec()))
}

fn submit(disk: &Disk, request: Request) -> (OpId, Completion) {
    let completion = Completion::new_planted(CompletionKind::Write, Default::default(), |_| {});
    (disk.submit(0, request, completion.clone()).unwrap().op, completion)
}

/// Submits and finishes at once.
fn perform(disk: &Disk, request: Request, ending: Ending) -> Completion {
    let (op, completion) = submit(disk, request);
    disk.finish(op, ending);
    completion
}

fn failing(moved: u32) -> Ending {
    Ending::Error { error: CompletionError::Io, moved }
}

#[test]
fn an_effect_happens_when_the_operation_finishes_and_not_when_it_is_submitted() {
    let disk = disk(b"aaaa");
    let (write, written) = submit(&disk, write_of(DB, 1, b"bb"));
    let (cut, _) = submit(&disk, Request::Truncate { file: DB, len: 3 });
    assert_eq!((disk.contents(DB), disk.in_flight(), written.finished()), (b"aaaa".to_vec(), 2, false));
    disk.finish(write, Ending::Success);
    assert_eq!((disk.contents(DB), written.transferred()), (b"abba".to_vec(), Some(2)));
    disk.finish(cut, Ending::Success);
    assert_eq!((disk.contents(DB), disk.size(DB), disk.in_flight()), (b"abb".to_vec(), 3, 0));
}

#[test]
fn operations_finish_in_any_order_and_the_last_to_finish_is_on_top() {
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let disk = disk(b"....");
        let ops = [b"11", b"22", b"33"].map(|bytes| submit(&disk, write_of(DB, 1, bytes)).0);
        order.iter().for_each(|&at| disk.finish(ops[at], Ending::Success));
        let top = b"123"[order[2]];
        assert_eq!(disk.contents(DB), [b'.', top, top, b'.'], "{order:?}");
    }
}

#[test]
fn a_write_takes_its_bytes_when_it_finishes() {
    let disk = disk(b"....");
    let buffer = Buffer::from_vec(b"old".to_vec());
    let (op, _) = submit(&disk, Request::write(DB, 0, Arc::clone(&buffer)));
    buffer.write(|bytes| bytes.copy_from_slice(b"new"));
    disk.finish(op, Ending::Success);
    assert_eq!(disk.contents(DB), b"new.");
}

#[test]
fn a_read_ends_as_the_driver_says_and_never_past_the_end_of_the_file() {
    let error = Err(CompletionError::Io);
    for (offset, ending, expected, bytes) in [
        (0, Ending::Success, Ok(4), b"abcd"),
        (4, Ending::Success, Ok(2), b"ef??"),
        (6, Ending::Success, Ok(0), b"????"),
        (u64::MAX, Ending::Success, Ok(0), b"????"),
        (0, Ending::Short(0), Ok(0), b"????"),
        (0, Ending::Short(3), Ok(3), b"abc?"),
        (4, Ending::Short(3), Ok(2), b"ef??"),
        (0, Ending::Short(99), Ok(4), b"abcd"),
        (0, failing(0), error, b"????"),
        (0, failing(4), error, b"????"),
    ] {
        let disk = disk(b"abcdef");
        let buffer = Buffer::from_vec(b"????".to_vec());
        let read = perform(&disk, Request::read(DB, offset, Arc::clone(&buffer)), ending);
        let result = read.transferred().ok_or_else(|| read.get_error().expect("it has ended"));
        assert_eq!(result, expected, "at {offset}, {ending:?}");
        buffer.read(|got| assert_eq!(got, bytes, "at {offset}, {ending:?}"));
    }
}

#[test]
fn a_write_leaves_exactly_the_prefix_that_its_ending_says() {
    for (offset, ending, reported, contents) in [
        (1, Ending::Success, Some(3), &b".xyz"[..]),
        (3, Ending::Success, Some(3), b"...xyz"),
        (6, Ending::Success, Some(3), b"....\0\0xyz"),
        (1, Ending::Short(2), Some(2), b".xy."),
        (1, Ending::Short(0), Some(0), b"...."),
        (6, Ending::Short(0), Some(0), b"...."),
        (1, Ending::Short(9), Some(3), b".xyz"),
        (1, failing(0), None, b"...."),
        (1, failing(1), None, b".x.."),
        (3, failing(2), None, b"...xy"),
        (1, failing(9), None, b".xyz"),
    ] {
        let disk = disk(b"....");
        let write = perform(&disk, write_of(DB, offset, b"xyz"), ending);
        assert_eq!(write.transferred(), reported, "at {offset}, {ending:?}");
        assert_eq!(write.get_error(), reported.is_none().then_some(CompletionError::Io));
        assert_eq!(disk.contents(DB), contents, "at {offset}, {ending:?}");
    }
}

#[test]
fn a_truncate_cuts_or_grows_with_zeros_and_what_was_cut_stays_gone() {
    let disk = disk(b"abcdef");
    perform(&disk, Request::Truncate { file: DB, len: 2 }, Ending::Success);
    assert_eq!(disk.contents(DB), b"ab");
    perform(&disk, Request::Truncate { file: DB, len: 5 }, Ending::Success);
    assert_eq!(disk.contents(DB), b"ab\0\0\0");
    perform(&disk, Request::Truncate { file: DB, len: 0 }, failing(0));
    assert_eq!(disk.contents(DB), b"ab\0\0\0", "a failed truncate does nothing");
    assert_eq!(disk.durable_contents(DB), b"abcdef", "nothing was synced");
}

#[test]
fn an_fsync_covers_the_effects_that_had_happened_when_it_was_submitted() {
    let disk = disk(b"....");
    perform(&disk, write_of(DB, 0, b"1"), Ending::Success);
    let (in_flight, _) = submit(&disk, write_of(DB, 1, b"2"));
    let (sync, _) = submit(&disk, Request::Sync { file: DB });
    disk.finish(in_flight, Ending::Success);
    perform(&disk, write_of(DB, 2, b"3"), Ending::Success);
    disk.finish(sync, Ending::Success);
    assert_eq!(disk.durable_contents(DB), b"1...", "what finished after the submit is not covered");
    assert_eq!(disk.contents(DB), b"123.");
    perform(&disk, Request::Sync { file: DB }, Ending::Success);
    assert_eq!(disk.durable_contents(DB), b"123.");
}

#[test]
fn fsyncs_that_finish_out_of_order_never_take_durability_back() {
    let disk = disk(b"..");
    perform(&disk, write_of(DB, 0, b"1"), Ending::Success);
    let (early, _) = submit(&disk, Request::Sync { file: DB });
    perform(&disk, write_of(DB, 1, b"2"), Ending::Success);
    perform(&disk, Request::Sync { file: DB }, Ending::Success);
    assert_eq!(disk.durable_contents(DB), b"12");
    disk.finish(early, Ending::Success);
    assert_eq!(disk.durable_contents(DB), b"12");
}

#[test]
fn a_failed_fsync_makes_nothing_durable_and_a_later_one_may() {
    let disk = disk(b"..");
    perform(&disk, write_of(DB, 0, b"1"), Ending::Success);
    let sync = perform(&disk, Request::Sync { file: DB }, failing(0));
    assert_eq!((sync.get_error(), disk.durable_contents(DB)), (Some(CompletionError::Io), b"..".to_vec()));
    perform(&disk, Request::Sync { file: DB }, Ending::Success);
    assert_eq!(disk.durable_contents(DB), b"1.");
}

#[test]
fn an_fsync_of_one_file_says_nothing_about_the_other() {
    let disk = disk(b".");
    perform(&disk, write_of(DB, 0, b"1"), Ending::Success);
    perform(&disk, write_of(WAL, 0, b"2"), Ending::Success);
    perform(&disk, Request::Sync { file: WAL }, Ending::Success);
    assert_eq!((disk.durable_contents(DB), disk.durable_contents(WAL)), (b".".to_vec(), b"2".to_vec()));
}

#[test]
fn ids_are_never_used_again_and_ordinals_count_per_owner() {
    let disk = disk(b"");
    let mut infos = Vec::new();
    let mut ids = std::collections::BTreeSet::new();
    for round in 0..3 {
        for owner in [0, 5, 0] {
            let (completion, request) = (Completion::new_sync(|_| {}), Request::Sync { file: DB });
            assert!(ids.insert(disk.submit(owner, request, completion).unwrap().op), "an id came back");
        }
        disk.list_in_flight(&mut infos);
        let names: Vec<_> = infos.iter().map(|info| (info.owner, info.ordinal)).collect();
        assert_eq!(names, [(0, 2 * round), (5, round), (0, 2 * round + 1)]);
        match round {
            0 => infos.iter().for_each(|info| disk.finish(info.op, Ending::Success)),
            1 => disk.crash_process(&mut |_, _| 0),
            _ => disk.lose_power(&[], &mut |_, _| 0),
        }
        assert_eq!(disk.in_flight(), 0);
    }
}

#[test]
#[should_panic(expected = "only an operation in flight can be finished")]
fn an_operation_cannot_finish_twice() {
    let disk = disk(b"");
    let (op, _) = submit(&disk, Request::Sync { file: DB });
    disk.finish(op, Ending::Success);
    disk.finish(op, Ending::Success);
}

#[test]
fn an_abort_stops_nothing() {
    let disk = disk(b"..");
    let (op, write) = submit(&disk, write_of(DB, 0, b"1"));
    write.abort();
    assert_eq!((disk.in_flight(), disk.contents(DB)), (1, b"..".to_vec()));
    disk.finish(op, Ending::Success);
    assert_eq!((write.get_error(), disk.contents(DB)), (Some(CompletionError::Aborted), b"1.".to_vec()));
}

#[test]
fn a_callback_may_submit_finish_and_look_because_it_runs_outside_the_lock() {
    let disk = disk(b"..");
    let inner = Arc::clone(&disk);
    let first = Completion::new_write(move |_| {
        assert_eq!(inner.contents(DB), b"1.", "the effect comes before the callback");
        let (second, _) = submit(&inner, write_of(DB, 1, b"2"));
        inner.finish(second, Ending::Success);
        submit(&inner, Request::Sync { file: DB });
    });
    let op = disk.submit(0, write_of(DB, 0, b"1"), first).unwrap().op;
    disk.finish(op, Ending::Success);
    assert_eq!((disk.contents(DB), disk.in_flight()), (b"12".to_vec(), 1));
}

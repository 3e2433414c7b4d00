//! Slots, refusals, cancels, and the rest of short transfers.

use super::*;

fn slots(most: u16) -> Arc<Disk> {
    Disk::with_slots(Arc::new(EventLog::default()), SECTOR, vec![b'.'; 8], Some(most))
}

fn try_submit(disk: &Disk, owner: u8, request: Request) -> (Result<Ticket, SubmitError>, Completion) {
    let completion = Completion::new_planted(request.completion_kind(), Default::default(), |_| {});
    (disk.submit(owner, request, completion.clone()), completion)
}

fn events(disk: &Disk) -> Vec<EventKind> {
    let mut events = Vec::new();
    disk.log.drain_into(&mut events);
    events.into_iter().map(|event| event.kind).collect()
}

#[test]
fn a_full_ring_takes_nothing_and_a_slot_is_used_again_as_soon_as_its_operation_has_ended() {
    let disk = slots(2);
    let first = try_submit(&disk, 0, write_of(DB, 0, b"1")).0.unwrap();
    let second = try_submit(&disk, 0, write_of(DB, 1, b"2")).0.unwrap();
    assert_ne!(first.slot, second.slot);
    events(&disk);
    let (refused, never) = try_submit(&disk, 0, write_of(DB, 2, b"3"));
    assert_eq!((refused, disk.in_flight(), events(&disk).len()), (Err(SubmitError::RingFull), 2, 0));
    disk.finish(first.op, Ending::Success);
    let third = try_submit(&disk, 0, write_of(DB, 2, b"3")).0.unwrap();
    assert_eq!(third.slot, first.slot);
    assert_ne!(third.op, first.op);
    assert!(!never.finished());
}

#[test]
fn a_refused_submission_leaves_no_trace_and_runs_no_callback() {
    let disk = disk(b"....");
    disk.refuse(1, 1, CompletionError::Io);
    assert!(try_submit(&disk, 0, write_of(DB, 0, b"1")).0.is_ok(), "another owner");
    assert!(try_submit(&disk, 1, write_of(DB, 1, b"2")).0.is_ok(), "one comes before");
    let (refused, completion) = try_submit(&disk, 1, write_of(DB, 2, b"3"));
    assert_eq!(refused, Err(SubmitError::Refused(CompletionError::Io)));
    assert_eq!((completion.finished(), completion.callback_runs(), disk.in_flight()), (false, 0, 2));
    assert!(try_submit(&disk, 1, write_of(DB, 2, b"3")).0.is_ok(), "only one is refused");
    disk.refuse(1, 0, CompletionError::Io);
    disk.stop_refusing();
    assert!(try_submit(&disk, 1, write_of(DB, 2, b"4")).0.is_ok(), "the wish was taken back");
}

#[test]
fn a_cancel_hits_only_the_operation_it_names_even_if_another_one_has_its_slot() {
    let disk = slots(1);
    let first = try_submit(&disk, 0, write_of(DB, 0, b"1")).0.unwrap();
    assert!(disk.cancel(0, first));
    disk.finish(first.op, Ending::Success);
    let second = try_submit(&disk, 0, write_of(DB, 1, b"2")).0.unwrap();
    assert_eq!(second.slot, first.slot);
    events(&disk);
    assert!(!disk.cancel(0, first), "it has ended already");
    let outcome = EventKind::CancelOutcome { op: first.op, outcome: CancelOutcome::AlreadyDone };
    assert_eq!(events(&disk), [EventKind::Cancel { op: first.op, hit: None }, outcome]);
    let mut infos = Vec::new();
    disk.list_in_flight(&mut infos);
    assert_eq!(infos.iter().map(|info| info.cancel_asked).collect::<Vec<_>>(), [false]);
}

#[test]
fn the_rest_of_a_short_transfer_goes_on_where_it_stopped() {
    let disk = disk(b"........");
    let request = write_of(DB, 1, b"abcd");
    perform(&disk, request.clone(), Ending::Short(1));
    let rest = request.rest(1).unwrap();
    assert_eq!((rest.range(), rest.from()), ((2, 3), 1));
    perform(&disk, rest.clone(), Ending::Short(2));
    perform(&disk, rest.rest(2).unwrap(), Ending::Success);
    assert_eq!(disk.contents(DB), b".abcd...");
    let buffer = Buffer::zeroed(4);
    let read = Request::read(DB, 1, Arc::clone(&buffer));
    perform(&disk, read.clone(), Ending::Short(3));
    perform(&disk, read.clone().rest(3).unwrap(), Ending::Success);
    buffer.read(|bytes| assert_eq!(bytes, b"abcd"));
    assert!(read.rest(4).is_none() && Request::Sync { file: DB }.rest(0).is_none());
}

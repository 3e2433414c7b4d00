//! The engine's I/O over falken's disk: one [`DiskIo`] is one life of a process.
//!
//! What it submits stays in flight until the run loop finishes it. Some calls of the engine wait inside and drive the I/O
//! themselves with [`IO::step`]: then the oldest operation in flight is finished from within, well.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use falken_harness::scenario::Journal;
use falken_models::digest::mix;
use falken_models::disk::{Disk, Ending, FileId, OpId, OpInfo, Request, SubmitError};
use falken_models::io::{Completion as Finished, CompletionError};
use falken_models::sync::Mutex;
use turso_core::{Clock, Completion, File, IO, LimboError, MemoryIO, MonotonicInstant, OpenFlags, WallClockInstant};

use crate::engine::{self, PATH};
use crate::file::DiskFile;

/// How often a call of the engine may ask for progress where there is none before it counts as hung.
const IDLE_TURNS_MAX: u32 = 100_000;

/// Operations that are kept before those that have ended are forgotten.
const SWEPT_AT: usize = 64;

/// File identities: no two lives of a process share one, because the engine remembers databases by it.
static LIVES: AtomicU64 = AtomicU64::new(1);

/// The I/O of one life.
pub struct DiskIo {
    disk: Arc<Disk>,
    journal: Journal,
    /// What has no place on a disk of two files: in MVCC mode the write-ahead log that checkpoints go through.
    side: Arc<MemoryIO>,
    /// Temporary files are nobody's concern after a crash.
    temporary: MemoryIO,
    identity: u64,
    seed: u64,
    draws: AtomicU64,
    ticks: AtomicU64,
    /// The connection that the engine works for.
    owner: AtomicU8,
    idle: AtomicU32,
    is_dead: AtomicBool,
    has_failed: AtomicBool,
    in_flight: Mutex<Vec<(OpId, Completion)>>,
}

impl DiskIo {
    /// I/O on `disk`, and on `side`, which outlives every crash; random numbers are a function of `seed`.
    pub fn new(disk: Arc<Disk>, side: Arc<MemoryIO>, journal: Journal, seed: u64) -> Arc<Self> {
        Arc::new(Self {
            disk,
            journal,
            side,
            temporary: MemoryIO::new(),
            identity: LIVES.fetch_add(1, Ordering::Relaxed),
            seed,
            draws: AtomicU64::new(0),
            ticks: AtomicU64::new(0),
            owner: AtomicU8::new(0),
            idle: AtomicU32::new(0),
            is_dead: AtomicBool::new(false),
            has_failed: AtomicBool::new(false),
            in_flight: Mutex::new(Vec::new()),
        })
    }

    /// From here on the engine works for this connection.
    pub fn enter(&self, conn: u8) {
        self.owner.store(conn, Ordering::Relaxed);
        self.idle.store(0, Ordering::Relaxed);
    }

    /// Whether an operation of this life has failed: then errors have a reason.
    pub fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::Relaxed)
    }

    /// The process is dead. What is left of the engine's memory will still be dropped: it gets errors, waits for nothing, and
    /// does not reach the disk.
    pub fn die(&self) {
        self.is_dead.store(true, Ordering::Relaxed);
        let in_flight = std::mem::take(&mut *self.in_flight.lock());
        in_flight.iter().for_each(|(_, completion)| completion.abort());
    }

    pub(crate) fn disk(&self) -> &Disk {
        &self.disk
    }

    /// Hands an operation to the disk. `completion` gets its result, after `deliver` has seen it.
    pub(crate) fn submit(
        self: &Arc<Self>,
        request: &Request,
        what: &'static str,
        completion: Completion,
        deliver: impl Fn(u32) + Clone + Send + 'static,
    ) -> Result<Completion, LimboError> {
        if self.is_dead.load(Ordering::Relaxed) {
            return Err(refused(CompletionError::Aborted, what));
        }
        loop {
            let finished = self.finished(request, what, completion.clone(), deliver.clone());
            match self.disk.submit(self.owner.load(Ordering::Relaxed), request.clone(), finished) {
                Ok(ticket) => {
                    let kept = {
                        let mut in_flight = self.in_flight.lock();
                        in_flight.push((ticket.op, completion.clone()));
                        in_flight.len()
                    };
                    if kept > SWEPT_AT {
                        self.sweep();
                    }
                    return Ok(completion);
                }
                // As a ring does whose submitter waits for room.
                Err(SubmitError::RingFull) => self.finish_oldest(),
                Err(SubmitError::Refused(error)) => {
                    self.has_failed.store(true, Ordering::Relaxed);
                    return Err(refused(error, what));
                }
            }
        }
    }

    /// Falken's completion of an operation, which passes the result on.
    fn finished(
        self: &Arc<Self>,
        request: &Request,
        what: &'static str,
        completion: Completion,
        deliver: impl Fn(u32) + Send + 'static,
    ) -> Finished {
        let io = Arc::clone(self);
        let end = move |result: Result<i32, CompletionError>| {
            // Whoever has aborted the operation may use its memory for something else by now.
            if completion.finished() {
                return;
            }
            match result {
                Ok(moved) => {
                    deliver(moved.cast_unsigned());
                    completion.complete(moved);
                }
                Err(error) => {
                    io.has_failed.store(true, Ordering::Relaxed);
                    completion.error(engine::completion_error(error, what));
                }
            }
        };
        match request {
            Request::Read { buffer, .. } => {
                Finished::new_read(Arc::clone(buffer), move |result| end(result.map(|(_, moved)| moved)))
            }
            Request::Write { .. } => Finished::new_write(end),
            Request::Sync { .. } | Request::SyncEntry { .. } => Finished::new_sync(end),
            Request::Truncate { .. } | Request::Remove { .. } => Finished::new_trunc(end),
        }
    }

    /// Finishes what has been in flight for longest.
    fn finish_oldest(&self) {
        let mut in_flight: Vec<OpInfo> = Vec::new();
        self.disk.list_in_flight(&mut in_flight);
        match in_flight.first() {
            Some(oldest) => self.disk.finish(oldest.op, Ending::Success),
            None => self.spin(),
        }
    }

    /// The engine asks for progress, and there is none.
    fn spin(&self) {
        let turns = self.idle.fetch_add(1, Ordering::Relaxed);
        assert!(turns < IDLE_TURNS_MAX, "LIVE-3: a call waits inside for something, and nothing is in flight");
    }

    /// Forgets operations that have ended.
    fn sweep(&self) {
        let mut left: Vec<OpInfo> = Vec::new();
        self.disk.list_in_flight(&mut left);
        self.in_flight.lock().retain(|(op, _)| left.iter().any(|info| info.op == *op));
    }
}

fn refused(error: CompletionError, what: &'static str) -> LimboError {
    LimboError::CompletionError(engine::completion_error(error, what))
}

/// What the trait's methods get: the engine passes `&self`, operations in flight need an [`Arc`].
pub struct Handle(pub Arc<DiskIo>);

/// Time passes as the engine looks at it, and in no other way.
impl Clock for Handle {
    fn current_time_monotonic(&self) -> MonotonicInstant {
        MonotonicInstant::from_nanos(u128::from(self.0.ticks.fetch_add(1, Ordering::Relaxed)) * 1000)
    }

    fn current_time_wall_clock(&self) -> WallClockInstant {
        let ticks = self.0.ticks.fetch_add(1, Ordering::Relaxed);
        WallClockInstant { secs: 1_700_000_000 + (ticks / 1_000_000).cast_signed(), micros: (ticks % 1_000_000) as u32 }
    }
}

impl IO for Handle {
    fn open_file(&self, path: &str, flags: OpenFlags, direct: bool) -> Result<Arc<dyn File>, LimboError> {
        // In MVCC mode commits go to `-log`, and only checkpoints, on their way to the database, to `-wal`. The disk has two
        // files, so `-wal` is beside it: whatever is written there is durable at once and never fails, which is fair, but
        // tests nothing.
        let file = match (path.strip_prefix(PATH), self.0.journal) {
            (Some(""), _) => FileId::Database,
            (Some("-wal"), Journal::Wal) | (Some("-log"), Journal::Mvcc) => FileId::Wal,
            (Some("-wal"), Journal::Mvcc) => return self.0.side.open_file(path, flags, direct),
            _ => return self.0.temporary.open_file(path, flags, direct),
        };
        Ok(Arc::new(DiskFile { io: Arc::clone(&self.0), file }))
    }

    fn remove_file(&self, path: &str) -> Result<(), LimboError> {
        self.0.temporary.remove_file(path)
    }

    fn step(&self) -> Result<(), LimboError> {
        if self.0.is_dead.load(Ordering::Relaxed) {
            return Err(refused(CompletionError::Aborted, "step"));
        }
        self.0.finish_oldest();
        self.0.sweep();
        Ok(())
    }

    /// The default aborts completions and leaves it at that, so that a caller who then drains finds everything finished while
    /// the kernel still works on its buffers. Here the kernel is asked, and draining waits for it.
    fn cancel(&self, completions: &[Completion]) -> Result<(), LimboError> {
        completions.iter().for_each(Completion::abort);
        Ok(())
    }

    fn drain_completions(&self, completions: &[Completion]) -> Result<(), LimboError> {
        // An aborted completion does not say which operation it was for; all that were aborted are brought to their ends.
        self.0.sweep();
        let aborted = |(op, completion): &(OpId, Completion)| completion.finished().then_some(*op);
        let ops: Vec<OpId> = self.0.in_flight.lock().iter().filter_map(aborted).collect();
        for op in ops {
            let cancelled = Ending::Error { error: CompletionError::Cancelled, moved: 0 };
            let happens = mix(self.0.seed, u64::from(op.0)).is_multiple_of(2);
            self.0.disk.finish(op, if happens { Ending::Success } else { cancelled });
        }
        while completions.iter().any(|completion| !completion.finished()) {
            self.step()?;
        }
        self.0.sweep();
        Ok(())
    }

    fn generate_random_number(&self) -> i64 {
        mix(self.0.seed, self.0.draws.fetch_add(1, Ordering::Relaxed)).cast_signed()
    }

    fn fill_bytes(&self, dest: &mut [u8]) {
        for chunk in dest.chunks_mut(8) {
            let bytes = self.generate_random_number().to_le_bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
    }

    fn yield_now(&self) {
        self.0.spin();
    }

    fn sleep(&self, _duration: Duration) {
        self.0.spin();
    }

    fn file_id(&self, path: &str) -> Result<turso_core::io::FileId, LimboError> {
        Ok(turso_core::io::FileId { dev: self.0.identity, ..turso_core::io::FileId::from_path_hash(path) })
    }
}

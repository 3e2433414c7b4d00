//! The truth that the events imply: which commits there are, what each page and row is in each of them, what is written,
//! synced and acknowledged, who holds which lock.
//!
//! The ledger believes events about *what was done* and derives from them what *must be so*; invariants compare the
//! subject with it. It never reads the subject's memory.
//!
//! Commits are numbered from 0, the state at the start. `conn.rs` holds the facts about one connection, `statement.rs` those about
//! one statement, `locks.rs` who holds which lock, `versions.rs` the contents per commit, `disk.rs` what the disk has done, `crash.rs` what a crash leaves, `doubts.rs`
//! what no fsync has covered although one said so.

mod conn;
mod crash;
mod disk;
mod doubts;
mod frames;
mod locks;
mod state;
mod statement;
mod versions;

use std::collections::BTreeMap;

use falken_models::connection::{Op, StatementId};
use falken_models::disk::{IoKind, OpId};
use falken_models::event::{Actor, Event, EventKind, LogPoint};
use falken_models::site::Site;
use falken_models::wal::{LockId, SyncMode};

use crate::fault::Fault;
pub use conn::ConnFacts;
pub use crash::{Found, Ghost, Survival};
pub use frames::{FrameFact, Frames};
pub use locks::Holders;
pub use statement::{Effect, Met, StatementFacts};
pub use versions::{Bytes, Row, Versions};

/// A commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Commit {
    /// Where its last frame is.
    pub at: LogPoint,
    /// The database size in pages.
    pub pages: u32,
}

/// A commit whose last frame was submitted, but which is not published: it may yet come back through a crash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Who tries.
    pub conn: u8,
    /// Where its last frame is.
    pub at: LogPoint,
    /// The database size in pages.
    pub pages: u32,
    /// The pages it changes.
    pub page_digests: BTreeMap<u32, u64>,
    /// The rows it changes.
    pub rows: Vec<Row>,
}

/// Whether there is a database file to lose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Creation {
    /// It is being created, or will be: a crash may leave any part of it, as long as nobody can take that for a database.
    Pending,
    /// It is there for good.
    Done,
}

/// A generation of the log that a restart has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ended {
    /// Its salts, as one word.
    pub salts: u64,
    /// nBackfill as last published in it.
    pub backfill: u32,
}

/// What an fsync in flight will have covered.
#[derive(Clone, Copy, Debug, Hash)]
struct SyncCover {
    commit: u32,
    seq: u32,
    frames: u32,
    database_effects: u64,
}

/// Who submitted an operation in flight: which statement of which slot of a connection.
#[derive(Clone, Copy, Debug)]
struct Submitter {
    conn: u8,
    slot: u8,
    ordinal: u32,
    /// It was asked to cancel from outside.
    cancelled: bool,
}

/// The truth that the events imply.
#[derive(Clone)]
pub struct Ledger {
    /// The sync mode.
    pub sync: SyncMode,
    /// Bytes per page.
    pub page_size: usize,
    /// Every commit; the last one is the newest.
    pub commits: Vec<Commit>,
    /// Contents per commit.
    pub versions: Versions,
    /// The newest commit that a client was told about.
    pub acknowledged: u32,
    /// The newest commit that a successful log fsync covered.
    pub synced: u32,
    /// The generation that is current, with the last published frame.
    pub published: LogPoint,
    /// The frames of the current generation, unpublished ones included.
    pub frames: Frames,
    /// Frames of the current generation that a successful fsync covered.
    pub frames_synced: u32,
    /// nBackfill as last published.
    pub backfill: u32,
    /// The generation that the last restart has ended, until the log is recovered or removed.
    pub ended: Option<Ended>,
    /// The digest of each page of the database file, from what was written to it.
    pub database: Vec<u64>,
    /// Effects on the database file so far, and how many of them a successful fsync covered.
    pub database_effects: u64,
    /// See `database_effects`.
    pub database_synced: u64,
    /// One per connection.
    pub conns: Vec<ConnFacts>,
    /// One per lock.
    pub locks: [Holders; LockId::COUNT],
    /// The commit under way that a crash might bring back.
    pub attempt: Option<Attempt>,
    /// Whether the database file has been created.
    pub creation: Creation,
    /// What a crash has lost or a later writer overwritten, but might yet come back: see [`Ghost`].
    pub ghosts: Vec<Ghost>,
    points: BTreeMap<LogPoint, u32>,
    syncs: BTreeMap<OpId, SyncCover>,
    /// Who submitted an operation in flight.
    owners: BTreeMap<OpId, Submitter>,
    /// How many crashes there have been: each gives the commits new numbers.
    crashes: u64,
    /// What is not durable although an fsync said so.
    doubts: doubts::Doubts,
    /// The sector size in bytes, if a write may spoil the rest of its sector.
    padded_to: Option<usize>,
    /// The fault that the next end of an operation is injected by.
    injected: Option<Fault>,
    /// Pages of the database file that have been written in part, with the digest of the whole.
    page_in_parts: BTreeMap<usize, u64>,
}

impl Ledger {
    /// The ledger of a run that starts with this database file and an empty log.
    pub fn new(sync: SyncMode, page_size: usize, connections: u8, database: &[u8]) -> Self {
        let versions = Versions::new(database, page_size);
        let commits = vec![Commit { at: LogPoint::default(), pages: (database.len() / page_size) as u32 }];
        Self {
            sync,
            page_size,
            commits,
            database: versions.page_digests().collect(),
            versions,
            acknowledged: 0,
            synced: 0,
            published: LogPoint::default(),
            frames: Frames::default(),
            frames_synced: 0,
            backfill: 0,
            ended: None,
            database_effects: 0,
            database_synced: 0,
            conns: (0..connections).map(|_| ConnFacts::default()).collect(),
            locks: Default::default(),
            attempt: None,
            creation: Creation::Done,
            ghosts: Vec::new(),
            points: BTreeMap::new(),
            syncs: BTreeMap::new(),
            owners: BTreeMap::new(),
            crashes: 0,
            doubts: doubts::Doubts::default(),
            injected: None,
            padded_to: None,
            page_in_parts: BTreeMap::new(),
        }
    }

    /// The run begins without a database: what it gets once it is created is commit 0. Returns the file's bytes, which are
    /// none.
    pub fn without_file(&mut self) -> Vec<u8> {
        self.creation = Creation::Pending;
        self.database.clear();
        Vec::new()
    }

    /// Whether a process finds more in the log than the ledger knows of: it has restarted the log, and then gone before the
    /// file showed it, without being able to remove the file.
    pub fn is_surprised_by(&self, at: LogPoint) -> bool {
        self.frames.get(at.frame).is_none() && at.frame > 0
    }

    /// Keeps account of what a later fsync does not cover: needed where one may fail and mark its pages clean, or lie.
    pub fn track_doubts(&mut self) {
        self.doubts.track();
    }

    /// Keeps account of what a write may spoil beside itself, on a disk with such sectors and without powersafe overwrite.
    pub fn track_sectors(&mut self, sector_size: usize) {
        self.padded_to = Some(sector_size);
        self.doubts.track();
    }

    /// The number of the newest commit.
    pub fn newest(&self) -> u32 {
        self.commits.len() as u32 - 1
    }

    /// The commit that a point of the log shows, if it shows one.
    pub fn commit_at(&self, point: LogPoint) -> Option<u32> {
        self.points.get(&point).copied()
    }

    /// Takes an event in. Invariants see the ledger afterwards.
    pub fn note(&mut self, event: &Event) {
        let Actor::Conn(conn) = event.actor else { return self.note_disk(&event.kind) };
        match event.kind {
            EventKind::Yield { site } => {
                if site == Site::HeaderStore {
                    self.contend(conn);
                }
                self.conn_mut(conn).current_mut().note_yield(site);
            }
            EventKind::Lookup { .. } => self.conn_mut(conn).current_mut().note_lookup(),
            EventKind::Dirtied { .. }
            | EventKind::Evicted { .. }
            | EventKind::PageUsed { .. }
            | EventKind::StatementEnd { .. }
            | EventKind::CheckpointSafe { .. }
            | EventKind::CheckpointEnd { .. }
            | EventKind::WalTruncate
            | EventKind::NameLost { .. }
            | EventKind::Overflow { .. }
            | EventKind::NoBuffer { .. }
            | EventKind::AllSpilled
            | EventKind::TrunkAdded { .. }
            | EventKind::TrunkEmptied { .. }
            | EventKind::Cancel { hit: None, .. }
            | EventKind::CancelOutcome { .. }
            | EventKind::Injected { .. }
            | EventKind::Drained
            | EventKind::DbTruncate { .. }
            | EventKind::Finish { .. }
            | EventKind::Callback { .. }
            | EventKind::PerformedUnheard { .. }
            | EventKind::LayoutUsed { .. }
            | EventKind::LayoutChanged { .. }
            | EventKind::Abandon { .. }
            | EventKind::Crash { .. } => {}
            EventKind::WalHeader { seq, salts } => {
                self.doubts.note_header(seq, salts);
                // The first commit in a new log has chosen its salts; nobody else learns them before it is published.
                let own_end = &mut self.conn_mut(conn).own_end;
                (own_end.seq, own_end.salts) = (seq, salts);
            }
            EventKind::CheckpointCopy { page, frame, .. } => {
                let spoils = self.pages_of_sector(page);
                let (points, published) = (&self.points, self.published);
                let committed_below = |from: u32| {
                    let ends = LogPoint { frame: 0, ..published }..LogPoint { frame: from, ..published };
                    points.range(ends).next_back().map_or(0, |(at, _)| at.frame)
                };
                self.doubts.note_copy(spoils, frame, committed_below);
            }
            EventKind::Interrupt => {
                let running = self.conn_mut(conn).statements.iter_mut().filter(|statement| statement.running);
                running.for_each(|statement| statement.interrupted = true);
            }
            EventKind::SavepointOpen { depth } => self.conn_mut(conn).open_savepoint(depth),
            EventKind::SavepointRelease { depth } => self.conn_mut(conn).release_savepoint(depth),
            EventKind::SavepointUndo { depth, at } => self.note_undo(conn, depth, at),
            EventKind::PageLoaded { page, .. } => self.conn_mut(conn).loaded.push(page),
            EventKind::StatementBegin { .. } => self.note_statement(conn),
            EventKind::Submit { op, io, file, offset, len, .. } => {
                let facts = &self.conns[usize::from(conn)];
                if !facts.checkpoints_after_commit() {
                    let (slot, ordinal) = (facts.stepping, facts.current().ordinal);
                    self.owners.insert(op, Submitter { conn, slot, ordinal, cancelled: false });
                }
                if let Some(frame) = self.frame_written(file, io, offset, len) {
                    self.frames.note_submitted(frame);
                }
                if io == IoKind::Sync {
                    self.note_sync_submit(op);
                    self.doubts.note_sync_submit(op, conn, file);
                }
            }
            EventKind::Refused { io, .. } => {
                let statement = self.conn_mut(conn).current_mut();
                statement.io_failed |= io != IoKind::Read;
                statement.met.failed_io = true;
            }
            EventKind::Cancel { hit: Some((op, _)), .. } => {
                let from_outside = self.injected == Some(Fault::Cancel);
                if let Some(submitter) = self.owners.get_mut(&op) {
                    submitter.cancelled |= from_outside;
                }
            }
            EventKind::LockBusy { lock, .. } => {
                let statement = self.conn_mut(conn).current_mut();
                statement.refused = Some(lock);
                (statement.met.busy_lock, statement.asked_for_lock, statement.contended) = (true, true, true);
            }
            EventKind::Lock { lock, mode } => self.note_lock(conn, lock, mode),
            EventKind::Unlock { lock, mode } => self.note_unlock(conn, lock, mode),
            EventKind::ReadBegin { slot, mark, at, .. } => self.note_read(conn, slot, mark, at),
            EventKind::ReadEnd => self.conn_mut(conn).end_read(),
            EventKind::WriteBegin { at } => self.conn_mut(conn).begin_write(at),
            EventKind::WriteEnd { .. } => self.conn_mut(conn).end_write(),
            EventKind::Rollback => {
                let facts = &mut self.conns[usize::from(conn)];
                if facts.writing {
                    // Nobody may build on what the transaction has appended.
                    self.frames.truncate(self.published.frame);
                }
                facts.forget_changes(&self.versions);
                facts.current_mut().rolled_back = true;
            }
            EventKind::Frame { frame, page, commit_pages, digest } => {
                self.note_frame(conn, frame, commit_pages, FrameFact { page, digest, written: false, in_flight: 0 });
            }
            EventKind::SpillGivenUp { frame } => self.note_given_up(conn, frame),
            EventKind::Overwrite { frame, page, digest } => {
                self.frames.overwrite(frame, digest);
                self.conn_mut(conn).own_pages.insert(page, digest);
            }
            EventKind::Publish { at, pages, commit } => {
                self.contend(conn);
                if commit {
                    self.note_commit(conn, at, pages);
                }
            }
            EventKind::Restart { at } => {
                self.contend(conn);
                self.note_restart(conn, at);
            }
            EventKind::DatabaseReady { .. } => self.note_ready(),
            EventKind::WalRemove => {
                self.conn_mut(conn).current_mut().met.log_gone = true;
                self.note_closed();
            }
            EventKind::CheckpointBegin { at, .. } => {
                let backfill = if at.salts == self.published.salts { self.backfill.min(at.frame) } else { 0 };
                let facts = self.conn_mut(conn);
                facts.checkpoint = Some(at);
                facts.current_mut().met.backfill = backfill;
            }
            EventKind::Backfill { frame } => {
                self.backfill = frame;
                let met = &mut self.conn_mut(conn).current_mut().met;
                (met.backfill, met.reader_locks) = (frame, 0);
                self.doubts.note_backfill();
            }
            EventKind::Recovered { at, .. } => {
                self.contend(conn);
                self.note_recovered(at);
            }
        }
    }

    fn conn_mut(&mut self, conn: u8) -> &mut ConnFacts {
        &mut self.conns[usize::from(conn)]
    }

    fn note_statement(&mut self, conn: u8) {
        let acknowledged = self.acknowledged;
        let facts = self.conn_mut(conn);
        // Beside another statement it may go on with the snapshot that the other one is about to get.
        let is_alone = facts.statements.iter().filter(|statement| statement.running).count() <= 1;
        if facts.reading.is_none() && is_alone {
            facts.acknowledged_before = acknowledged;
        }
    }

    fn note_read(&mut self, conn: u8, slot: u8, mark: u32, at: LogPoint) {
        let snapshot = self.commit_at(at);
        let facts = self.conn_mut(conn);
        facts.snapshot_before = facts.snapshot;
        facts.snapshot = snapshot;
        facts.loaded.clear();
        let statement = facts.current_mut();
        statement.ended_in = None;
        statement.met = statement.met.after_read_start();
        facts.stands_at = at;
        facts.reading = Some(conn::Reading { slot, mark, at });
    }

    fn note_frame(&mut self, conn: u8, frame: u32, commit_pages: u32, fact: FrameFact) {
        self.frames.put(frame, fact);
        // Whoever appends behind the published frames overwrites what an earlier attempt has left there; but until that
        // is durable, a power loss may keep the older bytes.
        if let Some(attempt) = self.attempt.take_if(|attempt| attempt.conn != conn || frame <= attempt.at.frame) {
            self.ghosts.push(Ghost { base: self.newest(), commits: vec![attempt] });
        }
        self.attempt = None;
        let facts = &mut self.conns[usize::from(conn)];
        facts.own_end.frame = frame;
        let own_end = facts.own_end;
        facts.own_pages.insert(fact.page, fact.digest);
        if commit_pages != 0 {
            let page_digests = facts.own_pages.clone();
            let rows = facts.rows_to_commit(&self.versions);
            self.attempt = Some(Attempt { conn, at: own_end, pages: commit_pages, page_digests, rows });
        }
    }

    fn note_commit(&mut self, conn: u8, at: LogPoint, pages: u32) {
        let number = self.commits.len() as u32;
        let published_whole = self.attempt.as_ref().is_some_and(|attempt| attempt.at.frame == at.frame);
        let (digests, rows) = match self.attempt.take() {
            Some(attempt) if attempt.conn == conn => (attempt.page_digests, attempt.rows),
            _ => Default::default(),
        };
        for ghost in &mut self.ghosts {
            ghost.follow(number, at, &digests);
        }
        let (facts, versions) = (&mut self.conns[usize::from(conn)], &self.versions);
        facts.note_beside(facts.stepping, facts.own_row(&rows), |key| versions.row(key, number - 1).cloned());
        self.versions.commit(number, &digests, rows);
        self.commits.push(Commit { at, pages });
        self.points.insert(at, number);
        self.published = at;
        self.doubts.note_published(at.frame, None);
        let facts = self.conn_mut(conn);
        facts.changes_committed();
        facts.stands_at = at;
        let statement = facts.current_mut();
        (statement.published, statement.published_whole) = (Some(number), published_whole);
        facts.snapshot = Some(number);
    }

    /// What a savepoint holds is what the frames up to its position hold, and what was dirty then.
    fn note_undo(&mut self, conn: u8, depth: u8, at: LogPoint) {
        // Before the transaction writes, its place in the log means nothing.
        let own_pages = if self.conns[usize::from(conn)].writing {
            self.frames.truncate(at.frame);
            self.unpublished_pages()
        } else {
            BTreeMap::new()
        };
        self.conns[usize::from(conn)].undo_to(depth, at, own_pages, &self.versions);
    }

    /// What the frames behind the published ones hold of each page.
    fn unpublished_pages(&self) -> BTreeMap<u32, u64> {
        let own = (self.published.frame + 1..).map_while(|frame| self.frames.get(frame));
        own.map(|fact| (fact.page, fact.digest)).collect()
    }

    /// A frame was being written by a spill that has come to nothing: the next one takes its place.
    fn note_given_up(&mut self, conn: u8, frame: u32) {
        self.frames.truncate(frame - 1);
        let own_pages = self.unpublished_pages();
        let facts = self.conn_mut(conn);
        (facts.own_end.frame, facts.own_pages) = (frame - 1, own_pages);
    }

    fn note_restart(&mut self, conn: u8, at: LogPoint) {
        self.conn_mut(conn).own_end = at;
        self.doubts.note_restart();
        self.ended = Some(Ended { salts: self.published.salts, backfill: self.backfill });
        self.points.insert(at, self.newest());
        self.published = at;
        self.frames.truncate(0);
        self.frames_synced = 0;
        self.backfill = 0;
        // Until the new header is in the file the old log can be recovered, a failed attempt at its end included.
        let base = self.newest();
        self.ghosts.extend(self.attempt.take().map(|attempt| Ghost { base, commits: vec![attempt] }));
    }

    fn note_recovered(&mut self, at: LogPoint) {
        // Where the log could not be removed the next to open it may find a failed commit in it, as after a crash.
        let newest = self.newest();
        let is_it = |ghost: &Ghost| ghost.base == newest && ghost.commits.last().is_some_and(|last| last.at == at);
        if let Some(attempt) = self.attempt.take_if(|attempt| attempt.at == at) {
            self.revive(attempt);
        } else if let Some(ghost) = self.ghosts.iter().position(is_it) {
            self.ghosts.remove(ghost).commits.into_iter().for_each(|attempt| self.revive(attempt));
        }
        self.points.insert(at, self.newest());
        self.published = at;
        self.frames.truncate(at.frame);
        self.backfill = 0;
        self.ended = None;
    }

    /// There is a database file from now on. It was written in parts that are no pages.
    fn note_ready(&mut self) {
        if std::mem::replace(&mut self.creation, Creation::Done) == Creation::Pending {
            self.database = self.versions.page_digests().collect();
            self.page_in_parts.clear();
        }
    }

    /// The wal-index is forgotten, and the log is being removed: what was committed is in the database file alone.
    fn note_closed(&mut self) {
        self.doubts.note_restart();
        self.published = LogPoint::default();
        self.points.insert(self.published, self.newest());
        self.backfill = 0;
        self.ended = None;
    }

    /// The log is gone. Until another log is synced a power loss may bring it back, a failed attempt at its end included.
    fn note_removed(&mut self) {
        self.frames.truncate(0);
        self.frames_synced = 0;
        let base = self.newest();
        self.ghosts.extend(self.attempt.take().map(|attempt| Ghost { base, commits: vec![attempt] }));
    }

    /// A client has submitted a statement.
    pub fn begin_statement(&mut self, id: StatementId, op: &Op) {
        self.conns[usize::from(id.conn)].begin_statement(id.slot, op);
    }

    /// The client has given a suspended statement up.
    pub fn abandon_statement(&mut self, id: StatementId) {
        self.conns[usize::from(id.conn)].statements[usize::from(id.slot)].abandoned = true;
    }

    /// A client was told that its statement succeeded.
    pub fn acknowledge(&mut self, id: StatementId) {
        if let Some(commit) = self.conns[usize::from(id.conn)].statements[usize::from(id.slot)].published {
            self.acknowledged = self.acknowledged.max(commit);
        }
    }
}

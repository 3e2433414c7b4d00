//! Opening a database file that may have to be created first.
//!
//! There is no rollback journal here, with which SQLite undoes a creation that was cut short. So the file's first 16 bytes,
//! the magic string, are written last, after an fsync of everything else: a file without all of them is the rest of an
//! unfinished creation, of which nobody was told anything, and whoever opens next begins again. Stock SQLite takes such
//! a file for an empty database if it has no bytes, and for no database (`SQLITE_NOTADB`) if it has.
//!
//! ```text
//! 1  A: DATABASE shared; the file has no magic string
//! 2  A: DATABASE exclusive: nobody else has it open, or A lets go and tries again
//! 3  A: all pages but the magic string, fsync; the magic string, fsync
//! 4  A: DATABASE shared
//! ```
//!
//! A process that finds the magic string cannot know whether it is durable: another one may have died between the two
//! fsyncs. So it calls fsync once before it relies on it. Otherwise a power loss could take away the database under a log
//! of synced commits.

use strum::VariantNames;

use crate::disk::{FileId, Request};
use crate::event::EventKind;
use crate::io::TransitionResult::{Continue, Done};
use crate::io::{Buffer, StateTransition};
use crate::session::{Error, Session, Turn};
use crate::site::Site;
use crate::sync::Arc;
use crate::table::format::MAGIC;
use crate::table::initial_database;
use crate::transfer::Transfer;
use crate::turn;
use crate::visits::first_state;
use crate::wal::{LockId, SyncMode};

/// See the module. Afterwards the connection has the file open, and the file holds a database, durably unless OFF.
#[derive(Debug, Default, Hash)]
pub(super) struct OpenOrCreate {
    state: State,
    retries: u32,
}

#[derive(Debug, Default, Hash, VariantNames)]
pub(super) enum State {
    #[default]
    Lock,
    Look,
    ReadMagic(Transfer, Arc<Buffer>),
    SyncFound(Transfer),
    Upgrade,
    WritePages(Transfer),
    SyncPages(Transfer),
    WriteMagic(Transfer),
    SyncMagic(Transfer),
    Created,
}

impl OpenOrCreate {
    /// Somebody else opens, creates or closes: after others had their turn, from the beginning.
    fn again(&mut self, s: &mut Session) -> Turn<()> {
        self.retries += 1;
        self.state = State::Lock;
        if self.retries > s.shared.config.busy_retries { Err(Error::Busy) } else { s.give_way(Site::OpenBusy) }
    }

    /// The file has a magic string.
    fn found(&mut self, s: &mut Session) -> Turn<()> {
        if s.shared.wal.database_synced() || s.shared.config.sync == SyncMode::Off {
            return Self::open(s, false);
        }
        self.state = State::SyncFound(Self::sync());
        Ok(Continue)
    }

    fn open(s: &mut Session, created: bool) -> Turn<()> {
        if !s.shared.wal.database_synced() {
            s.shared.wal.set_database_synced();
            s.emit(EventKind::DatabaseReady { created });
        }
        s.open = true;
        Ok(Done(()))
    }

    fn sync() -> Transfer {
        Transfer::of(Site::CreateSync, Request::Sync { file: FileId::Database })
    }

    /// One write for each page, the first one without its magic string.
    fn write_pages(page_size: usize) -> Transfer {
        let mut image = initial_database(page_size);
        image[..MAGIC.len()].fill(0);
        let mut writes = Transfer::new(Site::CreateWrite);
        for (at, page) in image.chunks(page_size).enumerate() {
            let buffer = Buffer::from_vec(page.to_vec());
            writes.push(0, Request::write(FileId::Database, (at * page_size) as u64, buffer));
        }
        writes
    }

    /// Waits for an fsync, unless the mode asks for none.
    fn synced(sync: &mut Transfer, s: &mut Session) -> Turn<()> {
        if s.shared.config.sync == SyncMode::Off { Ok(Done(())) } else { sync.transition(s) }
    }
}

impl StateTransition<Session> for OpenOrCreate {
    type Output = ();
    type Error = Error;

    fn transition(&mut self, s: &mut Session) -> Turn<()> {
        s.enter(const { first_state("connection.open") }, &self.state);
        match &mut self.state {
            State::Lock => {
                if !s.lock_database() {
                    return self.again(s);
                }
                self.state = State::Look;
                s.pass(Site::OpenLock)
            }
            State::Look => {
                if s.shared.disk.size(FileId::Database) < MAGIC.len() as u64 {
                    self.state = State::Upgrade;
                    return Ok(Continue);
                }
                let buffer = Buffer::zeroed(MAGIC.len());
                let read = Request::read(FileId::Database, 0, Arc::clone(&buffer));
                self.state = State::ReadMagic(Transfer::of(Site::OpenReadMagic, read), buffer);
                Ok(Continue)
            }
            State::ReadMagic(read, buffer) => {
                turn!(read.transition(s));
                if buffer.read(|bytes| bytes == MAGIC) {
                    return self.found(s);
                }
                self.state = State::Upgrade;
                Ok(Continue)
            }
            State::SyncFound(sync) => {
                turn!(sync.transition(s));
                Self::open(s, false)
            }
            State::Upgrade => {
                if !s.upgrade_database() {
                    s.unlock(LockId::DATABASE);
                    return self.again(s);
                }
                self.state = State::WritePages(Self::write_pages(s.page_size()));
                s.pass(Site::OpenLock)
            }
            State::WritePages(writes) => {
                turn!(writes.transition(s));
                self.state = State::SyncPages(Self::sync());
                Ok(Continue)
            }
            State::SyncPages(sync) => {
                turn!(Self::synced(sync, s));
                let magic = Request::write(FileId::Database, 0, Buffer::from_vec(MAGIC.to_vec()));
                self.state = State::WriteMagic(Transfer::of(Site::CreateWrite, magic));
                Ok(Continue)
            }
            State::WriteMagic(write) => {
                turn!(write.transition(s));
                self.state = State::SyncMagic(Self::sync());
                Ok(Continue)
            }
            State::SyncMagic(sync) => {
                turn!(Self::synced(sync, s));
                self.state = State::Created;
                Ok(Continue)
            }
            State::Created => {
                s.downgrade_database();
                Self::open(s, true)
            }
        }
    }
}

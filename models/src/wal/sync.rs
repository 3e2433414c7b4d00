//! An fsync of the log, and of its directory entry where that may not be durable yet.

use crate::disk::{FileId, Request};
use crate::io::StateTransition;
use crate::io::TransitionResult::Done;
use crate::session::{Error, Session, Turn};
use crate::site::Site;
use crate::transfer::Transfer;
use crate::turn;

/// Makes durable what the log file holds.
///
/// A process cannot know whether the entry of a log that it finds, or has made, is durable. So its first fsync of the log
/// covers the directory as well, as SQLite's does (`UNIXFILE_DIRSYNC`), and so does the first one after a close that has
/// removed the log. Without that a power loss could take away a log full of synced commits, or bring an old one back.
#[derive(Debug, Hash)]
pub(super) struct SyncLog {
    sync: Transfer,
    with_entry: bool,
}

impl SyncLog {
    /// Waits at `site`.
    pub(super) fn new(s: &Session, site: Site) -> Self {
        let (file, with_entry) = (FileId::Wal, !s.shared.wal.entry_synced());
        let request = if with_entry { Request::SyncEntry { file } } else { Request::Sync { file } };
        Self { sync: Transfer::of(site, request), with_entry }
    }
}

impl StateTransition<Session> for SyncLog {
    type Output = ();
    type Error = Error;

    fn transition(&mut self, s: &mut Session) -> Turn<()> {
        turn!(self.sync.transition(s));
        if self.with_entry {
            s.shared.wal.set_entry_synced();
        }
        Ok(Done(()))
    }
}

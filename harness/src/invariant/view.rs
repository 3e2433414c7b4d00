//! What an invariant sees.

use std::cell::OnceCell;

use falken_models::connection::{Connection, StatementId};
use falken_models::disk::FileId;
use falken_models::event::Actor;
use falken_models::io::IOCompletions;
use falken_models::wal::LockId;

use crate::check::Model;
use crate::history::run::Recorder;
use crate::ledger::Ledger;
use crate::parser::{self, Recovered};
use crate::subject::Internals;
use crate::verdict::Evidence;
use crate::wake::Wakers;

/// What an invariant sees: the truth, the subject's internals, and where the run is.
pub struct View<'a> {
    /// The action, from 1.
    pub step: u64,
    /// The truth that the events imply, the event under check included.
    pub ledger: &'a Ledger,
    /// The subject's internals, if it shows any.
    pub internals: Option<Internals<'a>>,
    /// Who was woken.
    pub wakers: &'a Wakers,
    /// The connection whose statement has just ended.
    pub ended: Option<u8>,
    /// Whether that connection has a transaction open.
    pub in_transaction: bool,
    /// Whether clients have stopped and what follows is the proof that nothing is left.
    pub settled: bool,
    /// What the clients have called and were told so far.
    pub history: &'a Recorder,
    /// What that must satisfy.
    pub model: Model,
    /// The connection that was stepped although it waits, and what it waited for.
    pub polled: Option<&'a (StatementId, IOCompletions)>,
    /// The files, recovered by the independent parser; made when first asked for.
    pub copy: OnceCell<Option<Recovered>>,
}

impl View<'_> {
    /// The connection with this number, while it is open.
    pub fn connection(&self, conn: u8) -> Option<&Connection> {
        self.internals?.connections.get(usize::from(conn))?.as_ref()
    }

    /// The connection whose statement has just ended.
    pub fn ended_connection(&self) -> Option<&Connection> {
        self.connection(self.ended?)
    }

    /// Who holds a lock exclusively.
    pub fn holder(&self, lock: LockId) -> Option<u8> {
        self.ledger.locks[usize::from(lock.0)].exclusive
    }

    /// Whether the transaction under way has read this page from a file itself.
    pub fn loaded_in_transaction(&self, actor: Actor, page: u32) -> bool {
        let Actor::Conn(conn) = actor else { return false };
        self.ledger.conns[usize::from(conn)].loaded.contains(&page)
    }

    /// The digest of a page as a connection must see it: its own unpublished frame, else its snapshot.
    pub fn expected_page(&self, conn: u8, page: u32) -> Option<u64> {
        let facts = &self.ledger.conns[usize::from(conn)];
        facts.own_pages.get(&page).copied().or_else(|| self.ledger.versions.page(page, facts.snapshot?))
    }

    /// Compares the bytes that a connection sees of a page with those that it must see.
    ///
    /// # Errors
    /// Evidence that they differ.
    pub fn check_page(&self, actor: Actor, page: u32, digest: u64, verb: &str) -> Result<(), Evidence> {
        let Actor::Conn(conn) = actor else { return Ok(()) };
        match self.expected_page(conn, page) {
            Some(expected) if expected != digest => {
                let facts = &self.ledger.conns[usize::from(conn)];
                let mut commits = 0..=self.ledger.newest();
                let of = commits.find(|&commit| self.ledger.versions.page(page, commit) == Some(digest));
                let found =
                    of.map_or("a version of no commit".into(), |commit| format!("the version of commit {commit}"));
                let snapshot = facts.snapshot.map_or("none".into(), |commit| format!("commit {commit}"));
                let summary =
                    format!("connection c{conn} {verb} page {page} in a version that its snapshot does not have");
                Err(Evidence::new(summary)
                    .with("snapshot", snapshot)
                    .with("found", found)
                    .with("transaction", facts.reading_text()))
            }
            _ => Ok(()),
        }
    }

    /// What the independent parser recovers from the files as they are now; `None` while somebody may be writing to them
    /// or a failed commit may have left frames behind.
    pub fn recover_copy(&self) -> Option<&Recovered> {
        let recover = || {
            let disk = &self.internals?.shared.disk;
            let is_quiet = self.holder(LockId::WRITE).is_none() && self.ledger.attempt.is_none();
            // A database that nobody has recovered yet has no published state to compare with.
            let is_open = self.ledger.commit_at(self.ledger.published).is_some();
            (is_quiet && is_open).then(|| {
                let log = disk.contents(FileId::Wal);
                disk.with_contents(FileId::Database, |database| parser::recover(database, &log, self.ledger.page_size))
            })
        };
        self.copy.get_or_init(recover).as_ref()
    }
}

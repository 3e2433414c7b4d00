//! Reading and publishing the header copies, one word at a time.

use strum::VariantNames;

use super::recover::Recover;
use super::shared::{HEADER_WORDS, Header, HeaderCopy, LockId, LockMode};
use crate::event::EventKind;
use crate::io::StateTransition;
use crate::io::TransitionResult::{Continue, Done};
use crate::session::{Error, HeaderGrain, Session, Turn};
use crate::site::Site;
use crate::turn;
use crate::visits::first_state;

/// How many words, from `done` of both copies on, are loaded or stored in one step.
fn words(s: &Session, done: usize) -> std::ops::Range<usize> {
    match s.shared.config.header {
        HeaderGrain::Word => done..done + 1,
        HeaderGrain::Copy => done..done + HEADER_WORDS,
    }
}

/// Loads both copies, copy 0 first, and gives the header if they agree.
#[derive(Debug, Default, Hash)]
pub(super) struct LoadHeader {
    copies: [HeaderCopy; 2],
    loaded: usize,
}

impl LoadHeader {
    /// What copy 0 says, whether or not a publication was under way: single fields of it are always those of some
    /// published header.
    pub(super) fn copy0(&self) -> Header {
        Header::unpack(&self.copies[0])
    }

    pub(super) fn turn(&mut self, s: &mut Session) -> Turn<Option<Header>> {
        if self.loaded == 2 * HEADER_WORDS {
            return Ok(Done(Header::decode(&self.copies)));
        }
        for at in words(s, self.loaded) {
            let (copy, word) = (at / HEADER_WORDS, at % HEADER_WORDS);
            self.copies[copy][word] = s.shared.wal.load_header_word(copy, word);
            self.loaded += 1;
        }
        s.pass(Site::HeaderLoad)
    }
}

/// Publishes a header: copy 1 first, then copy 0, so that a reader who finds both equal has seen a whole one
/// (`walIndexWriteHdr`).
#[derive(Debug, Hash)]
pub struct StoreHeader {
    header: Header,
    stored: usize,
    commit: bool,
}

impl StoreHeader {
    /// Publishes `header`; `commit` says whether it makes a commit visible.
    pub fn new(header: Header, commit: bool) -> Self {
        Self { header, stored: 0, commit }
    }
}

impl StateTransition<Session> for StoreHeader {
    type Output = ();
    type Error = Error;

    fn transition(&mut self, s: &mut Session) -> Turn<()> {
        // Half a header would lock every reader out: from the first word on this is finished, whatever happens.
        s.mine().must_finish = true;
        for at in words(s, self.stored) {
            let (copy, word) = (1 - at / HEADER_WORDS, at % HEADER_WORDS);
            s.shared.wal.store_header_word(copy, word, self.header.encode()[word]);
            self.stored += 1;
        }
        if self.stored < 2 * HEADER_WORDS {
            return s.pass(Site::HeaderStore);
        }
        s.mine().must_finish = false;
        let Header { pages, .. } = self.header;
        s.emit(EventKind::Publish { at: self.header.log_point(), pages, commit: self.commit });
        Ok(Done(()))
    }
}

/// Gets a consistent copy of the published header; recovers the log if there is none (`walIndexReadHdr`).
#[derive(Debug, Hash)]
pub struct ReadHeader {
    state: State,
    retries: u32,
    /// WRITE was already held by the caller, who keeps it.
    kept_write: bool,
}

#[derive(Debug, Hash, VariantNames)]
pub(super) enum State {
    Load { load: LoadHeader, locked: bool },
    LockWrite,
    Recover(Box<Recover>),
    Unlock(Option<Header>),
}

impl Default for ReadHeader {
    fn default() -> Self {
        Self { state: State::load(false), retries: 0, kept_write: false }
    }
}

impl State {
    fn load(locked: bool) -> Self {
        Self::Load { load: LoadHeader::default(), locked }
    }
}

impl StateTransition<Session> for ReadHeader {
    type Output = Header;
    type Error = Error;

    fn transition(&mut self, s: &mut Session) -> Turn<Header> {
        s.enter(const { first_state("wal.header") }, &self.state);
        match &mut self.state {
            State::Load { load, locked } => {
                let header = turn!(load.turn(s));
                self.state = match (header, *locked) {
                    (Some(header), false) => return Ok(Done(header)),
                    (Some(header), true) => State::Unlock(Some(header)),
                    (None, false) => State::LockWrite,
                    (None, true) => State::Recover(Box::default()),
                };
                Ok(Continue)
            }
            State::LockWrite => {
                // A dirty read: either a writer is publishing, or nobody has recovered yet. WRITE tells which.
                self.kept_write = s.held(LockId::WRITE).is_some();
                if self.kept_write || s.try_lock(LockId::WRITE, LockMode::Exclusive) {
                    self.state = State::load(true);
                    return s.pass(Site::RecoverWriteLock);
                }
                self.state = State::load(false);
                self.retries += 1;
                if self.retries > s.shared.config.busy_retries {
                    return Err(Error::Busy);
                }
                s.give_way(Site::HeaderRetry)
            }
            State::Recover(recover) => {
                turn!(recover.transition(s));
                self.state = State::Unlock(None);
                Ok(Continue)
            }
            State::Unlock(header) => {
                let header = *header;
                if !self.kept_write {
                    s.unlock(LockId::WRITE);
                }
                if let Some(header) = header {
                    return Ok(Done(header));
                }
                self.state = State::load(false);
                s.pass(Site::WriteUnlock)
            }
        }
    }
}

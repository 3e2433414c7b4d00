//! Appending frames: a commit, or the spill of one page (`walFrames`).

use super::SyncMode;
use super::format::{self, Frame};
use super::header::StoreHeader;
use super::restart::RestartLog;
use crate::bug::Bug;
use crate::digest::digest;
use crate::disk::{FileId, Request};
use crate::event::EventKind;
use crate::io::TransitionResult::{Continue, Done};
use crate::io::{Buffer, Completion, CompletionGroup, StateTransition};
use crate::pager::PinnedPage;
use crate::session::{Error, Session, Turn};
use crate::site::Site;
use crate::turn;

/// Writes pages behind the connection's last frame and, for a commit, makes them durable (FULL) and visible.
///
/// The order is the whole point: header durable before any frame; frames written before the fsync; fsync before the
/// frames are indexed and published.
#[derive(Debug)]
pub struct AppendFrames {
    pages: Vec<PinnedPage>,
    /// The database size after the commit; `None` for a spill.
    commit_pages: Option<u32>,
    state: State,
    /// The checksum of the last frame written by this machine.
    checksum: format::Checksum,
    /// How many frames this machine has written. A later stage needs it, so it belongs to the machine.
    appended: u32,
    synced: bool,
    written: Option<Completion>,
}

#[derive(Debug)]
enum State {
    Restart(RestartLog),
    Header,
    SyncHeader,
    Frames,
    Sync,
    Index,
    Publish(StoreHeader),
    Published,
}

impl AppendFrames {
    /// A commit of `pages`, in ascending order, that leaves a database of `database_pages` pages.
    pub fn commit(pages: Vec<PinnedPage>, database_pages: u32) -> Self {
        Self::new(pages, Some(database_pages))
    }

    /// A spill of one page: its frame is this transaction's own until a commit publishes it.
    pub fn spill(page: PinnedPage) -> Self {
        Self::new(vec![page], None)
    }

    fn new(pages: Vec<PinnedPage>, commit_pages: Option<u32>) -> Self {
        let state = State::Restart(RestartLog::default());
        Self { pages, commit_pages, state, checksum: [0; 2], appended: 0, synced: false, written: None }
    }

    /// Submits one write per frame; they may complete in any order.
    fn submit_frames(&mut self, s: &mut Session) -> Completion {
        let header = s.view.header;
        let page_size = s.page_size();
        self.checksum = header.checksum;
        let mut group = CompletionGroup::new_planted(s.shared.config.planted, |_| {});
        let last = self.pages.len() - 1;
        for (i, page) in self.pages.iter().enumerate() {
            let number = header.mx_frame + 1 + i as u32;
            let ends_commit = i == last || s.planted(Bug::DurCommitMarkOnEveryFrame);
            let commit_pages = self.commit_pages.filter(|_| ends_commit).unwrap_or(0);
            let frame = Frame { page: page.number(), commit_pages };
            let (bytes, sum) = page.read(|bytes| {
                s.emit(EventKind::Frame { frame: number, page: frame.page, commit_pages, digest: digest(bytes) });
                format::encode_frame(frame, header.salts, self.checksum, header.big_endian, bytes)
            });
            self.checksum = sum;
            let offset = format::frame_offset(number, page_size);
            group.add(&s.submit(Request::Write { file: FileId::Wal, offset, buffer: Buffer::from_vec(bytes) }));
        }
        if s.planted(Bug::DurSyncBeforeWritesFinish) && self.wants_sync(s) {
            group.add(&s.submit(Request::Sync { file: FileId::Wal }));
            self.synced = true;
        }
        s.shared.wal.set_unsynced(!s.planted(Bug::DurSyncSkippedStaleFlag) || s.shared.wal.unsynced());
        self.appended = self.pages.len() as u32;
        group.build()
    }

    fn wants_sync(&self, s: &Session) -> bool {
        self.commit_pages.is_some() && s.shared.config.sync == SyncMode::Full && !self.synced
    }
}

impl StateTransition<Session> for AppendFrames {
    type Output = ();
    type Error = Error;

    fn transition(&mut self, s: &mut Session) -> Turn<()> {
        match &mut self.state {
            State::Restart(restart) => {
                turn!(restart.transition(s));
                let header = s.view.header;
                let is_written = header.mx_frame > 0 || (header.seq > 0 && s.planted(Bug::DurRestartHeaderNotWritten));
                self.state = if is_written { State::Frames } else { State::Header };
                Ok(Continue)
            }
            State::Header => {
                let header = &mut s.view.header;
                if header.seq == 0 {
                    header.salts = [s.shared.random_salt(), s.shared.random_salt()];
                }
                header.big_endian = false;
                let (bytes, sum) = format::encode_header(s.shared.config.page_size, header.seq, header.salts);
                header.checksum = sum;
                let point = header.log_point();
                s.emit(EventKind::WalHeader { seq: point.seq, salts: point.salts });
                let buffer = Buffer::from_vec(bytes.to_vec());
                let write = s.submit(Request::Write { file: FileId::Wal, offset: 0, buffer });
                self.state = if s.shared.config.sync == SyncMode::Off { State::Frames } else { State::SyncHeader };
                s.wait(Site::AppendHeader, write)
            }
            State::SyncHeader => {
                let sync = s.submit(Request::Sync { file: FileId::Wal });
                self.state = State::Frames;
                s.wait(Site::AppendHeaderSync, sync)
            }
            State::Frames => {
                let written = self.submit_frames(s);
                if s.planted(Bug::WalVisibleBeforeWritten) {
                    self.written = Some(written);
                    self.state = State::Index;
                    return Ok(Continue);
                }
                self.state = if self.wants_sync(s) { State::Sync } else { State::Index };
                s.wait(Site::AppendFrames, written)
            }
            State::Sync => {
                self.state = State::Index;
                if s.planted(Bug::DurSyncSkippedStaleFlag) && !s.shared.wal.unsynced() {
                    s.shared.wal.set_unsynced(true);
                    return Ok(Continue);
                }
                if s.planted(Bug::ReentryCommitResultLost) {
                    self.appended = 0;
                }
                let sync = s.submit(Request::Sync { file: FileId::Wal });
                s.wait(Site::AppendSync, sync)
            }
            State::Index => {
                let pages: Vec<u32> = self.pages.iter().map(PinnedPage::number).collect();
                let before = s.view.header.mx_frame;
                s.shared.wal.index.lock().append(before, &pages);
                s.view.header.mx_frame += self.appended;
                s.view.header.checksum = self.checksum;
                if let Some(pages) = self.commit_pages {
                    s.view.header.change += 1;
                    s.view.header.pages = pages;
                    self.state = State::Publish(StoreHeader::new(s.view.header, true));
                    // The frames are durable as far as the mode asks: the commit goes on even if it is abandoned.
                    s.must_finish = true;
                } else {
                    self.state = State::Published;
                }
                s.pass(Site::AppendIndex)
            }
            State::Publish(store) => {
                turn!(store.transition(s));
                self.state = State::Published;
                s.must_finish = true;
                if let Some(written) = self.written.take() {
                    return s.wait(Site::AppendFrames, written);
                }
                Ok(Continue)
            }
            State::Published => {
                s.must_finish = false;
                s.pages.frames_written(&self.pages, self.commit_pages.is_some());
                Ok(Done(()))
            }
        }
    }
}

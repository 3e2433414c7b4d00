//! Appending frames: a commit, or the spill of one page (`walFrames`).

use super::SyncMode;
use super::format::{self, Frame};
use super::header::StoreHeader;
use super::restart::RestartLog;
use super::shared::Header;
use crate::bug::Bug;
use crate::digest::digest;
use crate::disk::{FileId, Request};
use crate::event::EventKind;
use crate::io::TransitionResult::{Continue, Done};
use crate::io::{Buffer, StateTransition};
use crate::pager::PinnedPage;
use crate::session::{Error, Session, Turn};
use crate::site::Site;
use crate::transfer::Transfer;
use crate::turn;

/// Writes pages behind the connection's last frame and, for a commit, makes them durable (FULL) and visible.
///
/// The order is the whole point: header durable before any frame; frames written before the fsync; fsync before the
/// frames are indexed and published.
#[derive(Debug, Hash)]
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
    written: Option<Transfer>,
}

#[derive(Debug, Hash)]
enum State {
    Restart(RestartLog),
    Header,
    WriteHeader(Transfer),
    SyncHeader(Transfer),
    Frames,
    WriteFrames(Transfer),
    Sync,
    SyncFrames(Transfer),
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

    /// One write per frame; they may complete in any order.
    fn encode_frames(&mut self, s: &mut Session) -> Transfer {
        if s.planted(Bug::CommitFsyncErrorKeepsFrames) {
            Self::adopt_kept_position(s);
        }
        let header = s.view.header;
        let page_size = s.page_size();
        self.checksum = header.checksum;
        let mut frames = Transfer::new(Site::AppendFrames);
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
            frames.push(0, Request::write(FileId::Wal, offset, Buffer::from_vec(bytes)));
        }
        if s.planted(Bug::DurSyncBeforeWritesFinish) && self.wants_sync(s) {
            frames.push(0, Request::Sync { file: FileId::Wal });
            self.synced = true;
        }
        s.shared.wal.set_unsynced(!s.planted(Bug::DurSyncSkippedStaleFlag) || s.shared.wal.unsynced());
        self.appended = self.pages.len() as u32;
        frames
    }

    /// What the planted bug does after a failed commit fsync: the next append goes on behind these frames.
    fn keep_position(&self, s: &Session) {
        let before = s.view.header;
        let header = Header { mx_frame: before.mx_frame + self.appended, checksum: self.checksum, ..before };
        let pages = self.pages.iter().map(PinnedPage::number).collect();
        *s.shared.wal.kept_position.lock() = Some((header, pages));
    }

    fn adopt_kept_position(s: &mut Session) {
        let kept = s.shared.wal.kept_position.lock().take();
        let at = s.view.header;
        if let Some((kept, pages)) = kept.filter(|(kept, _)| kept.salts == at.salts && kept.mx_frame > at.mx_frame) {
            s.shared.wal.index.lock().append(at.mx_frame, &pages);
            (s.view.header.mx_frame, s.view.header.checksum) = (kept.mx_frame, kept.checksum);
        }
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
                if point.seq > 0 && s.planted(Bug::DurHeaderSyncErrorIgnored) && s.shared.wal.header_done(point.seq) {
                    self.state = State::Frames;
                    return Ok(Continue);
                }
                s.emit(EventKind::WalHeader { seq: point.seq, salts: point.salts });
                let buffer = Buffer::from_vec(bytes.to_vec());
                let write = Request::write(FileId::Wal, 0, buffer);
                self.state = State::WriteHeader(Transfer::of(Site::AppendHeader, write));
                Ok(Continue)
            }
            State::WriteHeader(write) => {
                turn!(write.transition(s));
                let sync = Transfer::of(Site::AppendHeaderSync, Request::Sync { file: FileId::Wal });
                let syncs = s.shared.config.sync != SyncMode::Off;
                self.state = if syncs { State::SyncHeader(sync) } else { State::Frames };
                Ok(Continue)
            }
            State::SyncHeader(sync) => {
                match sync.transition(s) {
                    Err(error) => {
                        if s.planted(Bug::DurHeaderSyncErrorIgnored) {
                            s.shared.wal.mark_header_done(s.view.header.seq);
                        }
                        return Err(error);
                    }
                    synced => turn!(synced),
                }
                self.state = State::Frames;
                Ok(Continue)
            }
            State::Frames => {
                self.state = State::WriteFrames(self.encode_frames(s));
                Ok(Continue)
            }
            State::WriteFrames(frames) => {
                if s.planted(Bug::WalVisibleBeforeWritten) {
                    let _not_waited_for = frames.transition(s)?;
                    self.written = Some(std::mem::replace(frames, Transfer::new(Site::AppendFrames)));
                    self.state = State::Index;
                    return Ok(Continue);
                }
                turn!(frames.transition(s));
                self.state = if self.wants_sync(s) { State::Sync } else { State::Index };
                Ok(Continue)
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
                self.state = State::SyncFrames(Transfer::of(Site::AppendSync, Request::Sync { file: FileId::Wal }));
                Ok(Continue)
            }
            State::SyncFrames(sync) => {
                match sync.transition(s) {
                    Err(error) => {
                        if s.planted(Bug::CommitFsyncErrorKeepsFrames) {
                            self.keep_position(s);
                        }
                        return Err(error);
                    }
                    synced => turn!(synced),
                }
                self.state = State::Index;
                Ok(Continue)
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
                Ok(Continue)
            }
            State::Published => {
                if let Some(written) = &mut self.written {
                    turn!(written.transition(s));
                }
                s.must_finish = false;
                s.pages.frames_written(&self.pages, self.commit_pages.is_some());
                Ok(Done(()))
            }
        }
    }
}

//! Appending frames: a commit, or the spill of one page (`walFrames`).

use strum::VariantNames;

use super::SyncMode;
use super::format::{self, Frame};
use super::header::StoreHeader;
use super::recheck::Recheck;
use super::restart::RestartLog;
use super::shared::Header;
use super::sync::SyncLog;
use crate::bug::Bug;
use crate::digest::digest;
use crate::disk::{FileId, Request};
use crate::event::EventKind;
use crate::io::TransitionResult::{Continue, Done};
use crate::io::{Buffer, StateTransition};
use crate::pager::PinnedPage;
use crate::session::{CheckpointSource, Error, Session, Turn};
use crate::site::Site;
use crate::transfer::Transfer;
use crate::turn;
use crate::visits::first_state;

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
    /// The pages of the frames that this machine has appended. A later stage needs them, so they belong to the machine.
    appended: Vec<u32>,
    synced: bool,
    written: Option<Transfer>,
}

#[derive(Debug, Hash, VariantNames)]
pub(super) enum State {
    Restart(RestartLog),
    Header,
    WriteHeader(Transfer),
    SyncHeader(SyncLog),
    Frames,
    WriteFrames(Transfer),
    Recheck(Recheck),
    Sync,
    SyncFrames(SyncLog),
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
        Self { pages, commit_pages, state, checksum: [0; 2], appended: Vec::new(), synced: false, written: None }
    }

    /// One write per page; they may complete in any order.
    fn encode_frames(&mut self, s: &mut Session) -> Transfer {
        if s.planted(Bug::CommitFsyncErrorKeepsFrames) {
            Self::adopt_kept_position(s);
        }
        self.checksum = s.view.header.checksum;
        self.appended.clear();
        let mut frames = Transfer::new(Site::AppendFrames);
        let last = self.pages.len() - 1;
        for i in 0..=last {
            let page = self.pages[i].clone();
            let carries_mark = i == last && self.commit_pages.is_some();
            if let Some(frame) = self.own_frame(s, page.number()).filter(|_| !carries_mark) {
                frames.push(0, overwrite(s, frame, &page));
                continue;
            }
            let marked = carries_mark || s.planted(Bug::DurCommitMarkOnEveryFrame);
            let commit_pages = self.commit_pages.filter(|_| marked).unwrap_or(0);
            frames.push(0, self.append(s, &page, commit_pages));
            if carries_mark && !s.shared.config.powersafe_overwrite && self.wants_sync(s) {
                self.pad(s, &mut frames, &page, commit_pages);
            }
        }
        if s.planted(Bug::DurSyncBeforeWritesFinish) && self.wants_sync(s) {
            frames.push(0, Request::Sync { file: FileId::Wal });
            self.synced = true;
        }
        s.shared.wal.set_unsynced(!s.planted(Bug::DurSyncSkippedStaleFlag) || s.shared.wal.unsynced());
        frames
    }

    /// The frame of its own that the transaction may write over with a newer version of the page.
    fn own_frame(&self, s: &Session, page: u32) -> Option<u32> {
        let (first, last) = (s.view.base.mx_frame + 1, s.view.header.mx_frame);
        let frame = s.shared.wal.index.lock().lookup(page, first, last)?;
        s.savepoints.may_overwrite(frame, s.view.header.seq).then_some(frame)
    }

    /// Writes the next frame.
    fn append(&mut self, s: &Session, page: &PinnedPage, commit_pages: u32) -> Request {
        self.appended.push(page.number());
        let header = s.view.header;
        let number = header.mx_frame + self.appended.len() as u32;
        let frame = Frame { page: page.number(), commit_pages };
        let (mut bytes, sum) = page.read(|bytes| {
            s.emit(EventKind::Frame { frame: number, page: frame.page, commit_pages, digest: digest(bytes) });
            format::encode_frame(frame, header.salts, self.checksum, header.big_endian, bytes)
        });
        self.checksum = sum;
        if s.view.recheck.is_some() {
            // The chain is broken further up: salts and checksum are filled in at the commit.
            bytes[8..format::FRAME_HEADER_LEN].fill(0);
        }
        let offset = format::frame_offset(number, s.page_size());
        Request::write(FileId::Wal, offset, Buffer::from_vec(bytes))
    }

    /// Repeats the commit frame until a sector boundary is crossed: on a disk that may spoil the rest of a sector that is
    /// being written, no later commit may write to the sector in which this one has its mark.
    fn pad(&mut self, s: &Session, frames: &mut Transfer, page: &PinnedPage, commit_pages: u32) {
        let filled = self.end(s).next_multiple_of(s.shared.disk.sector_size() as u64);
        while self.end(s) < filled {
            frames.push(0, self.append(s, page, commit_pages));
        }
    }

    /// Where the log will end.
    fn end(&self, s: &Session) -> u64 {
        format::frame_offset(s.view.header.mx_frame + 1 + self.appended.len() as u32, s.page_size())
    }

    fn after_frames(&self, s: &Session) -> State {
        if self.wants_sync(s) { State::Sync } else { State::Index }
    }

    /// What the planted bug does after a failed commit fsync: the next append goes on behind these frames.
    fn keep_position(&self, s: &Session) {
        let before = s.view.header;
        let header =
            Header { mx_frame: before.mx_frame + self.appended.len() as u32, checksum: self.checksum, ..before };
        let pages = self.appended.clone();
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

    /// Whether its frames are on their way to the log and all that it does is to wait for them.
    pub(crate) fn awaits_frames(&self) -> bool {
        matches!(&self.state, State::WriteFrames(frames) if frames.is_on_its_way())
    }

    /// The first frame that it is writing behind the transaction's last one, if it has got that far.
    pub(crate) fn unfinished_frame(&self, s: &Session) -> Option<u32> {
        let writes = matches!(self.state, State::WriteFrames(_)) && !self.appended.is_empty();
        writes.then(|| s.view.header.mx_frame + 1)
    }

    /// The frames are in the log, and their pages are as they are there.
    fn note_written(&self, s: &mut Session) {
        let any_version = s.planted(Bug::SpillRedirtiedMarkedClean);
        s.pages.frames_written(&self.pages, self.commit_pages.is_some(), any_version);
        if s.shared.config.checkpoint_source == CheckpointSource::Cache {
            let (index, header) = (s.shared.wal.index.lock(), s.view.header);
            for page in self.pages.iter().filter(|page| !page.is_dirty()) {
                let frame = index.lookup(page.number(), 1, header.mx_frame).unwrap_or(0);
                page.set_image_of(header.salts, frame);
            }
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
        s.enter(const { first_state("wal.append") }, &self.state);
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
                let syncs = s.shared.config.sync != SyncMode::Off;
                let sync = || State::SyncHeader(SyncLog::new(s, Site::AppendHeaderSync));
                self.state = if syncs { sync() } else { State::Frames };
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
                if s.planted(Bug::WalVisibleBeforeWritten) && s.view.recheck.is_none() {
                    let _not_waited_for = frames.transition(s)?;
                    self.written = Some(std::mem::replace(frames, Transfer::new(Site::AppendFrames)));
                    self.state = State::Index;
                    return Ok(Continue);
                }
                turn!(frames.transition(s));
                let last = s.view.header.mx_frame + self.appended.len() as u32;
                self.state = match s.view.recheck.filter(|_| self.commit_pages.is_some()) {
                    Some(first) => State::Recheck(Recheck::new(first, last)),
                    None => self.after_frames(s),
                };
                Ok(Continue)
            }
            State::Recheck(recheck) => {
                self.checksum = turn!(recheck.transition(s));
                self.state = self.after_frames(s);
                Ok(Continue)
            }
            State::Sync => {
                self.state = State::Index;
                if s.planted(Bug::DurSyncSkippedStaleFlag) && !s.shared.wal.unsynced() {
                    s.shared.wal.set_unsynced(true);
                    return Ok(Continue);
                }
                if s.planted(Bug::ReentryCommitResultLost) {
                    self.appended.clear();
                }
                self.state = State::SyncFrames(SyncLog::new(s, Site::AppendSync));
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
                let before = s.view.header.mx_frame;
                s.shared.wal.index.lock().append(before, &self.appended);
                s.view.header.mx_frame += self.appended.len() as u32;
                s.view.header.checksum = self.checksum;
                if let Some(pages) = self.commit_pages {
                    s.view.recheck = None;
                    s.view.header.change += 1;
                    s.view.header.pages = pages;
                    self.state = State::Publish(StoreHeader::new(s.view.header, true));
                    // The frames are durable as far as the mode asks: the commit goes on even if it is abandoned.
                    s.mine().must_finish = true;
                } else {
                    self.state = State::Published;
                }
                s.pass(Site::AppendIndex)
            }
            State::Publish(store) => {
                turn!(store.transition(s));
                self.state = State::Published;
                s.mine().must_finish = true;
                Ok(Continue)
            }
            State::Published => {
                if let Some(written) = &mut self.written {
                    turn!(written.transition(s));
                }
                s.mine().must_finish = false;
                self.note_written(s);
                Ok(Done(()))
            }
        }
    }
}

/// Writes a page over a frame of its own transaction; its checksum, and all behind it, are completed at the commit.
fn overwrite(s: &mut Session, frame: u32, page: &PinnedPage) -> Request {
    s.view.recheck = Some(s.view.recheck.map_or(frame, |first| first.min(frame)));
    let offset = format::frame_offset(frame, s.page_size()) + format::FRAME_HEADER_LEN as u64;
    let bytes = page.read(|bytes| {
        s.emit(EventKind::Overwrite { frame, page: page.number(), digest: digest(bytes) });
        bytes.to_vec()
    });
    Request::write(FileId::Wal, offset, Buffer::from_vec(bytes))
}

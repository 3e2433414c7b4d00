//! Completing the checksums of a commit that has written over frames of its own (`walRewriteChecksums`).
//!
//! A page that a transaction has already spilled is written over in place, so from the first such frame on the chain of
//! checksums is wrong. Until the commit, frame headers behind it carry no salts and no checksums at all; now every page
//! from there on is read back and its header is written.

use strum::VariantNames;

use super::format::{self, Checksum, Frame, be32};
use crate::disk::{FileId, Request};
use crate::io::TransitionResult::{Continue, Done};
use crate::io::{Buffer, StateTransition};
use crate::session::{Error, Session, Turn};
use crate::site::Site;
use crate::sync::Arc;
use crate::transfer::Transfer;
use crate::turn;
use crate::visits::first_state;

/// Reads the frames from one number to another and writes their headers; gives the checksum of the last one.
#[derive(Debug, Hash)]
pub(super) struct Recheck {
    first: u32,
    /// The next frame.
    frame: u32,
    last: u32,
    /// The checksum of the frame before.
    running: Checksum,
    /// The headers made so far. They are written together at the end, so that nothing of a commit that is given up while
    /// frames are read is in flight.
    headers: Vec<Arc<Buffer>>,
    state: State,
}

#[derive(Debug, Hash, VariantNames)]
pub(super) enum State {
    Begin,
    /// What comes before the first frame tells where the chain goes on.
    ReadSeed(Transfer, Arc<Buffer>),
    Next,
    ReadFrame(Transfer, Arc<Buffer>),
    WriteHeaders(Transfer),
}

impl Recheck {
    pub(super) fn new(first: u32, last: u32) -> Self {
        Self { first, frame: first, last, running: [0; 2], headers: Vec::new(), state: State::Begin }
    }

    fn read(site: Site, offset: u64, len: usize) -> (Transfer, Arc<Buffer>) {
        let buffer = Buffer::zeroed(len);
        (Transfer::of(site, Request::read(FileId::Wal, offset, Arc::clone(&buffer))), buffer)
    }

    /// Where the checksum lies that seeds a frame's: in the header of the log, or of the frame before.
    fn seed_offset(&self, page_size: usize) -> u64 {
        match self.frame {
            1 => format::HEADER_LEN as u64 - 8,
            frame => format::frame_offset(frame - 1, page_size) + format::FRAME_HEADER_LEN as u64 - 8,
        }
    }

    fn make_header(&mut self, s: &Session, frame: &[u8]) {
        let log = s.view.header;
        let (header, page) = frame.split_at(format::FRAME_HEADER_LEN);
        let meta = Frame { page: be32(header, 0), commit_pages: be32(header, 4) };
        let (bytes, sum) = format::encode_frame(meta, log.salts, self.running, log.big_endian, page);
        self.running = sum;
        self.headers.push(Buffer::from_vec(bytes[..format::FRAME_HEADER_LEN].to_vec()));
        self.frame += 1;
    }

    fn write_headers(&mut self, page_size: usize) -> Transfer {
        let mut headers = Transfer::new(Site::RecheckWrite);
        for (frame, buffer) in (self.first..).zip(self.headers.drain(..)) {
            headers.push(0, Request::write(FileId::Wal, format::frame_offset(frame, page_size), buffer));
        }
        headers
    }
}

impl StateTransition<Session> for Recheck {
    type Output = Checksum;
    type Error = Error;

    fn transition(&mut self, s: &mut Session) -> Turn<Checksum> {
        s.enter(const { first_state("wal.recheck") }, &self.state);
        let page_size = s.page_size();
        match &mut self.state {
            State::Begin => {
                let (read, buffer) = Self::read(Site::RecheckReadSeed, self.seed_offset(page_size), 8);
                self.state = State::ReadSeed(read, buffer);
                Ok(Continue)
            }
            State::ReadSeed(read, buffer) => {
                turn!(read.transition(s));
                self.running = buffer.read(|bytes| [be32(bytes, 0), be32(bytes, 4)]);
                self.state = State::Next;
                Ok(Continue)
            }
            State::Next if self.frame > self.last => {
                self.state = State::WriteHeaders(self.write_headers(page_size));
                Ok(Continue)
            }
            State::Next => {
                let offset = format::frame_offset(self.frame, page_size);
                let (read, buffer) = Self::read(Site::RecheckReadFrame, offset, format::frame_len(page_size));
                self.state = State::ReadFrame(read, buffer);
                Ok(Continue)
            }
            State::ReadFrame(read, buffer) => {
                turn!(read.transition(s));
                let buffer = Arc::clone(buffer);
                buffer.read(|frame| self.make_header(s, frame));
                self.state = State::Next;
                Ok(Continue)
            }
            State::WriteHeaders(write) => {
                turn!(write.transition(s));
                Ok(Done(self.running))
            }
        }
    }
}

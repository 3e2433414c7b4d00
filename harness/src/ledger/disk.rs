//! What the disk has done: which frames and pages are in the files, and which of them an fsync covers.

use std::ops::RangeInclusive;

use falken_models::disk::{FileId, IoKind, IoResult, OpId};
use falken_models::event::{EventKind, StatementKind};
use falken_models::wal::format::{FRAME_HEADER_LEN, HEADER_LEN, frame_len};
use falken_models::wal::{LockId, SyncMode};

use super::doubts::{HEADER, Unpadded};
use super::{Ledger, Submitter, SyncCover};
use crate::fault::Fault;

impl Ledger {
    /// Which frame, from 0, an offset of the log file lies in, and how far from its start.
    fn place_in_log(&self, offset: u64) -> Option<(usize, usize)> {
        let (behind, frame) = (offset.checked_sub(HEADER_LEN as u64)? as usize, frame_len(self.page_size));
        Some((behind / frame, behind % frame))
    }

    /// Which frame, from 0, an operation writes the page of, or a part of it.
    pub(super) fn frame_written(&self, file: FileId, io: IoKind, offset: u64, len: u32) -> Option<usize> {
        if (file, io) != (FileId::Wal, IoKind::Write) || len == 0 {
            return None;
        }
        let (frame, last) = self.place_in_log(offset + u64::from(len) - 1)?;
        (last >= FRAME_HEADER_LEN).then_some(frame)
    }

    /// Whether a frame ends at an offset of the log file.
    fn ends_frame(&self, offset: u64) -> bool {
        self.place_in_log(offset).is_some_and(|(_, into)| into == 0)
    }

    pub(super) fn note_sync_submit(&mut self, op: OpId) {
        let frames = self.frames.written_prefix();
        let cover = SyncCover {
            commit: self.newest(),
            seq: self.published.seq,
            frames,
            database_effects: self.database_effects,
        };
        self.syncs.insert(op, cover);
    }

    /// Takes in what the disk did.
    pub(super) fn note_disk(&mut self, kind: &EventKind) {
        if let EventKind::Injected { fault } = kind {
            self.injected = Fault::from_key(fault);
        }
        if let EventKind::PerformedUnheard { file, io, offset, len } = *kind {
            self.database_effects += u64::from(file == FileId::Database);
            if io == IoKind::Write {
                self.note_performed(file, offset, len);
            }
        }
        let EventKind::Finish { op, file, io, offset, len, result, digest, .. } = *kind else { return };
        let injected = self.injected.take();
        let ok = matches!(result, IoResult::Ok(_));
        if let Some(Submitter { conn, slot, ordinal, cancelled }) = self.owners.remove(&op) {
            let is_whole =
                matches!(result, IoResult::Ok(moved) if moved == len || !matches!(io, IoKind::Read | IoKind::Write));
            if !is_whole {
                // Whoever waits for the same page gets the same error, also who has begun to after the cancel.
                let running = self.conn_mut(conn).statements.iter_mut().filter(|statement| statement.running);
                running.for_each(|statement| {
                    statement.met.failed_io = true;
                    statement.met.cancelled |= cancelled;
                });
            }
            let facts = &mut self.conn_mut(conn).statements[usize::from(slot)];
            // A read of a page that fails is made again or fails its statement; what the statement returns tells. A
            // checkpoint makes none again.
            let needed = io != IoKind::Read || facts.kind == Some(StatementKind::Checkpoint);
            facts.io_failed |= !ok && needed && facts.ordinal == ordinal;
            facts.met.log_gone |= ok && (file, io, offset) == (FileId::Wal, IoKind::Truncate, 0);
        }
        if let Some(frame) = self.frame_written(file, io, offset, len) {
            self.frames.note_ended(frame);
        }
        match (file, io) {
            (_, IoKind::Sync) => self.note_synced(op, file, ok, injected),
            (FileId::Wal, IoKind::Write) if offset == 0 && ok => self.doubts.note_header_written(),
            (FileId::Wal, IoKind::Write) => {
                if let (Some((index, _)), IoResult::Ok(moved)) = (self.place_in_log(offset), result)
                    && self.ends_frame(offset + u64::from(moved))
                {
                    self.frames.note_written(index);
                    self.doubts.note_written(FileId::Wal, index as u32 + 1);
                } else {
                    self.note_touched(file, offset, len);
                }
            }
            (FileId::Database, IoKind::Write) => {
                self.database_effects += 1;
                self.note_touched(file, offset, len);
                if let IoResult::Ok(moved) = result {
                    self.note_page_written(offset, offset + u64::from(moved), digest);
                }
            }
            (FileId::Database, IoKind::Truncate) => {
                self.database_effects += 1;
                if ok {
                    self.database.truncate((offset / self.page_size as u64) as usize);
                }
            }
            (FileId::Wal, IoKind::Remove) if ok => self.note_removed(),
            (FileId::Wal, IoKind::Truncate) if ok => {
                self.frames.note_cut(self.place_in_log(offset).map_or(0, |(frame, _)| frame));
            }
            (FileId::Wal, IoKind::Truncate) | (_, IoKind::Read | IoKind::Remove) => {}
        }
    }

    /// Bytes of the database file were written. A page counts as written with its last byte; one that was written in parts
    /// has the digest that its first write announced.
    fn note_page_written(&mut self, start: u64, end: u64, digest: u64) {
        let page_size = self.page_size as u64;
        let page = (start / page_size) as usize;
        if start.is_multiple_of(page_size) {
            self.page_in_parts.insert(page, digest);
        }
        if end.is_multiple_of(page_size)
            && let Some(digest) = self.page_in_parts.remove(&page)
        {
            self.database.resize(self.database.len().max(page + 1), 0);
            self.database[page] = digest;
            self.doubts.note_written(FileId::Database, page as u32 + 1);
        }
    }

    /// A write is in the file although nobody will be told.
    fn note_performed(&mut self, file: FileId, offset: u64, len: u32) {
        for (cell, is_whole) in self.cells(file, offset, len) {
            if is_whole && (file, cell) == (FileId::Wal, HEADER) {
                self.doubts.note_header_written();
            } else if is_whole {
                self.doubts.note_written(file, cell);
            } else {
                self.doubts.note_touched(file, cell);
            }
        }
    }

    /// A write has done a part of what it should, or has failed and may have done any part.
    fn note_touched(&mut self, file: FileId, offset: u64, len: u32) {
        self.cells(file, offset, len).for_each(|(cell, _)| self.doubts.note_touched(file, cell));
    }

    /// The frames or pages, from 1, that a write concerns, and whether all of each. The log's header is cell 0.
    fn cells(&self, file: FileId, offset: u64, len: u32) -> impl Iterator<Item = (u32, bool)> + use<> {
        let (header, cell) = match file {
            FileId::Wal => (HEADER_LEN as u64, frame_len(self.page_size) as u64),
            FileId::Database => (0, self.page_size as u64),
        };
        let end = offset + u64::from(len);
        let in_header = (offset < header && len > 0).then_some((HEADER, offset == 0 && end >= header));
        let behind = offset.saturating_sub(header) / cell..end.saturating_sub(header).div_ceil(cell);
        let frames_or_pages = behind.map(move |index| {
            let start = header + index * cell;
            (index as u32 + 1, offset <= start && start + cell <= end)
        });
        in_header.into_iter().chain(frames_or_pages)
    }

    fn note_synced(&mut self, op: OpId, file: FileId, ok: bool, injected: Option<Fault>) {
        let writer = self.locks[usize::from(LockId::WRITE.0)].exclusive;
        let behind_published = self.published.frame + 1;
        self.doubts.note_synced(op, ok, injected, |conn| (writer == Some(conn)).then_some(behind_published));
        let cover = self.syncs.remove(&op).filter(|_| ok);
        let end = cover.filter(|cover| file == FileId::Wal && cover.seq == self.published.seq);
        self.doubts.note_published(self.published.frame, end.and_then(|cover| self.unpadded_end(cover.frames)));
        let Some(cover) = cover else { return };
        match file {
            FileId::Wal => {
                self.synced = self.synced.max(cover.commit);
                let durable = self.sure_of(self.synced);
                self.ghosts.retain(|ghost| ghost.base >= durable);
                if cover.seq == self.published.seq {
                    self.frames_synced = self.frames_synced.max(cover.frames);
                }
            }
            FileId::Database => self.database_synced = self.database_synced.max(cover.database_effects),
        }
    }

    /// The pages that a write of one may spoil: itself, and without powersafe overwrite those in the same sectors.
    pub(super) fn pages_of_sector(&self, page: u32) -> RangeInclusive<u32> {
        let Some(sector) = self.padded_to else { return page..=page };
        let (size, start) = (self.page_size, (page as usize - 1) * self.page_size);
        let (from, to) = (start - start % sector, (start + size).next_multiple_of(sector));
        (from / size) as u32 + 1..=to.div_ceil(size) as u32
    }

    /// What a write behind the frames that an fsync has covered may spoil. Under FULL a padded commit's is the last of them.
    fn unpadded_end(&self, last: u32) -> Option<Unpadded> {
        if self.sync == SyncMode::Normal { self.unpadded(last) } else { None }
    }
}

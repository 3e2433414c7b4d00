//! Getting a page: from the cache, from the log, or from the database file.

use super::page::{Page, PinnedPage};
use crate::bug::Bug;
use crate::digest::digest;
use crate::disk::{FileId, Request};
use crate::event::{Actor, EventKind, PageSource};
use crate::io::TransitionResult::{Continue, Done};
use crate::io::{Buffer, Completion, CompletionError, StateTransition};
use crate::session::{Error, Session, Submitted, Turn};
use crate::site::Site;
use crate::sync::Arc;
use crate::turn;
use crate::wal::{AppendFrames, format};

/// Gives a pinned, loaded page of the connection's snapshot.
#[derive(Debug, Hash)]
pub struct GetPage {
    number: u32,
    spill: Option<Box<AppendFrames>>,
    /// The read that this machine waits for.
    awaited: Option<Completion>,
    /// The read that this machine has submitted last: only it knows how to go on with a short one.
    read: Option<PageRead>,
}

/// A read of a page, or of the rest of one.
#[derive(Clone, Debug, Hash)]
struct PageRead {
    page: Arc<Page>,
    source: PageSource,
    request: Request,
}

impl GetPage {
    /// A machine that gets page `number`.
    pub fn new(number: u32) -> Self {
        Self { number, spill: None, awaited: None, read: None }
    }
}

impl StateTransition<Session> for GetPage {
    type Output = PinnedPage;
    type Error = Error;

    fn transition(&mut self, s: &mut Session) -> Turn<PinnedPage> {
        if let Some(spill) = &mut self.spill {
            turn!(spill.transition(s));
            self.spill = None;
            s.spilling = false;
        }
        if let Some(error) = self.awaited.take_if(|read| read.finished()).and_then(|read| read.get_error())
            && !s.planted(Bug::CompletionErrorCountsAsSuccess)
        {
            return Err(Error::Io(error));
        }
        if let Some((page, reading)) = s.pages.find(self.number) {
            if page.is_loaded() {
                let page = PinnedPage::new(Arc::clone(page));
                note_use(s, page.page());
                return Ok(Done(page));
            }
            if let Some(reading) = reading.filter(|reading| !reading.finished()) {
                let reading = reading.clone();
                self.awaited = Some(reading.clone());
                return s.wait(Site::PagerRead, reading);
            }
            let moved = reading.and_then(Completion::transferred).map(i32::cast_unsigned);
            let same = self.read.take_if(|read| Arc::ptr_eq(&read.page, page));
            let owns_read = same.is_some();
            if let (Some(read), Some(moved @ 1..)) = (same, moved)
                && let Some(request) = read.request.rest(moved)
            {
                return self.submit(s, PageRead { request, ..read });
            }
            s.pages.remove(self.number);
            if moved == Some(0) || (owns_read && moved.is_some()) || s.planted(Bug::CompletionErrorCountsAsSuccess) {
                return Err(Error::Corrupt("a page lies beyond the end of its file"));
            }
            // The read has failed, or whoever made it has given it up halfway. This one tries again.
        }
        if s.pages.is_full() && make_room(s, &mut self.spill) {
            return Ok(Continue);
        }
        let read = find_page(s, self.number)?;
        self.submit(s, read)
    }
}

impl GetPage {
    /// Submits a read; its page becomes resident when it is accepted. If there is no room for it the page is looked up
    /// again, from the start.
    fn submit(&mut self, s: &mut Session, read: PageRead) -> Turn<PinnedPage> {
        let (loading, log, conn) = (Arc::clone(&read.page), Arc::clone(&s.shared.log), s.conn);
        let (number, len, source) = (self.number, read.request.range().1, read.source);
        let stays_locked = s.planted(Bug::PageFailedReadStaysLocked);
        let callback = move |result: Result<(Arc<Buffer>, i32), CompletionError>| {
            if result.is_err() && stays_locked {
                return;
            }
            let whole = result.ok().filter(|(_, n)| n.cast_unsigned() == len);
            let loaded = whole.map(|(buffer, _)| buffer.read(digest));
            if let Some(digest) = loaded {
                log.push(Actor::Conn(conn), EventKind::PageLoaded { page: number, source, digest });
            }
            loading.end_read(loaded);
        };
        let completion =
            Completion::new_read_planted(s.shared.config.planted, Arc::clone(read.page.buffer()), callback);
        // With the buffer, which belongs to the page, this is all that the callback depends on.
        completion.set_label(match source {
            PageSource::Database => u64::from(number),
            PageSource::Frame(frame) => u64::from(number) | u64::from(frame) << 32,
        });
        match s.submit_with(read.request.clone(), completion)? {
            Submitted::RingFull => {
                s.pages.remove(number);
                s.emit(EventKind::Overflow { left: 1 });
                s.give_way(Site::RingFull)
            }
            Submitted::Accepted(completion) => {
                read.page.begin_read();
                s.pages.insert(Arc::clone(&read.page), Some(completion.clone()));
                (self.awaited, self.read) = (Some(completion.clone()), Some(read));
                s.wait(Site::PagerRead, completion)
            }
        }
    }
}

fn note_use(s: &Session, page: &Page) {
    s.emit(EventKind::PageUsed {
        page: page.number(),
        loaded: page.is_loaded(),
        locked: page.is_locked(),
        dirty: page.is_dirty(),
        digest: page.digest(),
    });
}

/// Evicts one page or starts to spill one. Returns whether another turn is needed; when every page is in use the cache
/// grows instead.
fn make_room(s: &mut Session, spill: &mut Option<Box<AppendFrames>>) -> bool {
    let Some(victim) = s.pages.victim() else {
        return false;
    };
    if victim.is_dirty() {
        // Page 1 is never spilled: its change counter is stamped at commit.
        if victim.number() == 1 {
            return false;
        }
        *spill = Some(Box::new(AppendFrames::spill(PinnedPage::new(victim))));
        s.spilling = true;
        return true;
    }
    s.pages.remove(victim.number());
    s.emit(EventKind::Evicted { page: victim.number(), dirty: victim.is_dirty(), pinned: victim.pins() > 0 });
    true
}

/// The read of a page of the snapshot that is not resident.
fn find_page(s: &Session, number: u32) -> Result<PageRead, Error> {
    let page_size = s.page_size();
    let view = &s.view;
    // On slot 0 the log is ignored: no frame of it can be newer than the database file.
    let frame = match view.slot {
        Some(0) => None,
        _ => s.shared.wal.index.lock().lookup(number, view.min_frame, view.header.mx_frame),
    };
    let (source, file, offset) = match frame {
        Some(frame) => {
            let offset = format::frame_offset(frame, page_size) + format::FRAME_HEADER_LEN as u64;
            (PageSource::Frame(frame), FileId::Wal, offset)
        }
        None if number == 0 => return Err(Error::Corrupt("page number 0")),
        None => (PageSource::Database, FileId::Database, u64::from(number - 1) * page_size as u64),
    };
    s.emit(EventKind::Lookup { page: number, source });
    let page = Page::new(number, page_size);
    let request = Request::read(file, offset, Arc::clone(page.buffer()));
    Ok(PageRead { page, source, request })
}

/// Gives page `number` filled with zeros and dirty, without reading it: for pages that are about to be written whole.
pub fn fresh_page(s: &mut Session, number: u32) -> PinnedPage {
    // A page that is still being read would be overwritten when its read ends: it makes room for another object.
    let takes_any = s.planted(Bug::ReentryReadCompletionDropped);
    let usable =
        s.pages.find(number).filter(|(page, _)| page.is_loaded() || takes_any).map(|(page, _)| Arc::clone(page));
    let page = usable.unwrap_or_else(|| {
        let page = Page::new(number, s.page_size());
        s.pages.insert(Arc::clone(&page), None);
        page
    });
    let page = PinnedPage::new(page);
    mark_dirty(s, &page);
    page.page().make_fresh();
    page
}

/// Announces that the page is about to be changed. Must come before the first change.
pub fn mark_dirty(s: &mut Session, page: &PinnedPage) {
    if page.page().make_dirty() {
        s.pages.add_dirty(page.number());
        s.emit(EventKind::Dirtied { page: page.number(), locked: page.page().is_locked() });
    }
}

//! Getting a page: from the cache, from the log, or from the database file.

use super::page::{Page, PinnedPage};
use super::savepoint::{journal_absence, journal_page};
use super::spill::{make_room_by_spill, prepare_spill, settle_spill};
use crate::bug::Bug;
use crate::digest::digest;
use crate::disk::{FileId, Request};
use crate::event::{Actor, EventKind, PageSource};
use crate::io::TransitionResult::{Continue, Done, Io};
use crate::io::{Buffer, Completion, CompletionError, StateTransition};
use crate::session::{CheckpointSource, Error, Session, Submitted, Turn};
use crate::site::Site;
use crate::sync::Arc;
use crate::turn;
use crate::wal::format;

/// Gives a pinned, loaded page of the connection's snapshot.
#[derive(Debug, Hash)]
pub struct GetPage {
    number: u32,
    has_shrunk: bool,
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
        Self { number, has_shrunk: false, awaited: None, read: None }
    }

    /// Whether it has not begun.
    pub(crate) fn is_fresh(&self) -> bool {
        !self.has_shrunk && self.awaited.is_none()
    }
}

impl StateTransition<Session> for GetPage {
    type Output = PinnedPage;
    type Error = Error;

    fn transition(&mut self, s: &mut Session) -> Turn<PinnedPage> {
        if let Some(turn) = prepare_spill(s) {
            turn!(turn);
            return Ok(Continue);
        }
        if let Some(error) = self.awaited.take_if(|read| read.finished()).and_then(|read| read.get_error())
            && !s.planted(Bug::CompletionErrorCountsAsSuccess)
        {
            return Err(Error::Io(error));
        }
        // A statement may have made more pages than the cache has room for: the excess leaves first. Once, or the page that
        // is wanted would be driven out again and again where all others are in use.
        if !self.has_shrunk {
            let turn = if s.pages.is_over(s.is_spilling()) { self.make_room(s) } else { None };
            // While it waits for the page that leaves it has not shrunk yet.
            self.has_shrunk = !matches!(turn, Some(Ok(Io(_))));
            if let Some(turn) = turn {
                return turn;
            }
        }
        let planted = s.shared.config.planted;
        if let Some((page, reading)) = s.pages.find(self.number) {
            let handed_out = self.awaited.is_none() && planted.is(Bug::PageInflightHandedOut);
            if page.is_loaded() || (handed_out && page.is_locked()) {
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
        if s.pages.is_full(s.is_spilling())
            && let Some(turn) = self.make_room(s)
        {
            return turn;
        }
        let read = find_page(s, self.number)?;
        self.submit(s, read)
    }
}

impl GetPage {
    /// Evicts or starts to spill one page; `None` if every page is in use, and the cache has to grow.
    fn make_room(&mut self, s: &mut Session) -> Option<Turn<PinnedPage>> {
        match s.pages.victim() {
            Some(victim) if !victim.is_dirty() => {
                evict(s, &victim);
                Some(Ok(Continue))
            }
            // Page 1 is never spilled: its change counter is stamped at commit.
            Some(victim) if victim.number() != 1 => Some(then_continue(make_room_by_spill(s, victim))),
            Some(_) | None => s.spills_itself().then(|| then_continue(settle_spill(s))),
        }
    }

    /// Submits a read; its page becomes resident when it is accepted. If there is no room for it the page is looked up
    /// again, from the start.
    fn submit(&mut self, s: &mut Session, read: PageRead) -> Turn<PinnedPage> {
        match submit_read(s, self.number, &read)? {
            // A page has a buffer of its own.
            Submitted::NoBuffer | Submitted::RingFull => {
                s.pages.remove(self.number);
                s.emit(EventKind::Overflow { left: 1 });
                s.give_way(Site::RingFull)
            }
            Submitted::Accepted(completion) => {
                (self.awaited, self.read) = (Some(completion.clone()), Some(read));
                s.wait(Site::PagerRead, completion)
            }
        }
    }
}

fn then_continue(turn: Turn<()>) -> Turn<PinnedPage> {
    turn!(turn);
    Ok(Continue)
}

/// Hands a read to the disk; an accepted one makes its page resident.
fn submit_read(s: &mut Session, number: u32, read: &PageRead) -> Result<Submitted, Error> {
    let (loading, log, conn) = (Arc::clone(&read.page), Arc::clone(&s.shared.log), s.conn);
    let (len, source) = (read.request.range().1, read.source);
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
    let completion = Completion::new_read_planted(s.shared.config.planted, Arc::clone(read.page.buffer()), callback);
    // With the buffer, which belongs to the page, this is all that the callback depends on.
    completion.set_label(match source {
        PageSource::Database => u64::from(number),
        PageSource::Frame(frame) => u64::from(number) | u64::from(frame) << 32,
    });
    let submitted = s.submit_page_read(read.request.clone(), completion)?;
    if let Submitted::Accepted(completion) = &submitted {
        read.page.begin_read();
        s.pages.insert(Arc::clone(&read.page), Some(completion.clone()));
    }
    Ok(submitted)
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

fn evict(s: &mut Session, victim: &Page) {
    s.pages.remove(victim.number());
    s.emit(EventKind::Evicted { page: victim.number(), dirty: victim.is_dirty(), pinned: victim.pins() > 0 });
}

/// Starts to read a page that will be wanted soon, if there is room for it in the cache and in the ring; nobody waits for
/// it here, and a refusal is for whoever wants the page to see.
pub(crate) fn read_ahead(s: &mut Session, number: u32) -> Result<(), Error> {
    if s.pages.find(number).is_none() && !s.pages.is_full(s.is_spilling()) {
        let read = find_page(s, number)?;
        let _nobody_waits = submit_read(s, number, &read);
    }
    Ok(())
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
        // What the transaction has added is in the cache or has a frame.
        None if number > view.header.pages => return Err(Error::Corrupt("a page beyond the end of the database")),
        None => (PageSource::Database, FileId::Database, u64::from(number - 1) * page_size as u64),
    };
    s.emit(EventKind::Lookup { page: number, source });
    let page = Page::new(number, page_size);
    if let PageSource::Frame(frame) = source
        && s.shared.config.checkpoint_source == CheckpointSource::Cache
    {
        page.set_image_of(view.header.salts, frame);
    }
    let request = Request::read(file, offset, Arc::clone(page.buffer()));
    Ok(PageRead { page, source, request })
}

/// Gives page `number` filled with zeros and dirty, without reading it: for pages that are about to be written whole.
pub fn fresh_page(s: &mut Session, number: u32) -> PinnedPage {
    // A page that is still being read would be overwritten when its read ends: it makes room for another object.
    let takes_any = s.planted(Bug::ReentryReadCompletionDropped);
    let usable =
        s.pages.find(number).filter(|(page, _)| page.is_loaded() || takes_any).map(|(page, _)| Arc::clone(page));
    let page = match usable {
        Some(page) => page,
        None => {
            journal_absence(s, number);
            let page = Page::new(number, s.page_size());
            s.pages.insert(Arc::clone(&page), None);
            page
        }
    };
    let page = PinnedPage::new(page);
    mark_dirty(s, &page);
    page.page().make_fresh();
    page
}

/// Announces that the page is about to be changed. Must come before the first change.
pub fn mark_dirty(s: &mut Session, page: &PinnedPage) {
    journal_page(s, page.page());
    make_dirty(s, page);
}

/// Puts a page on the dirty list; what a savepoint needs of it must be in the subjournal by then.
pub(crate) fn make_dirty(s: &mut Session, page: &PinnedPage) {
    if page.page().make_dirty() {
        s.pages.add_dirty(page.number());
        s.emit(EventKind::Dirtied { page: page.number(), locked: page.page().is_locked() });
    }
}

//! Getting a page: from the cache, from the log, or from the database file.

use super::page::{Page, PinnedPage};
use crate::digest::digest;
use crate::disk::{FileId, Request};
use crate::event::{Actor, EventKind, PageSource};
use crate::io::TransitionResult::{Continue, Done};
use crate::io::{Completion, StateTransition};
use crate::session::{Error, Session, Turn};
use crate::site::Site;
use crate::sync::Arc;
use crate::turn;
use crate::wal::{AppendFrames, format};

/// Gives a pinned, loaded page of the connection's snapshot.
#[derive(Debug)]
pub struct GetPage {
    number: u32,
    spill: Option<Box<AppendFrames>>,
}

impl GetPage {
    /// A machine that gets page `number`.
    pub fn new(number: u32) -> Self {
        Self { number, spill: None }
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
        if let Some((page, reading)) = s.pages.find(self.number) {
            if page.is_loaded() {
                let page = PinnedPage::new(Arc::clone(page));
                note_use(s, page.page());
                return Ok(Done(page));
            }
            if let Some(reading) = reading.filter(|reading| !reading.finished()) {
                let reading = reading.clone();
                return s.wait(Site::PagerRead, reading);
            }
            let short = reading.is_some_and(Completion::succeeded);
            s.pages.remove(self.number);
            if short {
                return Err(Error::Corrupt("a page lies beyond the end of its file"));
            }
            // The read has failed; whoever waited for it has been told. This one tries again.
        }
        if s.pages.is_full() && make_room(s, &mut self.spill) {
            return Ok(Continue);
        }
        let reading = submit_read(s, self.number)?;
        s.wait(Site::PagerRead, reading)
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

/// Starts the read of a page that is not resident.
fn submit_read(s: &mut Session, number: u32) -> Result<Completion, Error> {
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
    page.begin_read();
    let (loading, log, conn) = (Arc::clone(&page), Arc::clone(&s.shared.log), s.conn);
    let completion = Completion::new_read_planted(s.shared.config.planted, Arc::clone(page.buffer()), move |result| {
        let whole = result.ok().filter(|(_, n)| n.cast_unsigned() as usize == page_size);
        let loaded = whole.map(|(buffer, _)| buffer.read(digest));
        if let Some(digest) = loaded {
            log.push(Actor::Conn(conn), EventKind::PageLoaded { page: number, source, digest });
        }
        loading.end_read(loaded);
    });
    let request = Request::Read { file, offset, buffer: Arc::clone(page.buffer()) };
    s.pages.insert(page, Some(completion.clone()));
    s.shared.disk.submit(s.conn, request, completion.clone());
    Ok(completion)
}

/// Gives page `number` filled with zeros and dirty, without reading it: for pages that are about to be written whole.
pub fn fresh_page(s: &mut Session, number: u32) -> PinnedPage {
    let usable = s.pages.find(number).filter(|(page, _)| page.is_loaded()).map(|(page, _)| Arc::clone(page));
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
        s.emit(EventKind::Dirtied { page: page.number() });
    }
}

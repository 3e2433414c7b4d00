//! The table's layout: where its root is. It may change, and who has read it must notice.
//!
//! A connection reads the layout from page 1 and keeps it with the schema cookie that it was read under. Each statement
//! compares cookies first and reads the layout again where they differ ("Database File Format" §1.3.8). That rests on equal
//! cookies meaning equal layouts, which a rollback breaks: it gives the cookie free for another change. So what was read of
//! a change that is undone must be forgotten.

use strum::VariantNames;

use super::format::{page1, read_schema, write_schema};
use super::freelist::{FreePage, allocate_page, field, set_field};
use crate::bug::Bug;
use crate::event::EventKind;
use crate::io::StateTransition;
use crate::io::TransitionResult::{Continue, Done};
use crate::pager::{GetPage, PinnedPage, mark_dirty};
use crate::session::{Error, Session, Turn};
use crate::turn;
use crate::visits::first_state;

/// What a connection knows of the layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Layout {
    /// The schema cookie under which it was read; 0 is no database's, so it is read at the next occasion.
    pub cookie: u32,
    /// The table's root page.
    pub root: u32,
}

impl Layout {
    /// Before anything is read. Where layouts never change it is all there is to know.
    pub(crate) const UNREAD: Self = Self { cookie: 0, root: super::ROOT };
}

/// What the transaction under way had changed is undone, or may be.
pub(crate) fn forget_undone_layout(s: &mut Session) {
    if !s.planted(Bug::SchemaCookieAba) {
        s.layout.cookie = Layout::UNREAD.cookie;
    }
}

/// Finds out which layout the statement goes by.
#[derive(Debug, Hash)]
pub(crate) struct ReadLayout(GetPage);

impl Default for ReadLayout {
    fn default() -> Self {
        Self(GetPage::new(1))
    }
}

impl StateTransition<Session> for ReadLayout {
    type Output = ();
    type Error = Error;

    fn transition(&mut self, s: &mut Session) -> Turn<()> {
        let first = turn!(self.0.transition(s));
        let cookie = field(&first, page1::SCHEMA_COOKIE);
        if s.layout.cookie != cookie {
            s.layout = Layout { cookie, root: first.read(read_schema)? };
        }
        s.emit(EventKind::LayoutUsed { cookie: s.layout.cookie, root: s.layout.root });
        Ok(Done(()))
    }
}

/// Moves the table's root to another page, and counts the schema cookie up.
#[derive(Debug, Default, Hash)]
pub struct ChangeLayout {
    state: State,
    /// The old root, then the new one.
    pinned: Vec<PinnedPage>,
}

#[derive(Debug, Default, Hash, VariantNames)]
pub(super) enum State {
    #[default]
    Begin,
    Root(GetPage),
    Allocate,
    Free(FreePage),
    Publish(GetPage),
}

impl StateTransition<Session> for ChangeLayout {
    type Output = ();
    type Error = Error;

    fn transition(&mut self, s: &mut Session) -> Turn<()> {
        s.enter(const { first_state("table.layout") }, &self.state);
        match &mut self.state {
            State::Begin => {
                self.state = State::Root(GetPage::new(s.layout.root));
                Ok(Continue)
            }
            State::Root(get) => {
                let root = turn!(get.transition(s));
                self.pinned.push(root);
                self.state = State::Allocate;
                Ok(Continue)
            }
            State::Allocate => {
                let new = turn!(allocate_page(s));
                let old = &self.pinned[0];
                let bytes = old.read(<[u8]>::to_vec);
                new.write(|out| out.copy_from_slice(&bytes));
                self.state = State::Free(FreePage::new(old.number()));
                self.pinned.push(new);
                Ok(Continue)
            }
            State::Free(free) => {
                turn!(free.transition(s));
                self.state = State::Publish(GetPage::new(1));
                Ok(Continue)
            }
            State::Publish(get) => {
                let first = turn!(get.transition(s));
                mark_dirty(s, &first);
                let layout = Layout {
                    cookie: field(&first, page1::SCHEMA_COOKIE).wrapping_add(1).max(1),
                    root: self.pinned[1].number(),
                };
                set_field(&first, page1::SCHEMA_COOKIE, layout.cookie);
                first.write(|page| write_schema(page, layout.root));
                s.emit(EventKind::LayoutChanged { cookie: layout.cookie, root: layout.root });
                s.layout = layout;
                Ok(Done(()))
            }
        }
    }
}

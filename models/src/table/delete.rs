//! Deleting one row.

use strum::VariantNames;

use super::freelist::FreePage;
use super::node::{self, Children};
use super::overflow::FreeChain;
use super::seek::{Path, Seek};
use crate::bug::Bug;
use crate::io::StateTransition;
use crate::io::TransitionResult::{Continue, Done, Io};
use crate::pager::{GetPage, PinnedPage, mark_dirty};
use crate::session::{Error, Session, Turn};
use crate::turn;
use crate::visits::first_state;

/// Removes a key and its value; gives whether it was there.
#[derive(Debug, Hash)]
pub struct Delete {
    key: i64,
    state: State,
    path: Option<Path>,
}

#[derive(Debug, Hash, VariantNames)]
pub(super) enum State {
    Seek(Seek),
    FreeChain(FreeChain),
    Remove,
    /// The leaf has become empty and is not the root any more.
    FreeLeaf(FreePage),
    /// The root is left with one child, which moves into it.
    Collapse(GetPage),
    FreeChild(FreePage),
}

impl Delete {
    /// A machine that deletes `key`.
    pub fn new(key: i64) -> Self {
        Self { key, state: State::Seek(Seek::new(key)), path: None }
    }

    /// Takes the cell out of its leaf; returns the leaf's remaining cells.
    fn remove_cell(&self, s: &mut Session, leaf: &PinnedPage) -> Result<usize, Error> {
        let cells: Vec<Vec<u8>> = leaf.read(|page| {
            let cells = node::leaf_cells(page)?;
            Ok::<_, Error>(cells.iter().filter(|cell| cell.key != self.key).map(|cell| cell.bytes.to_vec()).collect())
        })?;
        mark_dirty(s, leaf);
        leaf.write(|page| node::write_leaf(page, cells.iter().map(Vec::as_slice)));
        Ok(cells.len())
    }
}

impl StateTransition<Session> for Delete {
    type Output = bool;
    type Error = Error;

    fn transition(&mut self, s: &mut Session) -> Turn<bool> {
        s.enter(const { first_state("table.delete") }, &self.state);
        match &mut self.state {
            State::Seek(seek) => {
                let path = turn!(seek.transition(s));
                let found = path.leaf.read(|page| {
                    Ok::<_, Error>(node::find_in_leaf(page, self.key)?.ok().map(|cell| cell.overflow.unwrap_or(0)))
                })?;
                let Some(chain) = found else {
                    return Ok(Done(false));
                };
                self.path = Some(path);
                self.state = State::FreeChain(FreeChain::new(chain));
                Ok(Continue)
            }
            State::FreeChain(free) => {
                let turn = free.transition(s)?;
                if !(s.planted(Bug::ReentryFreeChainIoIgnored) && matches!(turn, Io(_))) {
                    turn!(Ok::<_, Error>(turn));
                }
                self.state = State::Remove;
                Ok(Continue)
            }
            State::Remove => {
                let path = self.path.take().expect("the leaf was found");
                let left = self.remove_cell(s, &path.leaf)?;
                let Some((root, position)) = path.parent.filter(|_| left == 0) else {
                    return Ok(Done(true));
                };
                let mut children = root.read(Children::read)?;
                children.remove(position);
                mark_dirty(s, &root);
                root.write(|page| children.write(page));
                self.state = State::FreeLeaf(FreePage::new(path.leaf.number()));
                Ok(Continue)
            }
            State::FreeLeaf(free) => {
                turn!(free.transition(s));
                self.state = State::Collapse(GetPage::new(s.layout.root));
                Ok(Continue)
            }
            State::Collapse(get) => {
                let page = turn!(get.transition(s));
                if page.number() == s.layout.root {
                    let children = page.read(Children::read)?;
                    if children.len() > 1 {
                        return Ok(Done(true));
                    }
                    // Keep the root pinned while its only child is fetched.
                    self.path = Some(Path { leaf: page, parent: None });
                    self.state = State::Collapse(GetPage::new(children.right));
                    return Ok(Continue);
                }
                let root = self.path.take().expect("the root is pinned").leaf;
                mark_dirty(s, &root);
                let bytes = page.read(<[u8]>::to_vec);
                root.write(|out| out.copy_from_slice(&bytes));
                self.state = State::FreeChild(FreePage::new(page.number()));
                Ok(Continue)
            }
            State::FreeChild(free) => {
                turn!(free.transition(s));
                Ok(Done(true))
            }
        }
    }
}

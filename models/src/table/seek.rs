//! From the root to the leaf that holds a key.

use super::node::{self, Children, Kind};
use crate::io::StateTransition;
use crate::io::TransitionResult::{Continue, Done};
use crate::pager::{GetPage, PinnedPage};
use crate::session::{Error, Session, Turn};
use crate::turn;

/// The pinned pages on the way to a leaf.
#[derive(Debug, Hash)]
pub(super) struct Path {
    /// The leaf.
    pub leaf: PinnedPage,
    /// The root and the leaf's position in it; `None` if the root is the leaf.
    pub parent: Option<(PinnedPage, usize)>,
}

/// Finds the leaf of a key.
#[derive(Debug, Hash)]
pub(super) struct Seek {
    key: i64,
    /// Nothing before the first turn: where the root is depends on the layout.
    get: Option<GetPage>,
    parent: Option<(PinnedPage, usize)>,
}

impl Seek {
    pub(super) fn new(key: i64) -> Self {
        Self { key, get: None, parent: None }
    }
}

impl StateTransition<Session> for Seek {
    type Output = Path;
    type Error = Error;

    fn transition(&mut self, s: &mut Session) -> Turn<Path> {
        let root = s.layout.root;
        let page = turn!(self.get.get_or_insert_with(|| GetPage::new(root)).transition(s));
        match (page.read(node::kind)?, self.parent.take()) {
            (Kind::Leaf, parent) => Ok(Done(Path { leaf: page, parent })),
            (Kind::Interior, None) => {
                let children = page.read(Children::read)?;
                let position = children.position(self.key);
                self.get = Some(GetPage::new(children.child(position)));
                self.parent = Some((page, position));
                Ok(Continue)
            }
            (Kind::Interior, Some(_)) => Err(Error::Corrupt("the tree has more than two levels")),
        }
    }
}

//! Reading or counting all rows.

use super::ROOT;
use super::format::decode_record;
use super::node::{self, Children, Kind};
use super::overflow::ReadPayload;
use crate::io::StateTransition;
use crate::io::TransitionResult::{Continue, Done};
use crate::pager::{GetPage, PinnedPage};
use crate::session::{Error, Session, Turn};
use crate::turn;

/// Gives the leaves one after the other, from the smallest key.
#[derive(Debug, Hash)]
struct Leaves {
    root: Option<PinnedPage>,
    position: usize,
    get: Option<GetPage>,
}

impl Leaves {
    fn new() -> Self {
        Self { root: None, position: 0, get: Some(GetPage::new(ROOT)) }
    }
}

impl StateTransition<Session> for Leaves {
    type Output = Option<PinnedPage>;
    type Error = Error;

    fn transition(&mut self, s: &mut Session) -> Turn<Option<PinnedPage>> {
        let Some(get) = &mut self.get else {
            let Some(root) = &self.root else {
                return Ok(Done(None));
            };
            let children = root.read(Children::read)?;
            if self.position == children.len() {
                self.root = None;
                return Ok(Done(None));
            }
            self.get = Some(GetPage::new(children.child(self.position)));
            self.position += 1;
            return Ok(Continue);
        };
        let page = turn!(get.transition(s));
        self.get = None;
        match page.read(node::kind)? {
            Kind::Leaf => Ok(Done(Some(page))),
            Kind::Interior if self.root.is_none() => {
                self.root = Some(page);
                Ok(Continue)
            }
            Kind::Interior => Err(Error::Corrupt("the tree has more than two levels")),
        }
    }
}

/// Gives every row in ascending order of keys.
#[derive(Debug, Hash)]
pub struct Scan {
    leaves: Leaves,
    /// The leaf being read and the next cell in it.
    leaf: Option<(PinnedPage, usize)>,
    reading: Option<(i64, ReadPayload)>,
    rows: Vec<(i64, Vec<u8>)>,
}

impl Default for Scan {
    fn default() -> Self {
        Self { leaves: Leaves::new(), leaf: None, reading: None, rows: Vec::new() }
    }
}

impl StateTransition<Session> for Scan {
    type Output = Vec<(i64, Vec<u8>)>;
    type Error = Error;

    fn transition(&mut self, s: &mut Session) -> Turn<Self::Output> {
        if let Some((key, read)) = &mut self.reading {
            let record = turn!(read.transition(s));
            let row = (*key, decode_record(&record)?.to_vec());
            self.reading = None;
            self.rows.push(row);
            return Ok(Continue);
        }
        let Some((leaf, next)) = &mut self.leaf else {
            let Some(leaf) = turn!(self.leaves.transition(s)) else {
                return Ok(Done(std::mem::take(&mut self.rows)));
            };
            self.leaf = Some((leaf, 0));
            return Ok(Continue);
        };
        self.reading = leaf.read(|page| {
            Ok::<_, Error>(node::leaf_cells(page)?.get(*next).map(|cell| (cell.key, ReadPayload::new(cell))))
        })?;
        *next += 1;
        if self.reading.is_none() {
            self.leaf = None;
        }
        Ok(Continue)
    }
}

/// Counts the rows.
#[derive(Debug, Hash)]
pub struct Count {
    leaves: Leaves,
    rows: u64,
}

impl Default for Count {
    fn default() -> Self {
        Self { leaves: Leaves::new(), rows: 0 }
    }
}

impl StateTransition<Session> for Count {
    type Output = u64;
    type Error = Error;

    fn transition(&mut self, s: &mut Session) -> Turn<u64> {
        let Some(leaf) = turn!(self.leaves.transition(s)) else {
            return Ok(Done(self.rows));
        };
        self.rows += leaf.read(node::cell_count) as u64;
        Ok(Continue)
    }
}

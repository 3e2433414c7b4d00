//! Reading or counting all rows.

use strum::VariantNames;

use super::format::decode_record;
use super::node::{self, Children, Kind};
use super::overflow::ReadPayload;
use crate::bug::Bug;
use crate::io::StateTransition;
use crate::io::TransitionResult::{Continue, Done};
use crate::pager::{GetPage, PinnedPage, read_ahead};
use crate::session::{Error, Session, Turn};
use crate::turn;
use crate::visits::first_state;

/// Gives the leaves one after the other, ascending, and has the next one read ahead.
///
/// Between two leaves it holds no page, so it finds its position in the root anew each time, as a cursor does that has
/// let its path go.
#[derive(Debug, Hash)]
struct Leaves {
    /// Rows up to this key have been seen.
    after: Option<i64>,
    /// The position in the root of the next leaf; `None` until the root has told.
    position: Option<usize>,
    /// Whether the leaf given last is the last one.
    at_last: bool,
    state: LeavesState,
}

#[derive(Debug, Hash, VariantNames)]
pub(super) enum LeavesState {
    Root(Option<GetPage>),
    Leaf(GetPage),
    Ended,
}

impl Leaves {
    fn new(after: Option<i64>) -> Self {
        Self { after, position: None, at_last: false, state: LeavesState::Root(None) }
    }

    /// Finds the next leaf in the root, which may be the only leaf itself.
    fn descend(&mut self, s: &mut Session, root: PinnedPage) -> Turn<Option<PinnedPage>> {
        if root.read(node::kind)? == Kind::Leaf {
            self.state = LeavesState::Ended;
            self.at_last = true;
            return Ok(Done(Some(root)));
        }
        let children = root.read(Children::read)?;
        let position = self.position.unwrap_or_else(|| self.after.map_or(0, |key| children.position(key)));
        if position == children.len() {
            return Ok(Done(None));
        }
        if position + 1 < children.len() {
            read_ahead(s, children.child(position + 1))?;
        }
        self.position = Some(position + 1);
        self.at_last = position + 1 == children.len();
        self.state = LeavesState::Leaf(GetPage::new(children.child(position)));
        Ok(Continue)
    }
}

impl StateTransition<Session> for Leaves {
    type Output = Option<PinnedPage>;
    type Error = Error;

    fn transition(&mut self, s: &mut Session) -> Turn<Option<PinnedPage>> {
        s.enter(const { first_state("table.leaves") }, &self.state);
        match &mut self.state {
            LeavesState::Root(get) => {
                let root = s.layout.root;
                let root = turn!(get.get_or_insert_with(|| GetPage::new(root)).transition(s));
                self.descend(s, root)
            }
            LeavesState::Leaf(get) => {
                let page = turn!(get.transition(s));
                self.state = LeavesState::Root(None);
                match page.read(node::kind)? {
                    Kind::Leaf => Ok(Done(Some(page))),
                    Kind::Interior => Err(Error::Corrupt("the tree has more than two levels")),
                }
            }
            LeavesState::Ended => Ok(Done(None)),
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
        Self { leaves: Leaves::new(None), leaf: None, reading: None, rows: Vec::new() }
    }
}

impl Scan {
    /// Lets all pages go and goes on behind the last row, by its key: the pages may be out of date.
    pub(crate) fn reposition(&mut self) {
        let after = self.rows.last().map(|(key, _)| *key);
        *self = Self { leaves: Leaves::new(after), rows: std::mem::take(&mut self.rows), ..Self::default() };
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
            let first = match self.rows.last() {
                Some((last, _)) => leaf.read(|page| node::leaf_position(page, last.saturating_add(1)))?,
                None => 0,
            };
            self.leaf = Some((leaf, first));
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
    /// The largest key counted.
    last: Option<i64>,
    /// Only with [`Bug::ReentryCountLastPageTwice`]: the leaf just counted.
    counted: Option<PinnedPage>,
}

impl Default for Count {
    fn default() -> Self {
        Self { leaves: Leaves::new(None), rows: 0, last: None, counted: None }
    }
}

impl Count {
    /// Lets all pages go and goes on behind the last row counted: the pages may be out of date.
    pub(crate) fn reposition(&mut self) {
        *self = Self { leaves: Leaves::new(self.last), ..std::mem::take(self) };
    }

    fn add(&mut self, leaf: &PinnedPage) -> Result<(), Error> {
        let (first, cells, last) = leaf.read(|page| {
            let first = self.last.map_or(Ok(0), |last| node::leaf_position(page, last.saturating_add(1)))?;
            let cells = node::leaf_cells(page)?;
            Ok::<_, Error>((first, cells.len(), cells.last().map(|cell| cell.key)))
        })?;
        self.rows += (cells - first) as u64;
        self.last = self.last.max(last);
        Ok(())
    }
}

impl StateTransition<Session> for Count {
    type Output = u64;
    type Error = Error;

    fn transition(&mut self, s: &mut Session) -> Turn<u64> {
        if let Some(leaf) = &self.counted {
            // The planted bug: adding and moving on are one state, which is entered again if the move yields.
            self.rows += leaf.read(node::cell_count) as u64;
            let last_move = loop {
                match self.leaves.transition(s)? {
                    Continue => {}
                    other => break other,
                }
            };
            turn!(Ok::<_, Error>(last_move));
            return Ok(Done(self.rows));
        }
        let Some(leaf) = turn!(self.leaves.transition(s)) else {
            return Ok(Done(self.rows));
        };
        if self.leaves.at_last && s.planted(Bug::ReentryCountLastPageTwice) {
            self.counted = Some(leaf);
            return Ok(Continue);
        }
        self.add(&leaf)?;
        Ok(Continue)
    }
}

//! The cells of one b-tree page ("Database File Format" §1.6): reading them in place, writing a page whole.

use super::format::{local_len, read_varint};
use crate::session::Error;
use crate::wal::format::be32;

/// Bytes of a leaf's page header; an interior page has four more.
const LEAF_HEADER: usize = 8;
const INTERIOR_HEADER: usize = 12;
const LEAF: u8 = 13;
const INTERIOR: u8 = 5;

/// What a page is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Holds rows.
    Leaf,
    /// Holds children.
    Interior,
}

fn be16(bytes: &[u8], at: usize) -> usize {
    usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]))
}

/// What kind of b-tree page this is.
///
/// # Errors
/// [`Error::Corrupt`] if it is none.
pub fn kind(page: &[u8]) -> Result<Kind, Error> {
    match page[0] {
        LEAF => Ok(Kind::Leaf),
        INTERIOR => Ok(Kind::Interior),
        _ => Err(Error::Corrupt("not a table b-tree page")),
    }
}

/// A row's cell in a leaf.
#[derive(Clone, Copy, Debug)]
pub struct LeafCell<'a> {
    /// The row's key.
    pub key: i64,
    /// Bytes of the whole payload.
    pub payload: usize,
    /// The part of the payload that is stored here.
    pub local: &'a [u8],
    /// The first overflow page, if there is more.
    pub overflow: Option<u32>,
    /// All bytes of the cell.
    pub bytes: &'a [u8],
}

const BAD_CELL: Error = Error::Corrupt("a cell does not lie within its page");

/// Cell `index` of a leaf.
fn leaf_cell(page: &[u8], index: usize) -> Result<LeafCell<'_>, Error> {
    let pointer = LEAF_HEADER + 2 * index;
    let start = be16(page.get(pointer..pointer + 2).ok_or(BAD_CELL)?, 0);
    let cell = page.get(start..).ok_or(BAD_CELL)?;
    let (payload, a) = read_varint(cell).ok_or(BAD_CELL)?;
    let (key, b) = read_varint(&cell[a..]).ok_or(BAD_CELL)?;
    let payload = usize::try_from(payload).ok().filter(|&len| len < 1 << 30).ok_or(BAD_CELL)?;
    let local = local_len(page.len(), payload);
    let end = a + b + local;
    let body = cell.get(a + b..end).ok_or(BAD_CELL)?;
    let (overflow, end) =
        if local < payload { (Some(be32(cell.get(end..end + 4).ok_or(BAD_CELL)?, 0)), end + 4) } else { (None, end) };
    Ok(LeafCell { key: key.cast_signed(), payload, local: body, overflow, bytes: &cell[..end] })
}

/// All cells of a leaf in ascending order of keys.
pub fn leaf_cells(page: &[u8]) -> Result<Vec<LeafCell<'_>>, Error> {
    (0..cell_count(page)).map(|index| leaf_cell(page, index)).collect()
}

/// How many cells a page has.
pub fn cell_count(page: &[u8]) -> usize {
    be16(page, 3)
}

/// The index of the first cell of a leaf whose key is not below `key`.
pub fn leaf_position(page: &[u8], key: i64) -> Result<usize, Error> {
    let (mut low, mut high) = (0, cell_count(page));
    while low < high {
        let middle = usize::midpoint(low, high);
        if leaf_cell(page, middle)?.key < key {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

/// Finds a key in a leaf: the cell, or the index at which it would have to be inserted.
pub fn find_in_leaf(page: &[u8], key: i64) -> Result<Result<LeafCell<'_>, usize>, Error> {
    let at = leaf_position(page, key)?;
    let found = if at < cell_count(page) { Some(leaf_cell(page, at)?) } else { None };
    Ok(found.filter(|cell| cell.key == key).ok_or(at))
}

/// How many bytes cells may take in a leaf, each with its two-byte pointer.
pub fn leaf_capacity(page_size: usize) -> usize {
    page_size - LEAF_HEADER
}

/// Makes the page a leaf that holds exactly these cells, packed from the end.
pub fn write_leaf<'a>(page: &mut [u8], cells: impl ExactSizeIterator<Item = &'a [u8]>) {
    write_page(page, LEAF, LEAF_HEADER, cells);
}

fn write_page<'a>(page: &mut [u8], kind: u8, header: usize, cells: impl ExactSizeIterator<Item = &'a [u8]>) {
    page.fill(0);
    page[0] = kind;
    page[3..5].copy_from_slice(&(cells.len() as u16).to_be_bytes());
    let mut end = page.len();
    for (i, cell) in cells.enumerate() {
        // A cell shorter than four bytes occupies four, so that it can become a freeblock.
        let start = end - cell.len().max(4);
        page[start..start + cell.len()].copy_from_slice(cell);
        page[header + 2 * i..header + 2 * i + 2].copy_from_slice(&(start as u16).to_be_bytes());
        end = start;
    }
    page[5..7].copy_from_slice(&(end as u16).to_be_bytes());
}

/// The children of an interior page: keys up to `key` lie in `child`, the rest in `right`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Children {
    /// The children but the last, with their largest key.
    pub cells: Vec<(u32, i64)>,
    /// The last child.
    pub right: u32,
}

impl Children {
    /// Reads an interior page.
    pub fn read(page: &[u8]) -> Result<Self, Error> {
        let cell = |index: usize| {
            let pointer = INTERIOR_HEADER + 2 * index;
            let start = be16(page.get(pointer..pointer + 2).ok_or(BAD_CELL)?, 0);
            let bytes = page.get(start..).filter(|bytes| bytes.len() > 4).ok_or(BAD_CELL)?;
            let (key, _) = read_varint(&bytes[4..]).ok_or(BAD_CELL)?;
            Ok((be32(bytes, 0), key.cast_signed()))
        };
        let cells = (0..cell_count(page)).map(cell).collect::<Result<_, Error>>()?;
        Ok(Self { cells, right: be32(page, 8) })
    }

    /// Writes an interior page.
    pub fn write(&self, page: &mut [u8]) {
        let cells: Vec<Vec<u8>> = self.cells.iter().map(|&(child, key)| encode_child(child, key)).collect();
        write_page(page, INTERIOR, INTERIOR_HEADER, cells.iter().map(Vec::as_slice));
        page[8..12].copy_from_slice(&self.right.to_be_bytes());
    }

    /// Whether the page has room for `more` cells of any key.
    pub fn has_room(&self, page_size: usize, more: usize) -> bool {
        let used: usize = self.cells.iter().map(|&(child, key)| encode_child(child, key).len() + 2).sum();
        INTERIOR_HEADER + used + more * (4 + 9 + 2) <= page_size
    }

    /// The position of the child that holds `key`; the last child's position is the number of cells.
    pub fn position(&self, key: i64) -> usize {
        self.cells.partition_point(|&(_, largest)| largest < key)
    }

    /// The child at a position.
    pub fn child(&self, position: usize) -> u32 {
        self.cells.get(position).map_or(self.right, |&(child, _)| child)
    }

    /// How many children there are.
    pub fn len(&self) -> usize {
        self.cells.len() + 1
    }

    /// Never: an interior page has at least its right child.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Takes out the child at a position; its keys now belong to its right neighbour (or, for the last, to the left).
    ///
    /// # Panics
    /// If it is the only child.
    pub fn remove(&mut self, position: usize) {
        if position < self.cells.len() {
            self.cells.remove(position);
        } else {
            self.right = self.cells.pop().expect("not the only child").0;
        }
    }
}

fn encode_child(child: u32, key: i64) -> Vec<u8> {
    let mut out = child.to_be_bytes().to_vec();
    super::format::push_varint(&mut out, key.cast_unsigned());
    out
}

//! Reads the rows of `kv` from a tree that any engine has built: of any depth, with free space anywhere in its pages.
//!
//! Pages are not accounted for here: that is asked of SQLite and of the engine itself. What the two differ in is read both
//! ways: SQLite stores the key's column as NULL, other engines may store the key there as well.

use super::log::header_is_whole;
use super::tree::{Problem, schema_row, varint};
use super::{Rows, u32_at};

/// No tree of a run is deeper.
const DEPTH_MAX: u32 = 20;

/// What SQLite takes for the version of a log; it opens no database beside a log of another one.
const LOG_VERSION: u32 = 3_007_000;

/// Another version that a log claims to be of, if it is one: SQLite reads no further then.
pub fn foreign_version(log: &[u8]) -> Option<u32> {
    let (magic, version) = (u32_at(log, 0), u32_at(log, 4));
    let is_log = log.len() >= 32 && matches!(magic, 0x377f_0682 | 0x377f_0683) && header_is_whole(log);
    (is_log && version != LOG_VERSION).then_some(version)
}

/// Reads all rows.
///
/// # Errors
/// The first page that cannot be part of such a tree.
pub fn read_any_rows(image: &[u8], page_size: usize) -> Result<Rows, Problem> {
    let mut reader = Reader { image, page_size, rows: Rows::new() };
    let schema =
        schema_row(image).ok_or_else(|| Problem { page: 1, what: "does not say where the table is".into() })?;
    reader.page(schema.root, DEPTH_MAX)?;
    Ok(reader.rows)
}

struct Reader<'a> {
    image: &'a [u8],
    page_size: usize,
    rows: Rows,
}

impl<'a> Reader<'a> {
    fn bytes(&self, page: u32) -> Result<&'a [u8], Problem> {
        let start = (page as usize).wrapping_sub(1).checked_mul(self.page_size);
        let bytes = start.and_then(|start| self.image.get(start..start + self.page_size));
        bytes.ok_or_else(|| Problem { page, what: "is not in the database".into() })
    }

    fn page(&mut self, page: u32, depth: u32) -> Result<(), Problem> {
        let problem = |what: &str| Problem { page, what: what.into() };
        let bytes = self.bytes(page)?;
        let cells = usize::from(u16::from_be_bytes([bytes[3], bytes[4]]));
        let array = if bytes[0] == 5 { 12 } else { 8 };
        let places = bytes.get(array..array + 2 * cells).ok_or_else(|| problem("says that it has too many cells"))?;
        let places = places.chunks_exact(2).map(|place| usize::from(u16::from_be_bytes([place[0], place[1]])));
        match (bytes[0], depth.checked_sub(1)) {
            (13, _) => places.into_iter().try_for_each(|at| self.row(page, bytes, at)),
            (5, Some(depth)) => {
                for at in places {
                    self.page(u32_at(bytes, at), depth)?;
                }
                self.page(u32_at(bytes, 8), depth)
            }
            _ => Err(problem("is no page of a table")),
        }
    }

    fn row(&mut self, page: u32, bytes: &'a [u8], at: usize) -> Result<(), Problem> {
        let bad = || Problem { page, what: format!("has a malformed cell at offset {at}") };
        let (total, a) = bytes.get(at..).and_then(varint).ok_or_else(bad)?;
        let (key, b) = bytes.get(at + a..).and_then(varint).ok_or_else(bad)?;
        let total = usize::try_from(total).ok().filter(|total| *total <= self.image.len()).ok_or_else(bad)?;
        let (start, usable) = (at + a + b, self.page_size);
        let (most, least) = (usable - 35, (usable - 12) * 32 / 255 - 23);
        let here = match total {
            _ if total <= most => total,
            _ if least + (total - least) % (usable - 4) <= most => least + (total - least) % (usable - 4),
            _ => least,
        };
        let mut payload = bytes.get(start..start + here).ok_or_else(bad)?.to_vec();
        let mut next = if here < total { u32_at(bytes, start + here) } else { 0 };
        while payload.len() < total {
            let chunk = self.bytes(next)?;
            let wanted = (total - payload.len()).min(usable - 4);
            payload.extend_from_slice(&chunk[4..4 + wanted]);
            next = u32_at(chunk, 0);
        }
        let key = key.cast_signed();
        let value = value(&payload).ok_or_else(bad)?;
        match self.rows.insert(key, value.to_vec()) {
            None => Ok(()),
            Some(_) => Err(Problem { page, what: format!("holds key {key} a second time") }),
        }
    }
}

/// The blob of a record of two columns, of which the first is the key or NULL.
fn value(record: &[u8]) -> Option<&[u8]> {
    let (header, a) = varint(record)?;
    let (first, b) = varint(record.get(a..)?)?;
    let (kind, c) = varint(record.get(a + b..)?)?;
    let key = match first {
        key @ 0..=4 => key as usize,
        5 => 6,
        6 => 8,
        8 | 9 => 0,
        _ => return None,
    };
    let value = record.get(usize::try_from(header).ok()? + key..)?;
    let whole = kind >= 12 && kind.is_multiple_of(2) && (a + b + c) as u64 == header;
    (whole && value.len() as u64 == (kind - 12) / 2).then_some(value)
}

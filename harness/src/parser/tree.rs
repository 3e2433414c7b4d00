//! Reading the rows of `kv` and accounting for every page: tree, overflow chains and freelist use each exactly once.

use std::collections::BTreeMap;

use super::u32_at;

/// The rows of the table.
pub type Rows = BTreeMap<i64, Vec<u8>>;

/// What is wrong with a database, and with which page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The page.
    pub page: u32,
    /// What is wrong.
    pub what: String,
}

struct Walk<'a> {
    image: &'a [u8],
    page_size: usize,
    pages: u32,
    /// What each page is used for.
    used: BTreeMap<u32, &'static str>,
    rows: Rows,
}

/// Whether a file says that it is a database; one that does not is empty, or was never finished.
pub fn is_database(image: &[u8]) -> bool {
    image.starts_with(b"SQLite format 3\0")
}

/// The database size in pages, as page 1 says.
pub fn page_count(image: &[u8]) -> u32 {
    u32_at(image, 28)
}

/// Reads every row of the database in `image`.
///
/// # Errors
/// The first page that is used twice or never, or that is malformed.
pub fn read_rows(image: &[u8], page_size: usize) -> Result<Rows, Problem> {
    let pages = page_count(image);
    let mut walk = Walk { image, page_size, pages, used: BTreeMap::new(), rows: Rows::new() };
    if image.len() < 100 || !is_database(image) {
        return Err(walk.problem(1, "has no database header"));
    }
    if image.len() < pages as usize * page_size {
        return Err(walk.problem(1, format!("says {pages} pages, but the file has {}", image.len() / page_size)));
    }
    if u32_at(image, 24) != u32_at(image, 92) {
        return Err(walk.problem(1, "has a change counter for which its size is not valid"));
    }
    if let Some(field) = wrong_field(image, page_size) {
        return Err(walk.problem(1, format!("has {field} that no database of a run has")));
    }
    walk.take(1, "the schema")?;
    let schema = schema_row(image).filter(SchemaRow::is_kv);
    let schema = schema.ok_or_else(|| walk.problem(1, "does not hold the schema of `kv` and nothing else"))?;
    walk.tree(schema.root)?;
    walk.freelist()?;
    match (1..=pages).find(|page| !walk.used.contains_key(page)) {
        Some(page) => Err(walk.problem(page, "is neither in the tree nor on the freelist")),
        None => Ok(walk.rows),
    }
}

/// The first field of the database header that is not as SQLite wants it, or as it is for a database in WAL mode (SQLite's
/// "Database File Format", 1.3).
fn wrong_field(image: &[u8], page_size: usize) -> Option<&'static str> {
    let size = usize::from(u16::from_be_bytes([image[16], image[17]]));
    let wrong = [
        (size != page_size, "a page size"),
        (image[18..20] != [2, 2], "a journal mode"),
        (image[20] != 0, "reserved space"),
        (image[21..24] != [64, 32, 32], "payload fractions"),
        (!(1..=4).contains(&u32_at(image, 44)), "a schema format"),
        (u32_at(image, 56) != 1, "a text encoding"),
    ];
    wrong.into_iter().find(|(is_wrong, _)| *is_wrong).map(|(_, field)| field)
}

/// The one row of `sqlite_schema`.
pub(super) struct SchemaRow<'a> {
    /// Its first three columns, one behind the other: type, name, name of the table.
    names: &'a [u8],
    /// The number of the table's root page.
    pub(super) root: u32,
    sql: &'a [u8],
}

impl SchemaRow<'_> {
    /// Whether that is the table of every run.
    fn is_kv(&self) -> bool {
        self.names == b"tablekvkv" && self.sql == b"CREATE TABLE kv(k INTEGER PRIMARY KEY, v BLOB)"
    }
}

/// The one row of `sqlite_schema` on page 1: a leaf with one cell, whose record is of five columns, the fourth of them a
/// number.
pub(super) fn schema_row(image: &[u8]) -> Option<SchemaRow<'_>> {
    if image.get(100) != Some(&13) || image.get(103..105) != Some(&[0, 1]) {
        return None;
    }
    let cell = image.get(108..110)?;
    let mut rest = image.get(usize::from(u16::from_be_bytes([cell[0], cell[1]]))..)?;
    let mut next = || {
        let (value, len) = varint(rest)?;
        rest = &rest[len..];
        Some(value)
    };
    // The payload's length, the rowid, the length of the record's header, five serial types.
    let (_payload, _rowid, _header) = (next()?, next()?, next()?);
    let types = [next()?, next()?, next()?, next()?, next()?];
    // A damaged length is longer than what is left, and its sum with others fits all the same.
    let text_len = |serial: u64| Some((serial.checked_sub(13)? / 2).min(rest.len() as u64) as usize);
    let (names, rest) = rest.split_at_checked(text_len(types[0])? + text_len(types[1])? + text_len(types[2])?)?;
    let len = match types[3] {
        len @ 1..=4 => len as usize,
        _ => return None,
    };
    let (number, rest) = rest.split_at_checked(len)?;
    let sql = rest.get(..text_len(types[4])?)?;
    // Integers of a record are signed, and a page has no negative number.
    let root = (number[0] < 128).then(|| number.iter().fold(0, |number, byte| (number << 8) | u32::from(*byte)))?;
    Some(SchemaRow { names, root, sql })
}

pub(super) fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0_u64;
    for (i, byte) in bytes.iter().take(9).enumerate() {
        if i == 8 {
            return Some(((value << 8) | u64::from(*byte), 9));
        }
        value = (value << 7) | u64::from(byte & 127);
        if *byte < 128 {
            return Some((value, i + 1));
        }
    }
    None
}

impl<'a> Walk<'a> {
    #[allow(clippy::unused_self, reason = "reads as a method of the walk that found it")]
    fn problem(&self, page: u32, what: impl Into<String>) -> Problem {
        Problem { page, what: what.into() }
    }

    /// Notes that a page is used, and gives its bytes.
    fn take(&mut self, page: u32, by: &'static str) -> Result<&'a [u8], Problem> {
        if page == 0 || page > self.pages {
            return Err(self.problem(page, format!("is named by {by}, but the database has {} pages", self.pages)));
        }
        if let Some(other) = self.used.insert(page, by) {
            return Err(self.problem(page, format!("is used by {other} and by {by}")));
        }
        let start = (page as usize - 1) * self.page_size;
        Ok(&self.image[start..start + self.page_size])
    }

    fn tree(&mut self, root: u32) -> Result<(), Problem> {
        let bytes = self.take(root, "the table's root")?;
        if bytes[0] == 13 {
            return self.leaf(root, bytes, i64::MIN, i64::MAX, true);
        }
        if bytes[0] != 5 {
            return Err(self.problem(root, format!("has type {} and is no table page", bytes[0])));
        }
        let cells = usize::from(u16::from_be_bytes([bytes[3], bytes[4]]));
        if cells == 0 {
            return Err(self.problem(root, "is an interior page without a cell"));
        }
        let mut low = i64::MIN;
        let mut extents = Vec::new();
        for index in 0..cells {
            let at = usize::from(u16::from_be_bytes([bytes[12 + 2 * index], bytes[13 + 2 * index]]));
            let Some((key, len)) = bytes.get(at + 4..).and_then(varint) else {
                return Err(self.problem(root, format!("has a malformed cell {index}")));
            };
            extents.push((at, at + 4 + len));
            let child = u32_at(bytes, at);
            let page = self.take(child, "the tree")?;
            self.leaf(child, page, low, key.cast_signed(), false)?;
            low = key.cast_signed().saturating_add(1);
        }
        self.check_layout(root, bytes, 12 + 2 * cells, extents)?;
        let right = u32_at(bytes, 8);
        let page = self.take(right, "the tree")?;
        self.leaf(right, page, low, i64::MAX, false)
    }

    fn leaf(&mut self, page: u32, bytes: &'a [u8], low: i64, high: i64, is_root: bool) -> Result<(), Problem> {
        if bytes[0] != 13 {
            return Err(self.problem(page, format!("has type {} and is no leaf", bytes[0])));
        }
        let cells = usize::from(u16::from_be_bytes([bytes[3], bytes[4]]));
        if cells == 0 && !is_root {
            return Err(self.problem(page, "is an empty leaf"));
        }
        let mut before = None;
        let mut extents = Vec::new();
        for index in 0..cells {
            let at = usize::from(u16::from_be_bytes([bytes[8 + 2 * index], bytes[9 + 2 * index]]));
            let (key, end) = self.cell(page, bytes, at)?;
            extents.push((at, end));
            if !(low..=high).contains(&key) || before.is_some_and(|before| before >= key) {
                return Err(self.problem(page, format!("holds key {key} out of order")));
            }
            before = Some(key);
        }
        self.check_layout(page, bytes, 8 + 2 * cells, extents)
    }

    /// Cells lie behind the pointer array, side by side, from the content start in the header to the end of the page.
    fn check_layout(
        &self,
        page: u32,
        bytes: &[u8],
        array_end: usize,
        mut extents: Vec<(usize, usize)>,
    ) -> Result<(), Problem> {
        extents.sort_unstable();
        let start = match u16::from_be_bytes([bytes[5], bytes[6]]) {
            0 => 65536,
            start => usize::from(start),
        };
        if start < array_end || start != extents.first().map_or(bytes.len(), |extent| extent.0) {
            return Err(self.problem(page, format!("says that its cells start at {start}, but they do not")));
        }
        // A cell of fewer than four bytes occupies four, so the tiles may be longer than the cells, never shorter.
        match extents.windows(2).find(|pair| pair[0].1 > pair[1].0) {
            Some(pair) => Err(self.problem(page, format!("has cells that overlap at offset {}", pair[1].0))),
            None => Ok(()),
        }
    }

    /// Reads one row, its overflow chain included; gives its key and where its cell ends.
    fn cell(&mut self, page: u32, bytes: &'a [u8], at: usize) -> Result<(i64, usize), Problem> {
        let bad = || Problem { page, what: format!("has a malformed cell at offset {at}") };
        let (total, a) = bytes.get(at..).and_then(varint).ok_or_else(bad)?;
        let (key, b) = bytes.get(at + a..).and_then(varint).ok_or_else(bad)?;
        let total = usize::try_from(total).ok().filter(|total| *total <= self.image.len()).ok_or_else(bad)?;
        let (usable, start) = (self.page_size, at + a + b);
        let most = usable - 35;
        let least = (usable - 12) * 32 / 255 - 23;
        let here = match total {
            _ if total <= most => total,
            _ if least + (total - least) % (usable - 4) <= most => least + (total - least) % (usable - 4),
            _ => least,
        };
        let mut payload = bytes.get(start..start + here).ok_or_else(bad)?.to_vec();
        let (mut next, end) =
            if here < total { (u32_at(bytes, start + here), start + here + 4) } else { (0, start + here) };
        while payload.len() < total {
            let chunk = self.take(next, "an overflow chain")?;
            let wanted = (total - payload.len()).min(usable - 4);
            payload.extend_from_slice(&chunk[4..4 + wanted]);
            next = u32_at(chunk, 0);
        }
        if next != 0 {
            return Err(Problem { page: next, what: "continues an overflow chain that is complete".into() });
        }
        let value = blob(&payload).ok_or_else(bad)?.to_vec();
        self.rows.insert(key.cast_signed(), value);
        Ok((key.cast_signed(), end))
    }

    fn freelist(&mut self) -> Result<(), Problem> {
        let (mut trunk, listed) = (u32_at(self.image, 32), u32_at(self.image, 36));
        let mut found = 0;
        while trunk != 0 {
            let bytes = self.take(trunk, "the freelist")?;
            let leaves = u32_at(bytes, 4) as usize;
            if leaves > self.page_size / 4 - 2 {
                return Err(self.problem(trunk, format!("is a freelist trunk with {leaves} leaves")));
            }
            for leaf in 0..leaves {
                self.take(u32_at(bytes, 8 + 4 * leaf), "the freelist")?;
            }
            found += 1 + leaves as u32;
            trunk = u32_at(bytes, 0);
        }
        if found == listed {
            return Ok(());
        }
        Err(self.problem(1, format!("says {listed} free pages, but the freelist has {found}")))
    }
}

/// The blob of a record `(NULL, BLOB)`.
fn blob(record: &[u8]) -> Option<&[u8]> {
    let (header, a) = varint(record)?;
    let (null, b) = varint(record.get(a..)?)?;
    let (kind, c) = varint(record.get(a + b..)?)?;
    let whole = null == 0 && kind >= 12 && kind % 2 == 0 && a + b + c == header as usize;
    let value = record.get(header as usize..)?;
    (whole && value.len() as u64 == (kind - 12) / 2).then_some(value)
}

#[cfg(test)]
mod tests {
    use falken_models::table::initial_database;

    use super::*;

    #[test]
    fn every_bit_of_the_schema_and_of_fields_that_never_change_matters() {
        let image = initial_database(512);
        assert_eq!(read_rows(&image, 512), Ok(Rows::new()));
        let row = usize::from(u16::from_be_bytes([image[108], image[109]]));
        // What a row's payload length and rowid say is in the record's own header as well.
        let schema = (row + 3..512).map(|at| (at, 255));
        let fields = (16..18).chain(18..24).chain(56..60).map(|at| (at, 255));
        // A schema format of 1 to 4 will do.
        let format = [(44, 255), (45, 255), (46, 255), (47, 0xf8)];
        for (at, bits) in schema.chain(fields).chain(format) {
            for bit in (0..8).map(|bit| 1 << bit).filter(|bit| bits & bit != 0) {
                let mut damaged = image.clone();
                damaged[at] ^= bit;
                assert!(read_rows(&damaged, 512).is_err(), "bit {bit:#x} of byte {at}");
            }
        }
    }
}

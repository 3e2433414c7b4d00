//! A search on disk: what it has found so far, so that it can go on another day.
//!
//! The file holds the tree and the *key*, a text that says what is searched and by which version. A tree is continued only
//! under the very same key, since its hashes and answers mean nothing under another one. Byte order is little-endian.

use thiserror::Error;

use super::tree::{Figures, Node, Tree};
use super::visited::Visited;

/// What the file starts with; the number is the format's version.
const MAGIC: &[u8; 16] = b"falken search 1\n";

/// Why a saved search cannot be continued.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SaveError {
    /// The file is something else, of another version, or damaged.
    #[error("this is no search that this version of falken has saved, or it is damaged")]
    Unreadable,
    /// It belongs to another search.
    #[error("it belongs to another search: it was saved with `{saved}`, this one has `{wanted}`")]
    OtherSearch {
        /// The first line of its key that differs.
        saved: String,
        /// What the key should have there.
        wanted: String,
    },
}

/// Takes words off the front of the file.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], SaveError> {
        let (first, rest) = self.0.split_first_chunk().ok_or(SaveError::Unreadable)?;
        self.0 = rest;
        Ok(*first)
    }

    fn word(&mut self) -> Result<u64, SaveError> {
        self.take().map(u64::from_le_bytes)
    }

    /// A length and so many items of `N` bytes.
    fn list<const N: usize, T>(&mut self, item: impl Fn([u8; N]) -> T) -> Result<Vec<T>, SaveError> {
        let len = usize::try_from(self.word()?).map_err(|_| SaveError::Unreadable)?;
        if len.checked_mul(N).is_none_or(|bytes| bytes > self.0.len()) {
            return Err(SaveError::Unreadable);
        }
        (0..len).map(|_| self.take().map(&item)).collect()
    }
}

fn put_list<const N: usize>(out: &mut Vec<u8>, items: impl ExactSizeIterator<Item = [u8; N]>) {
    out.extend((items.len() as u64).to_le_bytes());
    items.for_each(|item| out.extend(item));
}

impl Figures {
    fn words(&self) -> [u64; 7] {
        let Self { states, transitions, pruned, ends, violations, depth, bounded } = *self;
        [states, transitions, pruned, ends, violations, depth, bounded]
    }

    fn from_words([states, transitions, pruned, ends, violations, depth, bounded]: [u64; 7]) -> Self {
        Self { states, transitions, pruned, ends, violations, depth, bounded }
    }
}

impl Tree {
    /// The file's bytes.
    pub fn to_bytes(&self, key: &str) -> Vec<u8> {
        // The set of visited states is that of all hashes, and is built again.
        let Self { nodes, hashes, answers, levels, expanded, visited: _, figures } = self;
        let mut out = MAGIC.to_vec();
        put_list(&mut out, key.bytes().map(|byte| [byte]));
        let words = [*expanded as u64].into_iter().chain(figures.words());
        words.for_each(|word| out.extend(word.to_le_bytes()));
        put_list(&mut out, levels.iter().map(|first| first.to_le_bytes()));
        put_list(&mut out, nodes.iter().map(|node| node.parent.to_le_bytes()));
        put_list(&mut out, nodes.iter().map(|node| node.answers.to_le_bytes()));
        put_list(&mut out, hashes.iter().map(|hash| hash.to_le_bytes()));
        put_list(&mut out, answers.iter().map(|answer| answer.to_le_bytes()));
        out
    }

    /// Reads a file that was written under the same key.
    ///
    /// # Errors
    /// It is damaged, or belongs to another search.
    pub fn from_bytes(bytes: &[u8], key: &str) -> Result<Self, SaveError> {
        let mut reader = Reader(bytes.strip_prefix(MAGIC).ok_or(SaveError::Unreadable)?);
        let saved = reader.list(|[byte]| byte)?;
        check_key(&String::from_utf8(saved).map_err(|_| SaveError::Unreadable)?, key)?;
        let expanded = reader.word()? as usize;
        let mut words = [0; 7];
        for word in &mut words {
            *word = reader.word()?;
        }
        let levels = reader.list(u32::from_le_bytes)?;
        let parents = reader.list(u32::from_le_bytes)?;
        let starts = reader.list(u32::from_le_bytes)?;
        let hashes = reader.list(u64::from_le_bytes)?;
        let answers = reader.list(u16::from_le_bytes)?;
        let count = parents.len();
        let parents_are_older = parents.iter().enumerate().all(|(node, parent)| *parent as usize <= node);
        let starts_ascend = starts.is_sorted() && starts.last().is_none_or(|last| *last as usize <= answers.len());
        let is_whole = reader.0.is_empty() && count > 0 && starts.len() == count && hashes.len() == count;
        if !is_whole || !parents_are_older || !starts_ascend || expanded > count || levels.first() != Some(&0) {
            return Err(SaveError::Unreadable);
        }
        let nodes = parents.into_iter().zip(starts).map(|(parent, answers)| Node { parent, answers }).collect();
        let mut visited = Visited::default();
        hashes.iter().for_each(|hash| _ = visited.insert(*hash));
        Ok(Self { nodes, hashes, answers, levels, expanded, visited, figures: Figures::from_words(words) })
    }
}

fn check_key(saved: &str, wanted: &str) -> Result<(), SaveError> {
    if saved == wanted {
        return Ok(());
    }
    let lines = saved.lines().chain(std::iter::repeat("nothing")).zip(wanted.lines().chain(["nothing"]));
    let (saved, wanted) = lines.into_iter().find(|(saved, wanted)| saved != wanted).unwrap_or(("more", "nothing"));
    Err(SaveError::OtherSearch { saved: saved.into(), wanted: wanted.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_reads_back_and_no_damaged_file_panics() {
        let mut tree = Tree::new(7);
        tree.add(0, &[1, 0], 8);
        tree.add(0, &[2], 9);
        let bytes = tree.to_bytes("key");
        let again = Tree::from_bytes(&bytes, "key").unwrap();
        assert_eq!((again.path(2), again.figures.clone(), again.hashes), (vec![2], tree.figures.clone(), tree.hashes));
        for len in 0..bytes.len() {
            assert_eq!(Tree::from_bytes(&bytes[..len], "key").err(), Some(SaveError::Unreadable), "cut at {len}");
        }
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0xff;
            let _ = Tree::from_bytes(&damaged, "key");
        }
    }

    #[test]
    fn a_tree_of_another_search_names_the_difference() {
        let bytes = Tree::new(7).to_bytes("scenario a\nseed 1\n");
        let error = Tree::from_bytes(&bytes, "scenario a\nseed 2\n").err().unwrap();
        assert_eq!(error, SaveError::OtherSearch { saved: "seed 1".into(), wanted: "seed 2".into() });
    }
}

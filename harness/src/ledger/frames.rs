//! The frames of the current generation of the log.

use std::collections::BTreeMap;

/// A frame of the current generation of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FrameFact {
    /// The page it holds; 0 for a hole, which is a violation.
    pub page: u32,
    /// The digest of the page.
    pub digest: u64,
    /// Whether a write of all of it has completed.
    pub written: bool,
    /// How many writes of its page are in flight: the first one, or one that overwrites it in place. What becomes of the
    /// latter does not matter to a frame that nobody has been shown: a page that is still dirty is written once more.
    pub in_flight: u8,
}

impl FrameFact {
    /// Whether the file holds it, and nothing is on its way into it.
    pub fn is_settled(&self) -> bool {
        self.written && self.in_flight == 0
    }
}

/// Frames by number (from 1) and by page.
#[derive(Clone, Debug, Default)]
pub struct Frames {
    pub(super) facts: Vec<FrameFact>,
    /// For each page its frames, ascending.
    pub(super) by_page: BTreeMap<u32, Vec<u32>>,
    /// How many frames from the first one on are known to be settled.
    pub(super) written: usize,
}

impl Frames {
    /// The fact about a frame.
    pub fn get(&self, frame: u32) -> Option<&FrameFact> {
        self.facts.get((frame as usize).checked_sub(1)?)
    }

    /// The newest frame of a page up to a frame.
    pub fn newest(&self, page: u32, up_to: u32) -> Option<u32> {
        let frames = self.by_page.get(&page)?;
        let after = frames.partition_point(|frame| *frame <= up_to);
        Some(frames[after.checked_sub(1)?])
    }

    /// The pages that have frames, ascending.
    pub fn pages(&self) -> impl Iterator<Item = u32> {
        self.by_page.iter().filter(|(_, frames)| !frames.is_empty()).map(|(page, _)| *page)
    }

    /// Puts a frame at its number; what was there and behind it is overwritten or no longer valid.
    pub(super) fn put(&mut self, frame: u32, fact: FrameFact) {
        self.truncate(frame - 1);
        let hole = FrameFact { page: 0, digest: 0, written: false, in_flight: 0 };
        self.facts.resize(frame as usize - 1, hole);
        self.facts.push(fact);
        self.by_page.entry(fact.page).or_default().push(frame);
    }

    /// A newer version of its page is about to be written into a frame.
    pub(super) fn overwrite(&mut self, frame: u32, digest: u64) {
        if let Some(fact) = (frame as usize).checked_sub(1).and_then(|index| self.facts.get_mut(index)) {
            fact.digest = digest;
        }
    }

    /// A write into the page of a frame was submitted.
    pub(super) fn note_submitted(&mut self, index: usize) {
        if let Some(fact) = self.facts.get_mut(index) {
            fact.in_flight = fact.in_flight.saturating_add(1);
            self.written = self.written.min(index);
        }
    }

    /// Such a write has ended, in whatever way.
    pub(super) fn note_ended(&mut self, index: usize) {
        if let Some(fact) = self.facts.get_mut(index) {
            fact.in_flight = fact.in_flight.saturating_sub(1);
        }
    }

    /// Forgets the frames behind `frame`.
    pub(super) fn truncate(&mut self, frame: u32) {
        while self.facts.len() > frame as usize {
            let fact = self.facts.pop().expect("not empty");
            if let Some(frames) = self.by_page.get_mut(&fact.page) {
                frames.pop();
            }
        }
        self.written = self.written.min(self.facts.len());
    }

    /// The log file was cut: the frames behind the first `kept` are not in it any more.
    pub(super) fn note_cut(&mut self, kept: usize) {
        self.facts.iter_mut().skip(kept).for_each(|fact| fact.written = false);
        self.written = self.written.min(kept);
    }

    /// The write of a frame has completed.
    pub(super) fn note_written(&mut self, index: usize) {
        if let Some(fact) = self.facts.get_mut(index) {
            fact.written = true;
        }
    }

    /// How many frames from the first one on are settled.
    pub(super) fn written_prefix(&mut self) -> u32 {
        self.written += self.facts[self.written..].iter().take_while(|fact| fact.is_settled()).count();
        self.written as u32
    }
}

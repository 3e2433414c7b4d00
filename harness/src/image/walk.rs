//! Looking at the images of one moment, and saying of one that is broken which it was.

use std::panic::{AssertUnwindSafe, catch_unwind};

use falken_models::digest::mix;
use falken_models::disk::{Disk, Tear};

use super::plan::{self, Depth};
use super::{Barrier, Broken, Explored, Figures, Image, Lattice};
use crate::action::CrashKind;
use crate::random::Stream;
use crate::verdict::of_panic;

/// The label of the random stream that samples images.
const SAMPLE: u64 = 0x6c61_7474_6963_6500;

/// Whoever looks at images.
pub(super) trait Look {
    /// The figures that they count among.
    fn explored(&mut self) -> &mut Explored;

    /// Looks at one.
    fn look(&mut self, image: &Image<'_>) -> Result<(), Broken>;
}

/// The images that one crash may leave.
pub(super) struct Walk {
    pub barrier: Barrier,
    pub kind: CrashKind,
    /// They keep the samples of different crashes apart.
    pub figures: Figures,
    /// How many images at most.
    pub limit: u32,
    pub seed: u64,
}

impl Walk {
    /// Has them looked at; a panic is a broken image too.
    pub(super) fn go(&self, disk: &Disk, tears: &[Tear], by: &mut impl Look) -> Result<(), Broken> {
        let before = *by.explored();
        by.explored().note_barrier();
        let stream = Stream::new(self.seed, mix(SAMPLE, before.barriers ^ (self.figures as u64) << 62));
        let mut depth = Depth::Exhaustive;
        for lattice in &Lattice::all(disk, self.kind, tears) {
            by.explored().note_lattice(lattice.raw());
            let visited = plan::visit(lattice, u64::from(self.limit), stream, |image| {
                let looked = catch_unwind(AssertUnwindSafe(|| by.look(image)));
                looked.unwrap_or_else(|panic| Err(of_panic(&*panic))).map_err(|(id, evidence)| {
                    let number = by.explored().images - before.images;
                    let evidence = image.describe(evidence).with("crash", self.in_words());
                    (id, evidence.with("image", format!("{number} at this moment")))
                })
            })?;
            depth = depth.max(visited);
        }
        by.explored().note_depth(depth);
        Ok(())
    }

    fn in_words(&self) -> String {
        let what = match self.kind {
            CrashKind::Power => "power loss",
            CrashKind::Process => "crash of the process",
        };
        format!("{what} {}", self.barrier.name())
    }
}

//! Which images of a lattice are looked at: all, if they are few; else those that can differ to a recovery, and a sample.
//!
//! Recovery of a log depends only on its first frame that is not intact. So of the images in which an append got lost, it
//! is enough to lose each single sector, once with everything behind it kept and once with everything behind it lost. For
//! pages on their way into the database file each is old, new or torn, whatever the others are. Where a log lies over
//! an older one, or frames share a sector with synced ones, chains have more than two versions, and each is taken in turn.
//! On top come all pairs of lost and of kept chains, which find what this reasoning overlooks, and random choices.

use falken_models::disk::FileId;

use super::lattice::{Image, Lattice};
use crate::random::Stream;

/// How much of a lattice was looked at, from all to least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// Every choice.
    Exhaustive,
    /// Every choice that the reduction asks for, and a sample of the others.
    Reduced,
    /// The limit cut the reduction off.
    Cut,
}

/// Looks at images of a lattice, at most `limit` of them (but always at the certain and the newest one).
///
/// # Errors
/// The first error that `look` returns.
pub fn visit<E>(
    lattice: &Lattice,
    limit: u64,
    stream: Stream,
    mut look: impl FnMut(&Image<'_>) -> Result<(), E>,
) -> Result<Depth, E> {
    if lattice.raw().exact().is_some_and(|raw| raw <= u128::from(limit)) {
        return exhaust(lattice, look).map(|()| Depth::Exhaustive);
    }
    let mut visit = Visit { lattice, image: lattice.image(), left: limit.max(2), look: &mut look };
    visit.extremes()?;
    visit.append()?;
    visit.pages()?;
    let depth = if visit.left > 0 { Depth::Reduced } else { Depth::Cut };
    // Half of what is left goes to the sample, however many pairs there are.
    let sample = visit.left / 2;
    visit.left -= sample;
    visit.pairs()?;
    visit.left += sample;
    visit.random(stream)?;
    Ok(depth)
}

/// Every choice, like an odometer whose last wheel turns fastest.
fn exhaust<E>(lattice: &Lattice, mut look: impl FnMut(&Image<'_>) -> Result<(), E>) -> Result<(), E> {
    let mut image = lattice.image();
    loop {
        look(&image)?;
        let mut wheel = lattice.chains().len();
        loop {
            if wheel == 0 {
                return Ok(());
            }
            wheel -= 1;
            let next = image.picked()[wheel] + 1;
            if next < lattice.chains()[wheel].versions() {
                image.pick(wheel, next);
                break;
            }
            image.pick(wheel, 0);
        }
    }
}

/// Where a chain stands.
#[derive(Clone, Copy)]
enum At {
    Durable,
    Newest,
}

struct Visit<'a, F> {
    lattice: &'a Lattice,
    image: Image<'a>,
    /// How many images may still be looked at.
    left: u64,
    look: &'a mut F,
}

impl<E, F: FnMut(&Image<'_>) -> Result<(), E>> Visit<'_, F> {
    fn look(&mut self) -> Result<(), E> {
        if self.left == 0 {
            return Ok(());
        }
        self.left -= 1;
        (self.look)(&self.image)
    }

    fn put(&mut self, chain: usize, at: At) {
        let newest = self.lattice.chains()[chain].versions() - 1;
        self.image.pick(chain, if let At::Durable = at { 0 } else { newest });
    }

    fn put_all(&mut self, chains: impl Iterator<Item = usize>, at: At) {
        chains.for_each(|chain| self.put(chain, at));
    }

    /// Each file as a whole, old or new.
    fn extremes(&mut self) -> Result<(), E> {
        for log in [At::Newest, At::Durable] {
            for database in [At::Newest, At::Durable] {
                self.put_all(self.lattice.chains_of(FileId::Database), database);
                self.put_all(self.lattice.chains_of(FileId::Wal), log);
                self.look()?;
            }
        }
        Ok(())
    }

    /// Each version of each chain of the log, with everything before it kept and everything behind it kept or lost, over
    /// an old and a new database file.
    fn append(&mut self) -> Result<(), E> {
        let log = self.lattice.chains_of(FileId::Wal);
        let database = self.lattice.chains_of(FileId::Database);
        for over in if database.is_empty() { &[At::Newest][..] } else { &[At::Newest, At::Durable] } {
            self.put_all(database.clone(), *over);
            for behind in [At::Newest, At::Durable] {
                self.put_all(log.clone(), At::Newest);
                for chain in log.clone().rev() {
                    // The size comes first among the chains, but it is not in front of anything.
                    let behind = if self.lattice.chains()[chain].sector().is_none() { At::Newest } else { behind };
                    for version in 0..self.lattice.chains()[chain].versions() - 1 {
                        self.image.pick(chain, version);
                        self.look()?;
                    }
                    self.put(chain, behind);
                }
            }
            self.put_all(log.clone(), At::Newest);
        }
        Ok(())
    }

    /// Each version of each chain of the database file, with all others old and with all others new.
    fn pages(&mut self) -> Result<(), E> {
        for others in [At::Newest, At::Durable] {
            let chains = self.lattice.chains_of(FileId::Database);
            self.put_all(chains.clone(), others);
            for chain in chains {
                for version in 0..self.lattice.chains()[chain].versions() {
                    self.image.pick(chain, version);
                    self.look()?;
                }
                self.put(chain, others);
            }
        }
        Ok(())
    }

    /// Two chains lost and all others kept, two kept and all others lost.
    fn pairs(&mut self) -> Result<(), E> {
        let chains = 0..self.lattice.chains().len();
        for (others, two) in [(At::Newest, At::Durable), (At::Durable, At::Newest)] {
            self.put_all(chains.clone(), others);
            for first in chains.clone() {
                self.put(first, two);
                for second in first + 1..chains.end {
                    if self.left == 0 {
                        return Ok(());
                    }
                    self.put(second, two);
                    self.look()?;
                    self.put(second, others);
                }
                self.put(first, others);
            }
        }
        Ok(())
    }

    /// Random choices: in each, a chain keeps its newest version with a probability that differs from sample to sample, so
    /// that images in which little is lost, and little kept, are among them.
    fn random(&mut self, stream: Stream) -> Result<(), E> {
        let mut key = 0;
        while self.left > 0 {
            let kept = stream.below(key, 17);
            for (at, chain) in self.lattice.chains().iter().enumerate() {
                key += 1;
                let newest = chain.versions() - 1;
                let keeps = stream.below(key << 1, 16) < kept;
                let version = if keeps { newest } else { stream.below(key << 1 | 1, newest as u64) as usize };
                self.image.pick(at, version);
            }
            key += 1;
            self.look()?;
        }
        Ok(())
    }
}

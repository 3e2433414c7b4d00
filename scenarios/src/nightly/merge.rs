//! Joins the state directories of several machines into what one machine would have left.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use falken_reports::Night;
use falken_reports::night::Machine;

use super::conduct::settle;
use super::plan::Shard;
use super::state::{Folded, Head, State, read_json};
use crate::exit::Failure;

/// Joins shards of one plan in a new directory.
///
/// # Errors
/// They are not shards of one plan, one is there twice, or a directory cannot be read or written.
pub fn merge(dirs: &[PathBuf], out: &Path) -> Result<(Night, Option<Failure>), Failure> {
    for (at, dir) in dirs.iter().enumerate() {
        let is_it =
            |other: &&PathBuf| other.canonicalize().ok().is_some_and(|one| Some(one) == dir.canonicalize().ok());
        if let Some(other) = dirs[..at].iter().find(is_it) {
            let twice = if other == dir { "is given twice".into() } else { format!("is {} again", other.display()) };
            return Err(Failure::Input(format!("{} {twice}", dir.display())));
        }
    }
    let parts = dirs.iter().map(|dir| State::open(dir)).collect::<Result<Vec<State>, Failure>>()?;
    let first = parts.first().ok_or_else(|| Failure::Input("there is nothing to merge".into()))?;
    let mut seen = BTreeSet::new();
    for part in &parts {
        let whole = |head: &Head| Head { shard: Shard::WHOLE, ..head.clone() };
        if whole(&part.head) != whole(&first.head) || part.head.shard.of != first.head.shard.of {
            let (a, b) = (first.dir.display(), part.dir.display());
            return Err(Failure::Input(format!(
                "{a} and {b} are not shards of one plan (seed, runs, scenarios, version)"
            )));
        }
        if !seen.insert(part.head.shard.number) {
            let says = format!("shard {} is there twice, the second time in {}", part.head.shard, part.dir.display());
            return Err(Failure::Input(says));
        }
    }
    let of = first.head.shard.of;
    let missing: Vec<String> = (1..=of).filter(|number| !seen.contains(number)).map(|k| format!("{k}/{of}")).collect();
    let mut notes: Vec<String> = Vec::new();
    if !missing.is_empty() {
        notes.push(format!("shards {} are missing", missing.join(", ")));
    }
    let head = Head { shard: Shard::WHOLE, ..first.head.clone() };
    let mut whole = State::create(out, head)?;
    if let Some(known) = &first.known {
        if parts.iter().any(|part| part.known.as_ref() != Some(known)) {
            notes.push(format!("the shards disagree about known repros; what {} says counts", first.dir.display()));
        }
        whole.set_known(known.clone())?;
    }
    let mut results = Vec::new();
    let mut machines: Vec<Machine> = Vec::new();
    let mut interrupted = false;
    for part in parts {
        results.extend(part.results()?);
        // Who made a part, if it has ended.
        let ended = read_json::<Night>(&part.dir.join("night.json")).ok();
        interrupted |= ended.as_ref().is_some_and(|night| night.interrupted);
        machines.extend(ended.into_iter().flat_map(|night| night.timing.machines));
        let Shard { number, of } = part.head.shard;
        let State { so_far: Folded { done, unreadable, sums, clocks, .. }, shrunk, .. } = part;
        done.iter().for_each(|at| _ = whole.so_far.done.insert(at * of + number - 1));
        whole.so_far.unreadable += unreadable;
        whole.so_far.sums.add(sums);
        whole.so_far.clocks.add(clocks);
        whole.shrunk.extend(shrunk);
    }
    machines.sort_by_key(|machine| machine.shard);
    results.sort_by_key(|line| line.spec.run);
    whole.settle(results)?;
    Ok(settle(&mut whole, machines, notes, interrupted))
}

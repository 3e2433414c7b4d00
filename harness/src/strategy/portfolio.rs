//! The portfolio: several strategies share the runs of a batch, and who finds new things gets more of them.
//!
//! No single strategy is safe: one needs hundreds of runs where another needs three, and the other way round on the next bug.
//! Runs are shared out in rounds. Every member has a floor of [`FLOOR`]; the rest goes to the members in proportion to the
//! novelty that their last runs found for each action that they cost ([`Footprint`]).
//!
//! Actions stand for CPU time: they are counted, not measured, so that the same batch gives the same shares on every
//! machine. A round is shared out by what the rounds before the last one found, so that workers need not wait for each
//! other; a failed run names its member and its seed and is a case of its own.
//!
//! What it guarantees: a bug that one member finds in n runs is found in n/[`FLOOR`] runs of the batch, nearly always much
//! sooner. What it does not: that novelty in places leads to a bug.

use super::{Entry, Strategy, TABLE};
use crate::random::Stream;
use crate::run::Footprint;

/// Runs that are shared out at a time.
pub const ROUND: u64 = 40;

const LABEL: u64 = 160;

/// The least share of a member.
pub const FLOOR: f64 = 0.05;

/// The members. The duel decided: PCT by depth found planted bugs late or not at all where these found them in a few runs,
/// and every member more makes all others wait.
pub const MEMBERS: &[&str] = &["pct", "random", "surw", "swarm", "pos"];

/// How the runs of a batch are shared out.
pub struct Portfolio {
    members: Vec<&'static Entry>,
    /// For each round that is known, which member makes each of its runs.
    rounds: Vec<Vec<usize>>,
    seen: Footprint,
    /// For each member its novelty per action, the last rounds counting most.
    worth: Vec<f64>,
    /// What the round under way has found so far: novelty and actions of each member, and how many runs.
    current: (Vec<(u64, u64)>, u64),
}

impl Default for Portfolio {
    fn default() -> Self {
        let find = |name: &&str| TABLE.iter().find(|entry| entry.name == *name).expect("a strategy of the table");
        let members: Vec<_> = MEMBERS.iter().map(find).collect();
        let count = members.len();
        let equal = share_out(&vec![1.0; count]);
        // The first two rounds know nothing.
        Self {
            members,
            rounds: vec![equal.clone(), equal],
            seen: Footprint::default(),
            worth: vec![0.0; count],
            current: (vec![(0, 0); count], 0),
        }
    }
}

/// Which member makes each run of a round, spread evenly.
fn share_out(worth: &[f64]) -> Vec<usize> {
    let total: f64 = worth.iter().sum();
    let free = 1.0 - FLOOR * worth.len() as f64;
    let equal = 1.0 / worth.len() as f64;
    let part = |worth: &f64| if total > 0.0 { worth / total } else { equal };
    let shares: Vec<f64> = worth.iter().map(|worth| FLOOR + free * part(worth)).collect();
    let mut owed = vec![0.0; worth.len()];
    let turn = |_| {
        owed.iter_mut().zip(&shares).for_each(|(owed, share)| *owed += share);
        let next = (0..owed.len()).fold(0, |best, at| if owed[at] > owed[best] { at } else { best });
        owed[next] -= 1.0;
        next
    };
    (0..ROUND).map(turn).collect()
}

/// One member for one run that belongs to no batch: each as likely as the other.
pub(super) fn member_for(seed: u64) -> Box<dyn Strategy> {
    let name = MEMBERS[Stream::new(seed, LABEL).below(0, MEMBERS.len() as u64) as usize];
    let entry = TABLE.iter().find(|entry| entry.name == name).expect("a strategy of the table");
    (entry.new)(seed)
}

impl Portfolio {
    /// The member that makes this run; `None` while the rounds that decide it have not all ended.
    pub fn member(&self, run: u64) -> Option<&'static Entry> {
        let round = self.rounds.get((run / ROUND) as usize)?;
        Some(self.members[round[(run % ROUND) as usize]])
    }

    /// Takes in what a run has found. Runs must be told in order.
    pub fn learn(&mut self, run: u64, footprint: &Footprint, actions: u64) {
        let member = self.rounds[(run / ROUND) as usize][(run % ROUND) as usize];
        let (found, runs) = &mut self.current;
        found[member].0 += self.seen.add(footprint);
        found[member].1 += actions;
        *runs += 1;
        if *runs == ROUND {
            for (worth, (novelty, actions)) in self.worth.iter_mut().zip(found.iter()) {
                let now = if *actions == 0 { 0.0 } else { *novelty as f64 / *actions as f64 };
                *worth = (*worth + now) / 2.0;
            }
            self.current = (vec![(0, 0); self.members.len()], 0);
            self.rounds.push(share_out(&self.worth));
        }
    }

    /// How many runs of the first `runs` each member has made.
    pub fn shares(&self, runs: u64) -> Vec<(&'static str, u64)> {
        let made = |at: usize| self.rounds.iter().flatten().take(runs as usize).filter(|member| **member == at).count();
        self.members.iter().enumerate().map(|(at, entry)| (entry.name, made(at) as u64)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_keeps_the_floor_and_the_best_gets_most() {
        for worth in [vec![1.0; 7], vec![0.0; 7], vec![0.0, 0.0, 5.0, 0.0, 0.1, 0.0, 0.0]] {
            let round = share_out(&worth);
            let made = |at: usize| round.iter().filter(|member| **member == at).count();
            assert!((0..7).all(|at| made(at) as f64 >= (FLOOR * ROUND as f64).floor()), "{worth:?}: {round:?}");
            let best = (0..7).max_by(|a, b| worth[*a].total_cmp(&worth[*b])).unwrap();
            assert!((0..7).all(|at| made(at) <= made(best) + 1), "{worth:?}: {round:?}");
        }
    }

    #[test]
    fn a_member_that_finds_more_is_given_more_two_rounds_later() {
        let mut portfolio = Portfolio::default();
        assert!(portfolio.member(2 * ROUND).is_none());
        for run in 0..ROUND {
            let mut footprint = Footprint::default();
            if portfolio.member(run).unwrap().name == "pos" {
                (0..50).for_each(|place| footprint.note(run * 1000 + place));
            }
            portfolio.learn(run, &footprint, 1000);
        }
        let share = |name: &str, from: u64| {
            (from..from + ROUND).filter(|run| portfolio.member(*run).unwrap().name == name).count()
        };
        assert!(share("pos", 2 * ROUND) > 2 * share("pos", ROUND));
        assert!(share("swarm", 2 * ROUND) >= 2);
    }
}

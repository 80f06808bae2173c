//! Pruning by successive halving: runs that are behind after some epochs are held back.
//!
//! At each *rung*, a number of epochs, candidates (hyper-parameters, with all their seeds) of one data set, loss and bag
//! size are compared by the criterion of the final choice on held-out bags, averaged over seeds, which sees no instance
//! label. Across bag sizes there is no comparison: it would prune the hard cells, which are what a sweep is
//! to show.
//!
//! Many workers need no round in which all wait for all: a run that reaches a rung goes on if its candidate is among the
//! best `1 / eta` of those that have arrived there with all seeds, else it pauses with a checkpoint. When others arrive,
//! a paused one may come to be among the best, and is taken up again. Where no other can arrive any more, at least the
//! best one goes on.

use std::collections::BTreeMap;

use crate::claim::Host;
use crate::config::{Approach, RunConfig};
use crate::error::SweepError;
use crate::run_dir::RunState;
use crate::select::parameters;
use crate::sweep_dir::{Cell, SweepDir};

/// A candidate at a rung.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Standing {
    /// With all seeds, and this mean criterion.
    Arrived(f64),
    /// It may still arrive.
    Under,
    /// A seed of it never will.
    Out,
}

/// Whether a run that has done this many epochs may go on. Between rungs it always may.
///
/// # Errors
/// Files of the runs that it is compared with cannot be read.
pub fn may_go_on(sweep: &SweepDir, cell: &Cell, epochs: usize, here: &Host) -> Result<bool, SweepError> {
    let Some(prune) = sweep.prune() else { return Ok(true) };
    if !prune.rungs.contains(&epochs) || epochs >= cell.config.optim.epochs {
        return Ok(true);
    }
    let mut candidates: Candidates<'_> = BTreeMap::new();
    for other in sweep.cells().iter().filter(|other| group(&other.config) == group(&cell.config)) {
        candidates.entry(parameters(&other.config)).or_default().push(other);
    }
    let rungs: Vec<usize> = prune.rungs.iter().copied().filter(|rung| *rung <= epochs).collect();
    let standings = standings(sweep, &candidates, &rungs, prune.eta, here)?;
    Ok(is_among_the_best(&standings, &parameters(&cell.config), prune.eta))
}

/// The seeds of each candidate.
type Candidates<'a> = BTreeMap<String, Vec<&'a Cell>>;

type Standings = BTreeMap<String, Standing>;

/// The standing of all candidates at the last of some rungs. A candidate that is held back at the rung before is out as
/// soon as no other candidate can arrive there and change that.
fn standings(
    sweep: &SweepDir,
    candidates: &Candidates<'_>,
    rungs: &[usize],
    eta: usize,
    here: &Host,
) -> Result<Standings, SweepError> {
    let Some((rung, before)) = rungs.split_last() else { return Ok(Standings::new()) };
    let before = standings(sweep, candidates, before, eta, here)?;
    let is_settled = !before.is_empty() && before.values().all(|standing| *standing != Standing::Under);
    let mut found = Standings::new();
    for (name, seeds) in candidates {
        let standing = match standing(sweep, seeds, *rung, here)? {
            Standing::Under if is_settled && !is_among_the_best(&before, name, eta) => Standing::Out,
            standing => standing,
        };
        found.insert(name.clone(), standing);
    }
    Ok(found)
}

fn group(config: &RunConfig) -> (&str, Approach, usize) {
    (&config.data.name, config.approach(), config.bags.size)
}

fn standing(sweep: &SweepDir, seeds: &[&Cell], rung: usize, here: &Host) -> Result<Standing, SweepError> {
    let mut sum = 0.0;
    for cell in seeds {
        let run = sweep.run_dir(cell);
        let record = run.read_metrics()?.into_iter().find(|record| record.epoch == rung);
        let Some(value) = record.and_then(|record| sweep.criterion().of(&record)) else {
            let never = [RunState::Diverged, RunState::Failed, RunState::Parked, RunState::Cancelled];
            let is_out = never.contains(&run.state(here)?);
            return Ok(if is_out { Standing::Out } else { Standing::Under });
        };
        sum += value;
    }
    Ok(Standing::Arrived(sum / seeds.len() as f64))
}

/// Of equally good ones, the first by name is the better.
fn is_among_the_best(standings: &Standings, name: &str, eta: usize) -> bool {
    let arrived = || {
        standings.iter().filter_map(|(name, standing)| match standing {
            Standing::Arrived(kl) => Some((name, *kl)),
            _ => None,
        })
    };
    let Some((_, own)) = arrived().find(|(other, _)| *other == name) else { return false };
    let is_better = |(other, kl): &(&String, f64)| kl.total_cmp(&own).then(other.as_str().cmp(name)).is_lt();
    let n_better = arrived().filter(is_better).count();
    let all_are_here = standings.values().all(|standing| *standing != Standing::Under);
    n_better < (arrived().count() / eta).max(usize::from(all_are_here))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standings(list: &[(&str, Standing)]) -> Standings {
        list.iter().map(|(name, standing)| ((*name).to_owned(), *standing)).collect()
    }

    /// No candidate goes on before `eta` have arrived; then the best does; the last to arrive can change which one that
    /// is.
    #[test]
    fn the_best_of_eta_go_on() {
        let (a, b, c) =
            (("a", Standing::Arrived(2.0)), ("b", Standing::Arrived(1.0)), ("c", Standing::Under));
        assert!(!is_among_the_best(&standings(&[a, ("b", Standing::Under), c]), "a", 2));
        assert!(is_among_the_best(&standings(&[a, b, c]), "b", 2));
        assert!(!is_among_the_best(&standings(&[a, b, c]), "a", 2));
        assert!(is_among_the_best(&standings(&[a, ("b", Standing::Arrived(2.0)), c]), "a", 2));
    }

    /// Where the others are out, the best goes on, however few they are.
    #[test]
    fn the_best_goes_on() {
        let left =
            standings(&[("a", Standing::Arrived(3.0)), ("b", Standing::Out), ("c", Standing::Arrived(1.0))]);
        assert!(is_among_the_best(&left, "c", 4) && !is_among_the_best(&left, "a", 4));
        assert!(!is_among_the_best(&left, "b", 4));
    }
}

//! How far a sweep is: how many of its runs are in which state.

use crate::claim::Host;
use crate::run_dir::RunState;
use crate::sweep_dir::SweepDir;

/// The number of runs in each state of [`RunState::ALL`], those with none included.
///
/// A run whose files cannot be read counts as failed: [`collect`](crate::collect::collect) says why.
pub fn count(sweep: &SweepDir, here: &Host) -> [(RunState, usize); RunState::ALL.len()] {
    let mut counts = RunState::ALL.map(|state| (state, 0));
    for cell in sweep.cells() {
        let state = sweep.run_dir(cell).state(here).unwrap_or(RunState::Failed);
        for (counted, n) in &mut counts {
            *n += usize::from(*counted == state);
        }
    }
    counts
}

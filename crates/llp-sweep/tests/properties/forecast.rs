//! The arithmetic of forecasts.

use llp_sweep::forecast::{Timing, makespan};
use proptest::prelude::*;

use crate::fake::config;

proptest! {
    /// The last run ends no earlier than the work of a slot allows, and than the longest run; no later than Graham's
    /// bound. One slot does everything in turn, and enough slots do everything at once.
    #[test]
    fn the_end_is_within_its_bounds(runs in prop::collection::vec(0.1..100.0_f64, 1..60), slots in 1_usize..20) {
        let (sum, longest) = (runs.iter().sum::<f64>(), runs.iter().copied().fold(0.0, f64::max));
        let end = makespan(&runs, slots);
        // Sums of at most 60 numbers in another order agree to a few roundings.
        let slack = 1e-12 * sum;
        prop_assert!(end >= longest - slack && end >= sum / slots as f64 - slack);
        let share = (sum - longest) / slots as f64 + longest;
        prop_assert!(end <= share + slack);
        prop_assert!((makespan(&runs, 1) - sum).abs() <= slack);
        prop_assert_eq!(makespan(&runs, runs.len()), longest);
    }

    /// Equal runs fill the slots in rounds.
    #[test]
    fn equal_runs_take_rounds(n in 1_usize..200, slots in 1_usize..20) {
        prop_assert_eq!(makespan(&vec![2.0; n], slots), 2.0 * n.div_ceil(slots) as f64);
    }

    /// A run that is interrupted after some epoch and goes on from there costs a second start and at most a second
    /// checkpoint, beside the last evaluation that a run of the first part alone would have.
    #[test]
    fn interruptions_cost_a_start(epochs in 2_usize..100, every in 1_usize..30, done: prop::sample::Index) {
        let done = done.index(epochs - 1) + 1;
        let mut config = config();
        (config.optim.epochs, config.checkpoint.every_epochs) = (epochs, every);
        let timing = Timing {
            start_s: 3.0, steps: 7, epochs, step_s: 0.5, evaluation_s: 0.25, record_s: 0.125, checkpoint_s: 1.0,
            kept_bytes: 1, checkpoint_bytes: 2,
        };
        let first = Timing { epochs: done, ..timing };
        let extra = first.run_s(&config, 0) + timing.run_s(&config, done) - timing.run_s(&config, 0);
        prop_assert!(extra == 3.25 || extra == 4.25, "{}", extra);
        prop_assert_eq!(timing.run_s(&config, 0), 3.25 + 3.875 * epochs as f64 + (1 + (epochs - 1) / every) as f64);
    }
}

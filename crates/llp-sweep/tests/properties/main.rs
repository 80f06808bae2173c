//! Properties of run directories, sweeps and executors, each stated by its test.
#![expect(clippy::unwrap_used, reason = "a test ends where something is not as expected")]
#![expect(clippy::float_cmp, reason = "values that are only copied must be equal bit for bit")]

mod chaos;
mod control;
mod derived;
mod executor;
mod failures;
mod fake;
mod few_runs;
mod forecast;
mod page;
mod processes;
mod pruning;
mod run_dir;
mod seen;
mod selection;

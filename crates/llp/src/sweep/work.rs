//! `llp sweep run` and `llp sweep worker`: a pool on this machine that works through a sweep directory.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use llp_sweep::executor::Totals;
use llp_sweep::executor::local::{self, Environment, Options, Signals};
use llp_sweep::executor::process::Processes;
use llp_sweep::sweep_dir::{Cell, SweepDir};

use crate::Global;
use crate::args::config::ConfigArgs;
use crate::environment::{owner, program, stopwatch, tell};
use crate::failure::{Failure, code};
use crate::show::report;
use crate::signals::StopFlags;
use crate::sweep::data::{check_before_planning, fetch_data};
use crate::sweep::devices::{PoolDeviceArgs, Slots};
use crate::sweep::exec::child;
use crate::sweep::progress::Cells;
use crate::sweep::{FilterArgs, grid};
use crate::train::progress::Style;

/// Attempts for a cell that fails.
const MAX_ATTEMPTS: u32 = 3;

/// Deaths of a cell's process after which it is parked.
const MAX_DEATHS: u32 = 3;

/// Between two looks at the children; a cell that ends waits half of this on average for the next to start.
pub(crate) const POLL: Duration = Duration::from_millis(50);

/// Between two looks at what other processes work on: files on a shared disk.
const LOOK_ELSEWHERE: Duration = Duration::from_secs(2);

#[derive(Args)]
pub(crate) struct RunArgs {
    /// A preset (digits, cifar10-cpu, table, paper) or a sweep file (TOML).
    #[arg(value_name = "PRESET|FILE")]
    sweep: String,
    /// The sweep's directory; made if it does not exist.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    pool: PoolArgs,
    #[command(flatten)]
    config: ConfigArgs,
}

#[derive(Args)]
pub(crate) struct WorkerArgs {
    /// The sweep's directory.
    #[arg(value_name = "SWEEP")]
    dir: PathBuf,
    #[command(flatten)]
    pool: PoolArgs,
    /// End after this time without a cell to train, although others still work, as in 5m; by default when all cells are
    /// done.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    idle_exit: Option<Duration>,
    /// Save and stop after this time, as in 3h50m.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    time_limit: Option<Duration>,
}

#[derive(Args)]
struct PoolArgs {
    #[command(flatten)]
    devices: PoolDeviceArgs,
    /// Stop everything at the first cell that fails permanently.
    #[arg(long)]
    fail_fast: bool,
    /// Begin no more cells after this many failed permanently.
    #[arg(long, value_name = "N")]
    max_failures: Option<usize>,
    #[command(flatten)]
    filter: FilterArgs,
}

pub(crate) fn run(global: Global, args: &RunArgs) -> Result<u8, Failure> {
    let mut grid = grid(&args.sweep)?;
    args.config.apply(global, &mut grid)?;
    let filter = args.pool.filter.parse()?;
    let slots = args.pool.devices.slots()?;
    check_before_planning(global, &args.out, &grid)?;
    let sweep = SweepDir::open_or_create(&args.out, &grid)?;
    let cells = sweep.matching(&filter);
    let stop_flags = StopFlags::listen()?;
    let totals = work(global, &sweep, &cells, &args.pool, &slots, None, &stop_flags)?;
    report::write(global, &sweep)?;
    Ok(end(&totals, &stop_flags, sweep.path()))
}

pub(crate) fn worker(global: Global, args: &WorkerArgs) -> Result<u8, Failure> {
    let filter = args.pool.filter.parse()?;
    let slots = args.pool.devices.slots()?;
    let sweep = SweepDir::open(&args.dir)?;
    let cells = sweep.matching(&filter);
    let stop_flags = StopFlags::listen()?;
    if let Some(limit) = args.time_limit {
        stop_flags.stop_after(limit);
    }
    let totals = work(global, &sweep, &cells, &args.pool, &slots, args.idle_exit, &stop_flags)?;
    Ok(end(&totals, &stop_flags, sweep.path()))
}

fn work(
    global: Global,
    sweep: &SweepDir,
    cells: &[&Cell],
    args: &PoolArgs,
    slots: &Slots,
    idle_exit: Option<Duration>,
    stop_flags: &StopFlags,
) -> Result<Totals, Failure> {
    slots.check(cells)?;
    fetch_data(global, cells)?;
    let options = Options {
        jobs: slots.jobs,
        max_attempts: MAX_ATTEMPTS,
        max_deaths: MAX_DEATHS,
        fail_fast: args.fail_fast,
        max_failures: args.max_failures,
        idle_exit,
        poll: POLL,
        look_elsewhere: LOOK_ELSEWHERE,
    };
    let program = program()?;
    let command =
        |cell: &Cell, place: usize| child(&program, sweep, cell, slots.devices[place], slots.threads);
    let launcher = Processes::new(slots.devices.len(), command);
    let signals = Signals { stop: &stop_flags.stop, kill: &stop_flags.kill };
    let (owner, seconds) = (owner(), stopwatch());
    let environment = Environment { owner: &owner, seconds: &seconds, signals };
    let mut progress = Cells::new(Style::resolve(global), cells.len());
    let totals = local::run(sweep, cells, &launcher, &options, environment, &mut progress)?;
    progress.finish();
    Ok(totals)
}

fn end(totals: &Totals, stop_flags: &StopFlags, out: &Path) -> u8 {
    if stop_flags.should_stop() {
        tell(&format!(
            "stopped: {} of {} cells have a result; the same command goes on, or: llp sweep status {}",
            totals.ended(),
            totals.cells(),
            out.display()
        ));
        return stop_flags.exit_code();
    }
    if totals.failed + totals.parked > 0 {
        tell(&format!(
            "{} cells failed and {} are parked: see llp sweep status {}; then llp sweep retry",
            totals.failed,
            totals.parked,
            out.display()
        ));
        return code::FAILED_CELLS;
    }
    0
}

//! `llp sweep plan`: what a sweep will cost, before it starts.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use llp_sweep::config::RunConfig;
use llp_sweep::estimate::cost_key;
use llp_sweep::filter::Filter;
use llp_sweep::forecast::{Timing, makespan};
use llp_sweep::run_dir::RunState;
use llp_sweep::status::{Standing, survey};
use llp_sweep::sweep_dir::{Cell, SweepDir, plan as expand};
use serde_json::json;

use crate::args::config::ConfigArgs;
use crate::environment::{host, print, print_json, tell};
use crate::failure::{Failure, code, usage};
use crate::sweep::data::{check_before_planning, fetch_data};
use crate::sweep::devices::{PoolDeviceArgs, Slots};
use crate::sweep::grid;
use crate::sweep::probe::time_beside;
use crate::sweep::work::POLL;
use crate::units::duration;
use crate::{Global, Output};

#[derive(Args)]
pub(crate) struct PlanArgs {
    /// A preset (digits, cifar10-cpu, table, paper) or a sweep file (TOML).
    #[arg(value_name = "PRESET|FILE")]
    sweep: String,
    /// The sweep's directory: made, and its finished runs counted. Without it nothing is written.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    devices: PoolDeviceArgs,
    /// Machines like this one that work on the sweep at once.
    #[arg(long, value_name = "N", default_value_t = 1)]
    workers: usize,
    /// Price of an hour of such a machine.
    #[arg(long, value_name = "X")]
    price: Option<f64>,
    /// Training steps to time for each kind of run, at least; it is always a second's worth.
    #[arg(long, value_name = "N", default_value_t = 3, conflicts_with = "no_probe")]
    probe_steps: usize,
    /// Time nothing: only count the runs.
    #[arg(long)]
    no_probe: bool,
    #[command(flatten)]
    config: ConfigArgs,
}

/// What is known of a sweep before it runs.
struct Forecast {
    n_runs: usize,
    n_done: usize,
    jobs: usize,
    workers: usize,
    cost: Option<Cost>,
}

/// What was timed, and what follows from it.
struct Cost {
    n_kinds: usize,
    /// All machines together, while all their jobs are busy.
    device_s: f64,
    wall_s: f64,
    kept_bytes: u64,
    peak_bytes: u64,
    price: Option<f64>,
}

pub(crate) fn plan(global: Global, args: &PlanArgs) -> Result<u8, Failure> {
    if args.workers == 0 {
        return Err(usage("--workers must be at least 1".to_owned()));
    }
    if args.price.is_some_and(|price| !price.is_finite() || price < 0.0) {
        return Err(usage("--price must be a number of at least 0".to_owned()));
    }
    let mut grid = grid(&args.sweep)?;
    args.config.apply(global, &mut grid)?;
    let slots = args.devices.slots()?;
    if let Some(out) = &args.out {
        check_before_planning(global, out, &grid)?;
    }
    let sweep = args.out.as_ref().map(|out| SweepDir::open_or_create(out, &grid)).transpose()?;
    let cells = sweep.as_ref().map_or_else(|| expand(&grid), |sweep| Ok(sweep.cells().to_vec()))?;
    let standings = match &sweep {
        Some(sweep) => survey(sweep, &sweep.matching(&Filter::default()), &host()),
        None => cells.iter().map(pending).collect(),
    };
    let open: Vec<&Standing<'_>> = standings.iter().filter(|standing| !standing.state.is_ended()).collect();
    let cost = if args.no_probe || open.is_empty() {
        None
    } else {
        let open_cells: Vec<&Cell> = open.iter().map(|standing| standing.cell).collect();
        slots.check(&open_cells)?;
        fetch_data(global, &open_cells)?;
        let timings = time_kinds(&open, args.out.as_deref(), &slots, args.probe_steps)?;
        Some(cost(&standings, &open, &timings, slots.jobs, args))
    };
    let (n_runs, n_done) = (standings.len(), standings.len() - open.len());
    show(global, &Forecast { n_runs, n_done, jobs: slots.jobs, workers: args.workers, cost })?;
    Ok(code::SUCCESS)
}

fn pending(cell: &Cell) -> Standing<'_> {
    Standing {
        cell,
        state: RunState::Pending,
        epochs: 0,
        n_epochs: cell.config.optim.epochs,
        train_s: None,
        reason: None,
    }
}

/// Times one run of each kind that is still to do, as many at once as the sweep will run.
fn time_kinds(
    open: &[&Standing<'_>],
    out: Option<&Path>,
    slots: &Slots,
    steps: usize,
) -> Result<BTreeMap<String, Timing>, Failure> {
    let mut kinds: BTreeMap<String, &RunConfig> = BTreeMap::new();
    for standing in open {
        let config = &standing.cell.config;
        let kind = kinds.entry(cost_key(config)).or_insert(config);
        // The smallest learning rate is the least likely to diverge while it is timed.
        if config.optim.lr < kind.optim.lr {
            *kind = config;
        }
    }
    let scratch = out.map_or_else(tempfile::tempdir, tempfile::tempdir_in)?;
    let n_beside = slots.jobs.min(open.len());
    let configs: Vec<&RunConfig> = kinds.values().copied().collect();
    let mut timings = Vec::new();
    for (place, chunk) in configs.chunks(n_beside).enumerate() {
        tell(&format!("timing {} of {} kinds of runs", timings.len() + chunk.len(), configs.len()));
        // The last ones are timed beside others that were timed before.
        let beside: Vec<_> = chunk.iter().chain(configs.iter().cycle()).take(n_beside).copied().collect();
        let folder = scratch.path().join(place.to_string());
        let timed = time_beside(&beside, &folder, slots, steps)
            .map_err(|error| Failure { code: code::RUNTIME, error })?;
        timings.extend_from_slice(&timed[..chunk.len()]);
    }
    Ok(kinds.into_keys().zip(timings).collect())
}

fn cost(
    all: &[Standing<'_>],
    open: &[&Standing<'_>],
    timings: &BTreeMap<String, Timing>,
    jobs: usize,
    args: &PlanArgs,
) -> Cost {
    let timing = |standing: &Standing<'_>| timings.get(&cost_key(&standing.cell.config));
    // A slot is free at a moment of its own, and is filled at the next look.
    let gap_s = POLL.as_secs_f64() / 2.0;
    let run_s = |standing: &&Standing<'_>| {
        timing(standing).map(|timing| gap_s + timing.run_s(&standing.cell.config, standing.epochs))
    };
    let runs_s: Vec<f64> = open.iter().filter_map(run_s).collect();
    let device_s = runs_s.iter().sum::<f64>() / jobs as f64;
    let slots = jobs * args.workers;
    let kept_bytes = all.iter().filter_map(timing).map(|timing| timing.kept_bytes).sum::<u64>();
    // While a run goes on it has two checkpoints, and for a moment a third.
    let largest = timings.values().map(|timing| timing.checkpoint_bytes).max().unwrap_or(0);
    let price = args.price.map(|price| price * device_s / 3600.0);
    Cost {
        n_kinds: timings.len(),
        device_s,
        wall_s: makespan(&runs_s, slots),
        kept_bytes,
        peak_bytes: kept_bytes + 3 * largest * slots.min(open.len()) as u64,
        price,
    }
}

fn show(global: Global, forecast: &Forecast) -> Result<(), Failure> {
    let Forecast { n_runs, n_done, jobs, workers, cost } = forecast;
    if global.output == Output::Json {
        let cost = cost.as_ref().map(|cost| {
            json!({
                "kinds": cost.n_kinds, "device_s": cost.device_s, "wall_s": cost.wall_s,
                "kept_bytes": cost.kept_bytes, "peak_bytes": cost.peak_bytes, "price": cost.price,
            })
        });
        let forecast =
            json!({ "runs": n_runs, "done": n_done, "jobs": jobs, "workers": workers, "cost": cost });
        return Ok(print_json(&forecast)?);
    }
    print(&format!("runs          {n_runs}, of which {n_done} have a result"))?;
    print(&format!("at once       {jobs} on each of {workers} machines"))?;
    if let Some(cost) = cost {
        print(&format!(
            "device time   {}, by timing {} kinds of runs",
            duration(cost.device_s),
            cost.n_kinds
        ))?;
        print(&format!("wall time     {}", duration(cost.wall_s)))?;
        let (kept, peak) = (bytes(cost.kept_bytes), bytes(cost.peak_bytes));
        print(&format!("disk          {kept} of checkpoints at the end, at most {peak} meanwhile"))?;
        if let Some(price) = cost.price {
            print(&format!("price         {price:.2}"))?;
        }
    }
    Ok(())
}

fn bytes(n: u64) -> String {
    let n = n as f64;
    if n < 1e9 { format!("{:.1} MB", n / 1e6) } else { format!("{:.1} GB", n / 1e9) }
}

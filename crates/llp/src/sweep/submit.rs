//! `llp sweep submit`: hands a sweep to a cluster.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use llp_sweep::claim::BEAT;
use llp_sweep::control::free_from_dead_hosts;
use llp_sweep::executor::slurm::{self, Options, Script};
use llp_sweep::sweep_dir::SweepDir;

use crate::args::device::DeviceArg;
use crate::environment::{host, owner, print, print_json, program, tell};
use crate::failure::{Failure, code, usage};
use crate::sweep::FilterArgs;
use crate::{Global, Output};

/// Slurm's own default, for a dry run where there is no Slurm to ask.
const DEFAULT_ARRAY_SIZE_MAX: usize = 1001;

#[derive(Args)]
pub(crate) struct SubmitArgs {
    /// The sweep's directory, made by llp sweep plan --out or by an earlier run.
    #[arg(value_name = "SWEEP")]
    dir: PathBuf,
    /// The engine of the cluster.
    #[arg(long, value_name = "ENGINE", default_value = "slurm")]
    executor: Engine,
    /// Print the scripts and submit nothing.
    #[arg(long)]
    dry_run: bool,
    /// Cells that a task trains, one after the other.
    #[arg(long, value_name = "N", default_value_t = 1)]
    runs_per_task: usize,
    /// Tasks of an array that run at once.
    #[arg(long, value_name = "N")]
    max_parallel: Option<usize>,
    /// Time limit of a task, as in 4:00:00; two minutes before it, the task saves and is queued again.
    #[arg(long, value_name = "TIME")]
    time: Option<String>,
    #[command(flatten)]
    device: DeviceArg,
    #[command(flatten)]
    filter: FilterArgs,
    /// Further arguments for sbatch, after --.
    #[arg(last = true, value_name = "SBATCH_ARGS")]
    extra: Vec<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Engine {
    /// Slurm job arrays.
    Slurm,
}

pub(crate) fn submit(global: Global, args: &SubmitArgs) -> Result<u8, Failure> {
    let Engine::Slurm = args.executor;
    if args.runs_per_task == 0 || args.max_parallel == Some(0) {
        return Err(usage("--runs-per-task and --max-parallel must be at least 1".to_owned()));
    }
    if args.time.as_ref().is_some_and(|time| time.contains(|c: char| c.is_whitespace() || c.is_control())) {
        return Err(usage("--time must be a time as Slurm writes it, such as 4:00:00".to_owned()));
    }
    let filter = args.filter.parse()?;
    let sweep = SweepDir::open(&args.dir)?;
    let cells = sweep.matching(&filter);
    if !args.dry_run {
        // A task that was killed on another node has left a claim that looks alive from here.
        for (cell, dead) in free_from_dead_hosts(&sweep, &cells, &owner(), BEAT)? {
            tell(&format!("{} was left by {dead}, whose heartbeat stopped", cell.run));
        }
    }
    let open = slurm::open_cells(&sweep, &cells, &host())?;
    if open.is_empty() {
        tell("every cell has a result, is being worked on, or needs llp sweep retry: nothing to submit");
        return Ok(code::SUCCESS);
    }
    let asked = slurm::array_size_max("scontrol");
    let options = Options {
        program: program()?,
        device: args.device.device.to_string(),
        runs_per_task: args.runs_per_task,
        max_parallel: args.max_parallel,
        time: args.time.clone(),
        extra: args.extra.clone(),
        array_size_max: if args.dry_run { asked.unwrap_or(DEFAULT_ARRAY_SIZE_MAX) } else { asked? },
    };
    let scripts = slurm::scripts(&sweep, &open, &options);
    if args.dry_run {
        return show(&scripts, &options);
    }
    let jobs = slurm::submit(&sweep, &scripts, &options, "sbatch")?;
    if global.output == Output::Json {
        print_json(&jobs)?;
    } else {
        for job in &jobs {
            print(&format!("{}  {}", job.id, job.script))?;
        }
    }
    tell(&format!("{} cells submitted", open.len()));
    Ok(code::SUCCESS)
}

fn show(scripts: &[Script], options: &Options) -> Result<u8, Failure> {
    for script in scripts {
        let arguments = slurm::sbatch(script, &options.extra, &["ARRAYS".to_owned()]);
        print(&format!("### slurm/{}: sbatch {}", script.name, arguments.join(" ")))?;
        print(&script.text)?;
        if let Some(cells) = &script.cells {
            print(&format!("### slurm/{}\n{cells}", script.name.replace(".sbatch", ".cells")))?;
        }
    }
    Ok(code::SUCCESS)
}

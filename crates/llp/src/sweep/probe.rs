//! `llp sweep probe`: what `llp sweep plan` starts, as many at once as the sweep will. Each says when it is ready,
//! waits for a line, says what it has timed, and goes on until standard input ends, so that all are timed beside equals.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Barrier;
use std::sync::atomic::Ordering;

use anyhow::Context as _;
use clap::Args;
use llp_kernels::DeviceName;
use llp_sweep::config::RunConfig;
use llp_sweep::forecast::Timing;
use llp_sweep::run_dir::RunDir;
use llp_train::{ProbeContext, probe as time_parts};

use crate::Global;
use crate::args::device::DeviceArg;
use crate::data::hub;
use crate::environment::{print, print_json, program, stopwatch};
use crate::failure::{Failure, code};
use crate::signals::StopFlags;
use crate::sweep::devices::Slots;
use crate::sweep::exec::confine;

#[derive(Args)]
pub(crate) struct ProbeArgs {
    /// A run's directory, to be thrown away afterwards.
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// Steps to time, at least.
    #[arg(long, value_name = "N")]
    steps: usize,
    #[command(flatten)]
    device: DeviceArg,
}

pub(crate) fn probe(global: Global, args: &ProbeArgs) -> Result<u8, Failure> {
    rayon::scope(|_| probe_in_pool(global, args))
}

fn probe_in_pool(global: Global, args: &ProbeArgs) -> Result<u8, Failure> {
    let seconds = stopwatch();
    let device = args.device.open()?;
    let (_, config) = RunDir::open(&args.dir)?;
    let stop_flags = StopFlags::listen()?;
    stop_flags.exit_on_kill();
    let mut context = ProbeContext {
        locate: &|name| hub::locate(global, name),
        device: &device,
        version: env!("CARGO_PKG_VERSION"),
        seconds: &seconds,
        // The parent ends a process that reports nothing.
        ready: &mut || {
            let _ = print("ready");
            let _ = std::io::stdin().lock().read_line(&mut String::new());
            stop_flags.stop_with_stdin();
        },
        timed: &mut |timing| drop(print_json(timing)),
        is_over: &|| stop_flags.stop.load(Ordering::Relaxed),
    };
    time_parts(&args.dir, &config, args.steps, &mut context)?;
    Ok(code::SUCCESS)
}

/// Times runs beside each other, one process for each; a timing for each, in their order. `scratch` is a folder for
/// their directories.
pub(crate) fn time_beside(
    configs: &[&RunConfig],
    scratch: &Path,
    slots: &Slots,
    steps: usize,
) -> anyhow::Result<Vec<Timing>> {
    let program = program()?;
    let (all_ready, all_timed) = (Barrier::new(configs.len()), Barrier::new(configs.len()));
    std::thread::scope(|scope| {
        let time = |(place, config): (usize, &&RunConfig)| {
            let (dir, config) = (scratch.join(place.to_string()), (*config).clone());
            let probe = Probe { config, dir, device: slots.devices[place % slots.devices.len()], steps };
            let (program, barriers) = (&program, (&all_ready, &all_timed));
            scope.spawn(move || time_one(program, &probe, slots.threads, barriers))
        };
        let probes: Vec<_> = configs.iter().enumerate().map(time).collect();
        let join = |probe: std::thread::ScopedJoinHandle<'_, anyhow::Result<Timing>>| {
            probe.join().unwrap_or_else(|_| Err(anyhow::anyhow!("a probe panicked")))
        };
        probes.into_iter().map(join).collect()
    })
}

/// What one process is to time.
struct Probe {
    dir: PathBuf,
    config: RunConfig,
    device: DeviceName,
    steps: usize,
}

/// One probe, which meets the others at the two barriers whatever happens to it.
fn time_one(
    program: &Path,
    probe: &Probe,
    threads: usize,
    (all_ready, all_timed): (&Barrier, &Barrier),
) -> anyhow::Result<Timing> {
    let seconds = stopwatch();
    let started = start(program, probe, threads).map(|(child, mut input, mut output)| {
        let ready = line(&mut output).map(|_| seconds());
        all_ready.wait();
        let timing = ready.and_then(|start_s| {
            writeln!(input, "go")?;
            let timing: Timing = serde_json::from_str(&line(&mut output)?)?;
            Ok(Timing { start_s, ..timing })
        });
        all_timed.wait();
        drop(input);
        (child, timing)
    });
    let (child, timing) = match started {
        Ok(started) => started,
        Err(error) => {
            all_ready.wait();
            all_timed.wait();
            return Err(error);
        }
    };
    let end = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&end.stderr);
    timing.with_context(|| format!("cannot time {}: {}", probe.config.run_name(), said.trim()))
}

type Started = (std::process::Child, ChildStdin, BufReader<ChildStdout>);

fn start(program: &Path, probe: &Probe, threads: usize) -> anyhow::Result<Started> {
    let Probe { dir, config, device, steps } = probe;
    RunDir::open_or_create(dir, config)?;
    let mut command = Command::new(program);
    command.args(["sweep", "probe"]).arg(dir);
    command.args(["--steps", &steps.to_string(), "--device", &device.to_string()]);
    confine(&mut command, threads);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let input = child.stdin.take().context("a child without an input")?;
    let output = child.stdout.take().context("a child without an output")?;
    Ok((child, input, BufReader::new(output)))
}

fn line(output: &mut impl std::io::BufRead) -> anyhow::Result<String> {
    let mut line = String::new();
    output.read_line(&mut line)?;
    anyhow::ensure!(!line.is_empty(), "it ended early");
    Ok(line)
}

//! `cargo xtask bench rows`: a training on a large table of features, its speed and its memory.

use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::process::announce;
use crate::sweep::release_llp;

const EPOCHS: &str = "3";
const N_NUMBERS: usize = 12;
const CATEGORIES: [&str; 6] = ["north", "east", "south", "west", "center", "abroad"];
const BAG_SIZES: [usize; 8] = [1, 4, 16, 40, 64, 150, 256, 1000];
const N_CLASSES: usize = 3;
/// What the resident memory must stay below.
const MEMORY_MAX_GIB: f64 = 4.0;

/// Prints one row: what was trained on, how fast, and the largest resident memory.
pub(super) fn run(n_rows: usize) -> Result<()> {
    let llp = release_llp()?;
    let folder = tempfile::tempdir()?;
    let n_bags = write_tables(folder.path(), n_rows)?;
    let run = folder.path().join("run");
    let mut command = Command::new(llp);
    command.args(["train", "--preset", "table", "--epochs", EPOCHS, "--quiet", "--data"]).arg(folder.path());
    command.arg("--out").arg(&run).stdout(Stdio::null());
    announce(&command);
    let start = Instant::now();
    let memory_gib = peak_memory_gib(command.spawn()?)?;
    let seconds = start.elapsed().as_secs_f64();
    println!("| rows | columns | bags | epochs | seconds in all | rows a second | peak memory, GiB |");
    println!("|---|---|---|---|---|---|---|");
    println!(
        "| {n_rows} | {} | {n_bags} | {EPOCHS} | {seconds:.1} | {:.0} | {memory_gib:.2} |",
        N_NUMBERS + 1,
        rows_per_s(&run)?
    );
    if memory_gib > MEMORY_MAX_GIB {
        bail!("the training took {memory_gib:.2} GiB, more than {MEMORY_MAX_GIB}");
    }
    Ok(())
}

/// Speed of the steps of the last epoch.
fn rows_per_s(run: &Path) -> Result<f64> {
    let metrics = fs_err::read_to_string(run.join("metrics.jsonl"))?;
    let last: Value = serde_json::from_str(metrics.lines().last().context("no epoch")?)?;
    last["images_per_s"].as_f64().context("no speed")
}

/// Waits for a process, and looks at its largest resident memory so far until it ends.
fn peak_memory_gib(mut child: Child) -> Result<f64> {
    let path = format!("/proc/{}/status", child.id());
    let mut peak_kib = 0.0_f64;
    loop {
        let status = fs_err::read_to_string(&path).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        peak_kib = peak_kib.max(kib.unwrap_or(0.0));
        if let Some(status) = child.try_wait()? {
            if !status.success() {
                bail!("the training ended with {status}");
            }
            return Ok(peak_kib / 1024.0 / 1024.0);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Writes rows in bags of mixed sizes, and the counts of the bags; the class depends on the first numbers.
fn write_tables(folder: &Path, n_rows: usize) -> Result<usize> {
    let mut instances = BufWriter::new(fs_err::File::create(folder.join("instances.csv"))?);
    let mut proportions = BufWriter::new(fs_err::File::create(folder.join("proportions.csv"))?);
    let numbers: Vec<String> = (0..N_NUMBERS).map(|column| format!("x{column}")).collect();
    writeln!(instances, "bag,{},region", numbers.join(","))?;
    writeln!(proportions, "bag,low,middle,high")?;
    let mut random = Random(1);
    let (mut n_bags, mut left) = (0, n_rows);
    while left > 0 {
        let size = BAG_SIZES[random.below(BAG_SIZES.len())].min(left);
        let mut counts = [0; N_CLASSES];
        for _ in 0..size {
            write!(instances, "b{n_bags}")?;
            let values = [(); N_NUMBERS].map(|()| random.uniform() - 0.5);
            for value in values {
                write!(instances, ",{value:.4}")?;
            }
            writeln!(instances, ",{}", CATEGORIES[random.below(CATEGORIES.len())])?;
            let score = values[0] + values[1] - values[2];
            counts[usize::from(score > -0.2) + usize::from(score > 0.2)] += 1;
        }
        let [low, middle, high] = counts;
        writeln!(proportions, "b{n_bags},{low},{middle},{high}")?;
        (n_bags, left) = (n_bags + 1, left - size);
    }
    instances.flush()?;
    proportions.flush()?;
    Ok(n_bags)
}

/// Vigna's splitmix64: a table needs no better.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

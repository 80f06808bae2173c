//! Softmax under the KL loss on many rows: time and peak memory.
//!
//! ```sh
//! cargo run --release -p llp-classic --features rayon --example bench -- [ROWS] [COLUMNS] [CLASSES] [LARGEST_BAG] [FOLDER]
//! ```
//!
//! Draws features of single precision around class means in bags of 1 to `LARGEST_BAG` instances whose shares differ, fits
//! MeanMap and then the KL loss to a gradient of 1e-6, and prints what it took. The peak is that of the process (Linux).
//! With a folder, the problem is written there first, as numbers without a head, and `fixtures/large_table/lbfgs.py`
//! solves the same by PyTorch.
#![expect(clippy::print_stdout, reason = "a command")]

use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::time::Instant;

use llp_classic::{Bags, LinearKlConfig, MeanMapConfig, linear_kl_from, mean_map};
use llp_ot::Proportions;

/// `SplitMix64`.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// In `[0, 1)`.
    fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Nearly normal: of variance 1.
    fn normal(&mut self) -> f64 {
        let word = self.next();
        let sum: u64 = (0..4).map(|part| (word >> (16 * part)) & 0xFFFF).sum();
        (sum as f64 / 65_536.0 - 2.0) * 3.0_f64.sqrt()
    }
}

struct Drawn {
    features: Vec<f32>,
    bag_of: Vec<u32>,
    labels: Vec<usize>,
    proportions: Vec<Proportions>,
}

fn draw(n: usize, d: usize, k: usize, largest: usize) -> Result<Drawn, llp_ot::OtError> {
    let mut random = Random(1);
    let means: Vec<f64> = (0..k * d).map(|_| 3.0 * random.normal() / (d as f64).sqrt()).collect();
    let mut drawn = Drawn {
        features: Vec::with_capacity(n * d),
        bag_of: Vec::with_capacity(n),
        labels: Vec::with_capacity(n),
        proportions: Vec::new(),
    };
    while drawn.bag_of.len() < n {
        let left = n - drawn.bag_of.len();
        let size = (1 + random.next() as usize % largest).min(left);
        let taste: Vec<f64> = (0..k).map(|_| random.uniform().powi(4)).collect();
        let mut counts = vec![0; k];
        for _ in 0..size {
            let mut point = random.uniform() * taste.iter().sum::<f64>();
            let passed = |weight: &f64| {
                point -= weight;
                point < 0.0
            };
            let label = taste.iter().position(passed).unwrap_or(k - 1);
            counts[label] += 1;
            drawn.labels.push(label);
            drawn.bag_of.push(drawn.proportions.len() as u32);
            drawn.features.extend((0..d).map(|column| (means[label * d + column] + random.normal()) as f32));
        }
        drawn.proportions.push(Proportions::from_counts(&counts)?);
    }
    Ok(drawn)
}

/// MiB of memory now and at most, of this process.
fn memory() -> (f64, f64) {
    let status = fs_err::read_to_string("/proc/self/status").unwrap_or_default();
    let entry = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key))?;
        line.split_whitespace().next()?.parse::<f64>().ok()
    };
    (entry("VmRSS:").unwrap_or(f64::NAN) / 1024.0, entry("VmHWM:").unwrap_or(f64::NAN) / 1024.0)
}

/// Seconds that the processors worked for this process (Linux).
fn processor_seconds() -> f64 {
    let stat = fs_err::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: f64 =
        after_name.split_whitespace().skip(11).take(2).filter_map(|t| t.parse::<f64>().ok()).sum();
    ticks / 100.0
}

/// Writes the features (`f32`), the bag of each row (`u32`) and the proportions (`f64`), little-endian.
fn write(folder: &Path, drawn: &Drawn) -> std::io::Result<()> {
    fs_err::create_dir_all(folder)?;
    let mut file = BufWriter::new(fs_err::File::create(folder.join("features"))?);
    for value in &drawn.features {
        file.write_all(&value.to_le_bytes())?;
    }
    file.flush()?;
    let bags: Vec<u8> = drawn.bag_of.iter().flat_map(|bag| bag.to_le_bytes()).collect();
    fs_err::write(folder.join("bags"), bags)?;
    let shares = drawn.proportions.iter().flat_map(Proportions::as_slice);
    let shares: Vec<u8> = shares.flat_map(|share| share.to_le_bytes()).collect();
    fs_err::write(folder.join("proportions"), shares)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut sizes = [1_000_000, 64, 10, 1000];
    for (size, argument) in sizes.iter_mut().zip(std::env::args().skip(1)) {
        *size = argument.parse()?;
    }
    let [n, d, k, largest] = sizes;
    let drawn = draw(n, d, k, largest)?;
    if let Some(folder) = std::env::args().nth(5) {
        write(Path::new(&folder), &drawn)?;
    }
    let data = (n * d * size_of::<f32>()) as f64 / f64::from(1 << 20);
    let (before, _) = memory();
    println!(
        "{n} rows, {d} columns, {k} classes, {} bags: features {data:.0} MiB, process {before:.0} MiB",
        drawn.proportions.len()
    );

    let started = Instant::now();
    let bags = Bags::new(&drawn.features, d, &drawn.bag_of, &drawn.proportions)?;
    println!("checked and grouped: {:.2} s", started.elapsed().as_secs_f64());
    let mean = MeanMapConfig { l2: 1e-3, ..MeanMapConfig::default() };
    let started = (Instant::now(), processor_seconds());
    let start = mean_map(&bags, &mean)?;
    report("MeanMap", started, &start, &drawn)?;
    let started = (Instant::now(), processor_seconds());
    let fit = linear_kl_from(&bags, &LinearKlConfig::default(), &start.model)?;
    report("KL", started, &fit, &drawn)?;
    let (_, peak) = memory();
    println!("peak {peak:.0} MiB: {:.2} times the process before", peak / before);
    Ok(())
}

fn report(
    name: &str,
    started: (Instant, f64),
    fit: &llp_classic::Fit,
    drawn: &Drawn,
) -> Result<(), Box<dyn std::error::Error>> {
    let seconds = started.0.elapsed().as_secs_f64();
    let worked = processor_seconds() - started.1;
    let predicted = fit.model.predict(&drawn.features)?;
    let right = predicted.iter().zip(&drawn.labels).filter(|(a, b)| a == b).count();
    println!(
        "{name}: {seconds:.2} s ({worked:.2} s of processors), {} passes of {:.3} s, gradient {:.1e}, accuracy {:.2} %",
        fit.n_evaluations,
        seconds / fit.n_evaluations as f64,
        fit.gradient_norm,
        100.0 * right as f64 / drawn.labels.len() as f64
    );
    Ok(())
}

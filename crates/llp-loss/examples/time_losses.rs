//! Times every loss with its gradient: a Markdown table of milliseconds in single precision, the median of 31 calls, or of
//! those that two seconds hold.
//!
//! `cargo run --release -p llp-loss --example time_losses`, and with `-- moments` those of order 8 alone, of ten classes in
//! 16 bags of 64.
#![expect(clippy::print_stdout, reason = "prints its measurements")]

use std::error::Error;
use std::time::Instant;

use candle_core::{Device, Var};
use llp_loss::{
    AvgKl, BagLoss, BagTargets, Dsq, EasyLlp, Gaussian, Gupm, Kl, L1, L2, Llpfc, Marginal, Moments,
    Multinomial, Rot, Saddlepoint,
};
use llp_ot::{NewtonConfig, Proportions, RotConfig, RotSolver};

/// Bags, instances per bag, classes: those of `cargo xtask bench rot`.
const SHAPES: [(usize, usize, usize); 5] =
    [(16, 64, 10), (64, 16, 10), (1, 1024, 10), (16, 64, 100), (1, 1024, 100)];
const RUNS: usize = 31;
const SECONDS: f64 = 2.0;

fn main() -> Result<(), Box<dyn Error>> {
    if std::env::args().nth(1).as_deref() == Some("moments") {
        let (logits, targets) = batch(16, 64, 10)?;
        println!("{:.1}", milliseconds(&Moments { order: 8 }, &logits, &targets)?);
        return Ok(());
    }
    let rot = RotConfig { alpha: 0.5, epsilon: 1.0, solver: RotSolver::Newton(NewtonConfig::SINGLE) };
    let losses: Vec<(&str, Box<dyn BagLoss>)> = vec![
        ("ROT", Box::new(Rot { config: rot })),
        ("KL", Box::new(Kl)),
        ("AvgKL", Box::new(AvgKl)),
        ("L1", Box::new(L1)),
        ("L2", Box::new(L2)),
        ("Marginal", Box::new(Marginal)),
        ("Multinomial", Box::new(Multinomial)),
        ("Gaussian", Box::new(Gaussian)),
        ("Saddlepoint", Box::new(Saddlepoint)),
        ("Moments 2", Box::new(Moments { order: 2 })),
        ("Moments 3", Box::new(Moments { order: 3 })),
        ("EasyLLP", Box::new(EasyLlp)),
        ("GUPM", Box::new(Gupm)),
        ("DSQ", Box::new(Dsq)),
        ("LLPFC", Box::new(Llpfc)),
    ];
    let names: Vec<&str> = losses.iter().map(|(name, _)| *name).collect();
    println!("| bags x n x K | {} |", names.join(" | "));
    println!("|--|{}", "--:|".repeat(names.len()));
    for (bags, n, k) in SHAPES {
        let (logits, targets) = batch(bags, n, k)?;
        let mut cells = Vec::new();
        for (_, loss) in &losses {
            cells.push(format!("{:.3}", milliseconds(&**loss, &logits, &targets)?));
        }
        println!("| {bags} x {n} x {k} | {} |", cells.join(" | "));
    }
    Ok(())
}

/// Logits that vary by about 1, and the counts of labels that do not follow them.
fn batch(bags: usize, n: usize, k: usize) -> Result<(Var, BagTargets), Box<dyn Error>> {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let logits: Vec<f32> = (0..bags * n * k).map(|_| (next() % 4000) as f32 / 1000.0 - 2.0).collect();
    let mut proportions = Vec::new();
    for _ in 0..bags {
        let mut counts = vec![0_u32; k];
        (0..n).for_each(|_| counts[next() as usize % k] += 1);
        proportions.push(Proportions::from_counts(&counts)?);
    }
    let logits = Var::from_vec(logits, (bags * n, k), &Device::Cpu)?;
    Ok((logits, BagTargets::new(vec![n; bags], &proportions)?))
}

fn milliseconds(loss: &dyn BagLoss, logits: &Var, targets: &BagTargets) -> Result<f64, Box<dyn Error>> {
    let mut times = Vec::with_capacity(RUNS);
    let begin = Instant::now();
    while times.len() < RUNS && (times.is_empty() || begin.elapsed().as_secs_f64() < SECONDS) {
        let start = Instant::now();
        loss.forward(logits, targets)?.mean_all()?.backward()?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}

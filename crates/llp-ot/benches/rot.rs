//! Criterion benchmarks of the ROT loss and of the exact assignment.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use llp_ot::{NewtonConfig, RotBatch, RotConfig, RotSolver, assign, rot_loss_and_gradient};

/// Deterministic numbers in [-1, 1) without a generator: the fractional parts of multiples of the golden
/// ratio.
fn spread(len: usize, scale: f32) -> Vec<f32> {
    (0..len).map(|i| scale * (2.0 * ((i + 1) as f64 * 0.618_033_988_749_895).fract() - 1.0) as f32).collect()
}

fn rot(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("rot_loss_and_gradient");
    for (bags, n, n_classes) in [(16, 64, 10), (64, 16, 10), (1, 1024, 10), (16, 64, 100), (1, 1024, 100)] {
        for (setting, alpha, epsilon, scale) in [("easy", 0.5, 1.0, 2.0), ("hard", 0.1, 0.1, 16.0)] {
            let logits = spread(bags * n * n_classes, scale);
            let bag_sizes = vec![n; bags];
            let proportions = vec![1.0 / n_classes as f32; bags * n_classes];
            let batch =
                RotBatch { logits: &logits, bag_sizes: &bag_sizes, proportions: &proportions, n_classes };
            let config = RotConfig { alpha, epsilon, solver: RotSolver::Newton(NewtonConfig::SINGLE) };
            let (mut loss, mut gradient) = (vec![0.0; bags], vec![0.0; logits.len()]);
            group.bench_function(BenchmarkId::new(setting, format!("{bags}x{n}x{n_classes}")), |bencher| {
                bencher.iter(|| rot_loss_and_gradient(&batch, &config, &mut loss, &mut gradient));
            });
        }
    }
    group.finish();
}

fn assignment(criterion: &mut Criterion) {
    let cost: Vec<f64> = spread(4096 * 100, 8.0).into_iter().map(f64::from).collect();
    let counts: Vec<u32> = (0..100).map(|class| if class < 96 { 41 } else { 40 }).collect();
    criterion.bench_function("assign/4096x100", |bencher| bencher.iter(|| assign(&cost, &counts)));
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = rot, assignment
}
criterion_main!(benches);

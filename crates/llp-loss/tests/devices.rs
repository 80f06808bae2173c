//! Every loss on every GPU against the same loss on the CPU: those with a kernel, and those that are computed on the CPU.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use candle_core::{Device, Tensor, Var};
use llp_kernels::devices;
use llp_loss::{AvgKl, BagLoss, BagTargets, Interval, Kl, L1, L2, Marginal, Rot};
use llp_ot::{Imprecision, NewtonConfig, Proportions, RotConfig, RotSolver};

/// Single precision on a GPU, double precision inside on the CPU.
const TOLERANCE: f32 = 1e-4;

fn losses() -> Vec<Box<dyn BagLoss>> {
    let rot = |alpha, epsilon, solver| Box::new(Rot { config: RotConfig { alpha, epsilon, solver } });
    let newton = RotSolver::Newton(NewtonConfig::SINGLE);
    vec![
        Box::new(Kl),
        Box::new(AvgKl),
        rot(0.5, 1.0, newton),
        rot(0.9, 0.5, RotSolver::Sinkhorn { n_iters: 75 }),
        // Without a kernel: an epsilon that is too small for single precision.
        rot(0.5, 0.01, newton),
        Box::new(L1),
        Box::new(L2),
        Box::new(Interval),
        Box::new(Marginal),
    ]
}

/// Three bags, one with a class that is not there, one whose shares are imprecise if asked for.
fn targets(imprecise: bool) -> BagTargets {
    let proportions = [[0.5, 0.25, 0.25], [0.0, 1.0, 0.0], [0.2, 0.3, 0.5]]
        .map(|shares| Proportions::new(shares.to_vec()).unwrap());
    let targets = BagTargets::new(vec![4, 1, 10], &proportions).unwrap();
    if !imprecise {
        return targets;
    }
    let last = Imprecision::StandardErrors(vec![0.1, 0.1, 0.1]);
    targets.with_imprecision(vec![Imprecision::Exact, Imprecision::Exact, last]).unwrap()
}

/// Losses of the bags, and the gradient of a weighted sum of them; `None` where the loss refuses the bags.
fn evaluate(loss: &dyn BagLoss, targets: &BagTargets, device: &Device) -> Option<(Vec<f32>, Vec<f32>)> {
    let values: Vec<f32> = (0..45).map(|i| 2.0 * (i as f32 * 1.7).sin()).collect();
    let logits = Var::from_vec(values, (15, 3), device).unwrap();
    let losses = loss.forward(&logits, targets).ok()?;
    let weights = Tensor::new(&[1.0_f32, -2.0, 3.0], device).unwrap();
    let gradients = (&losses * weights).unwrap().sum_all().unwrap().backward().unwrap();
    let gradient = gradients.get(&logits).unwrap().flatten_all().unwrap();
    Some((losses.to_vec1().unwrap(), gradient.to_vec1().unwrap()))
}

/// Theorem: a loss does not depend on the device but for rounding.
#[test]
fn losses_agree_on_all_devices() {
    for (loss, imprecise) in losses().iter().flat_map(|loss| [(loss, false), (loss, true)]) {
        let targets = targets(imprecise);
        let on_cpu = evaluate(&**loss, &targets, &Device::Cpu);
        assert!(
            imprecise || on_cpu.is_some() || loss.name() == "interval",
            "{} refuses exact bags",
            loss.name()
        );
        for device in devices().into_iter().filter(Device::is_cuda) {
            let on_gpu = evaluate(&**loss, &targets, &device);
            assert_eq!(on_gpu.is_some(), on_cpu.is_some(), "{} refuses on one device only", loss.name());
            let (Some((got, gradient)), Some((expected, expected_gradient))) = (&on_gpu, &on_cpu) else {
                continue;
            };
            for (got, expected) in got.iter().zip(expected).chain(gradient.iter().zip(expected_gradient)) {
                assert!((got - expected).abs() <= TOLERANCE, "{}: {got}, expected {expected}", loss.name());
            }
        }
    }
}

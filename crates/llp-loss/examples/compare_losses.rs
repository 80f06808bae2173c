//! The losses of one bag for three predictors: right about every instance, right on average only, and clueless.

use candle_core::{Device, Tensor};
use llp_loss::{AvgKl, BagLoss, BagTargets, Kl, L1, L2, Rot};
use llp_ot::{NewtonConfig, Proportions, RotConfig, RotSolver};

#[expect(clippy::print_stdout, reason = "an example shows its result")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Four instances, three quarters of the first class.
    let targets = BagTargets::new(vec![4], [&Proportions::new(vec![0.75, 0.25])?])?;
    let solver = RotSolver::Newton(NewtonConfig::DOUBLE);
    let losses: [Box<dyn BagLoss>; 5] = [
        Box::new(Kl),
        Box::new(Rot { config: RotConfig { alpha: 0.5, epsilon: 1.0, solver } }),
        Box::new(AvgKl),
        Box::new(L1),
        Box::new(L2),
    ];
    let predictors = [
        ("sharp and right", [[4.0, -4.0], [4.0, -4.0], [4.0, -4.0], [-4.0, 4.0]]),
        ("right on average", [[3_f64.ln(), 0.0]; 4]),
        ("clueless", [[0.0, 0.0]; 4]),
    ];
    println!("{:<18}{:>9}{:>9}{:>9}{:>9}{:>9}", "", "kl", "rot", "avg-kl", "l1", "l2");
    for (name, logits) in predictors {
        let logits = Tensor::new(&logits, &Device::Cpu)?; // [instance, class]
        print!("{name:<18}");
        for loss in &losses {
            print!("{:>9.4}", loss.forward(&logits, &targets)?.to_vec1::<f64>()?[0]);
        }
        println!();
    }
    Ok(())
}

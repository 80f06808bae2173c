//! Theorems about training with imprecise proportions.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod small;

use llp_bags::source::digits::digits;
use llp_bags::{BagSet, Imprecision};
use llp_train::TrainingData;
use small::{config, run_in};
use tempfile::tempdir;

fn data(settings: &[&str]) -> TrainingData {
    TrainingData::new(digits(), &config(settings)).unwrap()
}

/// Noise changes the proportions of the bags and what is known of their errors, and nothing else; held-out bags have
/// other noise than the bags of the same number.
#[test]
fn noise_leaves_the_bags_alone() {
    let (exact, noisy) = (data(&[]), data(&["bags.noise=gaussian:0.2"]));
    let pairs = |of: fn(&TrainingData) -> &BagSet| -> Vec<f64> {
        let (exact, noisy) = (of(&exact), of(&noisy));
        assert_eq!(exact.len(), noisy.len());
        for bag in 0..exact.len() {
            assert_eq!(exact.instances(bag), noisy.instances(bag));
            assert_eq!(noisy.imprecision(bag), &Imprecision::StandardErrors(vec![0.2; 10]));
        }
        let shares = exact.proportions(0).as_slice().iter().zip(noisy.proportions(0).as_slice());
        shares.map(|(exact, noisy)| noisy - exact).collect()
    };
    let (train, held_out) = (pairs(|data| &data.bags), pairs(|data| data.held_out.as_ref().unwrap()));
    assert_ne!(train, held_out);
    assert!(train.iter().any(|error| *error != 0.0));
}

/// Every loss that has an answer to a kind of noise trains with it; the others end with a message before the first step.
#[test]
fn losses_train_with_what_they_have_an_answer_to() {
    let train = |loss: &str, noise: &str| {
        let settings = [&format!("loss.name={loss}")[..], &format!("bags.noise={noise}"), "optim.epochs=1"];
        let report = run_in(tempdir().unwrap().path(), &config(&settings), None);
        assert!(report.warnings.is_empty());
        report.end.map(|_| report.epochs).map_err(|error| error.to_string())
    };
    for loss in ["kl", "l1", "l2", "interval", "marginal"] {
        assert_eq!(train(loss, "rounded:0.25"), Ok(1), "{loss}");
        assert_eq!(train(loss, "missing:0.5"), Ok(1), "{loss}");
    }
    assert_eq!(train("marginal", "laplace:0.1"), Ok(1));
    assert!(train("interval", "laplace:0.1").unwrap_err().contains("needs bounds of the shares"));
    assert!(train("avg-kl", "missing:0.5").unwrap_err().contains("needs the share of every class"));
}

//! The losses of later papers: against PyTorch, and what each is expected to be over random bags.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "the batches of the property tests are not for losses of batches")]
mod batches;

use batches::{close, evaluate_targets};
use candle_core::{Device, Tensor, Var};
use llp_loss::{BagLoss as _, BagTargets, Ci, Dsq, EasyLlp, Gupm, Llpfc, Loss};
use llp_ot::{Imprecision, Proportions};
use serde_json::Value;

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

fn rows(value: &Value) -> Vec<Vec<f64>> {
    value.as_array().unwrap().iter().map(numbers).collect()
}

/// The file comes from `fixtures/loss/baselines.py`.
#[test]
fn losses_and_gradients_agree_with_pytorch() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/loss/baselines.json");
    let file: Value = serde_json::from_slice(&fs_err::read(path).unwrap()).unwrap();
    for (index, problem) in file["problems"].as_array().unwrap().iter().enumerate() {
        let sizes = numbers(&problem["bag_sizes"]).iter().map(|size| *size as usize).collect();
        let proportions: Vec<_> =
            rows(&problem["proportions"]).into_iter().map(|z| Proportions::new(z).unwrap()).collect();
        let prior = Proportions::new(numbers(&problem["prior"])).unwrap();
        let targets = BagTargets::new(sizes, &proportions).unwrap().with_prior(prior).unwrap();
        let bounds = rows(&problem["low"]).into_iter().zip(rows(&problem["high"]));
        let bounds = bounds.map(|(low, high)| Imprecision::Intervals { low, high }).collect();
        let targets = targets.with_imprecision(bounds).unwrap();
        for loss in [EasyLlp, Gupm, Dsq, Llpfc, Ci] {
            let expected = &problem["losses"][loss.name()];
            let (values, gradient) = evaluate_targets(&loss, &rows(&problem["logits"]).concat(), &targets);
            let what = format!("problem {index}, {loss:?}");
            let sum: f64 = values.iter().sum();
            assert!((sum - expected["sum"].as_f64().unwrap()).abs() < 1e-10, "{what}");
            assert!(close(&gradient, &rows(&expected["gradient"]).concat(), 1e-12), "{what}");
            if loss != Gupm {
                assert!(close(&values, &numbers(&expected["values"]), 1e-10), "{what}");
            }
        }
    }
}

/// Some instances from which bags are drawn: logits of three classes, and a label.
const POPULATION: [([f64; 3], usize); 3] =
    [([0.3, -1.0, 0.4], 0), ([2.0, 0.5, -0.2], 2), ([-0.7, 0.1, 1.1], 0)];

/// The mean over all ways to draw bags of these sizes from the population, of the mean loss of a batch.
fn mean_over_draws(loss: Loss, sizes: &[usize]) -> f64 {
    let n: usize = sizes.iter().sum();
    let n_draws = POPULATION.len().pow(n as u32);
    let of_draw = |draw: usize| {
        let drawn: Vec<_> = (0..n as u32)
            .map(|place| POPULATION[draw / POPULATION.len().pow(place) % POPULATION.len()])
            .collect();
        let logits: Vec<f64> = drawn.iter().flat_map(|(logits, _)| *logits).collect();
        let mut start = 0;
        let proportions: Vec<Proportions> = sizes
            .iter()
            .map(|size| {
                let mut counts = [0; 3];
                drawn[start..start + size].iter().for_each(|(_, label)| counts[*label] += 1);
                start += size;
                Proportions::from_counts(&counts).unwrap()
            })
            .collect();
        let prior = Proportions::from_counts(&[2, 0, 1]).unwrap();
        let targets = BagTargets::new(sizes.to_vec(), &proportions).unwrap().with_prior(prior).unwrap();
        evaluate_targets(&loss, &logits, &targets).0.iter().sum::<f64>() / sizes.len() as f64
    };
    (0..n_draws).map(of_draw).sum::<f64>() / n_draws as f64
}

/// The probabilities of each class, for each of the population.
fn predictions() -> Vec<Vec<f64>> {
    let of = |(logits, _): &([f64; 3], usize)| -> Vec<f64> {
        llp_loss::log_softmax(logits, 3).into_iter().map(f64::exp).collect()
    };
    POPULATION.iter().map(of).collect()
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    values.sum::<f64>() / POPULATION.len() as f64
}

/// The cross-entropy of the labels, and that of a prediction and another instance's label.
fn cross_entropies() -> (f64, f64) {
    let predictions = predictions();
    let own = mean(predictions.iter().zip(POPULATION).map(|(p, (_, label))| -p[label].ln()));
    let other = mean(predictions.iter().map(|p| mean(POPULATION.iter().map(|(_, label)| -p[*label].ln()))));
    (own, other)
}

/// Over random bags of any sizes, EasyLLP is the cross-entropy of the labels.
#[test]
fn easyllp_is_unbiased() {
    let (own, _) = cross_entropies();
    for sizes in [&[1][..], &[3], &[2, 1], &[1, 4]] {
        assert!((mean_over_draws(EasyLlp, sizes) - own).abs() < 1e-12, "{sizes:?}");
    }
}

/// Over random bags of one size, GUPM is the cross-entropy of the labels, less the share of one bag in what labels add to
/// that of unrelated labels.
#[test]
fn gupm_is_unbiased_but_for_the_share_of_one_bag() {
    let (own, other) = cross_entropies();
    for sizes in [&[1, 1][..], &[2, 2], &[3, 3], &[1, 1, 1, 1], &[2, 2, 2]] {
        let expected = other + (own - other) * (1.0 - 1.0 / sizes.len() as f64);
        assert!((mean_over_draws(Gupm, sizes) - expected).abs() < 1e-12, "{sizes:?}");
    }
}

/// Over random bags, DSQ is the square loss of the labels, less the error of the batch's mean.
#[test]
fn dsq_is_unbiased_but_for_the_error_of_the_mean() {
    let predictions = predictions();
    let square = mean(predictions.iter().zip(POPULATION).map(|(p, (_, label))| {
        (0..3).map(|class| (p[class] - f64::from(u8::from(class == label))).powi(2)).sum::<f64>()
    }));
    let centre: Vec<f64> = (0..3).map(|class| mean(predictions.iter().map(|p| p[class]))).collect();
    let variance = mean(
        predictions
            .iter()
            .map(|p| p.iter().zip(&centre).map(|(p, centre)| (p - centre).powi(2)).sum::<f64>()),
    );
    for sizes in [&[1][..], &[3], &[2, 2], &[1, 1, 2]] {
        let (n, bags) = (sizes.iter().sum::<usize>() as f64, sizes.len() as f64);
        let expected = square - (n / bags - 1.0) * variance / n;
        assert!((mean_over_draws(Dsq, sizes) - expected).abs() < 1e-12, "{sizes:?}");
    }
}

/// For bags of one instance, of every class equally many, LLPFC is the cross-entropy of the labels and a constant.
#[test]
fn llpfc_of_bags_of_one_is_supervised() {
    let proportions = [0, 1, 2, 0, 1, 2].map(|class| {
        let mut counts = [0; 3];
        counts[class] = 1;
        Proportions::from_counts(&counts).unwrap()
    });
    let targets = BagTargets::new(vec![1; 6], &proportions).unwrap();
    let logits: Vec<f64> = (0..18).map(|i| f64::from(i * i % 7) - 3.0).collect();
    let (fc, fc_gradient) = evaluate_targets(&Llpfc, &logits, &targets);
    let (kl, kl_gradient) = evaluate_targets(&Loss::Kl, &logits, &targets);
    assert!(close(&fc, &kl, 1e-12) && close(&fc_gradient, &kl_gradient, 1e-12), "{fc:?} {kl:?}");
}

/// Bags that share a mean cannot have weights of their own.
#[test]
fn weights_of_coupled_bags_are_refused() {
    let half = Proportions::new(vec![0.5, 0.5]).unwrap();
    let targets = BagTargets::new(vec![1, 1], [&half, &half]).unwrap();
    let logits = Var::new(&[[0.3, -0.2], [0.9, 0.1]], &Device::Cpu).unwrap();
    let backward = |weights: [f64; 2]| {
        let weights = Tensor::new(&weights, &Device::Cpu).unwrap();
        (Dsq.forward(&logits, &targets).unwrap() * weights).unwrap().sum_all().unwrap().backward()
    };
    assert!(backward([0.5, 0.5]).is_ok());
    let message = backward([0.5, 0.25]).unwrap_err().to_string();
    assert!(message.contains("the bags of a batch share"), "{message}");
}

#[test]
fn a_prior_of_other_classes_is_refused() {
    let half = Proportions::new(vec![0.5, 0.5]).unwrap();
    let thirds = Proportions::from_counts(&[1, 1, 1]).unwrap();
    let refused = BagTargets::new(vec![1], [&half]).unwrap().with_prior(thirds).unwrap_err();
    assert_eq!(refused.to_string(), "the prior has 3 classes, the bags have 2");
}

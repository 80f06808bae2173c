//! Labels of one view and the loss of another, beside SciPy and PyTorch, and what labels must hold.
//!
//! The file comes from `fixtures/consistency/generate.py`.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use candle_core::{Device, Tensor, Var};
use llp_loss::{BagLoss, BagTargets, Consistency, LabelRule, LabelWeight};
use llp_ot::{Imprecision, Proportions};
use proptest::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    problems: Vec<Problem>,
}

#[derive(Deserialize)]
struct Problem {
    n_classes: usize,
    sizes: Vec<usize>,
    counts: Vec<Vec<u32>>,
    weak: Vec<f64>,
    strong: Vec<f64>,
    methods: Vec<Method>,
}

#[derive(Deserialize)]
struct Method {
    name: String,
    labels: Vec<usize>,
    weights: Vec<f64>,
    losses: Vec<f64>,
    gradient: Vec<f64>,
}

fn consistency(name: &str) -> Consistency {
    let entropy = LabelWeight::Entropy { beta: 5.0 };
    match name {
        "ahil" => Consistency { labels: LabelRule::MostProbable, weights: entropy },
        "dc, entropy" => Consistency { labels: LabelRule::Assigned, weights: entropy },
        dc => {
            let threshold = dc.strip_prefix("dc ").unwrap().parse().unwrap();
            Consistency { labels: LabelRule::Assigned, weights: LabelWeight::Threshold(threshold) }
        }
    }
}

fn targets(sizes: Vec<usize>, counts: &[Vec<u32>]) -> BagTargets {
    let proportions: Vec<_> = counts.iter().map(|counts| Proportions::from_counts(counts).unwrap()).collect();
    BagTargets::new(sizes, &proportions).unwrap()
}

fn logits(values: &[f64], n_classes: usize) -> Tensor {
    Tensor::from_vec(values.to_vec(), (values.len() / n_classes, n_classes), &Device::Cpu).unwrap()
}

fn assert_close(what: &str, got: &[f64], expected: &[f64]) {
    assert_eq!(got.len(), expected.len(), "{what}");
    for (got, expected) in got.iter().zip(expected) {
        assert!((got - expected).abs() < 1e-12, "{what}: {got} {expected}");
    }
}

#[test]
fn labels_and_losses_agree_with_scipy_and_pytorch() {
    let text = include_str!("../../../fixtures/consistency/consistency.json");
    let Golden { problems } = serde_json::from_str(text).unwrap();
    let mut n_counted = 0;
    for problem in problems {
        let targets = targets(problem.sizes, &problem.counts);
        for method in problem.methods {
            let name = &method.name;
            let weak = logits(&problem.weak, problem.n_classes);
            let labels = consistency(name).labels(&weak, &targets).unwrap();
            assert_eq!(labels.classes(), method.labels, "{name}");
            assert_close(name, labels.weights(), &method.weights);
            n_counted += method.weights.iter().filter(|weight| **weight > 0.0).count();
            let strong = Var::from_tensor(&logits(&problem.strong, problem.n_classes)).unwrap();
            let losses = labels.forward(&strong, &targets).unwrap();
            assert_close(name, &losses.to_vec1::<f64>().unwrap(), &method.losses);
            let gradients = losses.sum_all().unwrap().backward().unwrap();
            let gradient = gradients.get(&strong).unwrap().flatten_all().unwrap();
            assert_close(name, &gradient.to_vec1::<f64>().unwrap(), &method.gradient);
        }
    }
    assert!(n_counted > 250, "{n_counted} labels counted");
}

#[test]
fn a_class_of_unknown_share_is_refused() {
    let targets = targets(vec![2], &[vec![1, 1, 0]]);
    let (_, partial) = Imprecision::partial(&[Some(0.5), None, None]).unwrap();
    let targets = targets.with_imprecision(vec![partial]).unwrap();
    let weak = logits(&[0.0; 6], 3);
    let error = consistency("dc 0.5").labels(&weak, &targets).unwrap_err().to_string();
    assert!(error.contains("class 1 in bag 0 is unknown"), "{error}");
}

proptest! {
    /// Labels that are assigned have the counts of their bag, and no other labels with these counts that two instances would
    /// have after an exchange are more probable.
    #[test]
    fn assigned_labels_have_the_counts(
        counts in prop::collection::vec(0_u32..5, 2..6).prop_filter("a bag has instances", |c| c.iter().any(|n| *n > 0)),
        seed in 0_u64..10_000,
    ) {
        let (n_classes, size) = (counts.len(), counts.iter().sum::<u32>() as usize);
        let values: Vec<f64> =
            (0..size * n_classes).map(|i| 3.0 * ((i as f64 + 1.3) * (seed as f64 + 0.7)).sin()).collect();
        let targets = targets(vec![size], std::slice::from_ref(&counts));
        let labels = consistency("dc 0.0").labels(&logits(&values, n_classes), &targets).unwrap();
        let classes = labels.classes();
        for (class, count) in counts.iter().enumerate() {
            prop_assert_eq!(classes.iter().filter(|label| **label == class).count(), *count as usize);
        }
        let log_p = llp_loss::log_softmax(&values, n_classes);
        let of = |j: usize, class: usize| log_p[j * n_classes + class];
        for a in 0..size {
            for b in 0..a {
                let (now, then) = (of(a, classes[a]) + of(b, classes[b]), of(a, classes[b]) + of(b, classes[a]));
                prop_assert!(now >= then - 1e-9, "{now} {then}");
            }
        }
    }
}

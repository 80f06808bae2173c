//! Theorems about training on mixed bags, and on losses that compare the bags of a step.

#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

mod common;
mod small;

use candle_core::Device;
use common::weights;
use llp_bags::source::digits::digits;
use llp_train::{Trainer, TrainingData, build_loss};
use proptest::prelude::*;
use small::{config, train, whole_and_stopped};

/// Mixing changes what is learned, and so do its probability, and bounds where the loss takes them.
#[test]
fn mixed_bags_train_other_networks() {
    let data = TrainingData::new(digits(), &config(&[])).unwrap();
    let settings: [&[&str]; 6] = [
        &[],
        &["augment.mix_bags=0.5"],
        &["augment.mix_bags=1.0"],
        &["augment.mix_bags=0.5", "loss.name=ci"],
        &["augment.mix_bags=0.5", "loss.name=interval"],
        &["augment.mix_bags=0.5", "loss.name=ci", "consistency.name=dc", "consistency.threshold=0.2"],
    ];
    let mut trained = settings.map(|settings| train(&data, settings)).to_vec();
    trained.sort_unstable();
    trained.dedup();
    assert_eq!(trained.len(), settings.len());
}

/// Without bounds, the loss of mixed bags is KL.
#[test]
fn without_mixing_ci_is_kl() {
    let data = TrainingData::new(digits(), &config(&[])).unwrap();
    assert_eq!(train(&data, &["loss.name=ci"]), train(&data, &["loss.name=kl"]));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, ..ProptestConfig::default() })]

    /// Stopped at any steps and resumed, a run on mixed bags ends with the same bits, whatever the loss.
    #[test]
    fn stopping_does_not_change_the_result(
        stops in prop::collection::vec(0_usize..7, 1..4),
        loss in prop::sample::select(vec!["ci", "easyllp", "gupm", "dsq", "llpfc"]),
    ) {
        let name = format!("loss.name={loss}");
        let (whole, stopped) = whole_and_stopped(&config(&[&name, "augment.mix_bags=0.5"]), &stops);
        prop_assert_eq!(weights(stopped.path()), weights(whole.path()));
    }
}

/// What a training of the embedded digits is refused for.
fn refusal(settings: &[&str]) -> String {
    let config = config(settings);
    let data = TrainingData::new(digits(), &config).unwrap();
    Trainer::new(&config, &data, build_loss(&config), &Device::Cpu).unwrap_err().to_string()
}

#[test]
fn noisy_bags_are_not_mixed() {
    assert_eq!(
        refusal(&["augment.mix_bags=0.5", "bags.noise=laplace:1.0"]),
        "augment.mix_bags mixes exact proportions, and some bags have unknown shares, bounds or errors: leave it out"
    );
}

#[test]
fn bags_of_one_are_not_mixed() {
    assert_eq!(
        refusal(&["augment.mix_bags=0.5", "bags.size=1"]),
        "augment.mix_bags mixes instances of two bags, and there are no two bags of several instances: leave it out"
    );
}

#[test]
fn one_bag_in_a_step_has_nothing_to_be_compared_with() {
    for loss in ["llpfc", "gupm"] {
        let name = format!("loss.name={loss}");
        let expected = format!(
            "the loss {loss} compares the bags of a step, and every step has one bag: set optim.images_per_step to 32 \
             or more, best to that of many bags"
        );
        assert_eq!(refusal(&[&name, "bags.size=16", "optim.images_per_step=16"]), expected);
    }
}

#[test]
fn coarse_numbers_do_not_find_adversarial_views() {
    assert_eq!(
        refusal(&["consistency.name=vat", "optim.precision=tf32"]),
        "the steps of --consistency vat are too small for tf32 and bfloat16: train with --precision float32"
    );
}

//! Strong views: every operation beside Pillow's, and what the draws must hold.

#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

use std::collections::BTreeMap;

use llp_bags::rng::{Purpose, Rng, stream};
use llp_bags::{Augmentation, Edge, Images, Mirror, Normalization, Operation, prepare};
use proptest::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    images: BTreeMap<String, Picture>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Picture {
    shape: [usize; 3],
    bytes: String,
}

#[derive(Deserialize)]
struct Case {
    image: String,
    operation: String,
    strength: f64,
    bytes: String,
}

fn operation(name: &str, strength: f64) -> Operation {
    match name {
        "identity" => Operation::Identity,
        "auto-contrast" => Operation::AutoContrast,
        "equalize" => Operation::Equalize,
        "brightness" => Operation::Brightness(strength),
        "color" => Operation::Color(strength),
        "contrast" => Operation::Contrast(strength),
        "sharpness" => Operation::Sharpness(strength),
        "posterize" => Operation::Posterize(strength as u32),
        "solarize" => Operation::Solarize(strength as u32),
        "rotate" => Operation::Rotate(strength),
        "shear-x" => Operation::ShearX(strength),
        "shear-y" => Operation::ShearY(strength),
        "translate-x" => Operation::TranslateX(strength),
        "translate-y" => Operation::TranslateY(strength),
        other => panic!("no operation {other}"),
    }
}

/// Bytes from hexadecimal digits.
fn decoded(text: &str) -> Vec<u8> {
    let digit = |digit: u8| char::from(digit).to_digit(16).unwrap() as u8;
    text.as_bytes().chunks_exact(2).map(|pair| 16 * digit(pair[0]) + digit(pair[1])).collect()
}

/// Byte for byte what Pillow makes of it: `fixtures/augment/generate.py`.
#[test]
fn operations_are_those_of_pillow() {
    let text = include_str!("../../../fixtures/augment/operations.json");
    let Golden { images, cases } = serde_json::from_str(text).unwrap();
    assert!(cases.len() > 180);
    for case in cases {
        let Picture { shape, bytes } = &images[&case.image];
        let mut image = decoded(bytes);
        operation(&case.operation, case.strength).apply(&mut image, *shape);
        let n_wrong = image.iter().zip(decoded(&case.bytes)).filter(|(a, b)| *a != b).count();
        assert_eq!(n_wrong, 0, "{} {} of {}", case.operation, case.strength, case.image);
    }
}

/// A square of gray about its middle, cut at the edge, and nothing else.
#[test]
fn a_square_is_erased() {
    let mut image = vec![7; 6 * 5 * 2];
    Operation::Erase { middle: [1, 4], side: 3 }.apply(&mut image, [6, 5, 2]);
    for (place, pixel) in image.chunks_exact(2).enumerate() {
        let is_inside = place / 5 <= 2 && place % 5 >= 3;
        assert_eq!(pixel, [if is_inside { 128 } else { 7 }; 2], "{place}");
    }
}

fn views(images: &Images, epoch: Option<(&Augmentation, u64, u64)>) -> Vec<f32> {
    let instances: Vec<u32> = (0..images.len() as u32).collect();
    views_of(images, &instances, epoch)
}

fn views_of(images: &Images, instances: &[u32], epoch: Option<(&Augmentation, u64, u64)>) -> Vec<f32> {
    let channels = images.shape()[2];
    let bytes = Normalization::new(vec![0.0; channels], vec![1.0 / 255.0; channels]).unwrap();
    let mut out = vec![f32::NAN; instances.len() * images.image_len()];
    let epoch = epoch.map(|(augmentation, seed, epoch)| augmentation.strong_epoch(seed, epoch));
    prepare(&images.clone().into(), instances, epoch.as_ref(), &bytes, &mut out).unwrap();
    out
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// A strong view depends on seed, epoch and instance alone; its values are bytes; other seeds and epochs differ.
    #[test]
    fn strong_views_depend_on_seed_epoch_and_instance(
        [height, width] in [1_usize..12, 1_usize..12], channels in 1_usize..5, seed: u64, shift in 0_u8..3,
    ) {
        let mut pixels = vec![0; height * width * channels * 40];
        stream(seed, Purpose::Init, 0).fill_bytes(&mut pixels);
        let images = Images::new(height, width, channels, pixels).unwrap();
        let augmentation = Augmentation { shift, edge: Edge::Repeat, mirror: Mirror::Random };
        let all = views(&images, Some((&augmentation, seed, 3)));
        prop_assert!(all.iter().all(|value| (-0.01..=255.01).contains(value)));
        prop_assert!(all.iter().all(|value| (value - value.round()).abs() < 1e-3));
        for instance in [0, 17, 39] {
            let alone = views_of(&images, &[instance], Some((&augmentation, seed, 3)));
            let start = instance as usize * images.image_len();
            prop_assert_eq!(&alone[..], &all[start..start + images.image_len()]);
        }
        prop_assert_ne!(&all, &views(&images, Some((&augmentation, seed, 4))));
        prop_assert_ne!(&all, &views(&images, Some((&augmentation, seed ^ 1, 3))));
        prop_assert_ne!(&all, &views(&images, None));
    }
}

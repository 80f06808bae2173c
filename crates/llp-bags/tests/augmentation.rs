//! Theorems about what a network gets to see.

#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

use llp_bags::rng::{Purpose, Rng, stream};
use llp_bags::{Augmentation, Edge, Images, Instances, Mirror, Normalization, prepare};
use proptest::prelude::*;

/// Mean 0 and deviation `1 / 255`, which leaves the bytes as they are (up to rounding: deviations below are 1e-3).
fn bytes_as_values(channels: usize) -> Normalization {
    Normalization::new(vec![0.0; channels], vec![1.0 / 255.0; channels]).unwrap()
}

fn random_images(shape: [usize; 3], n_images: usize, seed: u64) -> Images {
    let mut pixels = vec![0; shape.iter().product::<usize>() * n_images];
    stream(seed, Purpose::Init, 0).fill_bytes(&mut pixels);
    Images::new(shape[0], shape[1], shape[2], pixels).unwrap()
}

fn prepared(images: &Images, instances: &[u32], augmentation: Option<(Augmentation, u64, u64)>) -> Vec<f32> {
    let mut out = vec![f32::NAN; instances.len() * images.image_len()];
    let epoch = augmentation.map(|(augmentation, seed, epoch)| augmentation.epoch(seed, epoch));
    prepare(&images.clone().into(), instances, epoch.as_ref(), &bytes_as_values(images.shape()[2]), &mut out)
        .unwrap();
    out
}

fn mirrored(mirror: bool) -> Mirror {
    if mirror { Mirror::Random } else { Mirror::Never }
}

/// The image moved by `(down, right)` after mirroring, with repeated edges: the definition, pixel by pixel.
fn changed(images: &Images, instance: u32, down: i64, right: i64, mirror: bool) -> Vec<f32> {
    changed_at(Edge::Repeat, images, instance, (down, right), mirror)
}

fn changed_at(
    edge: Edge,
    images: &Images,
    instance: u32,
    (down, right): (i64, i64),
    mirror: bool,
) -> Vec<f32> {
    let [height, width, channels] = images.shape();
    let image = images.image(instance);
    let from = |place: usize, by: i64, len: usize| {
        let (source, last) = (i64::try_from(place).unwrap() - by, i64::try_from(len).unwrap() - 1);
        usize::try_from(match edge {
            Edge::Repeat => source.clamp(0, last),
            Edge::Reflect if source < 0 => -source,
            Edge::Reflect if source > last => 2 * last - source,
            Edge::Reflect => source,
        })
        .unwrap()
    };
    let mut out = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let column = if mirror { width - 1 - x } else { x };
            let (from_y, from_x) = (from(y, down, height), from(column, right, width));
            let start = (from_y * width + from_x) * channels;
            out.extend(image[start..start + channels].iter().map(|&value| f32::from(value)));
        }
    }
    out
}

fn close(a: &[f32], b: &[f32]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-3)
}

fn shapes() -> impl Strategy<Value = [usize; 3]> {
    [1_usize..6, 1_usize..6, 1_usize..4]
}

proptest! {
    /// With reflection, every augmented image is a shifted image whose missing pixels are those at the same distance on
    /// the other side of the edge.
    #[test]
    fn an_augmented_image_is_reflected(size in 4_usize..8, channels in 1_usize..4, seed: u64, shift in 1_u8..4) {
        let images = random_images([size, size + 1, channels], 3, seed);
        let augmentation = Augmentation { shift, edge: Edge::Reflect, mirror: Mirror::Random };
        let values = prepared(&images, &[1], Some((augmentation, seed, 1)));
        let shifts = -i64::from(shift)..=i64::from(shift);
        let found = shifts.clone().any(|down| shifts.clone().any(|right| [false, true].into_iter().any(|mirror| {
            close(&values, &changed_at(Edge::Reflect, &images, 1, (down, right), mirror))
        })));
        prop_assert!(found);
    }

    /// Mirrored in turn, two epochs in a row show both sides of each image, and about half are mirrored in each.
    #[test]
    fn two_epochs_show_both_sides(seed: u64, epoch in 1_u64..50) {
        let images = random_images([1, 2, 1], 200, seed);
        let all: Vec<u32> = (0..200).collect();
        let augmentation = Augmentation { shift: 0, edge: Edge::Repeat, mirror: Mirror::Alternate };
        let of_epoch = |epoch| prepared(&images, &all, Some((augmentation, seed, epoch)));
        let (first, second, third) = (of_epoch(epoch), of_epoch(epoch + 1), of_epoch(epoch + 2));
        prop_assert_eq!(&first, &third);
        for (a, b) in first.chunks(2).zip(second.chunks(2)) {
            prop_assert_eq!((a[0], a[1]), (b[1], b[0]));
        }
        let plain = prepared(&images, &all, None);
        let n_mirrored = first.chunks(2).zip(plain.chunks(2)).filter(|(a, b)| a != b).count();
        prop_assert!((60..140).contains(&n_mirrored), "{n_mirrored}"); // five deviations
    }

    /// Every augmented image is one of the `2 (2 shift + 1)^2` shifted and mirrored images, or one of the
    /// `(2 shift + 1)^2` shifted ones if mirroring is off.
    #[test]
    fn an_augmented_image_is_shifted_and_mirrored(shape in shapes(), seed: u64, epoch: u64, shift in 0_u8..4, mirror: bool) {
        let images = random_images(shape, 3, seed);
        let values = prepared(&images, &[2, 0], Some((Augmentation { shift, edge: Edge::Repeat, mirror: mirrored(mirror) }, seed, epoch)));
        let shifts = -i64::from(shift)..=i64::from(shift);
        for (out, instance) in values.chunks(images.image_len()).zip([2, 0]) {
            let found = shifts.clone().any(|down| shifts.clone().any(|right| {
                close(out, &changed(&images, instance, down, right, false))
                    || (mirror && close(out, &changed(&images, instance, down, right, true)))
            }));
            prop_assert!(found);
        }
    }

    /// The draw of an instance depends on seed, epoch and instance alone: preparing a batch gives bit for bit what
    /// preparing its images one by one gives.
    #[test]
    fn the_batch_does_not_matter(seed: u64, epoch: u64) {
        let images = random_images([4, 3, 3], 100, seed);
        let augmentation = Some((Augmentation { shift: 1, edge: Edge::Repeat, mirror: Mirror::Random }, seed, epoch));
        let instances: Vec<u32> = (0..100).rev().collect();
        let together = prepared(&images, &instances, augmentation);
        let alone = instances.iter().flat_map(|&instance| prepared(&images, &[instance], augmentation));
        prop_assert!(together.iter().map(|v| v.to_bits()).eq(alone.map(f32::to_bits)));
    }

    /// Without augmentation, and with one that changes nothing, values are the normalized pixels.
    #[test]
    fn values_are_normalized_pixels(shape in shapes(), seed: u64) {
        let images = random_images(shape, 4, seed);
        let data = Instances::from(images.clone());
        let instances = data.ids();
        let normalization = Normalization::from_instances(&data, &instances).unwrap();
        let mut out = vec![0.0; images.pixels().len()];
        prepare(&data, &instances, None, &normalization, &mut out).unwrap();
        for (place, (&value, &pixel)) in out.iter().zip(images.pixels()).enumerate() {
            let channel = place % shape[2];
            let (mean, std) = (normalization.mean()[channel], normalization.std()[channel]);
            let expected = (f32::from(pixel) / 255.0 - mean) / std;
            // Single precision, and one cancellation of numbers up to 1 / std.
            prop_assert!((value - expected).abs() <= 1e-6 * (1.0 + 1.0 / std));
        }
        let idle = Augmentation { shift: 0, edge: Edge::Repeat, mirror: Mirror::Never }.epoch(seed, 0);
        let mut same = vec![0.0; out.len()];
        prepare(&data, &instances, Some(&idle), &normalization, &mut same).unwrap();
        prop_assert_eq!(out, same);
    }

    /// Normalized with their own statistics, images have mean 0 and deviation 1 in each channel (atol 1e-4: single
    /// precision over at most 100 values), or are 0 where the channel is constant.
    #[test]
    fn own_statistics_standardize(shape in shapes(), seed: u64, constant: bool) {
        let mut pixels = vec![77; shape.iter().product::<usize>() * 4];
        if !constant {
            stream(seed, Purpose::Init, 0).fill_bytes(&mut pixels);
        }
        let images = Images::new(shape[0], shape[1], shape[2], pixels).unwrap();
        let data = Instances::from(images.clone());
        let normalization = Normalization::from_instances(&data, &data.ids()).unwrap();
        let mut out = vec![0.0; images.pixels().len()];
        prepare(&data, &data.ids(), None, &normalization, &mut out).unwrap();
        for channel in 0..shape[2] {
            let values: Vec<f64> = out.iter().skip(channel).step_by(shape[2]).map(|&v| f64::from(v)).collect();
            let n = values.len() as f64;
            let mean = values.iter().sum::<f64>() / n;
            let deviation = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt();
            let varies = images.pixels().iter().skip(channel).step_by(shape[2]).any(|&p| p != images.pixels()[channel]);
            prop_assert!(mean.abs() < 1e-4, "mean {}", mean);
            prop_assert!((deviation - f64::from(u8::from(varies))).abs() < 1e-4, "deviation {}", deviation);
        }
    }
}

/// Shifts in each direction and mirrorings are uniform: over 9,000 images, each of the 18 changes comes 500 times,
/// within five standard deviations (22).
#[test]
fn changes_are_uniform() {
    let pixels: Vec<u8> = (0..9).map(|place| place * 20).collect();
    let images = Images::new(3, 3, 1, pixels.repeat(9000)).unwrap();
    let augmentation = Augmentation { shift: 1, edge: Edge::Repeat, mirror: Mirror::Random };
    let values = prepared(&images, &ids(&images), Some((augmentation, 5, 0)));
    let mut total = 0;
    for (down, right) in (-1..=1).flat_map(|down| (-1..=1).map(move |right| (down, right))) {
        for mirror in [false, true] {
            let expected = changed(&images, 0, down, right, mirror);
            let count = values.chunks(9).filter(|image| close(image, &expected)).count();
            assert!(count.abs_diff(500) < 5 * 22, "{count} of ({down}, {right}, {mirror})");
            total += count;
        }
    }
    assert_eq!(total, 9000);
}

/// The number of threads changes no bit.
#[test]
fn the_number_of_threads_does_not_matter() {
    let images = random_images([8, 8, 3], 500, 1);
    let augmentation = Some((Augmentation { shift: 1, edge: Edge::Repeat, mirror: Mirror::Random }, 2, 3));
    let on = |n_threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
        pool.install(|| prepared(&images, &ids(&images), augmentation))
    };
    assert_eq!(on(1), on(4));
}

/// Wrong buffers, instances and channels are refused, with both numbers in the message.
#[test]
fn wrong_sizes_are_refused() {
    let images = random_images([2, 2, 3], 4, 0);
    let refused = |instances: &[u32], channels, len| {
        prepare(&images.clone().into(), instances, None, &bytes_as_values(channels), &mut vec![0.0; len])
            .unwrap_err()
            .to_string()
    };
    assert_eq!(refused(&[0, 1], 3, 12), "a buffer of 12 values for 2 instances of 12: expected 24");
    assert_eq!(refused(&[4], 3, 12), "there is no instance 4 among 4");
    assert_eq!(refused(&[0], 1, 12), "normalization of 1 channels or columns for instances of 3");
}

/// Statistics that cannot normalize are refused, read from a file or not; good ones survive a file unchanged.
#[test]
fn statistics_are_checked() {
    let std_zero = Normalization::new(vec![0.5], vec![0.0]);
    assert!(std_zero.unwrap_err().to_string().contains("channel 0 has"));
    let mean_nan = Normalization::new(vec![0.5, f32::NAN], vec![1.0, 1.0]);
    assert!(mean_nan.unwrap_err().to_string().contains("channel 1 has"));
    assert!(serde_json::from_str::<Normalization>(r#"{"mean": [0.5], "std": [-1.0]}"#).is_err());
    let good = Normalization::new(vec![0.1, 0.2], vec![0.3, 0.4]).unwrap();
    let text = serde_json::to_string(&good).unwrap();
    assert_eq!(serde_json::from_str::<Normalization>(&text).unwrap(), good);
}

fn ids(images: &Images) -> Vec<u32> {
    (0..images.len() as u32).collect()
}

//! The whitening of patches against NumPy-like sums in double precision by PyTorch (`fixtures/airbench`).
#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

use llp_bags::{Images, Normalization, whitening};
use proptest::prelude::*;
use safetensors::SafeTensors;

/// The filters of the golden file, up to their sign.
fn agrees(prefix: &str) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/airbench/whitening.safetensors");
    let bytes = fs_err::read(path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let tensor = |name: &str| file.tensor(&format!("{prefix}.{name}")).unwrap();
    let floats = |name: &str| -> Vec<f32> {
        let number = |bytes: &[u8]| match tensor(name).dtype() {
            safetensors::Dtype::F64 => f64::from_le_bytes(bytes.try_into().unwrap()) as f32,
            _ => f32::from_le_bytes(bytes.try_into().unwrap()),
        };
        let size = tensor(name).data().len() / tensor(name).shape().iter().product::<usize>();
        tensor(name).data().chunks(size).map(number).collect()
    };
    let images = tensor("images");
    let [n, height, width, channels] = *images.shape() else { panic!("{:?}", images.shape()) };
    let data = Images::new(height, width, channels, images.data().to_vec()).unwrap();
    let normalization = Normalization::new(floats("mean"), floats("deviation")).unwrap();
    let instances: Vec<u32> = (0..n as u32).collect();
    let got = whitening(&data, &instances, &normalization).unwrap();
    let len = 4 * channels;
    for (got, expected) in got.chunks(len).zip(floats("filters").chunks(len)) {
        let dot: f32 = got.iter().zip(expected).map(|(a, b)| a * b).sum();
        let scale = expected.iter().fold(0.0_f32, |m, x| m.max(x.abs()));
        for (a, b) in got.iter().zip(expected) {
            // Means and deviations come in single precision, whose errors the gaps between eigenvalues enlarge.
            assert!((a * dot.signum() - b).abs() <= 2e-4 * scale, "{prefix}: {a} {b}");
        }
    }
}

#[test]
fn filters_are_the_golden_ones() {
    agrees("rgb");
    agrees("gray");
}

proptest! {
    /// Whitened patches are uncorrelated, with variance `v / (v + 5e-4)` in a direction of variance `v`: below 1, and
    /// near it where there is any.
    #[test]
    fn whitened_patches_are_uncorrelated(n in 3_u32..6, seed: u64) {
        let pixels: Vec<u8> = (0..n as usize * 64).map(|i| (seed.wrapping_mul(i as u64 + 7) >> 23) as u8).collect();
        let images = Images::new(8, 8, 1, pixels.clone()).unwrap();
        let instances: Vec<u32> = (0..n).collect();
        let normalization = Normalization::from_instances(&images.clone().into(), &instances).unwrap();
        let filters = whitening(&images, &instances, &normalization).unwrap();
        let (mean, deviation) = (normalization.mean()[0], normalization.std()[0]);
        let value = |image: usize, y: usize, x: usize| {
            f64::from((f32::from(pixels[image * 64 + y * 8 + x]) / 255.0 - mean) / deviation)
        };
        let mut outputs = Vec::new();
        for image in 0..n as usize {
            for (y, x) in (0..49).map(|i| (i / 7, i % 7)) {
                let patch = [value(image, y, x), value(image, y, x + 1), value(image, y + 1, x), value(image, y + 1, x + 1)];
                let dot = |filter: &[f32]| filter.iter().zip(patch).map(|(f, p)| f64::from(*f) * p).sum::<f64>();
                outputs.push(filters.chunks(4).map(dot).collect::<Vec<_>>());
            }
        }
        let count = outputs.len() as f64;
        let mean_of = |i: usize| outputs.iter().map(|row| row[i]).sum::<f64>() / count;
        for i in 0..4 {
            for j in 0..4 {
                let covariance =
                    outputs.iter().map(|row| (row[i] - mean_of(i)) * (row[j] - mean_of(j))).sum::<f64>() / count;
                if i == j {
                    prop_assert!(covariance < 1.0 + 1e-4, "{covariance}");
                } else {
                    prop_assert!(covariance.abs() < 1e-3, "{covariance}");
                }
            }
        }
    }
}

/// No instance, one out of range, other channels.
#[test]
fn impossible_whitenings_are_refused() {
    let images = Images::new(4, 4, 1, vec![0; 32]).unwrap();
    let gray = Normalization::new(vec![0.0], vec![1.0]).unwrap();
    let color = Normalization::new(vec![0.0; 3], vec![1.0; 3]).unwrap();
    for (instances, normalization, why) in [
        (&[][..], &gray, "at least one instance"),
        (&[2][..], &gray, "no instance 2 among"),
        (&[0][..], &color, "normalization of 3 channels"),
    ] {
        let refused = whitening(&images, instances, normalization).unwrap_err().to_string();
        assert!(refused.contains(why), "{refused}");
    }
}

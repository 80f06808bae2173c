//! Every kernel against its scalar reference, and the exponential against the standard library's.
#![expect(clippy::float_cmp, reason = "underflow gives exactly 0")]

use proptest::prelude::*;
use pulp::{Arch, Scalar, Simd, WithSimd};

use crate::Real;
use crate::finish::{Finish, Output, SoftmaxScale, Summary};
use crate::kernels::{Absorb, Exponentials, Gram, Multiply, Normalize, Partial, Variance};
use crate::simd::{Aligned, LANES, Vectors, run};

/// The instruction sets of this machine, the scalar one first.
fn instruction_sets() -> Vec<Arch> {
    let mut all = vec![Arch::Scalar];
    #[cfg(target_arch = "x86_64")]
    {
        all.extend(pulp::x86::V3::try_new().map(Arch::V3));
        all.extend(pulp::x86::V4::try_new().map(Arch::V4));
    }
    #[cfg(not(target_arch = "x86_64"))]
    all.push(Arch::new());
    all
}

/// All numbers that the passes over one chunk make, as bits.
fn passes<T: Real>(arch: Arch, scores: &[f64], n_instances: usize, k: usize, epsilon: f64) -> Vec<u64> {
    let n_rows = scores.len() / (n_instances.div_ceil(LANES) * LANES);
    let mut aligned = Aligned::<T>::default();
    aligned.resize(scores.len());
    for (to, from) in aligned.iter_mut().zip(scores) {
        *to = T::from_f64(*from);
    }
    let scores = &aligned[..];
    let n_lanes = scores.len() / n_rows;
    let mut made: Vec<f64> = Vec::new();
    let potentials: Vec<f64> = (0..k).map(|i| 0.3 * i as f64 - 0.7).collect();
    let reference: Vec<T> = potentials.iter().map(|&f| T::from_f64(if f > 0.0 { f } else { 0.0 })).collect();
    let (mut kernel, mut inverse) = (Aligned::<T>::default(), Aligned::<T>::default());
    kernel.resize(k * n_lanes);
    inverse.resize(n_lanes);
    let inverse_epsilon = T::from_f64(1.0 / epsilon);
    arch.dispatch(Absorb { scores, n_rows, reference: &reference, inverse_epsilon, kernel: &mut kernel });
    made.extend(kernel.iter().map(|value| value.to_f64()));
    let scale: Vec<T> = (0..k).map(|i| T::from_f64(1.0 + 0.1 * i as f64)).collect();
    let mut partial = Partial::default();
    let (kernel, scale) = (&kernel[..], &scale[..]);
    arch.dispatch(Normalize {
        kernel,
        scale,
        n_valid: n_instances,
        inverse: &mut inverse,
        partial: &mut partial,
    });
    made.extend(inverse.iter().map(|value| value.to_f64()));
    made.extend(&partial.sums);
    let inverse = &inverse[..];
    arch.dispatch(Multiply { kernel, factor: scale, inverse, partial: &mut partial });
    made.extend(&partial.sums);
    arch.dispatch(Variance { kernel, scale, inverse, partial: &mut partial });
    made.extend(&partial.sums);
    arch.dispatch(Gram { kernel, n_classes: k, inverse, partial: &mut partial });
    made.extend(&partial.sums);
    for output in [Output::Coupling, Output::Gradient { factor: 0.25 }] {
        let (mut out, mut summary) = (Aligned::<T>::default(), Summary::default());
        out.resize(scores.len());
        let mut factors = Vec::new();
        let scale = SoftmaxScale::new(&potentials, epsilon, &mut factors);
        let (inverse_epsilon, n_valid) = (1.0 / epsilon, n_instances);
        arch.dispatch(Finish {
            scores,
            n_rows,
            potentials: &potentials,
            scale,
            inverse_epsilon,
            n_valid,
            output,
            out: &mut out,
            summary: &mut summary,
        });
        // The rows past the classes are only written for a gradient.
        let n_written = if matches!(output, Output::Coupling) { k } else { n_rows };
        for block in out.chunks_exact(n_rows * LANES) {
            made.extend(block[..n_written * LANES].iter().map(|value| value.to_f64()));
        }
        made.extend(&summary.mass);
        made.extend([summary.log_sum, summary.log_norm]);
    }
    made.iter().map(|value| value.to_bits()).collect()
}

proptest! {
    /// Theorem: every instruction set gives the bits of the scalar reference, in both precisions.
    #[test]
    fn kernels_have_the_bits_of_the_scalar_reference(
        (n_instances, n_rows, k) in (1..150_usize, 1..12_usize).prop_flat_map(|(n, rows)| (Just(n), Just(rows), 1..=rows)),
        unit in prop::collection::vec(-1.0..1.0_f64, 160 * 12),
        epsilon in prop_oneof![Just(1.0), 0.05..4.0_f64],
    ) {
        let len = n_instances.div_ceil(LANES) * LANES * n_rows;
        let scores: Vec<f64> = unit[..len].iter().map(|x| 6.0 * x).collect();
        for arch in instruction_sets() {
            let both = [Arch::Scalar, arch];
            let single = both.map(|arch| passes::<f32>(arch, &scores, n_instances, k, epsilon));
            prop_assert_eq!(&single[0], &single[1]);
            let double = both.map(|arch| passes::<f64>(arch, &scores, n_instances, k, epsilon));
            prop_assert_eq!(&double[0], &double[1]);
        }
    }

    /// Theorem: the exponential of double precision is within 4 units in the last place; it is 0 below -708.
    #[test]
    fn the_double_exponential_is_accurate(x in prop_oneof![-1.0..1.0_f64, -707.9..700.0_f64]) {
        let mut out = [0.0];
        run(Exponentials { x: &[x], slope: 1.0, out: &mut out });
        prop_assert!((out[0] / x.exp() - 1.0).abs() <= 4.0 * f64::EPSILON, "{x}: {} and {}", out[0], x.exp());
        run(Exponentials { x: &[-709.0 + x.min(0.0)], slope: 1.0, out: &mut out });
        prop_assert_eq!(out[0], 0.0);
    }

    /// Theorem: the exponential of single precision is within 2 units in the last place; it is 0 below -87.
    #[test]
    fn the_single_exponential_is_accurate(x in prop_oneof![-1.0..1.0_f32, -86.9..80.0_f32]) {
        let exact = f64::from(x).exp();
        prop_assert!((f64::from(single_exponential(x)) / exact - 1.0).abs() <= 2.0 * f64::from(f32::EPSILON));
        prop_assert_eq!(single_exponential(-88.0 + x.min(0.0)), 0.0);
    }
}

fn single_exponential(x: f32) -> f32 {
    struct One(f32);
    impl WithSimd for One {
        type Output = f32;
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) -> f32 {
            simd.reduce_max_f32s(f32::exponential::<S>(simd, f32::splat::<S>(simd, self.0)))
        }
    }
    Scalar.vectorize(One(x))
}

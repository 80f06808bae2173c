//! Random logits and proportions that other languages can draw too.

mod split_mix;

use split_mix::SplitMix;

/// Logits of one batch and the proportions of its bags.
pub(crate) struct Input<T> {
    /// `[instance, class]`.
    pub(crate) logits: Vec<T>,
    /// `[bag, class]`.
    pub(crate) proportions: Vec<T>,
}

impl Input<f32> {
    /// Normal logits times `scale`, then one uniform label per instance, from which the proportions are
    /// counted.
    pub(crate) fn draw(seed: u64, (bags, n, classes): (usize, usize, usize), scale: f64) -> Self {
        let mut random = SplitMix(seed);
        let logits = (0..bags * n * classes).map(|_| (scale * random.normal()) as f32).collect();
        let mut proportions = vec![0.0; bags * classes];
        for bag in 0..bags {
            for _ in 0..n {
                proportions[bag * classes + random.below(classes)] += 1.0 / n as f32;
            }
        }
        Self { logits, proportions }
    }

    /// The same numbers in double precision.
    pub(crate) fn widen(&self) -> Input<f64> {
        let widen = |values: &[f32]| values.iter().map(|&value| f64::from(value)).collect();
        Input { logits: widen(&self.logits), proportions: widen(&self.proportions) }
    }
}

impl SplitMix {
    /// In `(0, 1]`.
    fn uniform(&mut self) -> f64 {
        ((self.next() >> 11) + 1) as f64 / (1_u64 << 53) as f64
    }

    /// Box and Muller's transform, its cosine half.
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * self.uniform().ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}

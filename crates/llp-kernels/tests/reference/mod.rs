//! What the tests of this crate share: inputs and a comparison.

/// Deterministic numbers of order 1 without structure.
pub(crate) fn noise(len: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..len)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            ((state >> 40) as f32 / (1 << 23) as f32) - 1.0
        })
        .collect()
}

/// Asserts `|got - expected| <= tolerance * scale` for every element.
pub(crate) fn assert_close(what: &str, got: &[f32], expected: &[f64], scale: f64, tolerance: f64) {
    assert_eq!(got.len(), expected.len(), "{what}");
    for (index, (got, expected)) in got.iter().zip(expected).enumerate() {
        let error = (f64::from(*got) - expected).abs();
        assert!(error <= tolerance * scale, "{what}[{index}]: got {got}, expected {expected}");
    }
}

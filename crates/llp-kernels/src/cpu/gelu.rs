//! The Gaussian error linear unit, `x P(Z <= x)` with `Z` standard normal \[hendrycks:16\].
//!
//! Written without branches and calls, so that loops over it become vector instructions.

/// `x P(Z <= x)`, within 2e-7 of the exact value for `|x| <= 1`, else within 2e-7 of it relative to `x`.
#[inline(always)]
pub(crate) fn value(x: f32) -> f32 {
    x * normal(x).0
}

/// The derivative of [`value`]: `P(Z <= x) + x p(x)` with the density `p` of `Z`.
#[inline(always)]
pub(crate) fn slope(x: f32) -> f32 {
    let (below, density) = normal(x);
    below + x * density
}

/// The probability `P(Z <= x)` and the density at `x` of a standard normal `Z`. NaN stays NaN.
///
/// The tail is `exp(-x^2 / 2)` times a polynomial in `1 / (1 + p |x| / sqrt 2)`, with an error below 1e-7
/// [abramowitz:64, 7.1.26].
#[inline(always)]
fn normal(x: f32) -> (f32, f32) {
    const P: f32 = 0.327_591_1 * std::f32::consts::FRAC_1_SQRT_2;
    const INVERSE_ROOT: f32 = 0.398_942_3; // 1 / sqrt(2 pi)
    let size = x.abs();
    let bell = exp(-0.5 * x * x);
    let t = 1.0 / (1.0 + P * size);
    let tail = ((((0.530_702_7 * t - 0.726_576) * t + 0.710_706_9) * t - 0.142_248_37) * t + 0.127_414_8) * t;
    let tail = tail * bell; // P(Z > |x|)
    (if x < 0.0 { tail } else { 1.0 - tail }, INVERSE_ROOT * bell)
}

/// `e^x` for `x <= 0`, within 2e-7 of it; 0 below the smallest normal number.
#[inline(always)]
fn exp(x: f32) -> f32 {
    // Adding it rounds to a whole number, which is then in the lowest bits.
    const ROUND: f32 = 12_582_912.0; // 1.5 * 2^23
    let exponent = x * std::f32::consts::LOG2_E;
    let vanishes = exponent < -126.0;
    let exponent = if vanishes { -126.0 } else { exponent };
    let rounded = exponent + ROUND;
    let z = (exponent - (rounded - ROUND)) * std::f32::consts::LN_2; // at most ln(2) / 2 in size
    let power = rounded.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127) << 23;
    let series = 1.0
        + z * (1.0
            + z * (0.5
                + z * (1.0 / 6.0 + z * (1.0 / 24.0 + z * (1.0 / 120.0 + z * (1.0 / 720.0 + z / 5040.0))))));
    if vanishes { 0.0 } else { series * f32::from_bits(power) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `P(Z <= x)` by Simpson's rule on the density, in double precision.
    fn below(x: f64) -> f64 {
        let density = |z: f64| (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt();
        let n = 2000;
        let step = x / f64::from(n);
        let sum: f64 = (0..=n)
            .map(|i| {
                let weight = if i == 0 || i == n { 1.0 } else { f64::from(2 + 2 * (i % 2)) };
                weight * density(f64::from(i) * step)
            })
            .sum();
        0.5 + sum * step / 3.0
    }

    /// Value and slope against an integral in double precision, over all of where they are not 0 or x.
    #[test]
    fn agrees_with_the_integral_of_the_density() {
        for i in -1200..=1200 {
            let x = f64::from(i) / 100.0;
            let density = (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt();
            let (expected, expected_slope) = (x * below(x), below(x) + x * density);
            // Half a unit of the last place of the tail's polynomial, twice, and that of single precision.
            let tolerance = 3e-7 * x.abs().max(1.0);
            let x = x as f32;
            assert!((f64::from(value(x)) - expected).abs() <= tolerance, "{x} {}", value(x));
            assert!((f64::from(slope(x)) - expected_slope).abs() <= tolerance, "{x} {}", slope(x));
        }
    }

    /// Numbers far out are 0 or the input itself; what is no number stays one.
    #[test]
    fn ends_and_nan() {
        assert_eq!((value(-50.0), value(50.0)), (0.0, 50.0));
        assert_eq!((slope(-1e30), slope(1e30)), (0.0, 1.0));
        assert!(value(f32::NAN).is_nan() && slope(f32::NAN).is_nan());
    }
}

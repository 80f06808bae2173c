//! Floating point numbers of 16 bits.

/// The number with these bits (IEEE 754 binary16), which double precision holds.
pub(super) fn half(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff) / 1024.0);
    let size = match exponent {
        0 => fraction * 2_f64.powi(-14),
        0x1f if fraction == 0.0 => f64::INFINITY,
        0x1f => f64::NAN,
        exponent => (1.0 + fraction) * 2_f64.powi(exponent - 15),
    };
    if bits >> 15 == 1 { -size } else { size }
}

#[cfg(test)]
mod tests {
    use super::half;

    #[test]
    fn known_numbers() {
        for (bits, number) in [
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0x0001, 2_f64.powi(-24)),
            (0x3555, 0.333_251_953_125),
        ] {
            assert_eq!(half(bits), number, "{bits:x}");
        }
        assert!(half(0x8000) == 0.0 && half(0x8000).is_sign_negative());
        assert!(half(0x7c00).is_infinite() && half(0x7e00).is_nan());
    }
}

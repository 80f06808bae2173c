//! Which strong changes an image gets.

use rand_chacha::ChaCha8Rng;

use super::operation::Operation;
use crate::rng::{below, uniform};

/// Operations on an image, beside the erased square.
const N_OPERATIONS: usize = 2;
/// Operations to draw from.
const N_KINDS: u32 = 14;
/// The largest side of the erased square, as a share of the shorter side of the image.
const LARGEST_SQUARE: f64 = 0.5;

/// Draws two operations, the same or different ones, and a square, for an image of this height and width.
pub(super) fn draw(rng: &mut ChaCha8Rng, [height, width]: [usize; 2]) -> [Operation; N_OPERATIONS + 1] {
    let [first, second] = [operation(rng), operation(rng)];
    let side = uniform(rng) * LARGEST_SQUARE * height.min(width) as f64;
    let middle = [height, width].map(|len| below(rng, len as u32) as usize);
    [first, second, Operation::Erase { middle, side: side.round() as usize }]
}

/// An operation of any kind, and its strength, uniform in its range.
fn operation(rng: &mut ChaCha8Rng) -> Operation {
    let kind = below(rng, N_KINDS);
    let strength = uniform(rng);
    let within = |low: f64, high: f64| low + (high - low) * strength;
    match kind {
        0 => Operation::Identity,
        1 => Operation::AutoContrast,
        2 => Operation::Equalize,
        3 => Operation::Brightness(within(0.05, 0.95)),
        4 => Operation::Color(within(0.05, 0.95)),
        5 => Operation::Contrast(within(0.05, 0.95)),
        6 => Operation::Sharpness(within(0.05, 0.95)),
        7 => Operation::Posterize(within(4.0, 9.0) as u32),
        8 => Operation::Solarize(within(0.0, 257.0) as u32),
        9 => Operation::Rotate(within(-30.0, 30.0)),
        10 => Operation::ShearX(within(-0.3, 0.3)),
        11 => Operation::ShearY(within(-0.3, 0.3)),
        12 => Operation::TranslateX(within(-0.3, 0.3)),
        _ => Operation::TranslateY(within(-0.3, 0.3)),
    }
}

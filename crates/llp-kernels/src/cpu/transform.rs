//! The transforms of Winograd's algorithm F(4x4, 3x3), on the points 0, ±1/2, ±3/2 and infinity.
//!
//! Four outputs of a 3-tap filter over six inputs are `A^T ((G g) * (B^T d))`, with six products instead of
//! twelve. `B^T`, `G` and `A^T` follow from the points (Toom-Cook); these points keep the rounding error of
//! single precision within a few times that of a direct convolution, which the usual 0, ±1, ±2 do not. In two
//! dimensions each transform is applied to the columns and then to the rows.
//!
//! All functions work on one vector of channels at a time.

use super::simd::Simd;

/// Points of a transformed tile: 6 x 6.
pub(crate) const POINTS: usize = 36;

/// `B^T d`.
#[inline(always)]
pub(crate) fn input<S: Simd>(s: S, d: [S::V; 6]) -> [S::V; 6] {
    let inner = s.splat(-9.0 / 4.0);
    let outer = s.splat(-1.0 / 4.0);
    let (half, minus_half) = (s.splat(0.5), s.splat(-0.5));
    let (three_halves, minus_three_halves) = (s.splat(1.5), s.splat(-1.5));
    let (nine_sixteenths, five_halves) = (s.splat(9.0 / 16.0), s.splat(-5.0 / 2.0));
    let even_inner = s.mul_add(inner, d[2], d[4]);
    let odd_inner = s.mul_add(inner, d[1], d[3]);
    let even_outer = s.mul_add(outer, d[2], d[4]);
    let odd_outer = s.mul_add(outer, d[1], d[3]);
    [
        s.mul_add(nine_sixteenths, d[0], s.mul_add(five_halves, d[2], d[4])),
        s.mul_add(half, odd_inner, even_inner),
        s.mul_add(minus_half, odd_inner, even_inner),
        s.mul_add(three_halves, odd_outer, even_outer),
        s.mul_add(minus_three_halves, odd_outer, even_outer),
        s.mul_add(nine_sixteenths, d[1], s.mul_add(five_halves, d[3], d[5])),
    ]
}

/// `G g`.
#[inline(always)]
pub(crate) fn filter<S: Simd>(s: S, g: [S::V; 3]) -> [S::V; 6] {
    // At ±1/2 the weight of the point is -1, at ±3/2 it is 1/9.
    let even_inner = s.mul_add(s.splat(-0.25), g[2], s.mul(s.splat(-1.0), g[0]));
    let even_outer = s.mul_add(s.splat(0.25), g[2], s.mul(s.splat(1.0 / 9.0), g[0]));
    let (half, sixth) = (s.splat(0.5), s.splat(1.0 / 6.0));
    [
        s.mul(s.splat(16.0 / 9.0), g[0]),
        s.mul_add(s.splat(-0.5), g[1], even_inner),
        s.mul_add(half, g[1], even_inner),
        s.mul_add(sixth, g[1], even_outer),
        s.mul_add(s.splat(-1.0 / 6.0), g[1], even_outer),
        g[2],
    ]
}

/// `G^T u`: the adjoint of [`filter`].
#[inline(always)]
pub(crate) fn filter_adjoint<S: Simd>(s: S, u: [S::V; 6]) -> [S::V; 3] {
    let (inner, outer) = (s.add(u[1], u[2]), s.add(u[3], u[4]));
    let (inner_odd, outer_odd) = (s.sub(u[2], u[1]), s.sub(u[3], u[4]));
    let first =
        s.mul_add(s.splat(1.0 / 9.0), outer, s.mul_add(s.splat(16.0 / 9.0), u[0], s.sub(s.zero(), inner)));
    [
        first,
        s.mul_add(s.splat(1.0 / 6.0), outer_odd, s.mul(s.splat(0.5), inner_odd)),
        s.mul_add(s.splat(0.25), s.sub(outer, inner), u[5]),
    ]
}

/// `A^T m`.
#[inline(always)]
pub(crate) fn output<S: Simd>(s: S, m: [S::V; 6]) -> [S::V; 4] {
    let (inner, outer) = (s.add(m[1], m[2]), s.add(m[3], m[4]));
    let (inner_odd, outer_odd) = (s.sub(m[1], m[2]), s.sub(m[3], m[4]));
    [
        s.add(s.add(m[0], inner), outer),
        s.mul_add(s.splat(1.5), outer_odd, s.mul(s.splat(0.5), inner_odd)),
        s.mul_add(s.splat(2.25), outer, s.mul(s.splat(0.25), inner)),
        s.mul_add(s.splat(3.375), outer_odd, s.mul_add(s.splat(0.125), inner_odd, m[5])),
    ]
}

/// `A y`: the adjoint of [`output`].
#[inline(always)]
pub(crate) fn output_adjoint<S: Simd>(s: S, y: [S::V; 4]) -> [S::V; 6] {
    let even_inner = s.mul_add(s.splat(0.25), y[2], y[0]);
    let odd_inner = s.mul_add(s.splat(0.25), y[3], y[1]);
    let even_outer = s.mul_add(s.splat(2.25), y[2], y[0]);
    let odd_outer = s.mul_add(s.splat(2.25), y[3], y[1]);
    [
        y[0],
        s.mul_add(s.splat(0.5), odd_inner, even_inner),
        s.mul_add(s.splat(-0.5), odd_inner, even_inner),
        s.mul_add(s.splat(1.5), odd_outer, even_outer),
        s.mul_add(s.splat(-1.5), odd_outer, even_outer),
        y[3],
    ]
}

/// Applies a transform to the columns and then to the rows of a tile, given as `tile[row][column]`.
macro_rules! in_two_dimensions {
    ($name:ident, $one:ident, $from:literal, $to:literal) => {
        #[inline(always)]
        pub(crate) fn $name<S: Simd>(s: S, tile: [[S::V; $from]; $from]) -> [[S::V; $to]; $to] {
            let mut columns = [[s.zero(); $from]; $to];
            for j in 0..$from {
                let mut column = [s.zero(); $from];
                for i in 0..$from {
                    column[i] = tile[i][j];
                }
                let transformed = $one(s, column);
                for i in 0..$to {
                    columns[i][j] = transformed[i];
                }
            }
            let mut out = [[s.zero(); $to]; $to];
            for i in 0..$to {
                out[i] = $one(s, columns[i]);
            }
            out
        }
    };
}

in_two_dimensions!(input_tile, input, 6, 6);
in_two_dimensions!(filter_tile, filter, 3, 6);
in_two_dimensions!(filter_adjoint_tile, filter_adjoint, 6, 3);
in_two_dimensions!(output_tile, output, 6, 4);
in_two_dimensions!(output_adjoint_tile, output_adjoint, 4, 6);

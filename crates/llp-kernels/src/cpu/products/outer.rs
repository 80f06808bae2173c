//! Sums of outer products of pairs of rows.

use super::{panels, put};
use crate::cpu::simd::Simd;

/// Pairs that are summed over at a time: those of one panel of `b` stay in the first-level cache.
const PAIR_CHUNK: usize = 128;

/// Where a pair of rows starts in `a` and in `b`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair {
    pub(crate) a: u32,
    pub(crate) b: u32,
}

impl Pair {
    pub(crate) fn new(a: usize, b: usize) -> Self {
        Self { a: a as u32, b: b as u32 }
    }
}

/// Pairs with the largest offsets among them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pairs {
    list: Vec<Pair>,
    last_a: u32,
    last_b: u32,
}

impl Pairs {
    fn push(&mut self, pair: Pair) {
        self.list.push(pair);
        (self.last_a, self.last_b) = (self.last_a.max(pair.a), self.last_b.max(pair.b));
    }
}

impl FromIterator<Pair> for Pairs {
    fn from_iter<I: IntoIterator<Item = Pair>>(pairs: I) -> Self {
        let mut all = Self::default();
        pairs.into_iter().for_each(|pair| all.push(pair));
        all
    }
}

/// `c[i stride + j] = Σ_pairs a[pair.a + i] b[pair.b + j]`, or `+=` with `add`.
///
/// `i` runs over `len` numbers of `a`, `j` over `columns` of `b`.
#[inline(always)]
pub(crate) fn accumulate_outer<S: Simd>(
    simd: S,
    pairs: &Pairs,
    (a, len): (&[f32], usize),
    (b, columns): (&[f32], usize),
    (c, stride): (&mut [f32], usize),
    add: bool,
) {
    if len == 0 || columns == 0 {
        return;
    }
    assert!(!pairs.list.is_empty(), "there is something to sum");
    assert!(pairs.last_a as usize + len <= a.len(), "every row lies within `a`");
    assert!(pairs.last_b as usize + columns <= b.len(), "every row lies within `b`");
    assert!((len - 1) * stride + columns <= c.len(), "every sum lies within `c`");
    // Equal shares: a tile of few rows has too few sums under way to keep the multipliers busy.
    let step = len.div_ceil(len.div_ceil(S::ROWS));
    for (index, pairs) in pairs.list.chunks(PAIR_CHUNK).enumerate() {
        let add = add || index > 0;
        for panel in panels(columns, S::LANES) {
            for start in (0..len).step_by(step) {
                // SAFETY: asserted above for every pair, row and column; the tail is neither read nor written.
                unsafe {
                    let a = a.as_ptr().add(start);
                    let b = b.as_ptr().add(panel.start);
                    let c = c.as_mut_ptr().add(start * stride + panel.start);
                    let args = OuterTile { a, b, c, pairs, stride, tail: panel.tail, add };
                    let rows = (len - start).min(step);
                    match (panel.vectors, panel.tail) {
                        (2, 0) => args.of_two(simd, rows),
                        (2, _) => args.of_two_with_tail(simd, rows),
                        (_, 0) => args.of_one(simd, rows),
                        (_, _) => args.of_one_with_tail(simd, rows),
                    }
                }
            }
        }
    }
}

/// The arguments of a register tile of [`accumulate_outer`].
struct OuterTile<'a> {
    a: *const f32,
    b: *const f32,
    c: *mut f32,
    pairs: &'a [Pair],
    stride: usize,
    tail: usize,
    add: bool,
}

impl OuterTile<'_> {
    #[inline(always)]
    unsafe fn of_one<S: Simd>(self, simd: S, rows: usize) {
        // SAFETY: the caller's.
        unsafe { with_rows!(rows, self.full::<1>(simd)) }
    }

    #[inline(always)]
    unsafe fn of_two<S: Simd>(self, simd: S, rows: usize) {
        // SAFETY: the caller's.
        unsafe { with_rows!(rows, self.full::<2>(simd)) }
    }

    #[inline(always)]
    unsafe fn of_one_with_tail<S: Simd>(self, simd: S, rows: usize) {
        // SAFETY: the caller's.
        unsafe { with_rows!(rows, self.with_tail::<1>(simd)) }
    }

    #[inline(always)]
    unsafe fn of_two_with_tail<S: Simd>(self, simd: S, rows: usize) {
        // SAFETY: the caller's.
        unsafe { with_rows!(rows, self.with_tail::<2>(simd)) }
    }

    #[inline(always)]
    unsafe fn full<S: Simd, const R: usize, const V: usize>(self, simd: S) {
        // SAFETY: the caller's.
        unsafe { self.tile::<S, R, V, false>(simd) }
    }

    #[inline(always)]
    unsafe fn with_tail<S: Simd, const R: usize, const V: usize>(self, simd: S) {
        // SAFETY: the caller's.
        unsafe { self.tile::<S, R, V, true>(simd) }
    }

    /// # Safety
    /// `a` is valid for `R` numbers at every pair, `b` for the columns, `c` for `R` rows of the columns.
    #[inline(always)]
    unsafe fn tile<S: Simd, const R: usize, const V: usize, const TAIL: bool>(self, simd: S) {
        let mut sums = [[simd.zero(); V]; R];
        // SAFETY: the caller's.
        unsafe {
            for pair in self.pairs {
                let (a, b) = (self.a.add(pair.a as usize), self.b.add(pair.b as usize));
                let mut vectors = [simd.zero(); V];
                for v in 0..V {
                    let b = b.add(v * S::LANES);
                    vectors[v] = if TAIL && v + 1 == V { simd.load_part(b, self.tail) } else { simd.load(b) };
                }
                for i in 0..R {
                    let factor = simd.splat(*a.add(i));
                    for v in 0..V {
                        sums[i][v] = simd.mul_add(factor, vectors[v], sums[i][v]);
                    }
                }
            }
            for i in 0..R {
                put(simd, self.c.add(i * self.stride), sums[i], if TAIL { self.tail } else { 0 }, self.add);
            }
        }
    }
}

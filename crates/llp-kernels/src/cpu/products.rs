//! The two matrix products that convolutions are made of, as register tiles.
//!
//! Both multiply broadcast numbers of `a` with vectors of `b`. They differ in what is summed over:
//! [`multiply`] walks along rows of `a` (channels of a pixel) with `b` packed into panels of columns;
//! [`accumulate_outer`] walks over pairs of rows of `a` and `b` (pixels) and sums their outer products.
#![expect(
    unsafe_code,
    reason = "register tiles over raw pointers; the two public functions check every extent that they reach"
)]

use super::simd::Simd;

/// One row of a product: where it starts in `a` and where its result goes in `c`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) a: usize,
    pub(crate) c: usize,
}

/// Rows with the largest offsets among them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rows {
    list: Vec<Row>,
    last_a: usize,
    last_c: usize,
}

impl Rows {
    fn push(&mut self, row: Row) {
        self.list.push(row);
        (self.last_a, self.last_c) = (self.last_a.max(row.a), self.last_c.max(row.c));
    }
}

impl FromIterator<Row> for Rows {
    fn from_iter<I: IntoIterator<Item = Row>>(rows: I) -> Self {
        let mut all = Self::default();
        rows.into_iter().for_each(|row| all.push(row));
        all
    }
}

/// The numbers that each row consists of, and the rows of `b` that they are multiplied with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Runs {
    /// Runs, their distance in `a`, and the numbers in each.
    pub(crate) count: usize,
    pub(crate) stride: usize,
    pub(crate) len: usize,
    /// Rows of `b` in all; the row that the first number of the first run meets; the same of the next run.
    pub(crate) depth: usize,
    pub(crate) first: usize,
    pub(crate) step: usize,
}

impl Runs {
    /// One run over all rows of `b`.
    pub(crate) fn one(len: usize) -> Self {
        Self { count: 1, stride: 0, len, depth: len, first: 0, step: 0 }
    }

    fn extent(self) -> usize {
        (self.count - 1) * self.stride + self.len
    }

    fn last_row(self) -> usize {
        self.first + (self.count - 1) * self.step + self.len
    }
}

/// Columns that are worked on together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Panel {
    /// The first column.
    pub(crate) start: usize,
    /// Vectors in a row of the panel: 1 or 2.
    pub(crate) vectors: usize,
    /// Columns in the last vector if it is not full, else 0.
    pub(crate) tail: usize,
}

/// Cuts columns into panels of two vectors; the last one may be narrower.
#[inline(always)]
pub(crate) fn panels(columns: usize, lanes: usize) -> impl Iterator<Item = Panel> {
    (0..columns).step_by(2 * lanes).map(move |start| {
        let width = (columns - start).min(2 * lanes);
        Panel { start, vectors: width.div_ceil(lanes), tail: width % lanes }
    })
}

/// Length of a packed matrix of `depth` rows: panel after panel, each row-major, the last filled up with zeros.
///
/// The panel that starts at column `j` starts at `j depth`.
pub(crate) fn packed_len(depth: usize, columns: usize, lanes: usize) -> usize {
    depth * columns.next_multiple_of(lanes)
}

/// `c[row.c + j] = Σ_k a[row.a + k] b[k, j]`, or `+=` with `add`, for `k` over the runs and `j` over the columns.
///
/// `b` is packed, see [`packed_len`].
#[inline(always)]
pub(crate) fn multiply<S: Simd>(
    simd: S,
    (a, rows): (&[f32], &Rows),
    runs: Runs,
    b: &[f32],
    (c, columns): (&mut [f32], usize),
    add: bool,
) {
    if rows.list.is_empty() || runs.count * runs.len == 0 || columns == 0 {
        return;
    }
    assert!(rows.last_a + runs.extent() <= a.len(), "every row lies within `a`");
    assert!(rows.last_c + columns <= c.len(), "every result lies within `c`");
    assert!(runs.last_row() <= runs.depth, "every run lies within `b`");
    assert!(packed_len(runs.depth, columns, S::LANES) <= b.len(), "`b` is packed for these columns");
    for panel in panels(columns, S::LANES) {
        for rows in rows.list.chunks(S::ROWS) {
            // SAFETY: asserted above for every row and column; a panel reaches `vectors` whole vectors in `b`,
            // which is padded, and stops at its tail in `c`.
            unsafe {
                let b = b.as_ptr().add(panel.start * runs.depth);
                let c = c.as_mut_ptr().add(panel.start);
                let args = RowTile { a: a.as_ptr(), rows, runs, b, c, tail: panel.tail, add };
                if panel.vectors == 2 { args.of_two(simd) } else { args.of_one(simd) }
            }
        }
    }
}

/// The arguments of a register tile of [`multiply`].
struct RowTile<'a> {
    a: *const f32,
    rows: &'a [Row],
    runs: Runs,
    b: *const f32,
    c: *mut f32,
    tail: usize,
    add: bool,
}

/// Calls a function with the number of rows as a constant.
macro_rules! with_rows {
    ($rows:expr, $self:ident.$f:ident::<$vectors:literal>($($arg:expr),*)) => {
        match $rows {
            1 => $self.$f::<_, 1, $vectors>($($arg),*),
            2 => $self.$f::<_, 2, $vectors>($($arg),*),
            3 => $self.$f::<_, 3, $vectors>($($arg),*),
            4 => $self.$f::<_, 4, $vectors>($($arg),*),
            5 => $self.$f::<_, 5, $vectors>($($arg),*),
            6 => $self.$f::<_, 6, $vectors>($($arg),*),
            7 => $self.$f::<_, 7, $vectors>($($arg),*),
            _ => $self.$f::<_, 8, $vectors>($($arg),*),
        }
    };
}

mod outer;

pub(crate) use outer::{Pair, Pairs, accumulate_outer};

impl RowTile<'_> {
    #[inline(always)]
    unsafe fn of_one<S: Simd>(self, simd: S) {
        // SAFETY: the caller's; `rows` has at most eight elements.
        unsafe { with_rows!(self.rows.len(), self.tile::<1>(simd)) }
    }

    #[inline(always)]
    unsafe fn of_two<S: Simd>(self, simd: S) {
        // SAFETY: the caller's; `rows` has at most eight elements.
        unsafe { with_rows!(self.rows.len(), self.tile::<2>(simd)) }
    }

    /// # Safety
    /// `rows` has `R` elements; `a` is valid for all runs of all rows, `b` for the rows of `V` vectors that they meet, `c`
    /// for the columns of every row.
    #[inline(always)]
    unsafe fn tile<S: Simd, const R: usize, const V: usize>(self, simd: S) {
        let mut sums = [[simd.zero(); V]; R];
        // SAFETY: the caller's.
        unsafe {
            for run in 0..self.runs.count {
                let mut b = self.b.add((self.runs.first + run * self.runs.step) * V * S::LANES);
                let start = self.a.add(run * self.runs.stride);
                let mut a = [start; R];
                for i in 0..R {
                    a[i] = start.add(self.rows.get_unchecked(i).a);
                }
                for k in 0..self.runs.len {
                    let mut vectors = [simd.zero(); V];
                    for v in 0..V {
                        vectors[v] = simd.load(b.add(v * S::LANES));
                    }
                    for i in 0..R {
                        let factor = simd.splat(*a[i].add(k));
                        for v in 0..V {
                            sums[i][v] = simd.mul_add(factor, vectors[v], sums[i][v]);
                        }
                    }
                    b = b.add(V * S::LANES);
                }
            }
            for i in 0..R {
                let c = self.c.add(self.rows.get_unchecked(i).c);
                put(simd, c, sums[i], self.tail, self.add);
            }
        }
    }
}

/// Stores a row of a tile; `tail` is the number of lanes of the last vector, 0 for all.
///
/// # Safety
/// `c` is valid for the numbers of the row.
#[inline(always)]
unsafe fn put<S: Simd, const V: usize>(simd: S, c: *mut f32, sums: [S::V; V], tail: usize, add: bool) {
    // SAFETY: the caller's.
    unsafe {
        for v in 0..V {
            let (c, mut sum) = (c.add(v * S::LANES), sums[v]);
            if v + 1 == V && tail > 0 {
                if add {
                    sum = simd.add(simd.load_part(c, tail), sum);
                }
                simd.store_part(c, sum, tail);
            } else {
                if add {
                    sum = simd.add(simd.load(c), sum);
                }
                simd.store(c, sum);
            }
        }
    }
}

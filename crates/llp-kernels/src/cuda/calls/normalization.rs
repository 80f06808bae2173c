//! Calls of batch norm.

use super::{Argument, Call, MANY_BLOCKS, Pointer, THREADS, elementwise};
use crate::cuda::kind::Kind;

/// `FOLD` of `batch_norm.cu`.
const FOLD: u32 = 32;
/// Rows that a thread takes at least, where there are enough.
const ROWS_PER_THREAD: u32 = 8;

/// The parameters of a batch norm, each `[channel]` in floats.
#[derive(Clone, Copy, Debug)]
pub(in crate::cuda) struct Normalizer {
    pub(in crate::cuda) mean: Pointer,
    pub(in crate::cuda) inverse_deviation: Pointer,
    pub(in crate::cuda) gamma: Pointer,
    pub(in crate::cuda) beta: Pointer,
}

/// Running statistics, each `[channel]` in floats.
#[derive(Clone, Copy, Debug)]
pub(in crate::cuda) struct Running {
    pub(in crate::cuda) mean: Pointer,
    pub(in crate::cuda) variance: Pointer,
    pub(in crate::cuda) momentum: f32,
}

/// An array `[row, channel]` under a batch norm.
#[derive(Clone, Copy, Debug)]
pub(in crate::cuda) struct Matrix {
    pub(in crate::cuda) kind: Kind,
    pub(in crate::cuda) rows: usize,
    pub(in crate::cuda) channels: usize,
}

impl Matrix {
    /// Channels that a thread has.
    fn vector(self) -> u32 {
        if self.channels.is_multiple_of(4) { 4 } else { 1 }
    }

    /// Threads side by side for the vectors of a row, a power of two.
    fn threads_across(self) -> u32 {
        (self.channels as u32 / self.vector()).next_power_of_two().min(32)
    }

    fn threads_down(self) -> u32 {
        THREADS / self.threads_across()
    }

    fn blocks_across(self) -> u32 {
        (self.channels as u32).div_ceil(self.vector() * self.threads_across())
    }

    /// Parts of the rows that are summed apart: as many as keep a GPU busy, by the shape alone.
    pub(in crate::cuda) fn n_slabs(self) -> usize {
        let wanted = (self.rows as u32).div_ceil(self.threads_down() * ROWS_PER_THREAD);
        wanted.clamp(1, (MANY_BLOCKS / self.blocks_across()).max(1)) as usize
    }

    fn call(self, name: &str, arguments: Vec<Argument>) -> Call {
        Call {
            kernel: format!("{name}_{}_v{}", self.kind.suffix(), self.vector()),
            grid: [self.blocks_across(), self.n_slabs() as u32, 1],
            block: [self.threads_across(), self.threads_down(), 1],
            arguments,
        }
    }

    /// A call that adds up what the slabs gave.
    fn fold(self, kernel: &str, arguments: Vec<Argument>) -> Call {
        let blocks = (self.channels as u32).div_ceil(FOLD);
        Call { kernel: kernel.into(), grid: [blocks, 1, 1], block: [FOLD, FOLD, 1], arguments }
    }

    /// Mean and squared deviations of each slab, `[slab, channel]` each.
    pub(in crate::cuda) fn moments(self, x: Pointer, means: Pointer, squares: Pointer) -> Call {
        let arguments = arguments![x, means, squares, self.rows as i32, self.channels as i32];
        self.call("batch_norm_moments", arguments)
    }

    /// Mean and inverse deviation of all rows; moves the running statistics, if there are any.
    pub(in crate::cuda) fn finish(
        self,
        (means, squares): (Pointer, Pointer),
        epsilon: f32,
        (mean, inverse_deviation): (Pointer, Pointer),
        running: Option<Running>,
    ) -> Call {
        let running = running.unwrap_or(Running { mean: 0, variance: 0, momentum: 0.0 });
        let arguments = arguments![
            means,
            squares,
            self.n_slabs() as i32,
            self.rows as i32,
            self.channels as i32,
            epsilon,
            running.momentum,
            mean,
            inverse_deviation,
            running.mean,
            running.variance,
        ];
        self.fold("batch_norm_finish", arguments)
    }

    /// The result; `residual` may be none.
    pub(in crate::cuda) fn apply(
        self,
        at: Normalizer,
        x: Pointer,
        residual: Pointer,
        y: Pointer,
        relu: bool,
    ) -> Call {
        let Normalizer { mean, inverse_deviation, gamma, beta } = at;
        let (rows, channels, relu) = (self.rows as i32, self.channels as i32, i32::from(relu));
        let arguments =
            arguments![x, residual, y, mean, inverse_deviation, gamma, beta, rows, channels, relu];
        self.call("batch_norm_apply", arguments)
    }

    /// Sums of the gradient over each slab; cuts the gradient in place where `y` is given.
    pub(in crate::cuda) fn sums(
        self,
        at: Normalizer,
        (x, y, gradient): (Pointer, Pointer, Pointer),
        (plain, centered): (Pointer, Pointer),
        relu: bool,
    ) -> Call {
        let Normalizer { mean, inverse_deviation, gamma, beta } = at;
        let (rows, channels, relu) = (self.rows as i32, self.channels as i32, i32::from(relu));
        let arguments = arguments![
            x,
            y,
            gradient,
            mean,
            inverse_deviation,
            gamma,
            beta,
            plain,
            centered,
            rows,
            channels,
            relu
        ];
        self.call("batch_norm_sums", arguments)
    }

    /// The gradients of gamma and beta.
    pub(in crate::cuda) fn parameters(
        self,
        (plain, centered): (Pointer, Pointer),
        inverse_deviation: Pointer,
        (gamma_gradient, beta_gradient): (Pointer, Pointer),
    ) -> Call {
        let (n_slabs, channels) = (self.n_slabs() as i32, self.channels as i32);
        let arguments =
            arguments![plain, centered, n_slabs, channels, inverse_deviation, gamma_gradient, beta_gradient];
        self.fold("batch_norm_parameters", arguments)
    }

    /// The gradient of `x`, which may be where that of `y` is; `relu` where it has not been cut yet.
    pub(in crate::cuda) fn input_gradient(
        self,
        at: Normalizer,
        (x, gradient, x_gradient): (Pointer, Pointer, Pointer),
        (gamma_gradient, beta_gradient): (Pointer, Pointer),
        relu: bool,
        from_batch: bool,
    ) -> Call {
        let Normalizer { mean, inverse_deviation, gamma, beta } = at;
        let (rows, channels) = (self.rows as i32, self.channels as i32);
        let arguments = arguments![
            x,
            gradient,
            x_gradient,
            mean,
            inverse_deviation,
            gamma,
            beta,
            gamma_gradient,
            beta_gradient,
            rows,
            channels,
            i32::from(relu),
            i32::from(from_batch)
        ];
        self.call("batch_norm_input_gradient", arguments)
    }
}

/// `1 / sqrt(variance + epsilon)`, for running statistics.
pub(in crate::cuda) fn inverse_deviation(
    variance: Pointer,
    result: Pointer,
    epsilon: f32,
    channels: usize,
) -> Call {
    elementwise("inverse_deviation".into(), channels, arguments![variance, result, epsilon, channels as i64])
}

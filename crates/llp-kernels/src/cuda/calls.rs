//! Which kernel does what, on how many threads: everything about a launch but the launch itself.
//!
//! A call is plain data, so that the tests run the same calls on the CPU (`emulator`). Pointers are addresses of the
//! device on which the call will run; whoever runs it answers for them.

use super::kind::Kind;
use crate::bag_loss::Sweeps;
use crate::cpu::shape::ConvShape;

/// The address of numbers on a device; 0 is none.
pub(super) type Pointer = u64;

/// Threads of a block where each has a number of its own.
const THREADS: u32 = 256;
/// `THREADS` of `losses.cu`, and `FOLD` of `batch_norm.cu`.
const LOSS_THREADS: u32 = 128;
const FOLD: u32 = 32;
/// Blocks that keep a large GPU busy.
const MANY_BLOCKS: u32 = 1024;
/// Matrix that a thread of a batch norm takes at least, where there are enough.
const ROWS_PER_THREAD: u32 = 8;

/// An argument of a kernel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Argument {
    Pointer(Pointer),
    Int(i32),
    Long(i64),
    Float(f32),
}

impl From<u64> for Argument {
    fn from(pointer: Pointer) -> Self {
        Self::Pointer(pointer)
    }
}

impl From<i32> for Argument {
    fn from(value: i32) -> Self {
        Self::Int(value)
    }
}

impl From<i64> for Argument {
    fn from(value: i64) -> Self {
        Self::Long(value)
    }
}

impl From<f32> for Argument {
    fn from(value: f32) -> Self {
        Self::Float(value)
    }
}

/// A kernel with its threads and arguments.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) kernel: String,
    pub(super) grid: [u32; 3],
    pub(super) block: [u32; 3],
    pub(super) arguments: Vec<Argument>,
}

macro_rules! arguments {
    ($($argument:expr),* $(,)?) => { vec![$(Argument::from($argument)),*] };
}

/// A call with a thread for each of `n` numbers.
fn elementwise(kernel: String, n: usize, arguments: Vec<Argument>) -> Call {
    let blocks = n.div_ceil(THREADS as usize).max(1) as u32;
    Call { kernel, grid: [blocks, 1, 1], block: [THREADS, 1, 1], arguments }
}

fn typed(name: &str, kind: Kind) -> String {
    format!("{name}_{}", kind.suffix())
}

/// Floats to numbers of a kind.
pub(super) fn from_f32(kind: Kind, x: Pointer, y: Pointer, n: usize) -> Call {
    elementwise(typed("from_f32", kind), n, arguments![x, y, n as i64])
}

/// Numbers of a kind to floats.
pub(super) fn to_f32(kind: Kind, x: Pointer, y: Pointer, n: usize) -> Call {
    elementwise(typed("to_f32", kind), n, arguments![x, y, n as i64])
}

/// `sum += term`.
pub(super) fn add(kind: Kind, sum: Pointer, term: Pointer, n: usize) -> Call {
    elementwise(typed("add", kind), n, arguments![sum, term, n as i64])
}

/// The rectifier on floats.
pub(super) fn relu(x: Pointer, y: Pointer, n: usize) -> Call {
    elementwise("relu_f32".into(), n, arguments![x, y, n as i64])
}

/// Its gradient.
pub(super) fn relu_backward(y: Pointer, y_gradient: Pointer, x_gradient: Pointer, n: usize) -> Call {
    elementwise("relu_backward_f32".into(), n, arguments![y, y_gradient, x_gradient, n as i64])
}

/// Filters of a checkpoint to those of a convolution.
pub(super) fn pack_filters(kind: Kind, shape: &ConvShape, from: Pointer, to: Pointer) -> Call {
    filters("pack_filters", kind, shape, from, to)
}

/// The way back, for gradients.
pub(super) fn unpack_filters(kind: Kind, shape: &ConvShape, from: Pointer, to: Pointer) -> Call {
    filters("unpack_filters", kind, shape, from, to)
}

fn filters(name: &str, kind: Kind, shape: &ConvShape, from: Pointer, to: Pointer) -> Call {
    let taps = shape.kernel_height * shape.kernel_width;
    let n = shape.c_out * shape.c_in * taps;
    elementwise(typed(name, kind), n, arguments![from, to, shape.c_in as i32, taps as i32, n as i64])
}

/// The parameters of a batch norm, each `[channel]` in floats.
#[derive(Clone, Copy, Debug)]
pub(super) struct Normalizer {
    pub(super) mean: Pointer,
    pub(super) inverse_deviation: Pointer,
    pub(super) gamma: Pointer,
    pub(super) beta: Pointer,
}

/// Running statistics, each `[channel]` in floats.
#[derive(Clone, Copy, Debug)]
pub(super) struct Running {
    pub(super) mean: Pointer,
    pub(super) variance: Pointer,
    pub(super) momentum: f32,
}

/// An array `[row, channel]` under a batch norm.
#[derive(Clone, Copy, Debug)]
pub(super) struct Matrix {
    pub(super) kind: Kind,
    pub(super) rows: usize,
    pub(super) channels: usize,
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
    pub(super) fn n_slabs(self) -> usize {
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
    pub(super) fn moments(self, x: Pointer, means: Pointer, squares: Pointer) -> Call {
        let arguments = arguments![x, means, squares, self.rows as i32, self.channels as i32];
        self.call("batch_norm_moments", arguments)
    }

    /// Mean and inverse deviation of all rows; moves the running statistics, if there are any.
    pub(super) fn finish(
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
    pub(super) fn apply(self, at: Normalizer, x: Pointer, residual: Pointer, y: Pointer, relu: bool) -> Call {
        let Normalizer { mean, inverse_deviation, gamma, beta } = at;
        let (rows, channels, relu) = (self.rows as i32, self.channels as i32, i32::from(relu));
        let arguments =
            arguments![x, residual, y, mean, inverse_deviation, gamma, beta, rows, channels, relu];
        self.call("batch_norm_apply", arguments)
    }

    /// Sums of the gradient over each slab; cuts the gradient in place where `y` is given.
    pub(super) fn sums(
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
    pub(super) fn parameters(
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
    pub(super) fn input_gradient(
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
pub(super) fn inverse_deviation(variance: Pointer, result: Pointer, epsilon: f32, channels: usize) -> Call {
    elementwise("inverse_deviation".into(), channels, arguments![variance, result, epsilon, channels as i64])
}

/// The mean over the pixels of `n_images` images.
pub(super) fn average_pool(kind: Kind, x: Pointer, y: Pointer, extents: [usize; 3]) -> Call {
    let [n_images, pixels, channels] = extents;
    let n = n_images * channels;
    elementwise(typed("average_pool", kind), n, arguments![x, y, pixels as i32, channels as i32, n as i64])
}

/// Its gradient.
pub(super) fn average_pool_backward(
    kind: Kind,
    y_gradient: Pointer,
    x_gradient: Pointer,
    extents: [usize; 3],
) -> Call {
    let [n_images, pixels, channels] = extents;
    let n = n_images * pixels * channels;
    let arguments = arguments![y_gradient, x_gradient, pixels as i32, channels as i32, n as i64];
    elementwise(typed("average_pool_backward", kind), n, arguments)
}

/// Max pooling; `winners` are 16 bits for each number of the result.
pub(super) fn max_pool(kind: Kind, shape: &ConvShape, x: Pointer, y: Pointer, winners: Pointer) -> Call {
    let n = shape.images * shape.out_len();
    elementwise(typed("max_pool", kind), n, with_pool(arguments![x, y, winners], shape, n))
}

/// Its gradient.
pub(super) fn max_pool_backward(
    kind: Kind,
    shape: &ConvShape,
    y_gradient: Pointer,
    winners: Pointer,
    x_gradient: Pointer,
) -> Call {
    let n = shape.images * shape.in_len();
    let arguments = with_pool(arguments![y_gradient, winners, x_gradient], shape, n);
    elementwise(typed("max_pool_backward", kind), n, arguments)
}

fn with_pool(mut arguments: Vec<Argument>, shape: &ConvShape, n: usize) -> Vec<Argument> {
    let extents = [
        shape.height,
        shape.width,
        shape.c_in,
        shape.kernel_height,
        shape.stride,
        shape.padding,
        shape.out_height(),
        shape.out_width(),
    ];
    arguments.extend(extents.map(|extent| Argument::Int(extent as i32)));
    arguments.push(Argument::Long(n as i64));
    arguments
}

/// Where [`prepare_images`] finds what it needs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Preparation {
    /// Bytes `[image, height, width, channel]`.
    pub(super) images: Pointer,
    /// `[instance]`, 32 bits each.
    pub(super) instances: Pointer,
    /// `[instance]`, 32 bits each.
    pub(super) changes: Pointer,
    /// `[channel]`.
    pub(super) scale: Pointer,
    /// `[channel]`.
    pub(super) offset: Pointer,
    /// Height, width and channels.
    pub(super) shape: [usize; 3],
    pub(super) shift: usize,
    pub(super) n_instances: usize,
}

/// Images as a network sees them.
pub(super) fn prepare_images(kind: Kind, from: &Preparation, result: Pointer) -> Call {
    let [height, width, channels] = from.shape;
    let n_pixels = from.n_instances * height * width;
    let arguments = arguments![
        from.images,
        from.instances,
        from.changes,
        from.scale,
        from.offset,
        result,
        height as i32,
        width as i32,
        channels as i32,
        from.shift as i32,
        n_pixels as i64
    ];
    elementwise(typed("prepare_images", kind), n_pixels, arguments)
}

/// A parameter as `sgd_step` reads it: three addresses, a length, a float and nothing.
pub(super) fn sgd_parameter(
    [weight, velocity, gradient]: [Pointer; 3],
    n: usize,
    weight_decay: f32,
) -> [u64; 5] {
    [weight, velocity, gradient, n as u64, u64::from(weight_decay.to_bits())]
}

/// A step of all parameters, of which the longest has `longest` numbers.
pub(super) fn sgd_step(
    parameters: Pointer,
    n_parameters: usize,
    longest: usize,
    momentum: f32,
    lr: f32,
) -> Call {
    let blocks = (longest.div_ceil(4 * THREADS as usize) as u32).clamp(1, MANY_BLOCKS);
    Call {
        kernel: "sgd_step".into(),
        grid: [blocks, n_parameters as u32, 1],
        block: [THREADS, 1, 1],
        arguments: arguments![parameters, momentum, lr],
    }
}

/// Where the losses of bags find and leave their numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct BagArrays {
    /// `[instance, class]`.
    pub(super) logits: Pointer,
    /// `[bag + 1]`, 32 bits each: where the instances of each bag begin.
    pub(super) starts: Pointer,
    /// `[bag, class]`.
    pub(super) proportions: Pointer,
    pub(super) n_bags: usize,
    pub(super) n_classes: usize,
    /// `[bag]`.
    pub(super) loss: Pointer,
    /// `[instance, class]`.
    pub(super) gradient: Pointer,
    /// Scratch, `[instance]` twice.
    pub(super) scratch: [Pointer; 2],
}

impl BagArrays {
    fn call(&self, kernel: &str, more: Vec<Argument>) -> Call {
        let [normalizers, _] = self.scratch;
        let n_classes = self.n_classes as i32;
        let mut arguments = arguments![
            self.logits,
            self.starts,
            self.proportions,
            n_classes,
            self.loss,
            self.gradient,
            normalizers
        ];
        arguments.extend(more);
        let grid = [self.n_bags as u32, 1, 1];
        Call { kernel: kernel.into(), grid, block: [LOSS_THREADS, 1, 1], arguments }
    }

    pub(super) fn kl(&self) -> Call {
        self.call("kl_loss", Vec::new())
    }

    pub(super) fn avg_kl(&self) -> Call {
        self.call("avg_kl_loss", Vec::new())
    }

    pub(super) fn rot(&self, alpha: f32, epsilon: f32, sweeps: Sweeps) -> Call {
        let (threshold, n_sweeps, shifts) = match sweeps {
            Sweeps::Fixed(n) => (0.0, n, 0),
            Sweeps::Until { residual, at_most } => (residual, at_most, 1),
        };
        let columns = self.scratch[1];
        self.call(
            "rot_loss",
            arguments![columns, alpha, epsilon, threshold, n_sweeps.min(i32::MAX as usize) as i32, shifts],
        )
    }

    /// The gradient times a factor for each bag.
    pub(super) fn scale(&self, factors: Pointer, scaled: Pointer) -> Call {
        Call {
            kernel: "scale_bags".into(),
            grid: [self.n_bags as u32, 1, 1],
            block: [THREADS, 1, 1],
            arguments: arguments![self.gradient, self.starts, factors, self.n_classes as i32, scaled],
        }
    }
}

//! Which kernel does what, on how many threads: everything about a launch but the launch itself.
//!
//! A call is plain data, so that the tests run the same calls on the CPU (`emulator`). Pointers are addresses of the
//! device on which the call will run; the caller that runs it guarantees that they are valid.

/// Arguments of different types.
macro_rules! arguments {
    ($($argument:expr),* $(,)?) => { vec![$(Argument::from($argument)),*] };
}

mod bags;
mod normalization;

pub(super) use bags::BagArrays;
pub(super) use normalization::{Matrix, Normalizer, Running, inverse_deviation};

use super::kind::Kind;
use crate::adamw::AdamStep;
use crate::cpu::shape::ConvShape;

/// The address of numbers on a device; 0 is none.
pub(super) type Pointer = u64;

/// Threads of a block where each has a number of its own.
const THREADS: u32 = 256;
/// Blocks that keep a large GPU busy.
const MANY_BLOCKS: u32 = 1024;

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

/// Filters of a convolution as `pack_filters` and `unpack_filters` read them: the address of the weight, which of the numbers
/// of all convolutions are theirs, and two extents.
pub(super) fn filters(weight: Pointer, offset: usize, [c_out, c_in, height, width]: [usize; 4]) -> [u64; 4] {
    let taps = height * width;
    [weight, offset as u64, (c_out * c_in * taps) as u64, c_in as u64 | (taps as u64) << 32]
}

/// Filters of all convolutions of a table, from checkpoints to convolutions. The longest have `longest` numbers.
pub(super) fn pack_filters(kind: Kind, table: Pointer, n: usize, longest: usize, packed: Pointer) -> Call {
    of_parameters(typed("pack_filters", kind), n, longest, arguments![table, packed])
}

/// The way back, for gradients.
pub(super) fn unpack_filters(
    kind: Kind,
    table: Pointer,
    n: usize,
    longest: usize,
    [packed, gradients]: [Pointer; 2],
) -> Call {
    of_parameters(typed("unpack_filters", kind), n, longest, arguments![table, packed, gradients])
}

/// Adds a bias to every row of `values`, in floats.
pub(super) fn add_bias(values: Pointer, bias: Pointer, rows: usize, columns: usize) -> Call {
    let n = rows * columns;
    elementwise("add_bias_f32".into(), n, arguments![values, bias, columns as i32, n as i64])
}

/// The sum of each column, in floats.
pub(super) fn column_sums(values: Pointer, sums: Pointer, rows: usize, columns: usize) -> Call {
    let arguments = arguments![values, sums, rows as i32, columns as i32];
    let grid = [columns as u32, 1, 1];
    Call { kernel: "column_sums_f32".into(), grid, block: [THREADS, 1, 1], arguments }
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
    of_parameters("sgd_step".into(), n_parameters, longest, arguments![parameters, momentum, lr])
}

/// A parameter as `adamw_step` reads it: four addresses, a length and a float.
pub(super) fn adamw_parameter(
    [weight, first, second, gradient]: [Pointer; 4],
    n: usize,
    decay_factor: f32,
) -> [u64; 6] {
    [weight, first, second, gradient, n as u64, u64::from(decay_factor.to_bits())]
}

/// A step of all parameters, of which the longest has `longest` numbers.
pub(super) fn adamw_step(
    parameters: Pointer,
    n_parameters: usize,
    longest: usize,
    [beta1, beta2]: [f32; 2],
    AdamStep { rate, root_scale, epsilon }: AdamStep,
) -> Call {
    let arguments = arguments![parameters, beta1, beta2, rate, root_scale, epsilon];
    of_parameters("adamw_step".into(), n_parameters, longest, arguments)
}

/// Rows of blocks, one for each of `n` parameters, of which the longest has `longest` numbers.
fn of_parameters(kernel: String, n: usize, longest: usize, arguments: Vec<Argument>) -> Call {
    let blocks = (longest.div_ceil(4 * THREADS as usize) as u32).clamp(1, MANY_BLOCKS);
    Call { kernel, grid: [blocks, n as u32, 1], block: [THREADS, 1, 1], arguments }
}

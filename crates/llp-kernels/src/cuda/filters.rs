//! Filters in the layout and type of convolutions, and their gradients, converted for all convolutions at once: one kernel
//! in place of one for each.
#![expect(unsafe_code, reason = "runs kernels")]

use std::cell::RefCell;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};

use candle_core::cuda::CudaDevice;
use candle_core::{Result, Tensor, bail};
use cudarc::driver::CudaSlice;

use super::activations::deliver_tensor;
use super::array::{Array, address, floats, pointer, tensor};
use super::calls::{self, Pointer};
use super::context::Context;
use super::kind::Kind;

/// Filters begin at multiples of this: cuDNN's algorithms may load 16 bytes at once.
const ALIGNMENT: usize = 128;

thread_local! {
    /// The filters that convolutions of this thread find, the last first.
    static PREPARED: RefCell<Vec<Arc<Filters>>> = const { RefCell::new(Vec::new()) };
    /// Those with gradients that wait for the end of the backward pass.
    static WAITING: RefCell<Vec<Arc<Filters>>> = const { RefCell::new(Vec::new()) };
}

/// The filters of some convolutions.
pub(super) struct Filters {
    device: CudaDevice,
    /// Each contiguous, `[out, in, height, width]` in floats.
    weights: Vec<Tensor>,
    /// Where each is, as which it is found: a constant that shares a variable's numbers is another tensor.
    addresses: Vec<Pointer>,
    /// Where each begins.
    offsets: Vec<usize>,
    table: Arc<CudaSlice<u64>>,
    packed: Array,
    gradients: Mutex<Option<Gradients>>,
}

/// Gradients as `packed` is, and which convolutions have one.
struct Gradients {
    packed: Array,
    are_there: Vec<bool>,
}

impl Filters {
    /// Those of weights `[out, in, height, width]`.
    pub(super) fn pack(context: &Context, kind: Kind, weights: &[Tensor]) -> Result<Arc<Self>> {
        let weights = weights.iter().map(Tensor::contiguous).collect::<Result<Vec<_>>>()?;
        let addresses = weights.iter().map(pointer).collect::<Result<Vec<_>>>()?;
        let (mut table, mut offsets, mut len) = (Vec::new(), Vec::new(), 0);
        for (weight, address) in weights.iter().zip(&addresses) {
            let (c_out, c_in, height, width) = weight.dims4()?;
            table.extend(calls::filters(*address, len, [c_out, c_in, height, width]));
            offsets.push(len);
            len = (len + weight.elem_count()).next_multiple_of(ALIGNMENT);
        }
        let table = context.table(&table)?;
        let packed = Array::of_any(&context.device, kind, len)?;
        let (n, at) = (weights.len(), packed.pointer());
        let call = calls::pack_filters(kind, address(&*table), n, longest(&weights), at);
        // SAFETY: the table has the weights, and `packed` has room for all of them at their offsets.
        unsafe { context.run(&call)? };
        let (device, gradients) = (context.device.clone(), Mutex::default());
        Ok(Arc::new(Self { device, weights, addresses, offsets, table, packed, gradients }))
    }

    /// Those that were prepared with this weight, or the weight's alone; and its place among them.
    pub(super) fn of(context: &Context, kind: Kind, weight: &Tensor) -> Result<(Arc<Self>, usize)> {
        let at = pointer(weight)?;
        let prepared = PREPARED.with_borrow(|all| {
            let find = |filters: &Arc<Self>| {
                let place = filters.addresses.iter().position(|address| *address == at)?;
                (filters.packed.kind() == kind).then(|| (Arc::clone(filters), place))
            };
            all.iter().rev().find_map(find)
        });
        match prepared {
            Some(found) => Ok(found),
            None => Ok((Self::pack(context, kind, std::slice::from_ref(weight))?, 0)),
        }
    }

    pub(super) fn pointer(&self, place: usize) -> Pointer {
        self.at(&self.packed, place)
    }

    fn at(&self, packed: &Array, place: usize) -> Pointer {
        packed.pointer() + (self.offsets[place] * packed.kind().bytes()) as Pointer
    }

    /// Where the gradient of the filters at a place belongs, and whether it is added to what is there. It is handed over at
    /// the end of [`crate::backward`].
    pub(super) fn gradient(self: &Arc<Self>, place: usize) -> Result<(Pointer, bool)> {
        if !crate::backward::is_running() {
            bail!(
                "gradients of operations on a GPU are found by llp_kernels::backward, not by Tensor::backward"
            );
        }
        let mut slot = self.gradients.lock().unwrap_or_else(PoisonError::into_inner);
        if slot.is_none() {
            let packed = Array::of_any(&self.device, self.packed.kind(), self.packed.len())?;
            *slot = Some(Gradients { packed, are_there: vec![false; self.weights.len()] });
            WAITING.with_borrow_mut(|waiting| waiting.push(Arc::clone(self)));
        }
        let Some(gradients) = &mut *slot else { unreachable!("it was made a moment ago") };
        let adds = std::mem::replace(&mut gradients.are_there[place], true);
        Ok((self.at(&gradients.packed, place), adds))
    }

    /// Hands over what has a gradient.
    fn deliver(&self) -> Result<()> {
        let taken = self.gradients.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Gradients { packed, are_there }) = taken else { return Ok(()) };
        let context = Context::of(&self.device)?;
        let unpacked = floats(&self.device, packed.len())?;
        let call = calls::unpack_filters(
            packed.kind(),
            address(&*self.table),
            self.weights.len(),
            longest(&self.weights),
            [packed.pointer(), address(&unpacked)],
        );
        // SAFETY: both arrays have room for all filters at their offsets.
        unsafe { context.run(&call)? };
        let unpacked = tensor(&self.device, unpacked, packed.len());
        let parts = self.weights.iter().zip(&self.offsets).zip(are_there);
        for ((weight, offset), _) in parts.filter(|(_, is_there)| *is_there) {
            let gradient = unpacked.narrow(0, *offset, weight.elem_count())?.reshape(weight.shape())?;
            deliver_tensor(weight, gradient)?;
        }
        Ok(())
    }
}

fn longest(weights: &[Tensor]) -> usize {
    weights.iter().map(Tensor::elem_count).max().unwrap_or(0)
}

/// Hands over the gradients that wait, or forgets them.
pub(crate) fn end_backward(succeeded: bool) -> Result<()> {
    let waiting = WAITING.take();
    for filters in waiting {
        if succeeded {
            filters.deliver()?;
        } else {
            filters.gradients.lock().unwrap_or_else(PoisonError::into_inner).take();
        }
    }
    Ok(())
}

/// As long as it lives, convolutions of this thread find these filters.
pub(crate) struct Prepared(PhantomData<*const ()>);

impl Prepared {
    pub(super) fn new(device: &CudaDevice, kind: Kind, weights: &[Tensor]) -> Result<Self> {
        let filters = Filters::pack(&*Context::of(device)?, kind, weights)?;
        PREPARED.with_borrow_mut(|all| all.push(filters));
        Ok(Self(PhantomData))
    }
}

impl Drop for Prepared {
    fn drop(&mut self) {
        PREPARED.with_borrow_mut(Vec::pop);
    }
}

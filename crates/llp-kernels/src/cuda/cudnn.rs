//! Convolutions by cuDNN.
//!
//! Descriptors and algorithms of a shape are found once and kept (a plan). An algorithm is found by a race of all of
//! them, or, where equal bits from run to run are asked for, by cuDNN's own order among the deterministic ones: a race
//! has another winner now and then. All convolutions share one workspace.
#![expect(unsafe_code, reason = "calls cuDNN, which takes addresses and handles")]

mod descriptors;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::c_void;
use std::rc::Rc;
use std::sync::Arc;

use candle_core::{Error, Result};
use cudarc::cudnn::result::{self, CudnnResult};
use cudarc::cudnn::sys;
use cudarc::driver::result::device::get_default_mem_pool;
use cudarc::driver::result::mem_pool;
use cudarc::driver::{CudaSlice, CudaStream};

use descriptors::Descriptors;

use super::array::address;
use super::calls::Pointer;
use super::kind::Kind;
use crate::cpu::shape::ConvShape;

/// The three passes of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Pass {
    Forward,
    InputGradient,
    WeightGradient,
}

/// What a plan is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct PlanKey {
    pub(super) shape: ConvShape,
    pub(super) kind: Kind,
    pub(super) pass: Pass,
    /// Whether floats may be rounded to 10 bits before they are multiplied.
    pub(super) tf32: bool,
    /// Whether equal inputs must give equal bits in every run.
    pub(super) deterministic: bool,
    /// Whether the result is added to what is there.
    pub(super) adds: bool,
}

/// cuDNN on one stream.
pub(super) struct Cudnn {
    handle: sys::cudnnHandle_t,
    stream: Arc<CudaStream>,
    plans: RefCell<HashMap<PlanKey, Rc<Plan>>>,
    workspace: RefCell<Option<CudaSlice<u8>>>,
}

/// The arrays of a convolution; the pass says which of them is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operands {
    pub(super) x: Pointer,
    /// `[out, height, width, in]`.
    pub(super) filters: Pointer,
    pub(super) y: Pointer,
}

/// The algorithm of a pass.
#[derive(Clone, Copy)]
enum Algorithm {
    Forward(sys::cudnnConvolutionFwdAlgo_t),
    InputGradient(sys::cudnnConvolutionBwdDataAlgo_t),
    WeightGradient(sys::cudnnConvolutionBwdFilterAlgo_t),
}

/// An algorithm as cuDNN rates it.
struct Rated {
    algorithm: Algorithm,
    works: bool,
    workspace_bytes: usize,
    is_deterministic: bool,
    math: sys::cudnnMathType_t,
}

/// Descriptors with the algorithms for them, the best first.
struct Plan {
    descriptors: Descriptors,
    algorithms: Vec<Rated>,
    /// Which of them is used: those before have refused.
    chosen: Cell<usize>,
}

/// A workspace of more is not worth its place, if there is an algorithm with less.
const WORKSPACE_LIMIT: usize = 1 << 30;

impl Rated {
    fn suits(&self, key: &PlanKey) -> bool {
        // Other math than this may round floats before it multiplies.
        let is_exact = self.math == sys::cudnnMathType_t::CUDNN_FMA_MATH;
        let may_round = key.kind != Kind::F32 || key.tf32;
        self.works && (self.is_deterministic || !key.deterministic) && (is_exact || may_round)
    }
}

/// How many algorithms are looked at; each pass has fewer.
const N_ALGORITHMS: usize = 10;
/// Plans that are found by a race: those of about ten batch sizes of a ResNet. A race takes a tenth of a second, which
/// bags of many different sizes would pay for again and again.
const N_RACES: usize = 350;

impl Cudnn {
    pub(super) fn new(stream: &Arc<CudaStream>) -> Result<Self> {
        let handle = result::create_handle().map_err(|error| named(error, "starting"))?;
        // SAFETY: the handle has just been made, and the stream outlives it, being kept here.
        unsafe { result::set_stream(handle, stream.cu_stream().cast()) }
            .map_err(|error| named(error, "choosing a stream"))?;
        let (plans, workspace) = (RefCell::default(), RefCell::default());
        Ok(Self { handle, stream: Arc::clone(stream), plans, workspace })
    }

    /// Writes the convolution, or adds it where the key says so.
    ///
    /// # Safety
    /// The operands are arrays of this device of the key's kind that have the key's extents.
    pub(super) unsafe fn run(&self, key: &PlanKey, operands: Operands) -> Result<()> {
        self.stream.context().bind_to_thread().map_err(Error::wrap)?;
        let plan = self.plan(key)?;
        loop {
            let place = plan.chosen.get();
            // SAFETY: what the caller has promised.
            let end = unsafe { self.attempt(key, &plan.descriptors, &plan.algorithms[place], operands) };
            // A rating is a promise that some algorithms break: then the next one has its turn.
            if end.is_ok() || place + 1 == plan.algorithms.len() {
                return end;
            }
            plan.chosen.set(place + 1);
        }
    }

    /// One call of cuDNN.
    ///
    /// # Safety
    /// As for [`Cudnn::run`]; the descriptors are those of the key.
    unsafe fn attempt(
        &self,
        key: &PlanKey,
        of: &Descriptors,
        rated: &Rated,
        operands: Operands,
    ) -> Result<()> {
        let bytes = rated.workspace_bytes;
        let workspace = self.workspace(bytes)?;
        let Descriptors { x, y, filters, convolution } = of;
        let keep: f32 = if key.adds { 1.0 } else { 0.0 };
        let (alpha, beta) = ((&raw const ONE).cast::<c_void>(), (&raw const keep).cast::<c_void>());
        let at = |pointer: Pointer| pointer as *mut c_void;
        let handle = self.handle;
        // SAFETY: the descriptors are those of the operands, which are what the caller has promised; the workspace is
        // as large as the algorithm wants, and used by one convolution after the other.
        let done = unsafe {
            result::set_convolution_math_type(convolution.0, rated.math)
                .map_err(|error| named(error, "setting the precision"))?;
            match rated.algorithm {
                Algorithm::Forward(algorithm) => result::convolution_forward(
                    handle,
                    alpha,
                    x.0,
                    at(operands.x),
                    filters.0,
                    at(operands.filters),
                    convolution.0,
                    algorithm,
                    workspace,
                    bytes,
                    beta,
                    y.0,
                    at(operands.y),
                ),
                Algorithm::InputGradient(algorithm) => result::convolution_backward_data(
                    handle,
                    alpha,
                    filters.0,
                    at(operands.filters),
                    y.0,
                    at(operands.y),
                    convolution.0,
                    algorithm,
                    workspace,
                    bytes,
                    beta,
                    x.0,
                    at(operands.x),
                ),
                Algorithm::WeightGradient(algorithm) => result::convolution_backward_filter(
                    handle,
                    alpha,
                    x.0,
                    at(operands.x),
                    y.0,
                    at(operands.y),
                    convolution.0,
                    algorithm,
                    workspace,
                    bytes,
                    beta,
                    filters.0,
                    at(operands.filters),
                ),
            }
        };
        done.map_err(|error| named(error, format!("{:?} of {:?}", key.pass, key.shape)))
    }

    /// An address of at least this many bytes.
    fn workspace(&self, bytes: usize) -> Result<*mut c_void> {
        let mut workspace = self.workspace.borrow_mut();
        if workspace.as_ref().is_none_or(|slice| slice.len() < bytes) {
            // The old one first: both together may be too much.
            *workspace = None;
            // SAFETY: bytes of any value will do.
            let slice = unsafe { self.stream.alloc::<u8>(bytes.max(1)) }.map_err(Error::wrap)?;
            *workspace = Some(slice);
        }
        Ok(workspace.as_ref().map_or(0, address) as *mut c_void)
    }

    fn plan(&self, key: &PlanKey) -> Result<Rc<Plan>> {
        if let Some(plan) = self.plans.borrow().get(key) {
            return Ok(Rc::clone(plan));
        }
        let descriptors = Descriptors::new(key)?;
        let races = !key.deterministic && self.plans.borrow().len() < N_RACES;
        if races {
            self.make_room();
        }
        let rated =
            self.rate(key, &descriptors, races).map_err(|error| named(error, format!("planning {key:?}")))?;
        let algorithms: Vec<Rated> = rated.into_iter().filter(|rated| rated.suits(key)).collect();
        let Some(chosen) = algorithms
            .iter()
            .position(|rated| rated.workspace_bytes <= WORKSPACE_LIMIT)
            .or((!algorithms.is_empty()).then_some(0))
        else {
            candle_core::bail!("cuDNN has no algorithm for {key:?}");
        };
        let plan = Rc::new(Plan { descriptors, algorithms, chosen: Cell::new(chosen) });
        self.plans.borrow_mut().insert(*key, Rc::clone(&plan));
        Ok(plan)
    }

    /// Gives the driver the memory back that the process keeps for its next arrays: a race allocates past that, and an
    /// algorithm that gets no memory is none.
    fn make_room(&self) {
        let device = self.stream.context().cu_device();
        // SAFETY: the device is that of a context that lives, and so does its default pool. Where this fails, the race
        // has to do with what is free.
        let _ = self
            .stream
            .synchronize()
            .map(|()| unsafe { get_default_mem_pool(device).and_then(|pool| mem_pool::trim_to(pool, 0)) });
    }

    /// The algorithms of a pass, the best first.
    fn rate(&self, key: &PlanKey, descriptors: &Descriptors, races: bool) -> CudnnResult<Vec<Rated>> {
        let Descriptors { x, y, filters, convolution } = descriptors;
        let (handle, convolution, limit) = (self.handle, convolution.0, N_ALGORITHMS as i32);
        let mut n = 0;
        /// Calls one of two functions with room for the ratings, and translates these.
        macro_rules! rated {
            ($algorithm:path, $perf:ty, $race:ident, $order:ident, ($($descriptor:expr),*)) => {{
                // SAFETY: a rating is plain numbers, for which zeros are valid.
                let mut ratings: [$perf; N_ALGORITHMS] = unsafe { std::mem::zeroed() };
                let room = ratings.as_mut_ptr();
                // SAFETY: the descriptors are alive, and there is room for as many ratings as are asked for.
                unsafe {
                    if races {
                        sys::$race(handle, $($descriptor,)* limit, &raw mut n, room).result()?;
                    } else {
                        sys::$order(handle, $($descriptor,)* limit, &raw mut n, room).result()?;
                    }
                }
                let translated = ratings[..n as usize].iter().map(|rating| Rated {
                    algorithm: $algorithm(rating.algo),
                    works: rating.status == sys::cudnnStatus_t::CUDNN_STATUS_SUCCESS,
                    workspace_bytes: rating.memory,
                    is_deterministic: rating.determinism == sys::cudnnDeterminism_t::CUDNN_DETERMINISTIC,
                    math: rating.mathType,
                });
                Ok(translated.collect())
            }};
        }
        match key.pass {
            Pass::Forward => rated!(
                Algorithm::Forward,
                sys::cudnnConvolutionFwdAlgoPerf_t,
                cudnnFindConvolutionForwardAlgorithm,
                cudnnGetConvolutionForwardAlgorithm_v7,
                (x.0, filters.0, convolution, y.0)
            ),
            Pass::InputGradient => rated!(
                Algorithm::InputGradient,
                sys::cudnnConvolutionBwdDataAlgoPerf_t,
                cudnnFindConvolutionBackwardDataAlgorithm,
                cudnnGetConvolutionBackwardDataAlgorithm_v7,
                (filters.0, y.0, convolution, x.0)
            ),
            Pass::WeightGradient => rated!(
                Algorithm::WeightGradient,
                sys::cudnnConvolutionBwdFilterAlgoPerf_t,
                cudnnFindConvolutionBackwardFilterAlgorithm,
                cudnnGetConvolutionBackwardFilterAlgorithm_v7,
                (x.0, y.0, convolution, filters.0)
            ),
        }
    }
}

static ONE: f32 = 1.0;

impl Drop for Cudnn {
    fn drop(&mut self) {
        let _ = self.stream.context().bind_to_thread();
        // SAFETY: the handle is destroyed once; nothing can be done about a failure at the end of a thread.
        let _ = unsafe { result::destroy_handle(self.handle) };
    }
}

fn named(error: result::CudnnError, what: impl Into<String>) -> Error {
    Error::wrap(error).context(format!("cuDNN, {}", what.into()))
}

//! What the operations keep for a GPU: its kernels, its convolutions, and how to run a call.
#![expect(unsafe_code, reason = "launches kernels, which read and write by address")]

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use candle_core::cuda::CudaDevice;
use candle_core::{DType, Device, Error, Result, Tensor, Var};
use cudarc::driver::sys::CUdevice_attribute;
use cudarc::driver::{CudaFunction, CudaModule, CudaSlice, CudaStream, LaunchConfig, PushKernelArg};
use cudarc::nvrtc::{CompileOptions, Ptx, compile_ptx_with_opts};

use super::SOURCE;
use super::array::{address, floats};
use super::calls::{Argument, Call, Pointer};
use super::cudnn::Cudnn;

/// One GPU, as this thread sees it.
pub(super) struct Context {
    pub(super) device: CudaDevice,
    pub(super) stream: Arc<CudaStream>,
    pub(super) cudnn: Cudnn,
    /// A variable that represents all variables of the operations of this crate: what depends on it is tracked.
    anchor: Var,
    module: Arc<CudaModule>,
    functions: RefCell<HashMap<String, CudaFunction>>,
    /// What tables hold, and where they are.
    tables: RefCell<HashMap<Vec<u64>, Arc<CudaSlice<u64>>>>,
    scratch: RefCell<Option<CudaSlice<f32>>>,
}

/// Tables that are kept. More of them change from step to step, or belong to networks that are gone.
const N_TABLES: usize = 64;

thread_local! {
    static CONTEXTS: RefCell<Vec<Rc<Context>>> = const { RefCell::new(Vec::new()) };
}

impl Context {
    /// That of a device, made when it is first asked for.
    pub(super) fn of(device: &CudaDevice) -> Result<Rc<Self>> {
        let find = |contexts: &Vec<Rc<Self>>| {
            contexts.iter().find(|context| context.device.id() == device.id()).cloned()
        };
        if let Some(context) = CONTEXTS.with_borrow(find) {
            return Ok(context);
        }
        let context = Rc::new(Self::new(device)?);
        CONTEXTS.with_borrow_mut(|contexts| contexts.push(Rc::clone(&context)));
        Ok(context)
    }

    fn new(device: &CudaDevice) -> Result<Self> {
        let stream = device.cuda_stream();
        let attribute = |attribute| stream.context().attribute(attribute).map_err(Error::wrap);
        let major = attribute(CUdevice_attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?;
        let minor = attribute(CUdevice_attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?;
        let module = stream.context().load_module(compile(major, minor)?).map_err(Error::wrap)?;
        Ok(Self {
            cudnn: Cudnn::new(&stream)?,
            anchor: Var::zeros(1, DType::F32, &Device::Cuda(device.clone()))?,
            device: device.clone(),
            functions: RefCell::default(),
            tables: RefCell::default(),
            scratch: RefCell::default(),
            module,
            stream,
        })
    }

    /// An operand that makes what depends on it tracked, or not.
    pub(super) fn anchor(&self, is_tracked: bool) -> Tensor {
        if is_tracked { self.anchor.as_tensor().clone() } else { self.anchor.as_detached_tensor() }
    }

    /// Runs a call after everything that was run before.
    ///
    /// # Safety
    /// The kernel takes these arguments, and each pointer is to an array of this device that has the length and type
    /// which the kernel expects.
    pub(super) unsafe fn run(&self, call: &Call) -> Result<()> {
        let function = self.function(&call.kernel)?;
        let mut launch = self.stream.launch_builder(&function);
        for argument in &call.arguments {
            match argument {
                Argument::Pointer(value) => launch.arg(value),
                Argument::Int(value) => launch.arg(value),
                Argument::Long(value) => launch.arg(value),
                Argument::Float(value) => launch.arg(value),
            };
        }
        let [x, y, z] = call.grid;
        let config = LaunchConfig { grid_dim: (x, y, z), block_dim: call.block.into(), shared_mem_bytes: 0 };
        // SAFETY: what the caller has promised.
        unsafe { launch.launch(config) }.map_err(|error| Error::wrap(error).context(call.kernel.clone()))?;
        Ok(())
    }

    /// A table on the device, copied there when it is first asked for.
    pub(super) fn table(&self, content: &[u64]) -> Result<Arc<CudaSlice<u64>>> {
        let mut tables = self.tables.borrow_mut();
        if let Some(table) = tables.get(content) {
            return Ok(Arc::clone(table));
        }
        if tables.len() == N_TABLES {
            tables.clear();
        }
        let table = Arc::new(self.device.clone_htod(content)?);
        tables.insert(content.to_vec(), Arc::clone(&table));
        Ok(table)
    }

    /// The addresses of two arrays of `len` floats, for what one kernel leaves to the next one: the next caller gets the
    /// same memory, which the device uses in order.
    pub(super) fn scratch(&self, len: usize) -> Result<[Pointer; 2]> {
        let mut scratch = self.scratch.borrow_mut();
        // Both arrays begin where vectors of four may be loaded.
        let len = len.next_multiple_of(4);
        if scratch.as_ref().is_none_or(|slice| slice.len() < 2 * len) {
            *scratch = Some(floats(&self.device, 2 * len)?);
        }
        let first = scratch.as_ref().map_or(0, address);
        Ok([first, first + (len * size_of::<f32>()) as Pointer])
    }

    fn function(&self, name: &str) -> Result<CudaFunction> {
        if let Some(function) = self.functions.borrow().get(name) {
            return Ok(function.clone());
        }
        let function =
            self.module.load_function(name).map_err(|error| Error::wrap(error).context(name.to_owned()))?;
        self.functions.borrow_mut().insert(name.to_owned(), function.clone());
        Ok(function)
    }
}

/// The kernels for a compute capability, as PTX; needs no GPU.
fn compile(major: i32, minor: i32) -> Result<Ptx> {
    let options = CompileOptions {
        options: vec![format!("--gpu-architecture=compute_{major}{minor}"), "--std=c++17".to_owned()],
        name: Some("llp-kernels.cu".to_owned()),
        ..CompileOptions::default()
    };
    compile_ptx_with_opts(SOURCE, options)
        .map_err(|error| Error::msg(format!("NVRTC refuses the kernels: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// NVRTC, which has no headers of the toolkit, takes the text of the kernels.
    #[test]
    fn kernels_compile_without_a_gpu() {
        let ptx = compile(8, 0).unwrap().to_src();
        assert!(ptx.contains(".entry sgd_step(") && ptx.contains(".target sm_80"));
    }
}

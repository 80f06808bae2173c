//! Runs calls on the CPU: the kernels' own text, compiled by a C++ compiler (`emulator.h`).
#![expect(unsafe_code, reason = "calls a library that was compiled a moment ago")]

use std::ffi::{CString, c_char, c_int, c_void};
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, OnceLock, PoisonError};

use libloading::Library;

use super::SOURCE;
use super::calls::{Argument, Call};

type Launch = unsafe extern "C" fn(
    name: *const c_char,
    grid: *const u32,
    block: *const u32,
    arguments: *const *const c_void,
    sizes: *const usize,
    n_arguments: usize,
) -> c_int;

/// The compiled kernels. One call runs at a time: the emulator keeps its state in globals.
pub(super) struct Emulator(Mutex<Library>);

impl Emulator {
    /// Compiled at its first use; `None` where there is no C++ compiler, which is reported once.
    pub(super) fn get() -> Option<&'static Self> {
        static EMULATOR: OnceLock<Option<Emulator>> = OnceLock::new();
        EMULATOR.get_or_init(Self::compile).as_ref()
    }

    fn compile() -> Option<Self> {
        let compiler = std::env::var_os("CXX").unwrap_or_else(|| "c++".into());
        if Command::new(&compiler).arg("--version").output().is_err() {
            let _ = std::io::Write::write_all(
                &mut std::io::stderr(),
                b"no C++ compiler: the kernels for GPUs are not compared with their references\n",
            );
            return None;
        }
        let place = std::env::temp_dir().join(format!("llp-emulator-{}", std::process::id()));
        fs_err::create_dir_all(&place).expect("a folder for the compiler");
        let (source, library) = (place.join("kernels.cpp"), place.join("kernels.so"));
        let text = [include_str!("emulator.h"), SOURCE, include_str!("table.h")].concat();
        fs_err::write(&source, text).expect("room for the source");
        let end = Command::new(&compiler)
            .args(["-std=c++17", "-O1", "-fPIC", "-shared", "-o"])
            .args([&library, &source])
            .output()
            .expect("the compiler was there a moment ago");
        assert!(end.status.success(), "{}", String::from_utf8_lossy(&end.stderr));
        let emulator = Self(Mutex::new(open(&library)));
        fs_err::remove_dir_all(&place).expect("the folder is ours");
        Some(emulator)
    }

    /// Runs a call to its end.
    ///
    /// # Safety
    /// Each pointer is the address of an array that is as long as the kernel takes it to be.
    pub(super) unsafe fn run(&self, call: &Call) {
        let library = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: the symbol has this type in table.h.
        let launch = unsafe { library.get::<Launch>(b"llp_launch") }.expect("table.h defines it");
        let name = CString::new(call.kernel.clone()).expect("names are words");
        let pointers: Vec<*const c_void> = call.arguments.iter().map(address).collect();
        let sizes: Vec<usize> = call.arguments.iter().map(size).collect();
        // SAFETY: the library checks number and sizes of the arguments; the caller answers for what they point at.
        let end = unsafe {
            launch(
                name.as_ptr(),
                call.grid.as_ptr(),
                call.block.as_ptr(),
                pointers.as_ptr(),
                sizes.as_ptr(),
                sizes.len(),
            )
        };
        assert_eq!(end, 0, "1: no such kernel, 2: other arguments, 3: some threads do not wait: {call:?}");
    }
}

fn open(library: &PathBuf) -> Library {
    // SAFETY: it was compiled from the text above, and runs no code when it is loaded.
    unsafe { Library::new(library) }.expect("the compiler has written a library")
}

fn address(argument: &Argument) -> *const c_void {
    match argument {
        Argument::Pointer(value) => (&raw const *value).cast(),
        Argument::Int(value) => (&raw const *value).cast(),
        Argument::Long(value) => (&raw const *value).cast(),
        Argument::Float(value) => (&raw const *value).cast(),
    }
}

fn size(argument: &Argument) -> usize {
    match argument {
        Argument::Pointer(_) | Argument::Long(_) => 8,
        Argument::Int(_) | Argument::Float(_) => 4,
    }
}

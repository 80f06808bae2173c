//! `llp`: train classifiers from label proportions.

use std::path::PathBuf;
use std::process::ExitCode;

/// The default allocator of the C library returns large blocks to the system after every step.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("llp"));
    ExitCode::from(llp::run(&program, std::env::args_os()))
}

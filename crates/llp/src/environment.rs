//! The environment of the program: its host, its clock, its output.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Instant;

use llp_sweep::claim::{Host, Owner};
use serde::Serialize;

use crate::{Global, Output};

/// This machine since its last start.
pub(crate) fn host() -> Host {
    let read = |path: &str| fs_err::read_to_string(path).map(|text| text.trim().to_owned()).ok();
    Host {
        name: read("/proc/sys/kernel/hostname")
            .or_else(|| std::env::var("HOSTNAME").ok())
            .unwrap_or_default(),
        boot_id: read("/proc/sys/kernel/random/boot_id").unwrap_or_default(),
    }
}

static PROGRAM: OnceLock<PathBuf> = OnceLock::new();

/// Sets what [`program`] returns, once for the process.
pub(crate) fn set_program(program: &Path) {
    PROGRAM.get_or_init(|| program.to_path_buf());
}

/// The executable that runs this command line in another process.
pub(crate) fn program() -> io::Result<PathBuf> {
    PROGRAM.get().cloned().ok_or_else(|| io::Error::other("the path of the program is not known"))
}

static CACHE: OnceLock<Option<PathBuf>> = OnceLock::new();

/// Sets what [`cache_argument`] returns, once for the process.
pub(crate) fn set_cache_argument(cache: Option<&Path>) {
    CACHE.get_or_init(|| cache.map(Path::to_owned));
}

/// What `--cache` or the environment says.
pub(crate) fn cache_argument() -> Option<&'static Path> {
    CACHE.get()?.as_deref()
}

/// This process.
pub(crate) fn owner() -> Owner {
    Owner { host: host(), pid: std::process::id() }
}

/// Seconds since the call.
pub(crate) fn stopwatch() -> impl Fn() -> f64 {
    let start = Instant::now();
    move || start.elapsed().as_secs_f64()
}

/// Writes a line of data. A reader that has gone away is not an error.
pub(crate) fn print(line: &str) -> io::Result<()> {
    match writeln!(io::stdout(), "{line}") {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        end => end,
    }
}

/// Writes data as one line of JSON.
pub(crate) fn print_json(data: &impl Serialize) -> io::Result<()> {
    print(&serde_json::to_string(data)?)
}

/// Writes names: one a line, or as a list in JSON.
pub(crate) fn print_list(global: Global, names: &[impl AsRef<str> + Serialize]) -> io::Result<()> {
    match global.output {
        Output::Json => print_json(&names),
        Output::Human => names.iter().try_for_each(|name| print(name.as_ref())),
    }
}

/// Writes a line for people. A reader that has gone away is not an error.
pub(crate) fn tell(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Bytes of memory: all, and what is available now. `None` where the system does not say.
pub(crate) fn memory() -> (Option<u64>, Option<u64>) {
    let text = fs_err::read_to_string("/proc/meminfo").unwrap_or_default();
    let bytes = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kibibytes * 1024)
    };
    (bytes("MemTotal:"), bytes("MemAvailable:"))
}

/// Bytes of memory that this process can still take: what is available, and what limits of a container or of a shell
/// (`ulimit -v`) leave of it. Returns `None` where the system does not say.
pub(crate) fn memory_limit() -> Option<u64> {
    let read = |path: &str| fs_err::read_to_string(path).ok();
    let number = |path: &str| read(path)?.trim().parse::<u64>().ok();
    let group = "/sys/fs/cgroup/memory";
    let of_container = number(&format!("{group}.max"))
        .zip(number(&format!("{group}.current")))
        .map(|(max, current)| max.saturating_sub(current));
    let limits = read("/proc/self/limits").unwrap_or_default();
    let address_space = limits.lines().find_map(|line| line.strip_prefix("Max address space"));
    let address_space = address_space.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    let status = read("/proc/self/status").unwrap_or_default();
    let used = status.lines().find_map(|line| line.strip_prefix("VmSize:"));
    let used = used.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    let of_shell = address_space.map(|limit| limit.saturating_sub(1024 * used.unwrap_or(0)));
    [memory().1, of_container, of_shell].into_iter().flatten().min()
}

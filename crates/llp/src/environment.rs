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

/// Bytes of memory that this process can still take: what is available, and what limits of control groups (containers,
/// batch systems) or of a shell (`ulimit -v`) leave of it. Returns `None` where the system does not say.
pub(crate) fn memory_limit() -> Option<u64> {
    let read = |path: &str| fs_err::read_to_string(path).ok();
    let groups = read("/proc/self/cgroup").unwrap_or_default();
    let of_groups = groups.lines().filter_map(|line| left_in_group(line, Path::new("/sys/fs/cgroup"))).min();
    let limits = read("/proc/self/limits").unwrap_or_default();
    let address_space = limits.lines().find_map(|line| line.strip_prefix("Max address space"));
    let address_space = address_space.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    let status = read("/proc/self/status").unwrap_or_default();
    let used = status.lines().find_map(|line| line.strip_prefix("VmSize:"));
    let used = used.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    let of_shell = address_space.map(|limit| limit.saturating_sub(1024 * used.unwrap_or(0)));
    [memory().1, of_groups, of_shell].into_iter().flatten().min()
}

/// What the memory limits of a control group, and of those that it is in, leave. `line` is one of `/proc/self/cgroup`,
/// `mount` where the groups are. Pages of files do not count as used: the system takes them back.
fn left_in_group(line: &str, mount: &Path) -> Option<u64> {
    let mut parts = line.splitn(3, ':').skip(1);
    let (controllers, group) = (parts.next()?, parts.next()?.trim_start_matches('/'));
    let is_first_version = controllers.split(',').any(|controller| controller == "memory");
    if !is_first_version && !controllers.is_empty() {
        return None;
    }
    let (folder, [limit, used], start) = if is_first_version {
        (mount.join("memory"), ["memory.limit_in_bytes", "memory.usage_in_bytes"], "total_")
    } else {
        (mount.to_owned(), ["memory.max", "memory.current"], "")
    };
    let left = |group: &Path| {
        let read = |file: &str| fs_err::read_to_string(folder.join(group).join(file)).ok();
        let number = |file: &str| read(file)?.trim().parse::<u64>().ok();
        let facts = read("memory.stat").unwrap_or_default();
        let pages_of_files: u64 = ["inactive_file", "active_file"]
            .iter()
            .filter_map(|name| {
                let line = facts.lines().find_map(|line| line.strip_prefix(&format!("{start}{name} ")));
                line?.trim().parse::<u64>().ok()
            })
            .sum();
        Some(number(limit)?.saturating_sub(number(used)?.saturating_sub(pages_of_files)))
    };
    Path::new(group).ancestors().filter_map(left).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of both versions of control groups the tightest limit counts, wherever it is, and cached files are no use of memory.
    #[test]
    fn limits_of_control_groups() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, text).unwrap();
        };
        write("job/memory.max", "1000\n");
        write("job/memory.current", "700\n");
        write("job/memory.stat", "anon 300\nactive_file 100\ninactive_file 250\n");
        write("job/step/memory.max", "max\n");
        write("job/step/memory.current", "10\n");
        assert_eq!(left_in_group("0::/job/step", folder.path()), Some(650));
        assert_eq!(left_in_group("0::/other", folder.path()), None);

        write("memory/box/memory.limit_in_bytes", "500\n");
        write("memory/box/memory.usage_in_bytes", "450\n");
        write("memory/box/memory.stat", "total_active_file 20\ntotal_inactive_file 10\n");
        assert_eq!(left_in_group("4:cpu,memory:/box", folder.path()), Some(80));
        assert_eq!(left_in_group("1:cpu:/box", folder.path()), None);
    }
}

//! The Slurm executor with a Slurm of one node, where one can be had: as root, with apt. The test program is its own
//! trainer.
#![expect(clippy::unwrap_used, reason = "a test ends where something is not as expected")]
#![cfg(target_os = "linux")]

#[path = "properties/fake.rs"]
#[expect(dead_code, reason = "the properties need more of it")]
mod fake;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use llp_sweep::collect::{self, collect};
use llp_sweep::executor::slurm::{self, Options, Script};
use llp_sweep::filter::Filter;
use llp_sweep::grid::Sweep;
use llp_sweep::sweep_dir::{Cell, SweepDir};

use fake::{Training, host, owner, result};

/// The trainer: what the scripts of the test start in place of `llp`. The first attempt at every tenth cell stops early;
/// every tenth one after it lasts until it is killed, once.
#[test]
fn trainer() {
    let (Ok(path), Ok(command)) = (std::env::var("FAKE_SWEEP"), std::env::var("FAKE_COMMAND")) else {
        return;
    };
    let sweep = SweepDir::open(path).unwrap();
    if command != "exec" {
        collect::write(&sweep, &collect(&sweep, &host("0"))).unwrap();
        std::process::exit(0);
    }
    let index: usize = std::env::var("FAKE_INDEX").unwrap().parse().unwrap();
    let cell = &sweep.cells()[index];
    let run = sweep.run_dir(cell);
    if run.result().unwrap().is_some() {
        std::process::exit(0);
    }
    let mut training = Training::begin(&run, &cell.config, &owner("0")).unwrap();
    let is_first = !run.path().join("begun").exists();
    fs_err::write(run.path().join("begun"), "").unwrap();
    if is_first && index % 10 == 3 {
        drop(training);
        std::process::exit(75);
    }
    if is_first && index % 10 == 4 {
        fs_err::write(run.path().join("lasts"), "").unwrap();
        std::thread::sleep(Duration::from_mins(5));
    }
    while !training.step().unwrap() {
        training.save().unwrap();
    }
    drop(training);
    std::process::exit(0)
}

/// A Slurm that is stopped with this value.
struct Cluster {
    folder: tempfile::TempDir,
}

impl Cluster {
    /// Nothing, with a message, where there is no Slurm to be had.
    fn start() -> Option<Self> {
        let cluster = Self { folder: tempfile::tempdir().unwrap() };
        let end = cluster.script("start");
        if !end.status.success() {
            let said = String::from_utf8_lossy(&end.stderr);
            eprintln!("skipped: no Slurm here, which needs root and the packages of Debian: {}", said.trim());
            return None;
        }
        Some(cluster)
    }

    fn script(&self, action: &str) -> Output {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/slurm/one_node.sh");
        // A port of this process's own, and arrays so small that the sweep needs several.
        let port = 20_000 + 2 * (std::process::id() % 20_000);
        let mut command = Command::new(script);
        command.arg(action).arg(self.folder.path()).env("SLURM_TEST_PORT", port.to_string());
        command.env("SLURM_TEST_MAX_ARRAY_SIZE", "6").stdin(Stdio::null()).output().unwrap()
    }

    /// The output of a shell that knows this Slurm.
    fn shell(&self, line: &str) -> String {
        let line = format!(". '{}/env.sh' && {line}", self.folder.path().display());
        let end = Command::new("sh").args(["-c", &line]).output().unwrap();
        assert!(end.status.success(), "{line}: {}", String::from_utf8_lossy(&end.stderr));
        String::from_utf8(end.stdout).unwrap()
    }

    /// A command of this Slurm as a program of its own.
    fn command(&self, name: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        let text = format!("#!/bin/sh\n. '{}/env.sh'\nexec {name} \"$@\"\n", self.folder.path().display());
        executable(&path, &text);
        path
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.script("stop");
    }
}

fn executable(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    fs_err::write(path, text).unwrap();
    fs_err::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// 40 cells in a folder whose name has a space and a quote.
fn sweep(folder: &Path) -> SweepDir {
    let text = "schema = 1\nname = \"test\"\n[base]\npreset = \"digits\"\noptim.epochs = 3\n[grid]\n\
                seed = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]\nbags.size = [1, 16]\noptim.lr = [0.1, 9]\nloss.name = [\"kl\"]\n";
    let sweep = Sweep::parse("test.toml", text).unwrap();
    SweepDir::open_or_create(folder.join("it's a sweep"), &sweep).unwrap()
}

/// A program with the arguments of `llp` that starts the trainer.
fn program(folder: &Path) -> PathBuf {
    let path = folder.join("it's llp");
    let trainer = std::env::current_exe().unwrap();
    let text = format!(
        "#!/bin/sh\ncase \"$1 $2\" in\nsweep\\ exec) FAKE_COMMAND=exec FAKE_SWEEP=$3 FAKE_INDEX=$5 ;;\n\
         sweep\\ *) FAKE_COMMAND=$2 FAKE_SWEEP=$3 ;;\n*) FAKE_COMMAND=$1 FAKE_SWEEP=$2 ;;\nesac\n\
         export FAKE_COMMAND FAKE_SWEEP FAKE_INDEX\nexec '{}' --exact trainer\n",
        trainer.display()
    );
    executable(&path, &text);
    path
}

fn options(program: PathBuf) -> Options {
    Options {
        program,
        device: "cuda:0".to_owned(),
        runs_per_task: 3,
        max_parallel: Some(4),
        time: Some("10:00".to_owned()),
        extra: vec!["--comment=a test".to_owned()],
        array_size_max: 6,
    }
}

/// The scripts for the open cells of a sweep.
fn open_scripts(sweep: &SweepDir, options: &Options) -> (usize, Vec<Script>) {
    let all = sweep.matching(&Filter::default());
    let open = slurm::open_cells(sweep, &all, &host("0")).unwrap();
    (open.len(), slurm::scripts(sweep, &open, options))
}

fn table(sweep: &SweepDir) -> String {
    fs_err::read_to_string(sweep.path().join("results.csv")).unwrap()
}

/// Every open cell is in exactly one task, no task has more than it should, no array is too large, and a path in a script
/// is one word for the shell.
#[test]
fn scripts_cover_the_open_cells() {
    let folder = tempfile::tempdir().unwrap();
    let sweep = sweep(folder.path());
    let cell = &sweep.cells()[5];
    let run = llp_sweep::run_dir::RunDir::open_or_create(sweep.run_dir(cell).path(), &cell.config).unwrap();
    run.finish(&result(&cell.config, None, llp_sweep::record::Outcome::Diverged)).unwrap();
    let (n_open, scripts) = open_scripts(&sweep, &options(PathBuf::from("/it's/llp")));
    assert_eq!((n_open, scripts.len()), (39, 4));
    let tasks: Vec<&str> =
        scripts.iter().filter_map(|script| script.cells.as_deref()).flat_map(str::lines).collect();
    assert!(tasks.iter().all(|task| task.split(' ').count() <= 3));
    let cells: Vec<String> = tasks.iter().flat_map(|task| task.split(' ')).map(str::to_owned).collect();
    let expected = |cell: &Cell| format!("{}:{}", cell.index, cell.run);
    assert_eq!(cells, sweep.cells().iter().filter(|cell| cell.index != 5).map(expected).collect::<Vec<_>>());
    assert!(scripts[0].text.contains("#SBATCH --array=0-5%4\n#SBATCH --time=10:00\n"));
    assert!(scripts[2].text.contains("#SBATCH --array=0-0%4\n"));
    for script in scripts {
        assert!(script.text.contains("program='/it'\\''s/llp'\n"));
        let path = folder.path().join(&script.name);
        fs_err::write(&path, &script.text).unwrap();
        assert!(Command::new("sh").arg("-n").arg(path).status().unwrap().success());
    }
}

/// 40 cells on a real Slurm: some stop early and are queued again, some are killed and submitted again, and in the end
/// the table is that of a serial run. The job that depends on the arrays has written it.
#[test]
fn a_sweep_on_slurm_equals_a_serial_one() {
    let Some(cluster) = Cluster::start() else { return };
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let [serial, sweep] = [&folders[0], &folders[1]].map(|folder| sweep(folder.path()));
    for cell in serial.cells() {
        let mut training = Training::begin(&serial.run_dir(cell), &cell.config, &owner("0")).unwrap();
        while !training.step().unwrap() {
            training.save().unwrap();
        }
    }
    collect::write(&serial, &collect(&serial, &host("0"))).unwrap();

    let scontrol = cluster.command("scontrol");
    let array_size_max = slurm::array_size_max(scontrol.to_str().unwrap()).unwrap();
    assert_eq!(array_size_max, 6);
    let options = Options { array_size_max, ..options(program(folders[1].path())) };
    let (n_open, scripts) = open_scripts(&sweep, &options);
    assert_eq!((n_open, scripts.len()), (40, 4));
    submit(&cluster, &sweep, &scripts, &options);
    let killed = finish(&cluster, &sweep);
    assert_eq!(killed, 4, "one of ten cells lasts until it is killed");

    // The report came after everything, what was queued again included.
    let reported = table(&sweep);
    collect::write(&sweep, &collect(&sweep, &host("0"))).unwrap();
    assert_eq!(reported, table(&sweep));

    let (n_open, scripts) = open_scripts(&sweep, &options);
    assert!((1..20).contains(&n_open), "{n_open}");
    submit(&cluster, &sweep, &scripts, &options);
    assert_eq!(finish(&cluster, &sweep), 0);
    assert!(sweep.cells().iter().all(|cell| sweep.run_dir(cell).state(&host("0")).unwrap().is_ended()));
    assert_eq!(table(&sweep), table(&serial));
    let submitted = fs_err::read_to_string(sweep.path().join("slurm/submitted.json")).unwrap();
    assert_eq!(submitted.matches("report.sbatch").count(), 2);
}

fn submit(cluster: &Cluster, sweep: &SweepDir, scripts: &[Script], options: &Options) {
    let sbatch = cluster.command("sbatch");
    let jobs = slurm::submit(sweep, scripts, options, sbatch.to_str().unwrap()).unwrap();
    assert_eq!(jobs.len(), scripts.len());
}

/// Waits until the queue is empty; kills the cells that last, and lets what was queued again start at once. Returns how
/// many were killed.
fn finish(cluster: &Cluster, sweep: &SweepDir) -> usize {
    let (start, mut n_killed) = (Instant::now(), 0);
    loop {
        assert!(start.elapsed() < Duration::from_mins(3), "{}", cluster.shell("squeue"));
        std::thread::sleep(Duration::from_millis(500));
        let queue = cluster.shell("squeue -h -r -o '%i %r'");
        if queue.trim().is_empty() {
            return n_killed;
        }
        for line in queue.lines().filter(|line| line.ends_with("BeginTime")) {
            let job = line.split(' ').next().unwrap();
            cluster.shell(&format!("scontrol update JobId={job} StartTime=now || true"));
        }
        for cell in sweep.cells() {
            let run = sweep.run_dir(cell);
            // The mark goes first: each of them is killed once.
            if fs_err::remove_file(run.path().join("lasts")).is_ok() {
                let holder = run.holder(&host("0")).unwrap().unwrap();
                let kill = Command::new("kill").args(["-9", &holder.pid.to_string()]).status().unwrap();
                n_killed += usize::from(kill.success());
            }
        }
    }
}

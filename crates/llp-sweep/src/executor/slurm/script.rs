//! The texts of batch scripts.

use std::path::Path;

use super::{Options, Script};
use crate::config::quoted;
use crate::sweep_dir::Cell;

/// A task works through its cells. `wait` ends early when a signal comes, hence the loop around it.
const ARRAY: &str = r#"
set -u
program=@program@
cells=$(sed -n "$((SLURM_ARRAY_TASK_ID + 1))p" @cells@)
child= end= failed=0

# The signal before the time limit: save, and come back. The one of scancel: save, and do not.
stop() {
    end=$1
    if [ -n "$child" ]; then kill -TERM "$child" 2>/dev/null || true; fi
}
trap 'stop late' USR2
trap 'stop cancelled' TERM

if [ -n "${SLURM_CPUS_PER_TASK:-}" ]; then export RAYON_NUM_THREADS="$SLURM_CPUS_PER_TASK"; fi
for cell in $cells; do
    [ -z "$end" ] || break
    index=${cell%%:*}
    run=../runs/${cell#*:}
    mkdir -p "$run"
    "$program" sweep exec .. --index "$index" --device @device@ >>"$run/log.txt" 2>&1 </dev/null &
    child=$!
    while :; do
        wait "$child"
        code=$?
        kill -0 "$child" 2>/dev/null || break
    done
    child=
    case $code in
    0) ;;
    75) [ -n "$end" ] || end=stopped ;;
    *) failed=$code ;;
    esac
done
case $end in
late | stopped) scontrol requeue "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID" ;;
esac
exit "$failed"
"#;

const REPORT: &str = r#"
set -u
program=@program@
"$program" sweep collect .. && "$program" report ..
"#;

/// The cells of a task: `INDEX:RUN`, with spaces between.
pub(super) fn task(cells: &[&Cell]) -> String {
    cells.iter().map(|cell| format!("{}:{}", cell.index, cell.run)).collect::<Vec<_>>().join(" ")
}

pub(super) fn array(sweep: &str, place: usize, tasks: &[String], options: &Options) -> Script {
    let name = format!("array-{place}.sbatch");
    let limit = options.max_parallel.map_or_else(String::new, |most| format!("%{most}"));
    let mut head = vec![format!("--array=0-{}{limit}", tasks.len() - 1)];
    head.extend(options.time.iter().map(|time| format!("--time={time}")));
    head.extend(
        ["--signal=B:USR2@120", "--requeue", "--open-mode=append", "--output=log/%A_%a.log"]
            .map(str::to_owned),
    );
    let body = ARRAY.replace("@cells@", &cells_name(&name)).replace("@device@", &options.device);
    let text = text(sweep, &head, &body, &options.program);
    Script { name, text, cells: Some(tasks.join("\n") + "\n") }
}

pub(super) fn report(sweep: &str, program: &Path) -> Script {
    let head = ["--output=log/report-%j.log".to_owned()];
    Script { name: "report.sbatch".to_owned(), text: text(sweep, &head, REPORT, program), cells: None }
}

/// The name of the file with the cells of a script.
pub(super) fn cells_name(script: &str) -> String {
    script.replace(".sbatch", ".cells")
}

fn text(sweep: &str, head: &[String], body: &str, program: &Path) -> String {
    // What Slurm does not take in a name of a job is left out.
    let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let name = format!("--job-name=llp-{}", sweep.chars().filter(plain).collect::<String>());
    let lines: Vec<String> =
        std::iter::once(&name).chain(head).map(|option| format!("#SBATCH {option}\n")).collect();
    ["#!/bin/sh\n", &lines.concat(), &body.replace("@program@", &quoted(&program.to_string_lossy()))].concat()
}

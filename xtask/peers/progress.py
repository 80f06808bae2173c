"""How much of a training's processor time its progress takes.

    python3 progress.py LLP

A training on a pseudo-terminal, on one thread, is looked at a thousand times a second by `perf`, with its stack of calls; the
share is that of the looks at which a function of the progress, of the bar's crate or of the terminal's driver was on the
stack. Prints a table in Markdown. Needs perf (of Debian's linux-perf), and of Python the standard library alone.
"""

import argparse
import os
import pty
import re
import subprocess
import sys
import tempfile

TRAINING = "--preset digits-mlp --bag-size 16"
PROGRESS = re.compile(r"progress|indicatif|console::|tty_write")


def run(command):
    """Runs a command on a pseudo-terminal; returns how many bytes it wrote."""
    process, terminal = pty.fork()
    if process == 0:
        os.execvpe(command[0], command, {**os.environ, "RAYON_NUM_THREADS": "1"})
    written = 0
    while True:
        try:
            part = os.read(terminal, 1 << 16)
        except OSError:  # the program has ended
            break
        if not part:
            break
        written += len(part)
    os.close(terminal)
    _, status = os.waitpid(process, 0)
    if status:
        sys.exit(f"{' '.join(command)} ended with {os.waitstatus_to_exitcode(status)}")
    return written


def looks(llp, style):
    """All looks at a training, those at its progress, and the bytes on the terminal."""
    with tempfile.TemporaryDirectory() as folder:
        record = ["perf", "record", "-q", "-e", "cpu-clock", "-F", "999", "--call-graph", "dwarf,16384", "-o", f"{folder}/looks"]
        training = [llp, "train", *TRAINING.split(), "--progress", style, "--out", f"{folder}/run"]
        written = run(record + training)
        script = ["perf", "script", "-i", f"{folder}/looks", "-F", "comm,ip,sym"]
        stacks = subprocess.run(script, capture_output=True, text=True, check=True).stdout.split("\n\n")
    stacks = [stack for stack in stacks if stack.strip()]
    return len(stacks), sum(bool(PROGRESS.search(stack)) for stack in stacks), written


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("llp")
    arguments = parser.parse_args()
    print("| progress | looks | at the progress | share | bytes on the terminal |\n|---|---:|---:|---:|---:|")
    for style in ("bar", "lines", "none"):
        n, n_progress, written = looks(arguments.llp, style)
        print(f"| `{style}` | {n} | {n_progress} | {100 * n_progress / n:.2f} % | {written} |", flush=True)


main()

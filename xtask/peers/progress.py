"""How much of a training's work its progress is: instructions of the same training with and without it.

    python3 progress.py LLP

Every training runs on a pseudo-terminal, on one thread, under valgrind's callgrind, which counts instructions exactly,
whatever else the machine does. It runs some fifty times slower there, so that the bar, which is drawn at most twenty times a
second, is drawn fifty times as often as it would be: its share is an upper bound. Prints a table in Markdown. Needs valgrind,
and of Python the standard library alone.
"""

import argparse
import os
import pty
import re
import sys
import tempfile

TRAINING = "--preset digits-mlp --bag-size 2 --set optim.images_per_step=4 --epochs 3"
N_STEPS = 3 * 323
STYLES = ("none", "bar", "lines")


def instructions(llp, style):
    """Instructions of a training in user space, and the bytes that it wrote to its terminal."""
    with tempfile.TemporaryDirectory() as folder:
        counts = f"{folder}/counts"
        command = ["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={counts}", llp, "train", *TRAINING.split()]
        command += ["--progress", style, "--out", f"{folder}/run"]
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
        with open(counts) as lines:
            return next(int(found[1]) for line in lines if (found := re.match(r"(?:summary|totals): (\d+)", line))), written


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("llp")
    arguments = parser.parse_args()
    print(f"a perceptron on 8x8 digits, {N_STEPS} steps of 4 images\n")
    print("| progress | instructions, millions | beyond none | bytes on the terminal |\n|---|---:|---:|---:|")
    least = None
    for style in STYLES:
        count, written = instructions(arguments.llp, style)
        least = least or count
        print(f"| `{style}` | {count / 1e6:.1f} | {100 * (count / least - 1):.3f} % | {written} |", flush=True)


main()

"""How much of a training's processor time its progress takes: the same training with and without it, in turns.

    python3 progress.py LLP TURNS

Every training runs on a pseudo-terminal of its own; what is compared is user and system time of the process. Prints a table
in Markdown: the median of the turns, and the share of the bar and of lines with the smallest and largest of the turns. Needs
Python's standard library alone.
"""

import argparse
import fcntl
import os
import pty
import statistics
import struct
import sys
import tempfile
import termios

# Many steps of microseconds, and few of milliseconds.
TRAININGS = {
    "perceptron on 8x8 digits, steps of 4 images, 10 epochs": "--preset digits-mlp --bag-size 2 --set optim.images_per_step=4 --epochs 10",
    "ResNet-18 of width 16 on 8x8 digits, steps of 128 images, 8 epochs": "--preset digits --bag-size 16 --epochs 8",
}
STYLES = ("none", "bar", "lines")


def processor_time(command):
    """Seconds of user and system time of a command on a terminal, and the bytes that it wrote there."""
    process, terminal = pty.fork()
    if process == 0:
        os.execv(command[0], command)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 110, 0, 0))
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
    _, status, usage = os.wait4(process, 0)
    if status:
        sys.exit(f"{' '.join(command)} ended with {os.waitstatus_to_exitcode(status)}")
    return usage.ru_utime + usage.ru_stime, written


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("llp")
    parser.add_argument("turns", type=int)
    arguments = parser.parse_args()
    print("| training | without, s | bar, s | of it | lines, s | of it | bytes of the bar |\n|---|---:|---:|---:|---:|---:|---:|")
    for name, settings in TRAININGS.items():
        times, written = {style: [] for style in STYLES}, 0
        for turn in range(arguments.turns):
            # Every style is first, second and last equally often.
            for style in STYLES[turn % 3 :] + STYLES[: turn % 3]:
                with tempfile.TemporaryDirectory() as folder:
                    command = [arguments.llp, "train", *settings.split(), "--progress", style, "--out", f"{folder}/run"]
                    seconds, n_bytes = processor_time(command)
                times[style].append(seconds)
                if style == "bar":
                    written = n_bytes
        middle = {style: statistics.median(of_style) for style, of_style in times.items()}
        cells = [name, f"{middle['none']:.2f}"]
        for style in STYLES[1:]:
            shares = [100 * (shown / hidden - 1) for shown, hidden in zip(times[style], times["none"])]
            share = 100 * (middle[style] / middle["none"] - 1)
            cells += [f"{middle[style]:.2f}", f"{share:+.1f} % ({min(shares):+.1f} to {max(shares):+.1f})"]
        print("| " + " | ".join([*cells, str(written)]) + " |", flush=True)


main()

"""What `llp train` shows on a terminal, a real pseudo-terminal, and in a pipe."""

import os
import re
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pty = pytest.importorskip("pty")
fcntl, termios = pytest.importorskip("fcntl"), pytest.importorskip("termios")

PROGRAM = Path(sys.executable).with_name("llp")
if not PROGRAM.exists():
    pytest.skip("the program is not beside the interpreter", allow_module_level=True)

N_EPOCHS, N_STEPS = 150, 40
SHORT = ["--set=optim.min_steps=1", "--set=optim.images_per_step=8", "--set=data.held_out=0.0", f"--epochs={N_EPOCHS}"]
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Forty bags of eight rows."""
    folder = tmp_path_factory.mktemp("table")
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, (40, 8))
    rows = [f"{bag},{rng.normal() + 3 * label}" for bag, of_bag in enumerate(labels) for label in of_bag]
    (folder / "instances.csv").write_text("\n".join(["bag,x", *rows]) + "\n")
    counts = [f"{bag},{8 - of_bag.sum()},{of_bag.sum()}" for bag, of_bag in enumerate(labels)]
    (folder / "proportions.csv").write_text("\n".join(["bag,no,yes", *counts]) + "\n")
    return folder


def command(table, out, *more):
    return [PROGRAM, "train", f"--data={table}", f"--out={out}", *SHORT, *more]


def on_terminal(command, columns=100, term="xterm"):
    """Everything that a program writes to a terminal of so many columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, "TERM": term}) as program:
        os.close(theirs)
        written = b""
        while True:
            try:
                part = os.read(ours, 1 << 16)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            written += part
    os.close(ours)
    assert program.returncode == 0, written.decode()
    return written.decode()


def frames(written):
    """What was drawn over and over: the text between two returns of the cursor."""
    return [ESCAPE.sub("", part).rstrip() for part in re.split(r"[\r\n]+", written)]


def test_head_bar_and_foot(table, tmp_path):
    written = on_terminal(command(table, tmp_path / "run"))
    lines = frames(written)
    assert lines[0] == f"reading {table}"
    assert lines[1].startswith("320 rows") and "in 40 bags of 8, no bags held out, 2 classes" in lines[1]
    assert f"{N_EPOCHS * N_STEPS} steps: {N_EPOCHS} epochs of {N_STEPS}, of up to 8 rows" in lines[2]
    bars = [line for line in lines if re.match(r"KL .* epoch \d+/150 step \d+/40", line)]
    steps = {}
    for epoch, step in (re.search(r"epoch (\d+)/150 step (\d+)/40", bar).groups() for bar in bars):
        steps.setdefault(int(epoch), set()).add(int(step))
    assert len(steps) > 2 and max(len(of_epoch) for of_epoch in steps.values()) > 1, "the bar moves within an epoch"
    # From the first frame: place and times; the numbers of an epoch as soon as there are some.
    assert re.search(r"epoch 1/150 step 0/40 +\[0s < ", bars[0]) and re.search(r"loss \d\.\d+", bars[-1])
    assert "rows/s" in bars[-1]
    foot = "\n".join(lines[-6:])
    assert f"{tmp_path / 'run'}" in foot and "llp predict" in foot


@pytest.mark.parametrize("columns", [40, 60, 80])
def test_no_frame_is_wider_than_the_terminal(table, tmp_path, columns):
    drawn = [line for line in frames(on_terminal(command(table, tmp_path / "run"), columns)) if line.startswith("KL ")]
    assert drawn and all(len(line) <= columns for line in drawn)
    assert ("loss" in drawn[-2]) == (columns > 60)


def test_other_terminals_and_pipes_get_lines(table, tmp_path):
    dumb = on_terminal(command(table, tmp_path / "dumb"), term="dumb")
    assert "\x1b" not in dumb and f"epoch {N_EPOCHS}/{N_EPOCHS}" in dumb
    for style in ("auto", "bar", "lines"):
        end = subprocess.run(command(table, tmp_path / style, f"--progress={style}"), capture_output=True, text=True, check=True)
        assert "\x1b" not in end.stderr and "\r" not in end.stderr
        assert end.stderr.startswith(f"reading {table}\n320 rows") and f"epoch {N_EPOCHS}/{N_EPOCHS}  lr " in end.stderr
    end = subprocess.run(command(table, tmp_path / "none", "--progress=none"), capture_output=True, text=True, check=True)
    assert end.stderr == "" and end.stdout

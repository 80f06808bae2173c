"""The program ``llp``: the console script of the package."""

import signal
import sys

from . import _native


def main():
    """Runs the command line of this process and returns its exit code."""
    # Python's handler would only take note of an interrupt, and wait for the end of the call.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return _native.run_program(sys.argv[0], ["llp", *sys.argv[1:]])

"""Times training steps of the network airbench in PyTorch: `airbench_torch.py W1 W2 W3 BATCH STEPS [options]`.

The same work as `crates/llp-nn/examples/train_step.rs`: SGD with momentum and weight decay; the whitening layer's weights stay as they are. See `training_steps.py`.

    pip install torch
    python xtask/peers/airbench_torch.py 64 128 128 512 6                       # float32
    python xtask/peers/airbench_torch.py 64 128 128 512 6 --dtype bf16 --compile
    python xtask/peers/airbench_torch.py 64 128 128 512 6 --all                 # all four modes of the CPU
"""

import argparse
import sys
from pathlib import Path

import torch

import training_steps

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "fixtures" / "airbench"))
from network import Airbench  # noqa: E402


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("widths", type=int, nargs=3)
    training_steps.add_arguments(parser)
    options = parser.parse_args()
    training_steps.measure(
        options,
        lambda: Airbench(options.widths, 10),
        lambda weights: torch.optim.SGD(weights, lr=0.01, momentum=0.9, weight_decay=0.005),
    )


if __name__ == "__main__":
    main()

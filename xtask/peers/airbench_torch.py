"""Times training steps of the network airbench in PyTorch: `airbench_torch.py W1 W2 W3 BATCH STEPS [options]`.

Forward in training mode, cross-entropy, backward, SGD with Nesterov's momentum and weight decay, on images of 32x32 pixels
in channels_last; the whitening layer's weights stay as they are. One JSON line for each mode with the median step:

    pip install torch
    python xtask/peers/airbench_torch.py 64 128 128 512 6                       # float32
    python xtask/peers/airbench_torch.py 64 128 128 512 6 --dtype bf16 --compile
    python xtask/peers/airbench_torch.py 64 128 128 512 6 --all                 # all four modes on the CPU

`--all` takes every mode its turn, several times over, so that a disturbed minute does not decide between them, and ends with
a line of the fastest. A mode that fails gives a line with its error, and the others go on.
"""

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "fixtures" / "airbench"))
from network import Airbench  # noqa: E402

WARM_UP, TURNS = 2, 3


def stepper(options, dtype, compiled):
    """A function that makes a training step."""
    torch.manual_seed(0)
    network = Airbench(options.widths, 10).to(options.device, memory_format=torch.channels_last)
    images = torch.randn(options.batch, 3, 32, 32, device=options.device).to(memory_format=torch.channels_last)
    labels = torch.arange(options.batch, device=options.device) % 10
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    optimizer = torch.optim.SGD(trained, lr=0.01, momentum=0.85, nesterov=True, weight_decay=0.005)
    forward = torch.compile(network) if compiled else network

    def step():
        with torch.autocast(options.device, torch.bfloat16, enabled=dtype == "bf16"):
            loss = nn.functional.cross_entropy(forward(images), labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    return step


def seconds_of(step, options, n_warm_up):
    # To look at the clock waits for a GPU, so there it is looked at after every tenth step.
    at_once = 1 if options.device == "cpu" else 10
    times = []
    for _ in range(n_warm_up + -(-options.steps // at_once)):
        start = time.perf_counter()
        for _ in range(at_once):
            step()
        if options.device != "cpu":
            torch.cuda.synchronize()
        times.append((time.perf_counter() - start) / at_once)
    return times[n_warm_up:]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("widths", type=int, nargs=3)
    parser.add_argument("batch", type=int)
    parser.add_argument("steps", type=int)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="f32", choices=["f32", "tf32", "bf16"])
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--all", action="store_true", help="float32 and bfloat16, each also compiled")
    options = parser.parse_args()
    torch.backends.cudnn.benchmark = True
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = options.dtype != "f32"

    modes = [(options.dtype, options.compile)]
    if options.all:
        modes = [(dtype, compiled) for compiled in (False, True) for dtype in ("f32", "bf16")]
    steppers, times, errors = {}, {mode: [] for mode in modes}, {}
    for turn in range(TURNS if options.all else 1):
        for mode in modes:
            try:
                if turn == 0:
                    steppers[mode] = stepper(options, *mode)
                if mode in steppers:
                    times[mode] += seconds_of(steppers[mode], options, 1 if turn else WARM_UP)
            except Exception as error:  # noqa: BLE001: whatever a compiler says, the other modes still count
                steppers.pop(mode, None)
                errors[mode] = f"{type(error).__name__}: {error}".splitlines()[0]

    device = torch.cuda.get_device_name() if options.device != "cpu" else f"{torch.get_num_threads()} threads"
    lines = []
    for dtype, compiled in modes:
        peer = f"PyTorch {torch.__version__} {dtype}{' compiled' if compiled else ''}"
        if (dtype, compiled) in errors:
            print(json.dumps({"what": peer, "error": errors[dtype, compiled]}))
            continue
        speed = options.batch / statistics.median(times[dtype, compiled])
        lines.append({"what": peer, "device": device, "images_per_s": round(speed, 1)})
        print(json.dumps(lines[-1]))
    if options.all and lines:
        print(json.dumps(max(lines, key=lambda line: line["images_per_s"])))
    if not lines:
        sys.exit(1)


if __name__ == "__main__":
    main()

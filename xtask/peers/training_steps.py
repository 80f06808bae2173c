"""Times training steps in PyTorch: what `resnet_torch.py` and `airbench_torch.py` share.

A step is forward in training mode, cross-entropy, backward and SGD, on images of 32x32 pixels in channels_last. One JSON
line for each mode with the median step. `--all` gives each mode its turn, several times over on the CPU, so that a disturbed
minute does not decide between them, and ends with a line of the fastest; a mode that fails gives a line with its error.
"""

import json
import statistics
import sys
import time

import torch
from torch import nn

WARM_UP, TURNS = 2, 3
# Precision, whether the network is compiled, whether whole steps are replayed as a CUDA graph.
ON_CPU = [(dtype, compiled, False) for compiled in (False, True) for dtype in ("f32", "bf16")]
ON_GPU = [("bf16", False, False), ("bf16", True, False), ("bf16", True, True)]


def add_arguments(parser):
    """The arguments behind those of the network."""
    parser.add_argument("batch", type=int)
    parser.add_argument("steps", type=int)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="f32", choices=["f32", "tf32", "bf16"])
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--graph", action="store_true", help="replay each step as a CUDA graph")
    parser.add_argument(
        "--all", action="store_true", help="on the CPU float32 and bfloat16, each also compiled; on a GPU bfloat16 in each mode"
    )


def stepper(options, make_network, make_optimizer, mode):
    """A function that makes a training step."""
    dtype, compiled, as_graph = mode
    torch.manual_seed(0)
    network = make_network().to(options.device, memory_format=torch.channels_last)
    images = torch.randn(options.batch, 3, 32, 32, device=options.device).to(memory_format=torch.channels_last)
    labels = torch.arange(options.batch, device=options.device) % 10
    optimizer = make_optimizer([parameter for parameter in network.parameters() if parameter.requires_grad])
    forward = torch.compile(network) if compiled else network

    def step():
        # What autocast has cast must not outlive a recording.
        with torch.autocast(options.device, torch.bfloat16, enabled=dtype == "bf16", cache_enabled=not as_graph):
            loss = nn.functional.cross_entropy(forward(images), labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    return recorded(step) if as_graph else step


def recorded(step):
    """The same step, recorded once as a CUDA graph and replayed."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


def seconds_of(step, options, n_warm_up):
    """Seconds of each step but the first ones."""
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


def measure(options, make_network, make_optimizer):
    """Times the modes that are asked for, and prints their lines."""
    torch.backends.cudnn.benchmark = True
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = options.dtype != "f32"
    of_device, turns = (ON_CPU, TURNS) if options.device == "cpu" else (ON_GPU, 1)
    modes = of_device if options.all else [(options.dtype, options.compile, options.graph)]
    steppers, times, errors = {}, {mode: [] for mode in modes}, {}
    for turn in range(turns if options.all else 1):
        for mode in modes:
            try:
                if turn == 0:
                    steppers[mode] = stepper(options, make_network, make_optimizer, mode)
                if mode in steppers:
                    times[mode] += seconds_of(steppers[mode], options, 1 if turn else WARM_UP)
            except Exception as error:  # noqa: BLE001: whatever a compiler says, the other modes still count
                steppers.pop(mode, None)
                errors[mode] = f"{type(error).__name__}: {error}".splitlines()[0]

    try:
        device = torch.cuda.get_device_name() if options.device != "cpu" else f"{torch.get_num_threads()} threads"
    except Exception:  # noqa: BLE001: without a GPU each mode has said so
        device = "none"
    lines = []
    for mode in modes:
        dtype, compiled, as_graph = mode
        line = {"what": f"PyTorch {torch.__version__}", "dtype": dtype, "compiled": compiled, "graph": as_graph}
        line["device"] = device
        if mode in errors:
            print(json.dumps({**line, "error": errors[mode]}))
            continue
        lines.append({**line, "images_per_s": options.batch / statistics.median(times[mode])})
        print(json.dumps(lines[-1]))
    if options.all and lines:
        print(json.dumps(max(lines, key=lambda line: line["images_per_s"])))
    if not lines:
        sys.exit(1)

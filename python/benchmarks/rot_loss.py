"""The ROT loss with its gradient: llp_rs.torch beside Algorithm 1 in PyTorch, differentiated through its sweeps.

The shapes and settings are those of docs/benchmarks.md. Each takes its turn three times; the medians of the turns are
printed as a table in Markdown. Run:

    cargo build --release --package llp-ot --all-features --example bench_rot
    python python/benchmarks/rot_loss.py --rust target/release/examples/bench_rot

The call from Rust, which the program makes, has inputs of the same distribution. Without it, its column is empty.
"""

import argparse
import json
import statistics
import subprocess
import time

import numpy as np
import torch
from llp_rs import _native
from llp_rs.torch import RotLoss

SHAPES = [(16, 64, 10), (64, 16, 10), (1, 1024, 10), (16, 64, 100), (1, 1024, 100)]
SETTINGS = [(0.5, 1.0, 1.0), (0.1, 0.1, 8.0)]
TURNS, SECONDS = 3, 0.5
COLUMNS = ["Rust", "native", "llp_rs.torch", "PyTorch"]


def unrolled(logits, proportions, alpha, epsilon, n_sweeps=75):
    """Losses of bags of one size: ``logits`` is ``[bag, instance, class]``, ``proportions`` ``[bag, class]``."""
    n = logits.shape[1]
    cost = -logits.log_softmax(2)
    kernel = -cost / epsilon
    tau = 1 / (1 + alpha * epsilon / (1 - alpha))
    log_target = (n * proportions).log()[:, None]
    log_b = torch.zeros(*logits.shape[:2], 1)
    for _ in range(n_sweeps):
        log_a = tau * (log_target - (kernel + log_b).logsumexp(1, keepdim=True))
        log_b = -(kernel + log_a).logsumexp(2, keepdim=True)
    log_plan = kernel + log_a + log_b
    plan = log_plan.exp()
    masses = plan.mean(1)
    transport = (plan * (cost + epsilon * (log_plan - 1))).sum((1, 2))
    divergence = (masses * (masses / proportions).log()).sum(1) - masses.sum(1) + proportions.sum(1)
    return alpha / n * transport + (1 - alpha) * divergence


def microseconds(call):
    """The median time of a call."""
    call()
    times, end = [], time.perf_counter() + SECONDS
    while time.perf_counter() < end or len(times) < 5:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e6


def calls(n_bags, n, n_classes, alpha, epsilon, scale):
    generator = torch.Generator().manual_seed(0)
    logits = (scale * torch.randn(n_bags * n, n_classes, generator=generator)).requires_grad_()
    labels = torch.randint(n_classes, (n_bags, n), generator=generator)
    counts = torch.nn.functional.one_hot(labels, n_classes).sum(1)
    # The sweeps take logarithms of proportions: no class may be absent.
    proportions = (counts + 0.5) / (counts + 0.5).sum(1, keepdim=True)
    sizes, loss = torch.full((n_bags,), n), RotLoss(alpha, epsilon)
    arrays = logits.detach().numpy(), sizes.numpy(), proportions.double().numpy()

    def gradient(value):
        return torch.autograd.grad(value, logits)

    return {
        "native": lambda: _native.bag_loss("rot", *arrays, None, None, None, alpha, epsilon, None, 3),
        "llp_rs.torch": lambda: gradient(loss(logits, sizes, proportions)),
        "PyTorch": lambda: gradient(
            unrolled(logits.view(n_bags, n, n_classes), proportions, alpha, epsilon).mean()
        ),
    }


class Rust:
    """A program that times the call from Rust."""

    def __init__(self, program):
        self._process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def microseconds(self, *request):
        print(*request, file=self._process.stdin, flush=True)
        answers = [json.loads(line) for line in iter(self._process.stdout.readline, "\n")]
        return next(it["ms_median"] for it in answers if it["what"] == "llp-ot f32 newton") * 1e3


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rust", help="the program bench_rot")
    program = parser.parse_args().rust
    rust = Rust(program) if program else None
    print(f"PyTorch {torch.__version__}, NumPy {np.__version__}, {torch.get_num_threads()} threads; microseconds\n")
    print("| bags x n x K | alpha, epsilon, scale | from Rust | native call | llp_rs.torch | unrolled PyTorch | ratio |")
    print("|---|---|--:|--:|--:|--:|--:|")
    for alpha, epsilon, scale in SETTINGS:
        for shape in SHAPES:
            measured = calls(*shape, alpha, epsilon, scale)
            if rust:
                measured = {"Rust": lambda: rust.microseconds(*shape, alpha, epsilon, scale)} | measured
            turns = [{name: (call() if name == "Rust" else microseconds(call)) for name, call in measured.items()} for _ in range(TURNS)]
            median = {name: statistics.median(turn[name] for turn in turns) for name in measured}
            row = " x ".join(map(str, shape)), f"{alpha:g}, {epsilon:g}, {scale:g}"
            times = " | ".join(f"{median[name]:.0f}" if name in median else "" for name in COLUMNS)
            ratio = median["PyTorch"] / median["llp_rs.torch"]
            print(f"| {row[0]} | {row[1]} | {times} | **{ratio:.0f}** |", flush=True)


if __name__ == "__main__":
    main()

"""Moments of order 8, ten classes, 16 bags of 64, with their gradient: the recursion of llp-loss written for PyTorch.

All bags and all states of a step are one operation; autograd does the rest. Prints the median of milliseconds.
"""

import itertools
import time

import torch

BAGS, N, K, ORDER, RUNS = 16, 64, 10, 8, 5


def states():
    """Counts of up to ORDER instances, and for each class of each: the state, the state with one less, the class."""
    counts = [()] + [c for order in range(1, ORDER + 1) for c in itertools.combinations_with_replacement(range(K), order)]
    number = {multiset: at for at, multiset in enumerate(counts)}
    edges = []
    for state, multiset in enumerate(counts):
        for kind in sorted(set(multiset)):
            less = list(multiset)
            less.remove(kind)
            edges.append((state, number[tuple(less)], kind))
    return len(counts), [torch.tensor(column) for column in zip(*edges)]


def main():
    torch.manual_seed(0)
    n_states, (state, before, kind) = states()
    logits = torch.randn(BAGS * N, K, requires_grad=True)
    weights = torch.rand(BAGS, n_states)
    weights /= weights.sum(1, keepdim=True)
    first = torch.zeros(BAGS, n_states)
    first[:, 0] = 1

    def step():
        logits.grad = None
        probs = torch.softmax(logits, 1).view(BAGS, N, K)
        moments = first
        for instance in range(N):
            added = moments[:, before] * probs[:, instance][:, kind]
            moments = moments.index_add(1, state, added)
        loss = -(weights * moments.clamp_min(1e-30).log()).sum(1).mean()
        loss.backward()

    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        step()
        times.append(1e3 * (time.perf_counter() - started))
    print(f"{sorted(times)[RUNS // 2]:.1f}")


if __name__ == "__main__":
    main()

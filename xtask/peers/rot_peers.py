"""The ROT loss with its gradient in PyTorch (Algorithm 1 unrolled), OTT-JAX (implicit gradient) and POT (forward only).

Reads rows `BAGS INSTANCES CLASSES ALPHA EPSILON SCALE` from standard input, as `crates/llp-ot/examples/bench_rot.rs`
does, and draws the same inputs. For each row it prints one JSON line per peer, with the median milliseconds of RUNS
calls and the largest error of the gradient of the logits against a float64 Newton method polished to a residual of
1e-12; then an empty line.

    pip install numpy torch jax ott-jax POT
    echo 16 64 10 0.5 1 1 | python xtask/peers/rot_peers.py
"""

import functools
import json
import statistics
import sys
import time
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import ot
import torch
from ott.geometry import geometry
from ott.problems.linear import linear_problem
from ott.solvers.linear import sinkhorn

warnings.simplefilter("ignore")
SWEEPS = 75
OTT_THRESHOLD = 1e-6
# In float32 the threshold is often out of reach, and under vmap the time grows with the largest number of iterations:
# OTT-JAX gets the smallest one whose gradient is about as good as the largest one's.
OTT_MAX_ITERATIONS = [75, 150, 300, 600, 1200, 2400, 4800]
RUNS = 5


def uniforms(count):
    """SplitMix64 from seed 1: raw bits, and the same as numbers in (0, 1]."""
    with np.errstate(over="ignore"):
        z = np.uint64(1) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return z, ((z >> np.uint64(11)) + np.uint64(1)).astype(np.float64) / 2.0**53


def make_input(bags, n, k, scale):
    """Normal logits [bag, instance, class] by Box and Muller, then one label per instance; both in float32."""
    bits, u = uniforms(2 * bags * n * k + bags * n)
    pairs = u[: 2 * bags * n * k].reshape(-1, 2)
    logits = scale * np.sqrt(-2 * np.log(pairs[:, 0])) * np.cos(2 * np.pi * pairs[:, 1])
    labels = (bits[2 * bags * n * k :] % np.uint64(k)).astype(np.int64).reshape(bags, n)
    z = np.zeros((bags, k), dtype=np.float32)
    for bag in range(bags):
        for label in labels[bag]:
            z[bag, label] += np.float32(1) / np.float32(n)
    return logits.reshape(bags, n, k).astype(np.float32), z


def logsumexp(x, axis):
    top = x.max(axis, keepdims=True)
    return top + np.log(np.exp(x - top).sum(axis, keepdims=True))


def exact_gradient(logits, z, alpha, epsilon):
    """(alpha / n) (p - U) of one bag in float64, by Newton's method on the dual along a path of epsilons."""
    logits, z = logits.astype(np.float64), z.astype(np.float64)
    n, kappa, used = len(logits), (1 - alpha) / alpha, z > 0
    log_p = logits - logsumexp(logits, 1)
    cost, target = -log_p.T[used], n * z[used] / z.sum()

    def dual(f, e):
        log_u = (f[:, None] - cost) / e
        lse = logsumexp(log_u, 0)
        value = -kappa * (target * np.expm1(-f / kappa)).sum() - e * lse.sum()
        return value, target * np.exp(-f / kappa), np.exp(log_u - lse)

    f = np.zeros(len(cost))
    for e in [e for e in (4.0, 2.0, 1.0, 0.5, 0.25) if e > epsilon] + [epsilon]:
        for _ in range(500):
            value, w, u = dual(f, e)
            gradient = w - u.sum(1)
            if np.abs(gradient).max() <= (1e-12 if e == epsilon else 1e-6) * n:
                break
            s = u @ u.T
            np.fill_diagonal(s, 0.0)
            step = np.linalg.solve(np.diag(w) / kappa + (np.diag(s.sum(1)) - s) / e, gradient)
            length = 1.0
            while length > 1e-9:
                enough = 1e-4 * length * gradient @ step - 1e-13 * max(1.0, abs(value))
                if dual(f + length * step, e)[0] >= value + enough:
                    break
                length /= 2
            f = f + length * step
        else:
            raise RuntimeError("the reference does not converge")
    coupling = np.zeros_like(log_p)
    coupling[:, used] = dual(f, epsilon)[2].T
    return alpha / n * (np.exp(log_p) - coupling)


def torch_step(logits, z, alpha, epsilon, _exact):
    """Algorithm 1 in the log domain, 75 sweeps, differentiated through."""
    x, z = torch.tensor(logits, requires_grad=True), torch.tensor(z)
    n, tau = x.shape[1], 1 / (1 + alpha * epsilon / (1 - alpha))

    def run():
        x.grad = None
        log_p = torch.log_softmax(x, -1)
        log_k, log_b = log_p / epsilon, torch.zeros(x.shape[:2])
        for _ in range(SWEEPS):
            log_a = tau * (torch.log(n * z) - torch.logsumexp(log_k + log_b[..., None], 1))
            log_a = torch.where(z > 0, log_a, torch.full_like(log_a, -1e30))
            log_b = -torch.logsumexp(log_k + log_a[:, None], 2)
        log_u = log_k + log_a[:, None] + log_b[..., None]
        u = log_u.exp()
        m = u.sum(1) / n
        entropy = -(u * (log_u.clamp(min=-1e20) - 1)).sum((1, 2))
        ratio = m.clamp(min=1e-38).log() - z.clamp(min=1e-38).log()
        kl = (torch.where(m > 0, m * ratio, 0 * m) - m + z).sum(1)
        loss = alpha / n * (-(log_p * u).sum((1, 2)) - epsilon * entropy) + (1 - alpha) * kl
        loss.sum().backward()
        return x.grad.numpy()

    return run


def ott_step(logits, z, alpha, epsilon, exact):
    n, tau = logits.shape[1], 1 / (1 + alpha * epsilon / (1 - alpha))
    x, zz = jnp.asarray(logits), jnp.asarray(z)

    def compiled(max_iterations):
        solver = sinkhorn.Sinkhorn(threshold=OTT_THRESHOLD, max_iterations=max_iterations)

        def loss(x, zz):
            geom = geometry.Geometry(cost_matrix=-jax.nn.log_softmax(x, -1).T, epsilon=epsilon)
            problem = linear_problem.LinearProblem(geom, a=n * zz, b=jnp.ones(n), tau_a=tau, tau_b=1.0)
            return alpha / n * solver(problem).reg_ot_cost

        gradient = jax.jit(jax.grad(lambda x, zz: jax.vmap(loss)(x, zz).sum()))
        return lambda: gradient(x, zz).block_until_ready()

    steps = [compiled(count) for count in OTT_MAX_ITERATIONS]
    good = 2 * gradient_error(steps[-1](), exact)
    return next(step for step in steps if gradient_error(step(), exact) <= good)


def pot_step(logits, z, alpha, epsilon, _exact):
    """Couplings only, float64."""
    n, double = logits.shape[1], logits.astype(np.float64)
    costs = [np.ascontiguousarray(-(x - logsumexp(x, 1)).T) for x in double]
    masses, ones = n * z.astype(np.float64) + 1e-12, np.ones(n)
    weight = ((1 - alpha) / alpha, np.inf)

    def run():
        for cost, mass in zip(costs, masses, strict=True):
            ot.unbalanced.sinkhorn_unbalanced(
                mass, ones, cost, epsilon, weight, reg_type="entropy", numItermax=SWEEPS, stopThr=0
            )

    return run


def gradient_error(gradient, exact):
    return float(np.abs(np.asarray(gradient) - exact).max())


def median_ms(step):
    step()
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e3


PEERS = {
    "PyTorch f32 75 sweeps unrolled": torch_step,
    "OTT-JAX f32 implicit": ott_step,
    "POT f64 75 sweeps, forward only": pot_step,
}


@functools.cache
def prepare(bags, n, k, alpha, epsilon, scale):
    """The compiled steps of a row, and its exact gradient."""
    logits, z = make_input(bags, n, k, scale)
    exact = np.stack([exact_gradient(x, p, alpha, epsilon) for x, p in zip(logits, z, strict=True)])
    return {what: make(logits, z, alpha, epsilon, exact) for what, make in PEERS.items()}, exact


def main():
    for line in sys.stdin:
        sizes, parameters = map(int, line.split()[:3]), map(float, line.split()[3:])
        steps, exact = prepare(*sizes, *parameters)
        for what, step in steps.items():
            gradient = step()
            error = None if gradient is None else gradient_error(gradient, exact)
            print(json.dumps({"what": what, "ms_median": median_ms(step), "gradient_error_max": error}))
        print(flush=True)


if __name__ == "__main__":
    main()

"""Transport on NumPy arrays."""

import os
import threading
import time
import tracemalloc
from itertools import permutations

import numpy as np
import pytest
from llp_rs import ot


def batch(dtype=np.float64, sizes=(3, 1, 5), n_classes=4, seed=0):
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(sum(sizes), n_classes)).astype(dtype)
    proportions = rng.dirichlet(np.ones(n_classes), len(sizes))
    return logits, np.array(sizes), proportions


def objective(logits, z, plan, alpha, epsilon):
    """Equation (6) at a plan, ``[instance, class]``."""
    cost = np.log(np.exp(logits).sum(1, keepdims=True)) - logits
    n, masses = len(logits), plan.mean(0)
    entropy = -(plan * (np.log(plan) - 1)).sum()
    divergence = (masses * np.log(masses / z)).sum() - masses.sum() + z.sum()
    return alpha / n * ((cost * plan).sum() - epsilon * entropy) + (1 - alpha) * divergence


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_losses_are_equation_6_at_the_plan(dtype):
    logits, sizes, proportions = batch(dtype)
    loss = ot.rot_loss(logits, sizes, proportions, alpha=0.3, epsilon=0.7)
    plan = ot.rot_plan(logits, sizes, proportions, alpha=0.3, epsilon=0.7)
    assert loss.losses.dtype == loss.gradient.dtype == dtype
    assert loss.gradient.shape == logits.shape and loss.losses.shape == (3,)
    tolerance = 1e-5 if dtype == np.float32 else 1e-12
    first = 0
    for bag, size in enumerate(sizes):
        rows = slice(first, first + size)
        expected = objective(logits[rows].astype(float), proportions[bag], plan.plan[rows], 0.3, 0.7)
        assert loss.losses[bag] == pytest.approx(expected, rel=tolerance, abs=tolerance)
        first += size
    assert loss.converged.all() and (loss.gaps >= 0).all() and (loss.gaps < 1e-6).all()


def test_the_gradient_is_that_of_the_losses():
    logits, sizes, proportions = batch()
    gradient = ot.rot_loss(logits, sizes, proportions).gradient
    step = 1e-6
    for place in [(0, 0), (3, 2), (8, 3)]:
        moved = [logits.copy(), logits.copy()]
        moved[0][place] += step
        moved[1][place] -= step
        up, down = (ot.rot_loss(it, sizes, proportions).losses.sum() for it in moved)
        assert gradient[place] == pytest.approx((up - down) / (2 * step), rel=1e-6, abs=1e-9)


def test_sweeps_approach_newton():
    logits, sizes, proportions = batch()
    newton = ot.rot_loss(logits, sizes, proportions)
    few, many = (ot.rot_loss(logits, sizes, proportions, solver="sinkhorn", sweeps=n) for n in (1, 200))
    assert np.abs(many.losses - newton.losses).max() < 1e-12 < np.abs(few.losses - newton.losses).max()
    assert (many.iterations == 200).all()


def test_bags_do_not_depend_on_each_other():
    logits, sizes, proportions = batch(sizes=(700, 3, 900))
    together = ot.rot_loss(logits, sizes, proportions)
    alone = ot.rot_loss(logits[700:703], [3], proportions[1:2])
    assert alone.losses[0] == together.losses[1] and alone.gaps[0] == together.gaps[1]
    assert (alone.gradient == together.gradient[700:703]).all()


def test_at_alpha_0_plans_have_exactly_the_proportions():
    logits, sizes, proportions = batch()
    plan = ot.rot_plan(logits, sizes, proportions, alpha=0.0).plan
    np.testing.assert_allclose(plan[4:].mean(0), proportions[2], atol=1e-10)
    np.testing.assert_allclose(plan.sum(1), 1, atol=1e-12)


def test_assignments_are_the_cheapest():
    rng = np.random.default_rng(1)
    cost, counts = rng.normal(size=(5, 3)), np.array([[2, 2, 1]])
    best = ot.assign(cost, [5], counts)
    assert np.bincount(best.labels, minlength=3).tolist() == [2, 2, 1]
    costs = [cost[range(5), labels].mean() for labels in permutations([0, 0, 1, 1, 2])]
    assert best.objectives[0] == pytest.approx(min(costs))


def test_counts_of_shares():
    assert ot.counts_of([[1 / 3, 1 / 3, 1 / 3], [0.5, 0.5, 0.0]], [4, 3]).tolist() == [[2, 1, 1], [2, 1, 0]]


def test_disaggregation_follows_its_weight():
    rng = np.random.default_rng(2)
    probabilities, known = rng.dirichlet(np.ones(3), 10), [[0.5, 0.25, 0.25], [0.0, 0.5, 0.5]]
    result = ot.disaggregate(probabilities, [4, 6], known, alpha=0.0)
    np.testing.assert_allclose(result.posteriors[:4].mean(0), known[0], atol=1e-9)
    assert np.bincount(result.labels[4:], minlength=3).tolist() == [0, 3, 3]
    trusting = ot.disaggregate(probabilities[:4], [4], known[:1], alpha=1.0)
    np.testing.assert_allclose(trusting.posteriors, probabilities[:4], atol=1e-9)


LOGITS, SIZES, PROPORTIONS = batch()
AT_13 = np.arange(36).reshape(9, 4) == 13


@pytest.mark.parametrize(
    "logits, sizes, proportions, error, message",
    [
        (LOGITS[:, 0], SIZES, PROPORTIONS, ValueError, r"logits has shape \[9\], expected \[instance, class\]"),
        (LOGITS[:, :3], SIZES, PROPORTIONS, ValueError, r"proportions has shape \[3, 4\], expected \[3, 3\]"),
        (LOGITS, SIZES + 1, PROPORTIONS, ValueError, "bag_sizes add up to 12, expected 9"),
        (LOGITS, [4, 0, 5], PROPORTIONS, ValueError, "bag 1 has 0 instances.*drop empty bags"),
        (LOGITS, [10, -1, 0], PROPORTIONS, ValueError, "bag 1 has -1 instances"),
        (LOGITS, SIZES.astype(float), PROPORTIONS, TypeError, "pass whole numbers"),
        (LOGITS, SIZES, PROPORTIONS / 2, ValueError, "bag 0: proportions add up to 0.5"),
        (LOGITS, SIZES, PROPORTIONS * np.nan, ValueError, "proportion NaN of class 0"),
        (np.where(AT_13, np.nan, LOGITS), SIZES, PROPORTIONS, ValueError, "instance 3 and class 1 is NaN"),
        (np.where(AT_13, np.inf, LOGITS), SIZES, PROPORTIONS, ValueError, "instance 3 and class 1 is inf"),
        (LOGITS > 0, SIZES, PROPORTIONS, TypeError, "logits is an array of truth values"),
        (LOGITS.astype(np.float16), SIZES, PROPORTIONS, TypeError, r"logits.astype\(numpy.float32\)"),
        (LOGITS.astype(complex), SIZES, PROPORTIONS, TypeError, "dtype complex128"),
        (LOGITS.astype(object), SIZES, PROPORTIONS, TypeError, "dtype object"),
        (np.ma.masked_less(LOGITS, 0), SIZES, PROPORTIONS, TypeError, "masked array"),
        (b"bytes", SIZES, PROPORTIONS, TypeError, "logits is bytes"),
        (np.empty((0, 4)), np.empty(0, int), np.empty((0, 4)), ValueError, "bag_sizes is empty"),
        (np.empty((9, 0)), SIZES, np.empty((3, 0)), ValueError, "there is no class"),
    ],
)
def test_mistakes_are_told(logits, sizes, proportions, error, message):
    with pytest.raises(error, match=message):
        ot.rot_loss(logits, sizes, proportions)


@pytest.mark.parametrize(
    "parameters, error, message",
    [
        ({"alpha": 1.5}, ValueError, r"alpha is 1.5, expected a number in \[0, 1\]"),
        ({"alpha": True}, TypeError, "alpha is True"),
        ({"epsilon": 0.0}, ValueError, "epsilon is 0"),
        ({"epsilon": "1"}, TypeError, "epsilon is '1'"),
        ({"solver": "simplex"}, ValueError, "'newton' or 'sinkhorn'"),
        ({"solver": "sinkhorn", "sweeps": 0}, ValueError, "sweeps is 0"),
    ],
)
def test_parameters_out_of_range_are_told(parameters, error, message):
    with pytest.raises(error, match=message):
        ot.rot_loss(LOGITS, SIZES, PROPORTIONS, **parameters)


def test_mistakes_of_the_other_functions_are_told():
    with pytest.raises(ValueError, match="bag 0 add up to 3, expected its 2 instances.*counts_of"):
        ot.assign([[1.0, 2.0]] * 2, [2], [[1, 2]])
    with pytest.raises(ValueError, match="bag 0 has -1 of class 0"):
        ot.assign([[1.0, 2.0]] * 2, [2], [[-1, 3]])
    with pytest.raises(ValueError, match="pass probabilities, not logits"):
        ot.disaggregate([[-1.0, 2.0]], [1], [[0.5, 0.5]])
    with pytest.raises(ValueError, match="instance 0 add up to 0.7"):
        ot.disaggregate([[0.2, 0.5]], [1], [[0.5, 0.5]])


def test_data_frames_are_refused():
    pandas = pytest.importorskip("pandas")
    with pytest.raises(TypeError, match="logits is a data frame"):
        ot.rot_loss(pandas.DataFrame(LOGITS), SIZES, PROPORTIONS)


def test_arrays_in_other_layouts_are_no_mistake():
    expected = ot.rot_loss(LOGITS, SIZES, PROPORTIONS)
    wide = np.zeros((9, 8))
    wide[:, ::2] = LOGITS
    fixed = LOGITS.copy()
    fixed.setflags(write=False)
    for logits in [LOGITS.tolist(), np.asfortranarray(LOGITS), wide[:, ::2], fixed, LOGITS.astype(">f8")]:
        assert (ot.rot_loss(logits, SIZES, PROPORTIONS).gradient == expected.gradient).all()
    assert (ot.rot_loss(LOGITS, SIZES.astype(np.uint8), PROPORTIONS).losses == expected.losses).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_contiguous_arrays_are_taken_as_they_are(dtype):
    from llp_rs._arrays import floats, integers

    logits, sizes = np.zeros((4, 2), dtype), np.array([4], dtype=np.int64)
    assert np.shares_memory(floats(logits, "logits"), logits)
    assert np.shares_memory(integers(sizes, "bag_sizes"), sizes)


def test_a_call_takes_no_more_memory_than_its_answer():
    resource = pytest.importorskip("resource")
    sizes = np.full(64, 4096)
    logits = np.zeros((sizes.sum(), 32))
    proportions = np.full((64, 32), 1 / 32)
    ot.rot_loss(logits[:4096], sizes[:1], proportions[:1])
    tracemalloc.start()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result = ot.rot_loss(logits, sizes, proportions)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    in_python = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert in_python < logits.nbytes / 10
    # The gradient is as large as the logits, 64 MiB; a copy of these would be as much again.
    assert grown < result.gradient.nbytes * 1.5


def test_other_threads_run_meanwhile():
    logits, sizes, proportions = batch(sizes=(40_000,) * 4, n_classes=20)
    done, n_turns = threading.Event(), 0

    def work():
        ot.rot_plan(logits, sizes, proportions, epsilon=0.05)
        done.set()

    thread = threading.Thread(target=work)
    thread.start()
    start = time.perf_counter()
    while not done.is_set():
        time.sleep(0.001)
        n_turns += 1
    elapsed = time.perf_counter() - start
    thread.join()
    assert elapsed > 0.02, "the call was too short to tell"
    assert n_turns > 5


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_process_has_threads_of_its_own():
    logits, sizes, proportions = batch(sizes=(2000,) * 8)
    expected = ot.rot_loss(logits, sizes, proportions).losses
    child = os.fork()
    if child == 0:
        is_equal = (ot.rot_loss(logits, sizes, proportions).losses == expected).all()
        os._exit(0 if is_equal else 1)
    for _ in range(300):
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            break
        time.sleep(0.1)
    else:
        os.kill(child, 9)
        os.waitpid(child, 0)
        pytest.fail("the child hangs")
    assert status == 0

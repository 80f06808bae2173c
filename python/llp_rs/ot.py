"""Optimal transport between the instances of bags and the classes, on NumPy arrays.

The rows of a batch stand bag after bag: ``bag_sizes``, ``[bag]``, says how many belong to each, and the sizes may
differ. ``proportions``, ``[bag, class]``, has rows that add up to 1. Equation (6) of Dulac-Arnold et al. (2019) weighs
predictions against proportions by ``alpha`` and adds an entropy of weight ``epsilon``.

Arrays that are contiguous float32 or float64 are read where they are; others are copied. Every call releases the GIL
and shares the bags among threads (``RAYON_NUM_THREADS``); results do not depend on their number.
"""

from typing import NamedTuple

import numpy as np

from . import _native
from ._arrays import doubles, floats, integers, number, sweeps as _sweeps

__all__ = ["Assignment", "Disaggregation", "RotLoss", "RotPlan", "assign", "counts_of", "disaggregate", "rot_loss", "rot_plan"]


class RotLoss(NamedTuple):
    """Losses of bags, and what they are worth."""

    losses: np.ndarray
    """Equation (6) at the coupling that the solver reached, ``[bag]``."""
    gradient: np.ndarray
    """Derivative of each bag's own loss by its logits, ``[instance, class]``."""
    gaps: np.ndarray
    """How much smaller than the loss the minimum can be, ``[bag]``."""
    residuals: np.ndarray
    """How far the coupling's class shares are from those of the optimum, ``[bag]``."""
    iterations: np.ndarray
    """Newton steps or sweeps, ``[bag]``."""
    converged: np.ndarray
    """Whether Newton's method reached its threshold, ``[bag]``; true for sweeps, which have none."""


class RotPlan(NamedTuple):
    """The optimal couplings of bags."""

    plan: np.ndarray
    """The distribution of each instance over the classes, ``[instance, class]``; rows add up to 1."""
    losses: np.ndarray
    """As in :class:`RotLoss`."""
    gaps: np.ndarray
    """As in :class:`RotLoss`."""
    residuals: np.ndarray
    """As in :class:`RotLoss`."""
    converged: np.ndarray
    """As in :class:`RotLoss`."""


class Assignment(NamedTuple):
    """Labels with exact counts."""

    labels: np.ndarray
    """The class of each instance, ``[instance]``."""
    objectives: np.ndarray
    """The mean cost of each bag's labels, ``[bag]``."""


class Disaggregation(NamedTuple):
    """What proportions make of a model's probabilities."""

    posteriors: np.ndarray
    """The distribution of each instance over the classes, ``[instance, class]``."""
    labels: np.ndarray
    """The labels of largest total posterior with the counts of each bag, ``[instance]``."""
    losses: np.ndarray
    """As in :class:`RotLoss`."""
    gaps: np.ndarray
    """As in :class:`RotLoss`."""
    residuals: np.ndarray
    """As in :class:`RotLoss`."""
    converged: np.ndarray
    """As in :class:`RotLoss`."""


def rot_loss(logits, bag_sizes, proportions, *, alpha=0.5, epsilon=1.0, solver="newton", sweeps=75):
    """The ROT loss of each bag and its gradient.

    Parameters
    ----------
    logits : array of float32 or float64, ``[instance, class]``
        Unnormalized log-probabilities, bag after bag.
    bag_sizes : array of integers, ``[bag]``
        Instances of each bag, at least 1.
    proportions : array, ``[bag, class]``
        The share of each class; rows add up to 1.
    alpha : float in [0, 1]
        Weight of the predictions against the proportions.
    epsilon : float in [1e-6, 1e6]
        Weight of the entropy.
    solver : {"newton", "sinkhorn"}
        Newton's method to the accuracy of the dtype, or Algorithm 1 of the paper.
    sweeps : int
        Sweeps of Algorithm 1.

    Returns
    -------
    RotLoss
        Losses and gradient have the dtype of ``logits``.

    Examples
    --------
    >>> import numpy as np
    >>> from llp_rs import ot
    >>> result = ot.rot_loss(np.array([[2.0, 0.0], [1.0, 0.0]]), [2], [[0.5, 0.5]])
    >>> bool((result.gradient[:, 0] > 0).all())  # a smaller logit of the first class lowers the loss
    True
    """
    answer = _native.rot_loss(
        floats(logits, "logits"),
        integers(bag_sizes, "bag_sizes"),
        doubles(proportions, "proportions", ("bag", "class")),
        number(alpha, "alpha"),
        number(epsilon, "epsilon"),
        _sweeps(solver, sweeps),
    )
    return RotLoss(*answer)


def rot_plan(logits, bag_sizes, proportions, *, alpha=0.5, epsilon=1.0, solver="newton", sweeps=75):
    """The coupling behind :func:`rot_loss`: soft labels that weigh the predictions against the proportions.

    Parameters are those of :func:`rot_loss`; the computation is in float64, into which float32 logits are copied.

    Returns
    -------
    RotPlan
        At ``alpha=0`` the class shares of each bag are exactly its proportions.
    """
    answer = _native.rot_plan(
        doubles(logits, "logits"),
        integers(bag_sizes, "bag_sizes"),
        doubles(proportions, "proportions", ("bag", "class")),
        number(alpha, "alpha"),
        number(epsilon, "epsilon"),
        _sweeps(solver, sweeps),
    )
    return RotPlan(*answer)


def assign(cost, bag_sizes, counts):
    """The cheapest labels with exactly the given counts in every bag.

    Parameters
    ----------
    cost : array, ``[instance, class]``
        Cost of each class for each instance, such as ``-log p``; bag after bag.
    bag_sizes : array of integers, ``[bag]``
        Instances of each bag.
    counts : array of integers, ``[bag, class]``
        Instances of each class; rows add up to ``bag_sizes``. :func:`counts_of` rounds shares.

    Returns
    -------
    Assignment

    Examples
    --------
    >>> from llp_rs import ot
    >>> ot.assign([[0.1, 2.4], [0.4, 1.1]], [2], [[1, 1]]).labels.tolist()
    [0, 1]
    """
    answer = _native.assign(
        doubles(cost, "cost"),
        integers(bag_sizes, "bag_sizes"),
        integers(counts, "counts", ("bag", "class")),
    )
    return Assignment(*answer)


def counts_of(proportions, bag_sizes):
    """The whole counts nearest to proportions: largest remainders, ties to the first class.

    Parameters
    ----------
    proportions : array, ``[bag, class]``
        Rows add up to 1.
    bag_sizes : array of integers, ``[bag]``

    Returns
    -------
    array of int64, ``[bag, class]``
        Rows add up to ``bag_sizes``.
    """
    return _native.counts_of(
        doubles(proportions, "proportions", ("bag", "class")), integers(bag_sizes, "bag_sizes")
    )


def disaggregate(probabilities, bag_sizes, proportions, *, alpha=0.5, epsilon=1.0):
    """Labels of single instances from any model's probabilities and the proportions of their bags.

    Parameters
    ----------
    probabilities : array, ``[instance, class]``
        Rows add up to 1; bag after bag.
    bag_sizes : array of integers, ``[bag]``
        Instances of each bag.
    proportions : array, ``[bag, class]``
        Rows add up to 1.
    alpha : float in [0, 1]
        0 trusts the proportions fully, 1 the model.
    epsilon : float
        1 keeps the model's own certainty.

    Returns
    -------
    Disaggregation
    """
    answer = _native.disaggregate(
        doubles(probabilities, "probabilities"),
        integers(bag_sizes, "bag_sizes"),
        doubles(proportions, "proportions", ("bag", "class")),
        number(alpha, "alpha"),
        number(epsilon, "epsilon"),
    )
    return Disaggregation(*answer)

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "Assignment",
    "Disaggregation",
    "RotLoss",
    "RotPlan",
    "assign",
    "counts_of",
    "disaggregate",
    "rot_loss",
    "rot_plan",
]

class RotLoss(NamedTuple):
    losses: NDArray[np.floating]
    gradient: NDArray[np.floating]
    gaps: NDArray[np.float64]
    residuals: NDArray[np.float64]
    iterations: NDArray[np.int64]
    converged: NDArray[np.bool_]

class RotPlan(NamedTuple):
    plan: NDArray[np.float64]
    losses: NDArray[np.float64]
    gaps: NDArray[np.float64]
    residuals: NDArray[np.float64]
    converged: NDArray[np.bool_]

class Assignment(NamedTuple):
    labels: NDArray[np.int64]
    objectives: NDArray[np.float64]

class Disaggregation(NamedTuple):
    posteriors: NDArray[np.float64]
    labels: NDArray[np.int64]
    losses: NDArray[np.float64]
    gaps: NDArray[np.float64]
    residuals: NDArray[np.float64]
    converged: NDArray[np.bool_]

def rot_loss(
    logits: ArrayLike,
    bag_sizes: ArrayLike,
    proportions: ArrayLike,
    *,
    alpha: float = 0.5,
    epsilon: float = 1.0,
    solver: Literal["newton", "sinkhorn"] = "newton",
    sweeps: int = 75,
) -> RotLoss: ...
def rot_plan(
    logits: ArrayLike,
    bag_sizes: ArrayLike,
    proportions: ArrayLike,
    *,
    alpha: float = 0.5,
    epsilon: float = 1.0,
    solver: Literal["newton", "sinkhorn"] = "newton",
    sweeps: int = 75,
) -> RotPlan: ...
def assign(cost: ArrayLike, bag_sizes: ArrayLike, counts: ArrayLike) -> Assignment: ...
def counts_of(proportions: ArrayLike, bag_sizes: ArrayLike) -> NDArray[np.int64]: ...
def disaggregate(
    probabilities: ArrayLike,
    bag_sizes: ArrayLike,
    proportions: ArrayLike,
    *,
    alpha: float = 0.5,
    epsilon: float = 1.0,
) -> Disaggregation: ...

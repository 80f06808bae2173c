from collections.abc import Sequence
from typing import Literal

from torch import Tensor, nn

__all__ = [
    "AvgKlLoss",
    "DsqLoss",
    "EasyLlpLoss",
    "GaussianLoss",
    "GupmLoss",
    "IntervalLoss",
    "KlLoss",
    "L1Loss",
    "L2Loss",
    "LlpfcLoss",
    "MarginalLoss",
    "MomentsLoss",
    "MultinomialLoss",
    "RotLoss",
    "SaddlepointLoss",
    "bag_loss",
]

def bag_loss(
    logits: Tensor,
    bag_sizes: Tensor | Sequence[int],
    proportions: Tensor | None,
    *,
    loss: Literal[
        "kl",
        "rot",
        "avg-kl",
        "l1",
        "l2",
        "interval",
        "marginal",
        "saddlepoint",
        "gaussian",
        "multinomial",
        "moments",
        "easyllp",
        "gupm",
        "dsq",
        "llpfc",
        "ci",
    ],
    lower: Tensor | None = None,
    upper: Tensor | None = None,
    standard_errors: Tensor | None = None,
    prior: Tensor | Sequence[float] | None = None,
    alpha: float = 0.5,
    epsilon: float = 1.0,
    sweeps: int = 0,
    order: int = 3,
    reduction: Literal["mean", "sum", "none"] = "none",
) -> Tensor: ...

class _BagLoss(nn.Module):
    reduction: Literal["mean", "sum", "none"]
    def __init__(self, reduction: Literal["mean", "sum", "none"] = "mean") -> None: ...

class _ProportionLoss(_BagLoss):
    def forward(
        self, logits: Tensor, bag_sizes: Tensor | Sequence[int], proportions: Tensor
    ) -> Tensor: ...
    def __call__(
        self, logits: Tensor, bag_sizes: Tensor | Sequence[int], proportions: Tensor
    ) -> Tensor: ...

class KlLoss(_ProportionLoss): ...
class AvgKlLoss(_ProportionLoss): ...
class L1Loss(_ProportionLoss): ...
class L2Loss(_ProportionLoss): ...
class SaddlepointLoss(_ProportionLoss): ...
class GaussianLoss(_ProportionLoss): ...
class MultinomialLoss(_ProportionLoss): ...
class LlpfcLoss(_ProportionLoss): ...

class _PriorLoss(_ProportionLoss):
    prior: Tensor | None
    def __init__(
        self,
        prior: Tensor | Sequence[float] | None = None,
        *,
        reduction: Literal["mean", "sum", "none"] = "mean",
    ) -> None: ...

class EasyLlpLoss(_PriorLoss): ...
class GupmLoss(_PriorLoss): ...

class DsqLoss(_PriorLoss):
    def __init__(
        self,
        prior: Tensor | Sequence[float] | None = None,
        *,
        reduction: Literal["mean", "sum"] = "mean",
    ) -> None: ...


class MomentsLoss(_ProportionLoss):
    order: int
    def __init__(
        self, order: int = 3, *, reduction: Literal["mean", "sum", "none"] = "mean"
    ) -> None: ...

class RotLoss(_ProportionLoss):
    alpha: float
    epsilon: float
    solver: Literal["newton", "sinkhorn"]
    sweeps: int
    def __init__(
        self,
        alpha: float = 0.5,
        epsilon: float = 1.0,
        *,
        solver: Literal["newton", "sinkhorn"] = "newton",
        sweeps: int = 75,
        reduction: Literal["mean", "sum", "none"] = "mean",
    ) -> None: ...

class IntervalLoss(_BagLoss):
    def forward(
        self, logits: Tensor, bag_sizes: Tensor | Sequence[int], lower: Tensor, upper: Tensor
    ) -> Tensor: ...
    def __call__(
        self, logits: Tensor, bag_sizes: Tensor | Sequence[int], lower: Tensor, upper: Tensor
    ) -> Tensor: ...

class MarginalLoss(_BagLoss):
    def forward(
        self,
        logits: Tensor,
        bag_sizes: Tensor | Sequence[int],
        proportions: Tensor | None = None,
        *,
        lower: Tensor | None = None,
        upper: Tensor | None = None,
        standard_errors: Tensor | None = None,
    ) -> Tensor: ...
    def __call__(
        self,
        logits: Tensor,
        bag_sizes: Tensor | Sequence[int],
        proportions: Tensor | None = None,
        *,
        lower: Tensor | None = None,
        upper: Tensor | None = None,
        standard_errors: Tensor | None = None,
    ) -> Tensor: ...

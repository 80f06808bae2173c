"""Losses of bags as PyTorch modules.

Every loss takes the logits of all instances of a batch, ``[instance, class]``, bag after bag, and what is known of each
bag: its size and its proportions. Value and gradient are computed in one forward pass in Rust, on the CPU: the
backward pass is a product. Logits on a GPU are copied there and back. Half precisions, also those of autocast, are
computed in float32.

The losses work under ``torch.compile(fullgraph=True)``. Their second derivatives are not available, and asking for
them raises an error.

Examples
--------
>>> import torch
>>> from llp_rs.torch import RotLoss
>>> logits = torch.randn(6, 3, requires_grad=True)
>>> loss = RotLoss(alpha=0.5)(logits, [4, 2], torch.tensor([[0.5, 0.25, 0.25], [0.0, 0.5, 0.5]]))
>>> loss.backward()
>>> logits.grad.shape
torch.Size([6, 3])
"""

from typing import Optional

import numpy as np
import torch
from torch import Tensor, nn

from . import _native
from ._arrays import number, sweeps as _sweeps

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

_TWICE = (
    "llp_rs: the losses of bags have no second derivatives: call backward without create_graph, "
    "or write the loss in PyTorch operations"
)


def _array(tensor):
    """The tensor as a NumPy array, in the same memory if it is contiguous and on the CPU."""
    return None if tensor is None else tensor.detach().cpu().contiguous().numpy()


def _evaluate(
    logits, bag_sizes, proportions, lower, upper, standard_errors, prior, loss, alpha, epsilon, sweeps, order
):
    """The losses, ``[bag]``, and their gradients, ``[instance, class]``, as arrays."""
    known = proportions, lower, upper, standard_errors, prior
    arrays = (_array(bag_sizes), *(_array(tensor) for tensor in known))
    return _native.bag_loss(loss, _array(logits), *arrays, alpha, epsilon, sweeps or None, order)


def _tensors(losses, gradient, device):
    return torch.from_numpy(losses).to(device), torch.from_numpy(gradient).to(device)


@torch.library.custom_op("llp_rs::bag_loss", mutates_args=())
def _forward(
    logits: Tensor,
    bag_sizes: Tensor,
    proportions: Tensor,
    lower: Optional[Tensor],
    upper: Optional[Tensor],
    standard_errors: Optional[Tensor],
    prior: Optional[Tensor],
    loss: str,
    alpha: float,
    epsilon: float,
    sweeps: int,
    order: int,
) -> tuple[Tensor, Tensor]:
    known = proportions, lower, upper, standard_errors, prior
    return _tensors(*_evaluate(logits, bag_sizes, *known, loss, alpha, epsilon, sweeps, order), logits.device)


@_forward.register_fake
def _(logits, bag_sizes, proportions, lower, upper, standard_errors, prior, loss, alpha, epsilon, sweeps, order):
    gradient = torch.empty_like(logits, memory_format=torch.contiguous_format)
    return logits.new_empty(bag_sizes.shape[0]), gradient


def _product(gradient, grad_losses, bag_sizes):
    if grad_losses.ndim == 0:
        factor = grad_losses.item()
        return gradient if factor == 1 else gradient * factor
    # Tensor.repeat_interleave wakes every thread of PyTorch, which takes longer than the product.
    factors = torch.from_numpy(np.repeat(_array(grad_losses), _array(bag_sizes)))
    return gradient * factors.to(gradient.device).unsqueeze(1)


@torch.library.custom_op("llp_rs::bag_loss_backward", mutates_args=())
def _backward(gradient: Tensor, grad_losses: Tensor, bag_sizes: Tensor) -> Tensor:
    return _product(gradient, grad_losses, bag_sizes)


@_backward.register_fake
def _(gradient, grad_losses, bag_sizes):
    return torch.empty_like(gradient)


def _no_setup(ctx, inputs, output):
    del ctx, inputs, output


def _refuse_twice(ctx, grad):
    raise RuntimeError(_TWICE)


_backward.register_autograd(_refuse_twice, setup_context=_no_setup)


def _save(ctx, inputs, output):
    ctx.save_for_backward(output[1], inputs[1])


def _scale(ctx, grad_losses, _grad_gradient):
    gradient, bag_sizes = ctx.saved_tensors
    return (torch.ops.llp_rs.bag_loss_backward(gradient, grad_losses, bag_sizes), *[None] * 11)


_forward.register_autograd(_scale, setup_context=_save)


class _Scaled(torch.autograd.Function):
    """The product of the backward pass; its own backward pass is refused."""

    @staticmethod
    def forward(ctx, gradient, grad_losses, bag_sizes):
        return _product(gradient, grad_losses, bag_sizes)

    @staticmethod
    def backward(ctx, grad):
        raise RuntimeError(_TWICE)


class _Eager(torch.autograd.Function):
    """The same operator and the reduction, without what costs more than a small solve.

    That is the dispatch that compilation needs, and operations of PyTorch on a few numbers.
    """

    @staticmethod
    def forward(ctx, reduction, logits, bag_sizes, *known_and_parameters):
        losses, gradient = _evaluate(logits, bag_sizes, *known_and_parameters)
        if reduction == "mean":
            gradient /= len(losses)
        if reduction != "none":
            losses = np.asarray(losses.mean() if reduction == "mean" else losses.sum())
        losses, gradient = _tensors(losses, gradient, logits.device)
        ctx.save_for_backward(gradient, bag_sizes, logits)
        return losses

    @staticmethod
    def backward(ctx, grad_losses):
        gradient, bag_sizes, logits = ctx.saved_tensors
        if torch.is_grad_enabled():
            # A graph of this pass is being made: what is asked of it later must fail, also where only the logits vary.
            product = _Scaled.apply(_Tied.apply(gradient, logits), grad_losses, bag_sizes)
        else:
            product = _product(gradient, grad_losses, bag_sizes)
        return (None, product, *[None] * 11)


class _Tied(torch.autograd.Function):
    """The gradient as a function of the logits, whose derivative is refused."""

    @staticmethod
    def forward(ctx, gradient, logits):
        return gradient.clone()

    @staticmethod
    def backward(ctx, grad):
        raise RuntimeError(_TWICE)


def _check_tensor(name, value, ndim):
    if not isinstance(value, Tensor):
        raise TypeError(f"{name} is {type(value).__name__}: pass a torch.Tensor")
    if value.ndim != ndim:
        axes = {"logits": "[instance, class]", "prior": "[class]"}.get(name, "[bag, class]")
        raise ValueError(f"{name} has shape {list(value.shape)}, expected {axes}")


def _sizes(bag_sizes):
    if not isinstance(bag_sizes, Tensor):
        if any(isinstance(size, (bool, float)) for size in bag_sizes):
            raise TypeError("bag_sizes has numbers that are not whole: pass integers")
        bag_sizes = torch.as_tensor(bag_sizes)
    if bag_sizes.is_floating_point() or bag_sizes.is_complex() or bag_sizes.dtype == torch.bool:
        raise TypeError(f"bag_sizes has dtype {bag_sizes.dtype}: pass integers, such as bag_sizes.long()")
    if bag_sizes.ndim != 1:
        raise ValueError(f"bag_sizes has shape {list(bag_sizes.shape)}, expected [bag]")
    return bag_sizes.long()


def _known(name, value, ndim=2):
    if value is None:
        return None
    value = torch.as_tensor(value)
    if value.dtype == torch.bool or value.is_complex():
        raise TypeError(f"{name} has dtype {value.dtype}: pass numbers, such as {name}.double()")
    _check_tensor(name, value, ndim)
    if value.requires_grad:
        raise ValueError(f"{name} requires a gradient, which no loss of bags has: pass {name}.detach()")
    return value.double()


def bag_loss(
    logits,
    bag_sizes,
    proportions,
    *,
    loss,
    lower=None,
    upper=None,
    standard_errors=None,
    prior=None,
    alpha=0.5,
    epsilon=1.0,
    sweeps=0,
    order=3,
    reduction="none",
):
    """The loss of each bag, ``[bag]``, or their sum or mean; the modules of this file call it.

    Parameters
    ----------
    logits : Tensor, ``[instance, class]``
    bag_sizes : Tensor of integers or list, ``[bag]``
    proportions : Tensor, ``[bag, class]``
        NaN is an unknown share.
    loss : str
        "kl", "rot", "avg-kl", "l1", "l2", "interval", "marginal", "saddlepoint", "gaussian", "multinomial", "moments",
        "easyllp", "gupm", "dsq", "llpfc" or "ci".
    lower, upper, standard_errors : Tensor, ``[bag, class]``, optional
        What is known of the errors of proportions, for "interval", "ci" and "marginal".
    prior : Tensor, ``[class]``, optional
        Share of each class in the data set, for "easyllp", "gupm" and "dsq"; that of the batch without it.
    alpha, epsilon, sweeps
        Parameters of "rot"; 0 sweeps are Newton's method.
    order : int
        The highest order of "moments", from 1 to 8.
    reduction : str
        "mean" (over bags), "sum" or "none". "dsq" has no gradient for single bags, so it needs one of the first two.
    """
    _check_reduction(reduction)
    _check_coupled(loss, reduction)
    _check_tensor("logits", logits, 2)
    if not logits.is_floating_point():
        raise TypeError(f"logits has dtype {logits.dtype}: pass floating point numbers")
    if logits.dtype not in (torch.float32, torch.float64):
        logits = logits.float()
    if proportions is None:
        if lower is None or upper is None:
            raise ValueError("proportions is missing: pass it, or both lower and upper")
        proportions = (torch.as_tensor(lower) + torch.as_tensor(upper)) / 2
    if (lower is None) != (upper is None):
        raise ValueError("only one of lower and upper is given: pass both bounds")
    if lower is not None and standard_errors is not None:
        raise ValueError("both bounds and standard_errors are given: pass one kind")
    known = [
        _known(name, value)
        for name, value in (
            ("proportions", proportions),
            ("lower", lower),
            ("upper", upper),
            ("standard_errors", standard_errors),
        )
    ]
    known.append(_known("prior", prior, ndim=1))
    arguments = (logits, _sizes(bag_sizes), *known, loss, float(alpha), float(epsilon), sweeps, order)
    if torch.compiler.is_compiling():
        losses = torch.ops.llp_rs.bag_loss(*arguments)[0]
        return losses if reduction == "none" else getattr(losses, reduction)()
    return _Eager.apply(reduction, *arguments)


def _check_coupled(loss, reduction):
    if loss == "dsq" and reduction == "none":
        raise ValueError("reduction is 'none', but the bags of a batch share what dsq subtracts: pass 'mean' or 'sum'")


def _check_reduction(reduction):
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"reduction is {reduction!r}: pass 'mean', 'sum' or 'none'")


class _BagLoss(nn.Module):
    """A loss of bags, and what is made of the bags of a batch."""

    _loss = ""

    def __init__(self, reduction="mean"):
        super().__init__()
        _check_reduction(reduction)
        self.reduction = reduction

    def _evaluate(self, logits, bag_sizes, proportions, **parameters):
        return bag_loss(logits, bag_sizes, proportions, loss=self._loss, reduction=self.reduction, **parameters)

    def forward(self, logits, bag_sizes, proportions):
        """The loss of the bags: a number, or ``[bag]`` without reduction."""
        return self._evaluate(logits, bag_sizes, proportions)

    def extra_repr(self):
        return f"reduction={self.reduction!r}"


class KlLoss(_BagLoss):
    """Cross-entropy of the proportions and the mean prediction of a bag; NaN in the proportions is an unknown share.

    ``reduction`` is "mean" (over bags), "sum" or "none".
    """

    _loss = "kl"


class AvgKlLoss(_BagLoss):
    """Mean cross-entropy of the proportions and the prediction of each instance: a baseline."""

    _loss = "avg-kl"


class L1Loss(_BagLoss):
    """L1 distance of the proportions and the mean prediction; NaN in the proportions is an unknown share."""

    _loss = "l1"


class L2Loss(_BagLoss):
    """Squared L2 distance of the proportions and the mean prediction; NaN in the proportions is an unknown share."""

    _loss = "l2"


class SaddlepointLoss(_BagLoss):
    """Likelihood of the counts of a bag, by its saddlepoint approximation, for each instance of the bag.

    It knows which instance predicts which class, where :class:`KlLoss` sees only the mean prediction.
    """

    _loss = "saddlepoint"


class GaussianLoss(_BagLoss):
    """Likelihood of the counts of a bag, by the normal distribution, for each instance: cheaper than the saddlepoint."""

    _loss = "gaussian"


class MultinomialLoss(_BagLoss):
    """Cross-entropy with the probable labels given the counts: an expectation-maximization step.

    No gradient goes through the probable labels, so the value is not one function that all steps lower.
    """

    _loss = "multinomial"


class MomentsLoss(_BagLoss):
    """Cross-entropy of the classes of up to ``order`` instances that are drawn from a bag, known and predicted.

    Parameters
    ----------
    order : int, from 1 to 8
        Time grows with ``instances * classes * comb(classes + order, order)``; a million of the last factor is refused.
    """

    _loss = "moments"

    def __init__(self, order=3, *, reduction="mean"):
        super().__init__(reduction)
        if isinstance(order, bool) or not isinstance(order, int) or not 1 <= order <= 8:
            raise ValueError(f"order is {order!r}: pass a whole number from 1 to 8")
        self.order = order

    def forward(self, logits, bag_sizes, proportions):
        """The loss of the bags: a number, or ``[bag]`` without reduction."""
        return self._evaluate(logits, bag_sizes, proportions, order=self.order)

    def extra_repr(self):
        return f"order={self.order}, {super().extra_repr()}"


class _PriorLoss(_BagLoss):
    def __init__(self, prior=None, *, reduction="mean"):
        super().__init__(reduction)
        self.prior = _known("prior", prior, ndim=1)

    def forward(self, logits, bag_sizes, proportions):
        """The loss of the bags: a number, or ``[bag]`` without reduction."""
        return self._evaluate(logits, bag_sizes, proportions, prior=self.prior)


class EasyLlpLoss(_PriorLoss):
    """Cross-entropy with weights ``n z - (n - 1) prior``: over random bags, that of the labels. It has no lower bound.

    ``prior`` is the share of each class in the data set, ``[class]``; that of each batch without it.
    """

    _loss = "easyllp"


class GupmLoss(_PriorLoss):
    """General unbiased proportion matching: :class:`EasyLlpLoss` with less variance. It has no lower bound.

    A batch needs several bags: one alone says nothing of its proportions.

    ``prior`` is the share of each class in the data set, ``[class]``; that of each batch without it.
    """

    _loss = "gupm"


class DsqLoss(_PriorLoss):
    """Debiased square loss: over random bags, that of the labels. ``reduction`` is "mean" or "sum".

    ``prior`` is the share of each class in the data set, ``[class]``; that of each batch without it.
    """

    _loss = "dsq"

    def __init__(self, prior=None, *, reduction="mean"):
        super().__init__(prior, reduction=reduction)
        _check_coupled(self._loss, reduction)


class LlpfcLoss(_BagLoss):
    """Bags as noisy labels, with forward correction. A batch needs several bags, best as many as there are classes."""

    _loss = "llpfc"


class RotLoss(_BagLoss):
    """Optimal transport between the instances and the classes of a bag, with its proportions relaxed.

    Parameters
    ----------
    alpha : float in [0, 1]
        Weight of the predictions against the proportions.
    epsilon : float
        Weight of the entropy.
    solver : {"newton", "sinkhorn"}
        Newton's method to the accuracy of the dtype, or ``sweeps`` sweeps of Algorithm 1 of the paper.
    """

    _loss = "rot"

    def __init__(self, alpha=0.5, epsilon=1.0, *, solver="newton", sweeps=75, reduction="mean"):
        super().__init__(reduction)
        self.alpha, self.epsilon = number(alpha, "alpha"), number(epsilon, "epsilon")
        self.solver, self.sweeps = solver, sweeps
        self._n_sweeps = _sweeps(solver, sweeps) or 0

    def forward(self, logits, bag_sizes, proportions):
        """The loss of the bags: a number, or ``[bag]`` without reduction."""
        parameters = {"alpha": self.alpha, "epsilon": self.epsilon, "sweeps": self._n_sweeps}
        return self._evaluate(logits, bag_sizes, proportions, **parameters)

    def extra_repr(self):
        sweeps = f", sweeps={self.sweeps}" if self._n_sweeps else ""
        return f"alpha={self.alpha}, epsilon={self.epsilon}, solver={self.solver!r}{sweeps}, {super().extra_repr()}"


class IntervalLoss(_BagLoss):
    """Distance of the mean prediction from the proportions within the bounds ``lower`` and ``upper``, ``[bag, class]``."""

    _loss = "interval"

    def forward(self, logits, bag_sizes, lower, upper):
        """The loss of the bags: a number, or ``[bag]`` without reduction."""
        return self._evaluate(logits, bag_sizes, None, lower=lower, upper=upper)


class MarginalLoss(_BagLoss):
    """Likelihood of what is known of the proportions: NaN is an unknown share.

    ``forward`` takes ``standard_errors`` of the proportions, or bounds ``lower`` and ``upper``, ``[bag, class]`` each.
    """

    _loss = "marginal"

    def forward(self, logits, bag_sizes, proportions=None, *, lower=None, upper=None, standard_errors=None):
        """The loss of the bags: a number, or ``[bag]`` without reduction."""
        known = {"lower": lower, "upper": upper, "standard_errors": standard_errors}
        return self._evaluate(logits, bag_sizes, proportions, **known)

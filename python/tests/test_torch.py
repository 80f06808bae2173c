"""Losses as PyTorch modules, against the same losses written in PyTorch operations."""

import functools

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from llp_rs import torch as llp  # noqa: E402

SIZES = [3, 1, 5]


def batch(dtype=torch.float64, n_classes=4):
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(sum(SIZES), n_classes, generator=generator, dtype=torch.float64).to(dtype)
    proportions = torch.rand(len(SIZES), n_classes, generator=generator, dtype=torch.float64).softmax(1)
    return logits.requires_grad_(), proportions


PRIOR = torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64)


def of_bags(function):
    """The losses of all bags, from the loss of one."""

    def losses(logits, proportions):
        return torch.stack([function(*it) for it in zip(logits.split(SIZES), proportions)])

    return losses


def sinkhorn(logits, z, alpha=0.5, epsilon=1.0, n_sweeps=400):
    """Equation (6) by Algorithm 1 of the paper, differentiated through its sweeps."""
    cost, n = -logits.log_softmax(1), len(logits)
    tau = 1 / (1 + alpha * epsilon / (1 - alpha))
    g = torch.zeros(n, dtype=logits.dtype)
    for _ in range(n_sweeps):
        f = tau * ((n * z).log() - (g[:, None] - cost / epsilon).logsumexp(0))
        g = -(f[None] - cost / epsilon).logsumexp(1)
    plan = (f[None] + g[:, None] - cost / epsilon).exp()
    masses = plan.mean(0)
    transport = (cost * plan).sum() + epsilon * (plan * (plan.log() - 1)).sum()
    return alpha / n * transport + (1 - alpha) * ((masses * (masses / z).log()).sum() - masses.sum() + z.sum())


def gaussian(logits, z):
    """The normal distribution of the counts but the last, whose covariance has that of rounding in it."""
    p, n, k = logits.softmax(1), len(logits), logits.shape[1]
    covariance = p.sum(0).diag() - p.T @ p + (torch.eye(k, dtype=p.dtype) - 1 / k) / 12
    normal = torch.distributions.MultivariateNormal(p.sum(0)[:-1], covariance[:-1, :-1])
    return -normal.log_prob(n * z[:-1]) / n


def multinomial(logits, z):
    """Cross-entropy with Bayes' rule where the others of the bag have a multinomial distribution."""
    p = logits.softmax(1).detach()
    q = p * z / (p.sum(0) - p) if len(logits) > 1 else z[None]
    return -(q / q.sum(1, keepdim=True) * logits.log_softmax(1)).sum() / len(logits)


def easyllp(logits, z):
    n = len(logits)
    return -((n * z - (n - 1) * PRIOR) * logits.log_softmax(1).mean(0)).sum()


REFERENCES = {
    llp.KlLoss: of_bags(lambda logits, z: -(z * logits.softmax(1).mean(0).log()).sum()),
    llp.AvgKlLoss: of_bags(lambda logits, z: -(z * logits.log_softmax(1)).sum(1).mean()),
    llp.L1Loss: of_bags(lambda logits, z: (z - logits.softmax(1).mean(0)).abs().sum()),
    llp.L2Loss: of_bags(lambda logits, z: (z - logits.softmax(1).mean(0)).square().sum()),
    llp.RotLoss: of_bags(sinkhorn),
    llp.GaussianLoss: of_bags(gaussian),
    llp.MultinomialLoss: of_bags(multinomial),
    functools.partial(llp.EasyLlpLoss, PRIOR): of_bags(easyllp),
}


@pytest.mark.parametrize("loss", REFERENCES, ids=lambda loss: getattr(loss, "func", loss).__name__)
def test_values_and_gradients_are_those_of_pytorch(loss):
    logits, proportions = batch()
    weights = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)
    own = loss(reduction="none")(logits, SIZES, proportions)
    own_gradient = torch.autograd.grad(own @ weights, logits)[0]
    expected = REFERENCES[loss](logits, proportions)
    expected_gradient = torch.autograd.grad(expected @ weights, logits)[0]
    torch.testing.assert_close(own, expected, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(own_gradient, expected_gradient, rtol=1e-8, atol=1e-9)


def calls():
    z = batch()[1]
    lower, upper = (z - 0.05).clamp(min=0), (z + 0.1).clamp(max=1)
    unknown = z.clone()
    unknown[1, :2] = float("nan")
    errors = torch.full_like(z, 0.1)
    return {
        "kl": lambda x: llp.KlLoss(reduction="none")(x, SIZES, z),
        "kl, unknown": lambda x: llp.KlLoss(reduction="none")(x, SIZES, unknown),
        "rot": lambda x: llp.RotLoss(0.3, 0.5, reduction="none")(x, SIZES, z),
        "avg-kl": lambda x: llp.AvgKlLoss(reduction="none")(x, SIZES, z),
        "l1": lambda x: llp.L1Loss(reduction="none")(x, SIZES, z),
        "l2": lambda x: llp.L2Loss(reduction="none")(x, SIZES, z),
        "saddlepoint": lambda x: llp.SaddlepointLoss(reduction="none")(x, SIZES, z),
        "gaussian": lambda x: llp.GaussianLoss(reduction="none")(x, SIZES, z),
        "moments": lambda x: llp.MomentsLoss(4, reduction="none")(x, SIZES, z),
        "easyllp": lambda x: llp.EasyLlpLoss(PRIOR, reduction="none")(x, SIZES, z),
        "gupm": lambda x: llp.GupmLoss(PRIOR, reduction="none")(x, SIZES, z),
        "dsq": lambda x: llp.DsqLoss(PRIOR)(x, SIZES, z),
        "llpfc": lambda x: llp.LlpfcLoss(reduction="none")(x, SIZES, z),
        "interval": lambda x: llp.IntervalLoss(reduction="none")(x, SIZES, lower, upper),
        "marginal": lambda x: llp.MarginalLoss(reduction="none")(x, SIZES, unknown),
        "marginal, errors": lambda x: llp.MarginalLoss(reduction="none")(x, SIZES, z, standard_errors=errors),
        "marginal, bounds": lambda x: llp.MarginalLoss(reduction="none")(x, SIZES, lower=lower, upper=upper),
    }


@pytest.mark.parametrize("name", calls())
def test_gradients_are_those_of_finite_differences(name):
    assert torch.autograd.gradcheck(calls()[name], batch()[0])


@pytest.mark.parametrize("name", calls())
def test_second_derivatives_are_refused(name):
    logits, _ = batch()
    gradient = torch.autograd.grad(calls()[name](logits).sum(), logits, create_graph=True)[0]
    with pytest.raises(RuntimeError, match="no second derivatives"):
        (gradient**2).sum().backward()


def test_second_derivatives_of_the_operator_are_refused():
    logits, proportions = batch()
    arguments = (logits, torch.tensor(SIZES), proportions, None, None, None, None, "kl", 0.5, 1.0, 0, 3)
    losses, _ = torch.ops.llp_rs.bag_loss(*arguments)
    gradient = torch.autograd.grad(losses.sum(), logits, create_graph=True)[0]
    with pytest.raises(RuntimeError, match="no second derivatives"):
        (gradient**2).sum().backward()


def test_the_operator_keeps_the_rules_of_pytorch():
    logits, proportions = batch()
    arguments = (logits, torch.tensor(SIZES), proportions, None, None, None, None, "rot", 0.5, 1.0, 0, 3)
    tests = ("test_schema", "test_autograd_registration", "test_faketensor")
    torch.library.opcheck(torch.ops.llp_rs.bag_loss.default, arguments, test_utils=tests)


def test_the_prior_is_checked():
    logits, proportions = batch()
    own = llp.EasyLlpLoss()(logits, SIZES, proportions)
    pooled = (torch.tensor(SIZES, dtype=torch.float64) @ proportions) / sum(SIZES)
    torch.testing.assert_close(own, llp.EasyLlpLoss(pooled)(logits, SIZES, proportions))
    with pytest.raises(ValueError, match="prior has 2 classes, the logits have 4"):
        llp.EasyLlpLoss([0.5, 0.5])(logits, SIZES, proportions)
    with pytest.raises(ValueError, match=r"prior has shape \[1, 4\], expected \[class\]"):
        llp.GupmLoss(PRIOR[None])
    with pytest.raises(ValueError, match="prior: .*add up to"):
        llp.GupmLoss([0.5, 0.5, 0.5, 0.5])(logits, SIZES, proportions)


def test_bags_that_share_a_mean_have_no_losses_of_their_own():
    logits, proportions = batch()
    with pytest.raises(ValueError, match="share what dsq subtracts: pass 'mean' or 'sum'"):
        llp.DsqLoss(reduction="none")
    with pytest.raises(ValueError, match="share what dsq subtracts"):
        llp.bag_loss(logits, SIZES, proportions, loss="dsq")


def test_the_first_moment_is_kl_but_for_a_share_of_the_uniform_distribution():
    logits, proportions = batch()
    own = llp.MomentsLoss(1, reduction="none")(logits, SIZES, proportions)
    mixed = of_bags(lambda x, z: -(z * ((1 - 1e-4) * x.softmax(1).mean(0) + 1e-4 / len(z)).log()).sum())
    torch.testing.assert_close(own, mixed(logits, proportions), rtol=1e-12, atol=0)
    with pytest.raises(ValueError, match="order is 9: pass a whole number from 1 to 8"):
        llp.MomentsLoss(9)
    with pytest.raises(ValueError, match="order is 0: pass a number from 1 to 8"):
        llp.bag_loss(logits, SIZES, proportions, loss="moments", order=0)
    with pytest.raises(ValueError, match="moments of order 8 of 100 classes have 352025629371 terms"):
        llp.MomentsLoss(8)(torch.zeros(2, 100), [2], torch.full((1, 100), 0.01))


@pytest.mark.parametrize("loss", [llp.SaddlepointLoss, llp.MultinomialLoss])
def test_bags_of_one_are_labels(loss):
    logits, labels = batch()[0], torch.arange(9) % 4
    one_hot = torch.nn.functional.one_hot(labels, 4).double()
    torch.testing.assert_close(loss()(logits, [1] * 9, one_hot), torch.nn.functional.cross_entropy(logits, labels))


def test_reductions():
    logits, proportions = batch()
    losses = llp.KlLoss(reduction="none")(logits, SIZES, proportions)
    assert llp.KlLoss()(logits, SIZES, proportions) == losses.mean()
    assert llp.KlLoss(reduction="sum")(logits, SIZES, proportions) == losses.sum()
    with pytest.raises(ValueError, match="'mean', 'sum' or 'none'"):
        llp.KlLoss(reduction="average")


@pytest.mark.parametrize("loss", REFERENCES, ids=lambda loss: getattr(loss, "func", loss).__name__)
def test_a_training_step_compiles(loss):
    torch.manual_seed(0)
    network, module = torch.nn.Linear(5, 4), loss()
    x, sizes, proportions = torch.randn(9, 5), torch.tensor(SIZES), batch()[1]
    eager = module(network(x), sizes, proportions)
    eager.backward()
    gradients = [parameter.grad for parameter in network.parameters()]
    network.zero_grad()

    @torch.compile(fullgraph=True, backend="aot_eager")
    def forward(x, sizes, proportions):
        return module(network(x), sizes, proportions)

    compiled = forward(x, sizes, proportions)
    compiled.backward()
    torch.testing.assert_close(compiled, eager)
    for parameter, gradient in zip(network.parameters(), gradients):
        torch.testing.assert_close(parameter.grad, gradient)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precisions_are_computed_in_single(dtype):
    logits, proportions = batch(dtype)
    loss = llp.RotLoss()(logits, SIZES, proportions)
    loss.backward()
    assert loss.dtype == torch.float32 and logits.grad.dtype == dtype
    wide = logits.detach().float().requires_grad_()
    llp.RotLoss()(wide, SIZES, proportions).backward()
    torch.testing.assert_close(logits.grad, wide.grad.to(dtype))


def test_autocast():
    network = torch.nn.Linear(5, 4)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = llp.KlLoss()(network(torch.randn(9, 5)), SIZES, batch()[1])
    loss.backward()
    assert loss.dtype == torch.float32 and network.weight.grad.isfinite().all()


def test_what_is_no_mistake():
    logits, proportions = batch()
    expected = llp.KlLoss()(logits, SIZES, proportions)
    other_way = logits.detach().t().contiguous().t().requires_grad_()
    assert not other_way.is_contiguous()
    for sizes in (torch.tensor(SIZES), torch.tensor(SIZES, dtype=torch.int32), tuple(SIZES), np.array(SIZES)):
        loss = llp.KlLoss()(other_way, sizes, proportions.tolist())
        torch.testing.assert_close(loss, expected)
    expected.backward()
    loss.backward()
    torch.testing.assert_close(other_way.grad, logits.grad)
    with torch.no_grad():
        assert not llp.KlLoss()(logits, SIZES, proportions).requires_grad
    with torch.inference_mode():
        torch.testing.assert_close(llp.KlLoss()(logits, SIZES, proportions), expected.detach())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_logits_on_a_gpu():
    logits, proportions = batch()
    on_gpu = logits.detach().cuda().requires_grad_()
    loss = llp.RotLoss()(on_gpu, SIZES, proportions.cuda())
    loss.backward()
    llp.RotLoss()(logits, SIZES, proportions).backward()
    assert loss.is_cuda
    torch.testing.assert_close(on_gpu.grad.cpu(), logits.grad)


X, Z = (it.detach() for it in batch())
NAN = float("nan")


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: llp.KlLoss()(X.numpy(), SIZES, Z), TypeError, "logits is ndarray: pass a torch.Tensor"),
        (lambda: llp.KlLoss()(X[0], SIZES, Z), ValueError, r"logits has shape \[4\]"),
        (lambda: llp.KlLoss()(X.long(), SIZES, Z), TypeError, "logits has dtype torch.int64"),
        (lambda: llp.KlLoss()(X, [4, 5], Z), ValueError, r"proportions has shape \[3, 4\], expected \[2, 4\]"),
        (lambda: llp.KlLoss()(X, [3, 1, 4], Z), ValueError, "bag_sizes add up to 8, expected 9"),
        (lambda: llp.KlLoss()(X, [4, 0, 5], Z), ValueError, "bag 1 has 0 instances"),
        (lambda: llp.KlLoss()(X, [3.0, 1.0, 5.0], Z), TypeError, "pass integers"),
        (lambda: llp.KlLoss()(X, torch.tensor([3.0, 1.0, 5.0]), Z), TypeError, "bag_sizes has dtype torch.float32"),
        (lambda: llp.KlLoss()(X, SIZES, Z / 2), ValueError, "bag 0: proportions add up to 0.5"),
        (lambda: llp.KlLoss()(X, SIZES, Z > 0), TypeError, "proportions has dtype torch.bool"),
        (lambda: llp.KlLoss()(X, SIZES, Z.clone().requires_grad_()), ValueError, r"proportions.detach\(\)"),
        (lambda: llp.KlLoss()(X * NAN, SIZES, Z), ValueError, "logits of instance 0 and class 0 is NaN"),
        (lambda: llp.RotLoss()(X, SIZES, Z * NAN), ValueError, "proportion NaN"),
        (lambda: llp.AvgKlLoss()(X, SIZES, Z * NAN), ValueError, "avg-kl needs the share of every class"),
        (lambda: llp.SaddlepointLoss()(X, SIZES, Z * NAN), ValueError, "saddlepoint needs the share of every class"),
        (lambda: llp.RotLoss(alpha=2.0)(X, SIZES, Z), ValueError, "alpha is 2"),
        (lambda: llp.IntervalLoss()(X, SIZES, Z, Z - 0.1), ValueError, "bounds .* are not in order"),
        (lambda: llp.MarginalLoss()(X, SIZES, Z, lower=Z), ValueError, "pass both bounds"),
        (lambda: llp.MarginalLoss()(X, SIZES), ValueError, "proportions is missing"),
    ],
)
def test_mistakes_are_told(call, error, message):
    with pytest.raises(error, match=message):
        call()

#!/usr/bin/env bash
# PyTorch: cross_entropy with class weights gives one loss for class labels and another for the same labels as one-hot
# shares. The mean over labels divides by the sum of the weights met, the mean over shares by the number of rows. Who
# goes from hard to soft labels with weights, as training from label proportions does, changes the loss and the step
# size, by a factor that varies from batch to batch. Without weights both agree, and with reduction="sum" too.
# Seen: labels 1.4272, one-hot 8.2067, ratio 5.75 = (1 + 2 + 10 + 10) / 4; the gradients have the same ratio.
# Run with Debian 12's 1.13.1, the smallest at hand; PyPI's 2.15.0 prints the same numbers. Needs Debian 12.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder/archives/partial"
apt-get update -qq 2> "$folder/update.log" || cat "$folder/update.log"
apt-get install -qq --yes --no-install-recommends --download-only -o Dir::Cache::Archives="$folder/archives" \
    -o Debug::NoLocking=1 python3-torch=1.13.1+dfsg-4 > "$folder/apt.log" 2>&1 || { cat "$folder/apt.log"; exit 1; }
for package in "$folder"/archives/*.deb; do dpkg -x "$package" "$folder/root"; done
root="$folder/root/usr/lib"
debian="$root/x86_64-linux-gnu"
export LD_LIBRARY_PATH="$debian:$debian/blas:$debian/lapack:$root:$folder/root/lib/x86_64-linux-gnu"
export PYTHONPATH="$root/python3/dist-packages"

cat > "$folder/look.py" <<'PYTHON'
import torch
from torch.nn.functional import cross_entropy, one_hot

torch.manual_seed(0)
logits = torch.randn(4, 3, requires_grad=True)
labels = torch.tensor([0, 1, 2, 2])
shares = one_hot(labels, 3).float()
weight = torch.tensor([1.0, 2.0, 10.0])


def loss_and_gradient(target, **options):
    loss = cross_entropy(logits, target, **options)
    return loss.item(), torch.autograd.grad(loss, logits)[0]


by_label, slope = loss_and_gradient(labels, weight=weight)
by_share, steeper = loss_and_gradient(shares, weight=weight)
factor = weight[labels].mean().item()
print(f"PyTorch {torch.__version__}: labels {by_label:.4f}, one-hot {by_share:.4f}, ratio {by_share / by_label:.2f}")

for options in [{}, {"weight": weight, "reduction": "sum"}]:
    same = loss_and_gradient(labels, **options)[0] - loss_and_gradient(shares, **options)[0]
    assert abs(same) < 1e-5, "changed: the losses differ without a weighted mean too"
assert abs(by_share - factor * by_label) < 1e-4, "changed: the losses have another ratio"
assert torch.allclose(steeper, factor * slope, atol=1e-5), "changed: the gradients have another ratio"
PYTHON
/usr/bin/python3 "$folder/look.py"

#!/usr/bin/env bash
# llp-learn 1.6.0, DLLP: the loss is not the KL divergence between the shares of a bag and its mean prediction, as in
# the papers it implements. It averages the LOG probabilities of the instances, where the mean probability belongs in
# the logarithm, so it asks every instance by itself for the shares of the bag. For a bag with shares 1/2 and 1/2, a
# classifier that is right and sure has a high loss, and one that knows nothing, 1/2 for everybody, has loss 0.
# Seen: right and sure: loss of llp-learn 1.381, KL of the mean 0.000; knowing nothing: 0.000 and 0.000.
# The Torch is Debian 12's 1.13.1, the smallest at hand; nothing here depends on its version. Needs Debian 12.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder/archives/partial"
apt-get update -qq 2> "$folder/update.log" || cat "$folder/update.log"
apt-get install -qq --yes --no-install-recommends --download-only -o Dir::Cache::Archives="$folder/archives" \
    -o Debug::NoLocking=1 python3-torch=1.13.1+dfsg-4 python3-torchvision python3-sklearn python3-tqdm \
    > "$folder/apt.log" 2>&1 || { cat "$folder/apt.log"; exit 1; }
for package in "$folder"/archives/*.deb; do dpkg -x "$package" "$folder/root"; done
python3 -m pip install --quiet --no-deps --root-user-action ignore --target "$folder/python" llp-learn==1.6.0
root="$folder/root/usr/lib"
debian="$root/x86_64-linux-gnu"
export LD_LIBRARY_PATH="$debian:$debian/blas:$debian/lapack:$root:$folder/root/lib/x86_64-linux-gnu"
export PYTHONPATH="$folder/python:$root/python3/dist-packages"

cat > "$folder/look.py" <<'PYTHON'
import torch
from llp_learn.dllp._classes import KLLossLLP

shares = torch.tensor([0.5, 0.5])
classifiers = {
    "right and sure": torch.log(torch.tensor([[0.999, 0.001], [0.001, 0.999]])),
    "knowing nothing": torch.zeros(2, 2),
}
seen = []
for name, logits in classifiers.items():
    mean = torch.softmax(logits, dim=1).mean(dim=0)
    divergence = float((shares * (shares / mean).log()).sum())
    loss = float(KLLossLLP()(logits, shares))
    seen += [round(loss, 3), round(abs(divergence), 3)]
    print(f"{name}: loss of llp-learn {loss:.3f}, KL of the mean {abs(divergence):.3f}")
assert seen == [1.381, 0.0, 0.0, 0.0], "changed: the loss of llp-learn has other values"
PYTHON
/usr/bin/python3 "$folder/look.py"

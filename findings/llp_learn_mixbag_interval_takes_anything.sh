#!/usr/bin/env bash
# llp-learn 1.6.0, MixBag: the confidence interval of a mixed bag is several times too wide, so its loss takes almost any
# prediction for right. The half-width is a * cover1 + b * cover2 with the parts a and b of the two bags; llp-learn has
# the quantile t = 2.58 in the place of a, which cover1 has been multiplied by already. It also depends on which of the
# two bags comes first.
# Seen: 50 instances each of bags with shares 0.5 and 0.2 of a class, 99 %: half-width 0.542, and 0.466 with the bags
# exchanged; by the formula of the paper 0.164 both ways. Interval -0.19 to 0.89 in place of 0.19 to 0.51.
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
import numpy as np
from llp_learn.mixbag._loaders import Dataset_Mixbag
from scipy.stats import norm

first, second, n = np.array([0.5, 0.5]), np.array([0.2, 0.8]), 50
data = Dataset_Mixbag([np.zeros((n, 1))] * 2, np.stack([first, second]), "half", 0.005, random_state=0)


def half_width(one, other):
    low, high, _ = data.ci_loss_interval(one, other, n, n, 0.005)
    return float((high - low)[0] / 2), float(low[0]), float(high[0])


t = norm.isf(0.005)
covers = [t * np.sqrt(z * (1 - z) / n) for z in (first[0], second[0])]
paper = 0.5 * covers[0] + 0.5 * covers[1]
got, low, high = half_width(first, second)
exchanged, _, _ = half_width(second, first)
print(f"llp-learn {got:.3f}, exchanged {exchanged:.3f}, by the formula {paper:.3f}; interval {low:.2f} to {high:.2f}")
assert abs(got - (t * covers[0] + 0.5 * covers[1])) < 1e-9, "changed: another formula"
assert got > 3 * paper and abs(got - exchanged) > 0.05, "changed: the interval is that of the paper"
PYTHON
/usr/bin/python3 "$folder/look.py"

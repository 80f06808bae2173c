#!/usr/bin/env bash
# PyTorch: the Dirichlet distribution with a small concentration should give shares that are nearly one-hot, the more
# so the smaller it is. With 0.001 and three classes, 11.8 % of the draws are (1/3, 1/3, 1/3), the opposite: the gamma
# variates underflow and are raised to the smallest positive number, and where all three are, their shares are equal.
# So very skewed bags hold uniform ones. NumPy's Generator draws correctly here. Nothing warns.
# Seen in 10000 draws: torch uniform 0.1180, mean largest share 0.9196; NumPy uniform 0.0000, mean largest share
# 0.9987.
# Run with Debian 12's 1.13.1, the smallest at hand; PyPI's 2.15.0 gives the same numbers. Needs Debian 12.
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
import numpy
import torch

alpha, draws = [0.001] * 3, 10000
torch.manual_seed(0)
by_torch = torch.distributions.Dirichlet(torch.tensor(alpha)).sample((draws,)).numpy().max(axis=1)
by_numpy = numpy.random.default_rng(0).dirichlet(alpha, draws).max(axis=1)
torch_uniform, numpy_uniform = (float((largest < 0.334).mean()) for largest in (by_torch, by_numpy))
print(f"torch {torch.__version__}: uniform {torch_uniform:.4f}, mean largest share {by_torch.mean():.4f}")
print(f"NumPy {numpy.__version__}: uniform {numpy_uniform:.4f}, mean largest share {by_numpy.mean():.4f}")

assert numpy_uniform == 0 and by_numpy.mean() > 0.998, "changed: NumPy does not draw nearly one-hot shares"
assert 0.10 < torch_uniform < 0.13, "changed: PyTorch no longer gives uniform shares in a ninth of the draws"
PYTHON
/usr/bin/python3 "$folder/look.py"

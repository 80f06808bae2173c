#!/usr/bin/env bash
# llp-learn 1.6.0, LLPFC with noisy_prior_choice="approx": the weights of the bags of a group are to make the class
# shares of the group those of the data set (gamma^T w = prior). It solves gamma w = prior instead: the matrix is
# transposed twice on the way. Where weights exist that fit exactly, they are not found. The authors' own code on
# GitHub does the same.
# Seen: bags with shares (0.5, 0.5) and (0.9, 0.1), prior (0.6, 0.4). Exact: weights 0.75 and 0.25, shares 0.60 and 0.40.
# llp-learn: weights 0.375 and 0.625, shares 0.75 and 0.25.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet numpy==2.4.6 scipy==1.17.0
venv/bin/pip install --quiet --no-deps llp-learn==1.6.0

cat > look.py <<'PYTHON'
import importlib.util
import random
from pathlib import Path

import numpy as np
import llp_learn

# The module alone: the package around it imports torch, which it does not need.
path = Path(llp_learn.__file__).parent / "llpfc" / "_make_groups.py"
spec = importlib.util.spec_from_file_location("make_groups", path)
groups = importlib.util.module_from_spec(spec)
spec.loader.exec_module(groups)

random.seed(0)
np.random.seed(0)
shares = {0: np.array([0.9, 0.1]), 1: np.array([0.5, 0.5])}
prior = np.array([0.6, 0.4])
bags, weights, _ = groups.make_a_group(2, prior, [0, 1], shares, "approx")
gamma = np.stack([shares[bag] for bag in bags])
exact = np.linalg.solve(gamma.T, prior)
print("bags", bags)
print("exact weights    ", exact.round(3), "class shares of the group", (gamma.T @ exact).round(3))
print("llp-learn weights", weights.round(3), "class shares of the group", (gamma.T @ weights).round(3))
print("least squares of the other system, gamma w = prior:", np.abs(gamma @ weights - prior).max().round(3))
assert np.all(exact >= 0) and np.allclose(gamma.T @ exact, prior), "changed: the example has no solution"
assert np.abs(gamma.T @ weights - prior).max() > 0.05, "changed: the weights fit the prior"
PYTHON
venv/bin/python look.py

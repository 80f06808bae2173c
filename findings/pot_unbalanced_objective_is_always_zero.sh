#!/usr/bin/env bash
# POT 0.9.7.post1: ot.solve(M, a, b, reg=..., unbalanced=...) reports 0 as its value, the objective, whatever
# the data. The plan is the optimum for the generalized KL divergence, sum of p log(p/q) - p + q, but the value is
# computed without the terms - p + q; at the optimum the rest cancels, by the first-order condition. So it cannot
# compare losses, choose parameters or serve as a loss. Without reg, and without unbalanced, value is right.
# Seen for three random problems of 6 instances and 3 classes: value below 1e-8 each time; linear part 0.124 to 0.227,
# true objective 0.230 to 0.323; without reg: value and objective agree.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet POT==0.9.7.post1 numpy==2.4.6 scipy==1.17.1

cat > look.py <<'PYTHON'
import numpy as np
import ot

instances, shares = np.full(6, 1 / 6), np.array([0.2, 0.3, 0.5])


def divergence(p, q):
    return float((p * np.log(p / q) - p + q)[p > 0].sum() + q[p == 0].sum())


def look(cost, reg):
    result = ot.solve(cost, instances, shares, reg=reg, unbalanced=1.0)
    plan = result.plan
    objective = (plan * cost).sum() + (reg or 0) * divergence(plan, np.outer(instances, shares))
    objective += divergence(plan.sum(axis=1), instances) + divergence(plan.sum(axis=0), shares)
    print(f"reg {reg}: value {result.value:.4g}, linear part {result.value_linear:.4f}, objective {objective:.4f}")
    return result.value, objective


for seed in range(3):
    cost = np.random.default_rng(seed).random((6, 3))
    value, objective = look(cost, None)
    assert abs(value - objective) < 1e-6, "changed: the value without reg is not the objective"
    value, objective = look(cost, 0.1)
    assert objective > 0.1 and abs(value) < 1e-8, "changed: the value with reg is no longer 0"
PYTHON
venv/bin/python look.py

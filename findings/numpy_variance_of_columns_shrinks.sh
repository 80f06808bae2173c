#!/usr/bin/env bash
# NumPy 2.4.6: mean, var and std over the rows of a float32 table (axis=0) are summed one row after the other in
# float32, not in pairs, which NumPy does only along the contiguous axis. For 20 million rows of uniform numbers the
# variance is 2.5 % too small; for a million predictions of (0.9, 0.1) the mean shares are 0.892 and 0.101 and sum to
# 0.993. The same numbers with the table stored by columns, or with dtype=float64, are right, so the error depends on
# the memory layout.
# Seen: variance 0.08122 by rows, 0.08333 by columns (true: 1/12); mean 0.89204 by rows, 0.90000 by columns.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet numpy==2.4.6

cat > look.py <<'PYTHON'
import numpy as np

uniform = np.random.default_rng(0).random((20_000_000, 2), dtype=np.float32)
predictions = np.full((1_000_000, 2), [0.9, 0.1], dtype=np.float32)
by_rows = uniform.var(axis=0)[0], predictions.mean(axis=0)[0]
by_columns = np.asfortranarray(uniform).var(axis=0)[0], np.asfortranarray(predictions).mean(axis=0)[0]
print(f"by rows: variance {by_rows[0]:.5f}, mean share {by_rows[1]:.5f}")
print(f"by columns: variance {by_columns[0]:.5f}, mean share {by_columns[1]:.5f}")
print(f"mean shares by rows sum to {predictions.mean(axis=0).sum():.3f}")

assert np.allclose(by_columns, (1 / 12, 0.9), rtol=1e-4), "changed: the sums by columns are off"
assert abs(by_rows[0] - 1 / 12) > 0.01 / 12, "changed: the variance by rows is right"
assert abs(by_rows[1] - 0.9) > 0.005, "changed: the mean by rows is right"
PYTHON
venv/bin/python look.py

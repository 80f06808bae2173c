#!/usr/bin/env bash
# llp-learn 1.6.0, SplitBagKFold(shuffle=True): the folds are no partition. Every fold shuffles the instances of a bag
# AGAIN before it takes its slice, so some instances are tested in several folds and about a third in none, and "the
# union of the folds is used once as validation" (its documentation) holds only without shuffling.
# Seen: 100 instances in 5 bags, 5 folds: without shuffle each is tested once; with shuffle 38 never, 7 three times.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet numpy==2.4.6
venv/bin/pip install --quiet --no-deps llp-learn==1.6.0

cat > look.py <<'PYTHON'
import importlib.util
from pathlib import Path

import numpy as np
import llp_learn

# The module alone: the package around it imports torch, which it does not need.
path = Path(llp_learn.__file__).parent / "model_selection" / "_split.py"
spec = importlib.util.spec_from_file_location("split", path)
split = importlib.util.module_from_spec(spec)
spec.loader.exec_module(split)

bags = np.repeat(np.arange(5), 20)
features = np.zeros((100, 1))


def times_tested(**settings):
    times = np.zeros(100, dtype=int)
    for _, test in split.SplitBagKFold(n_splits=5, **settings).split(features, bags):
        times[test] += 1
    return times


ordered, shuffled = times_tested(), times_tested(shuffle=True, random_state=0)
print("without shuffle: tested once:", (ordered == 1).sum())
print("with shuffle: tested", {int(times): int((shuffled == times).sum()) for times in np.unique(shuffled)})
assert (ordered == 1).all(), "changed: folds without shuffling are no partition either"
assert shuffled.sum() == 100 and (shuffled == 0).sum() > 20 and shuffled.max() > 1, "changed: shuffled folds are a partition"
PYTHON
venv/bin/python look.py

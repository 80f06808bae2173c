#!/usr/bin/env bash
# llp-learn 1.6.0, EM for learning from label proportions: predict(X, bags), which uses the bags' learned thresholds,
# calls EVERY instance positive in a bag whose share of positives is 0. The threshold is the score of the last
# positive instance; with no positive one the index is -1, so it is the lowest score of the bag and all instances
# reach it. A share of exactly 0 is common in small bags and is the strongest hint there is. Without bags, predict is
# right.
# Seen: bag with share 0.00: 1.00 predicted positive with bags, 0.02 without; the bags with other shares are right.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet numpy==2.4.6 scikit-learn==1.9.1
venv/bin/pip install --quiet --no-deps llp-learn==1.6.0

cat > look.py <<'PYTHON'
import numpy as np
from llp_learn.em import EM
from sklearn.linear_model import LogisticRegression

random = np.random.default_rng(0)
labels = np.concatenate([np.zeros(50), np.ones(50), random.integers(0, 2, 100)]).astype(int)
bags = np.repeat([0, 1, 2, 3], 50)
features = random.normal(size=(200, 2)) + 3 * labels[:, None]
shares = np.array([labels[bags == bag].mean() for bag in range(4)])

model = EM(LogisticRegression(), init_y="majority", random_state=0)
model.fit(features, bags, shares)
with_bags = model.predict(features, bags) == 1
without = model.predict(features) == 1
for bag, share in enumerate(shares):
    inside = bags == bag
    print(f"share {share:.2f}: positive with bags {with_bags[inside].mean():.2f}, without {without[inside].mean():.2f}")

assert shares[0] == 0 and without[bags == 0].mean() < 0.1, "changed: the model itself is poor"
assert abs(with_bags[bags > 0].mean() - shares[1:].mean()) < 0.02, "changed: other bags do not keep their shares"
assert with_bags[bags == 0].all(), "changed: a bag with share 0 is no longer all positive"
PYTHON
venv/bin/python look.py

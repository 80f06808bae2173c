#!/usr/bin/env bash
# datasets 5.2.0: class_encode_column on a column of integer class labels 0 to 11 permutes the classes. It turns the
# labels into strings and numbers these in alphabetical order, so that label 10 becomes 2 and label 2 becomes 4. The
# natural guess is that integers from 0 up keep their value. With ten classes (CIFAR-10) nothing happens; with a
# hundred (CIFAR-100) nearly all labels change, and predictions or shares kept outside no longer match their classes.
# Seen: 0 to 11 become 0 1 4 5 6 7 8 9 10 11 2 3; of the labels 0 to 99 only 12 keep their value; 0 to 9 all do.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HF_HOME="$folder/home"
python3 -m venv venv
venv/bin/pip install --quiet datasets==5.2.0

cat > look.py <<'PYTHON'
import datasets

datasets.disable_progress_bars()


def encoded(classes):
    table = datasets.Dataset.from_dict({"label": list(range(classes))})
    return table.class_encode_column("label")["label"][:]


twelve = encoded(12)
print("0 to 11 become:", *twelve)
kept = {classes: sum(i == label for i, label in enumerate(encoded(classes))) for classes in (10, 100)}
print("labels that keep their value:", kept)

assert kept[10] == 10, "changed: ten classes are permuted too"
assert twelve == [0, 1, 4, 5, 6, 7, 8, 9, 10, 11, 2, 3], "changed: integer labels are encoded otherwise"
assert kept[100] == 12, "changed: other labels of a hundred keep their value"
PYTHON
venv/bin/python look.py

#!/usr/bin/env bash
# polars 2.1.0: the sum of a Float32 column in group_by().agg() is added up naively in Float32 and is far off in large
# groups, while the mean in the same call, Series.sum and sum().over() of the same rows are right. So the sum of a
# group need not be its mean times its length, and it depends on the number of threads, each of which adds up its own
# part.
# Seen with POLARS_MAX_THREADS=1, one group: 33554432 ones sum to 16777216, half; 4194304 times 0.1 to 402740.78
# (true: 419430.40), mean 0.1. With two threads, about 33 million and 412 thousand.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet polars==2.1.0

cat > look.py <<'PYTHON'
import polars

for value, rows in [(1.0, 2**25), (0.1, 2**22)]:
    table = polars.select(
        bag=polars.int_range(rows) % 1,
        x=polars.repeat(value, rows, dtype=polars.Float32),
    )
    total, mean = table.group_by("bag").agg(polars.sum("x"), polars.mean("x").alias("mean")).row(0)[1:]
    over = table.select(polars.sum("x").over("bag"))["x"][0]
    true = value * rows
    series = table["x"].sum()
    print(f"{rows} times {value}: group_by {total:.2f}, mean {mean:.7f}, over {over:.2f}, Series {series:.2f}")
    assert abs(mean - value) < 1e-6 * value, "changed: the mean is off"
    assert abs(over - true) < 1e-6 * true and abs(series - true) < 1e-6 * true, "changed: other sums are off"
    assert abs(total - true) > 0.01 * true, "changed: the sum of group_by is right"
    assert value != 1.0 or total == 2**24, "changed: the sum of ones is no longer half of the truth"
PYTHON
POLARS_MAX_THREADS=1 venv/bin/python look.py

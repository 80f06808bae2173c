#!/usr/bin/env bash
# DuckDB 2.0.1, a table in several files, such as 'bags/*.parquet': it takes the column types of the first file and
# casts later files to them without a word. Where the shares of the first file are whole (int64: 0 and 1) and those of
# the second are fractions (double: 0.4 and 0.6), the fractions are rounded to 0 and 1, and filters see the rounded
# values. JSON lines: the types come from the first 20480 lines, and a later 0.4 becomes 0. pyarrow 26.0.1 refuses the
# same Parquet files ("Float value 0.400000 was truncated converting to int64"); DuckDB's CSV reader widens the
# column.
# Seen: [0, 1, 0, 1] for the Parquet files, [0, 1] for the distinct values of the JSON lines, and the true values with
# union_by_name = true and with sample_size = -1.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet duckdb==2.0.1

cat > look.py <<'PYTHON'
import duckdb


def values(query):
    return [row[0] for row in duckdb.sql(query).fetchall()]


duckdb.sql("copy (select unnest([0, 1])::bigint as share) to 'bags-0.parquet'")
duckdb.sql("copy (select unnest([0.4, 0.6])::double as share) to 'bags-1.parquet'")
parquet = values("select share from 'bags-*.parquet'")
by_name = values("select share from read_parquet('bags-*.parquet', union_by_name = true)")
print("Parquet:", parquet, "and with union_by_name:", by_name)

with open("bags.jsonl", "w") as lines:
    lines.write('{"share": 1}\n' * 30000 + '{"share": 0.4}\n')
json = values("select distinct share from 'bags.jsonl' order by share")
whole = values("select distinct share from read_json('bags.jsonl', sample_size = -1) order by share")
print("JSON lines:", json, "and with sample_size = -1:", whole)

assert by_name == [0.0, 1.0, 0.4, 0.6] and whole == [0.4, 1.0], "changed: the careful readings are wrong"
assert parquet == [0, 1, 0, 1], "changed: DuckDB no longer rounds the second Parquet file"
assert json == [0, 1], "changed: DuckDB no longer rounds late JSON lines"
PYTHON
venv/bin/python look.py

#!/usr/bin/env bash
# DuckDB 2.0.1 cannot find, replace or drop the NaN of a Parquet file that pyarrow 26.0.1 or polars 2.1.0 wrote,
# though "select x" shows it. By the format, the min and max of a Parquet file leave NaN out; DuckDB takes them for
# the range of all values (its option can_have_nan is off) and folds isnan(x) to false. So isnan finds 0 of 2 rows,
# "where not isnan(x)" keeps both and "x <= 20" lets them pass, since it is folded to true, although NaN sorts above
# all numbers in DuckDB. The same rows in memory, or in a file that DuckDB wrote (it omits these bounds), behave.
# Seen: (isnan, kept by not isnan, kept by x <= 20) is (2, 3, 3) in memory and from DuckDB's file, and (0, 5, 5) from
# the files of pyarrow and polars; with can_have_nan = true they give (2, 3, 3) too.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet duckdb==2.0.1 pyarrow==26.0.1 polars==2.1.0

cat > look.py <<'PYTHON'
import duckdb
import polars
import pyarrow
import pyarrow.parquet

nan = float("nan")
frame = polars.DataFrame({"x": [1.0, nan, 5.0, nan, 20.0]})
frame.write_parquet("polars.parquet")
pyarrow.parquet.write_table(frame.to_arrow(), "pyarrow.parquet")
duckdb.sql("create table memory as select unnest(['1', 'nan', '5', 'nan', '20']::double[]) as x")
duckdb.sql("copy memory to 'duckdb.parquet'")


def look(source):
    conditions = ["isnan(x)", "not isnan(x)", "x <= 20"]
    queries = [f"select count(*) from {source} where {condition}" for condition in conditions]
    seen = tuple(duckdb.sql(query).fetchall()[0][0] for query in queries)
    print(f"{source}: {seen}")
    return seen


plain = [look("memory"), look("'duckdb.parquet'")]
said = look("read_parquet('pyarrow.parquet', can_have_nan = true)")
foreign = [look("'pyarrow.parquet'"), look("'polars.parquet'")]
assert plain == [(2, 3, 3)] * 2 and said == (2, 3, 3), "changed: NaN behaves otherwise without foreign statistics"
assert foreign == [(0, 5, 5)] * 2, "changed: DuckDB sees the NaN of foreign files"
PYTHON
venv/bin/python look.py

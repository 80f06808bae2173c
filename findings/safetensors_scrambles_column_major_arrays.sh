#!/usr/bin/env bash
# safetensors 0.8.0, safetensors.numpy: save and save_file of an array that lies in memory by columns (a transpose,
# the result of np.asfortranarray, many results of linear algebra) write its bytes as they lie, under the shape it
# shows. Read back, shape and type are right and the numbers are in other places; nothing warns. Version 0.7.0 saved
# it correctly, and safetensors.torch refuses such tensors. A weight saved as w.T is silently scrambled.
# Seen: [[0, 3], [1, 4], [2, 5]] comes back as [[0, 1], [2, 3], [4, 5]] from 0.8.0 and unchanged from 0.7.0.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet numpy==2.4.6
venv/bin/pip install --quiet --no-deps --target old safetensors==0.7.0
venv/bin/pip install --quiet --no-deps --target new safetensors==0.8.0

cat > look.py <<'PYTHON'
import numpy as np
import safetensors
from safetensors.numpy import load, load_file, save, save_file

weight = np.arange(6, dtype=np.float32).reshape(2, 3).T
by_bytes = load(save({"weight": weight}))["weight"]
save_file({"weight": weight}, "weight.safetensors")
by_file = load_file("weight.safetensors")["weight"]
print(f"safetensors {safetensors.__version__}: {weight.tolist()} comes back as {by_file.tolist()}")

assert np.array_equal(by_bytes, by_file) and by_file.shape == (3, 2), "changed: bytes and file differ"
new = safetensors.__version__ == "0.8.0"
assert np.array_equal(by_file, weight) != new, "changed: 0.8.0 is right or 0.7.0 is wrong"
assert not new or by_file.ravel().tolist() == [0, 1, 2, 3, 4, 5], "changed: the numbers are in other places"
PYTHON
PYTHONPATH=old venv/bin/python look.py
PYTHONPATH=new venv/bin/python look.py

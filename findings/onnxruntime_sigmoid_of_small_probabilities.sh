#!/usr/bin/env bash
# onnxruntime 1.32.0, CPU: Sigmoid in float32 is wrong for small probabilities. It is computed as a rational function
# plus 0.5, so what is left of a small probability is rounding: off by a percent at a logit of -13, by a sixth at -15,
# twice the truth at -17, and exactly 0 from -18 on, where float32 has numbers down to -103. A network trained with
# logits gets an infinite log loss, or -inf scores, after export. Softmax of (x, 0), which is the same function, is
# right.
# Seen: -13: -1.1 %, -15: +16.9 %, -17: +116 %, -18 and -20: 0; Softmax within 0.001 %.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6

cat > look.py <<'PYTHON'
import numpy as np
import onnx.helper as make
import onnxruntime
from onnx import TensorProto


def run(operator, values):
    ends = [make.make_tensor_value_info(name, TensorProto.FLOAT, values.shape) for name in ("x", "y")]
    graph = make.make_graph([make.make_node(operator, ["x"], ["y"])], "graph", ends[:1], ends[1:])
    model = make.make_model(graph, opset_imports=[make.make_opsetid("", 21)], ir_version=10)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": values})[0].astype(float)


logits = np.array([-5, -13, -15, -17, -18, -20], dtype=np.float32)
true = 1 / (1 + np.exp(-logits.astype(float)))
sigmoid = run("Sigmoid", logits) / true - 1
softmax = run("Softmax", np.stack([logits, 0 * logits], axis=1))[:, 0] / true - 1
for logit, by_sigmoid, by_softmax in zip(logits, sigmoid, softmax):
    print(f"logit {logit:3.0f}: Sigmoid is off by {by_sigmoid:+.3%}, Softmax by {by_softmax:+.3%}")

assert abs(softmax).max() < 1e-5 and abs(sigmoid[0]) < 1e-4, "changed: other values are off"
assert abs(sigmoid[2]) > 0.02 and abs(sigmoid[3:]).min() > 0.5, "changed: Sigmoid is right at small probabilities"
PYTHON
venv/bin/python look.py

//! Airbench in operators of ONNX.

use llp_nn::AirbenchConfig;

use super::graph::{Attribute, Graph, Window};

const SAME: Window = Window { kernel: 3, stride: 1, padding: 1 };
const HALVE: Window = Window { kernel: 2, stride: 2, padding: 0 };

/// Adds the network in evaluation mode: from normalized square images `x` of `size` pixels to logits, which get the name
/// `output`.
pub(super) fn logits(graph: &mut Graph, config: &AirbenchConfig, size: usize, x: &str, output: &str) {
    let patch = Window { kernel: 2, stride: 1, padding: 0 };
    let x = graph.biased_convolution("whiten", x, patch);
    let mut x = graph.gelu("whiten.gelu", &x);
    let mut size = size - 1;
    for (index, &channels) in config.widths.iter().enumerate() {
        let part = |part: &str| format!("block{}.{part}", index + 1);
        x = graph.convolution(&part("conv1"), &x, SAME);
        if size > 1 {
            x = graph.max_pool(&part("pool"), &x, HALVE);
            size /= 2;
        }
        for norm in 1..=2 {
            if norm == 2 {
                x = graph.convolution(&part("conv2"), &x, SAME);
            }
            x = graph.bias_norm(&part(&format!("norm{norm}")), &x, channels, AirbenchConfig::EPSILON);
            x = graph.gelu(&part(&format!("gelu{norm}")), &x);
        }
    }
    let x = graph.node("GlobalMaxPool", "largest", &[&x], &[]);
    let x = graph.node("Flatten", "flatten", &[&x], &[]);
    let attributes =
        [("transB", Attribute::Integer(1)), ("alpha", Attribute::Float(AirbenchConfig::LOGIT_SCALE as f32))];
    graph.node("Gemm", output, &[&x, "head.weight"], &attributes);
}

//! ResNet-18 in operators of ONNX.

use llp_kernels::BatchNormConfig;
use llp_nn::Stem;

use super::graph::{Graph, Window};

const EPSILON: f64 = BatchNormConfig::PYTORCH.epsilon;

/// Adds the network in evaluation mode: from normalized images `x` to logits, which get the name `output`.
pub(super) fn logits(graph: &mut Graph, stem: Stem, x: &str, output: &str) {
    let window = match stem {
        Stem::Cifar => Window { kernel: 3, stride: 1, padding: 1 },
        Stem::ImageNet => Window { kernel: 7, stride: 2, padding: 3 },
    };
    let x = graph.convolution("conv1", x, window);
    let x = graph.batch_norm("bn1", &x, EPSILON);
    let mut x = graph.node("Relu", "relu", &[&x], &[]);
    if stem == Stem::ImageNet {
        x = graph.max_pool("maxpool", &x, Window { kernel: 3, stride: 2, padding: 1 });
    }
    for stage in 1..=4 {
        for index in 0..2 {
            let stride = if stage > 1 && index == 0 { 2 } else { 1 };
            x = block(graph, &format!("layer{stage}.{index}"), &x, stride);
        }
    }
    let x = graph.node("GlobalAveragePool", "avgpool", &[&x], &[]);
    let x = graph.node("Flatten", "flatten", &[&x], &[]);
    graph.linear("fc", &x, output);
}

/// A residual block, whose shortcut is a convolution where the block changes the size.
fn block(graph: &mut Graph, name: &str, x: &str, stride: usize) -> String {
    let part = |part: &str| format!("{name}.{part}");
    let y = graph.convolution(&part("conv1"), x, Window { kernel: 3, stride, padding: 1 });
    let y = graph.batch_norm(&part("bn1"), &y, EPSILON);
    let y = graph.node("Relu", &part("relu1"), &[&y], &[]);
    let y = graph.convolution(&part("conv2"), &y, Window { kernel: 3, stride: 1, padding: 1 });
    let y = graph.batch_norm(&part("bn2"), &y, EPSILON);
    let shortcut = if stride == 1 {
        x.to_owned()
    } else {
        let y = graph.convolution(&part("downsample.0"), x, Window { kernel: 1, stride, padding: 0 });
        graph.batch_norm(&part("downsample.1"), &y, EPSILON)
    };
    let sum = graph.node("Add", &part("sum"), &[&y, &shortcut], &[]);
    graph.node("Relu", &part("relu2"), &[&sum], &[])
}

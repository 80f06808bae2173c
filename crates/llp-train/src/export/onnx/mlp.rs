//! Multilayer perceptrons in operators of ONNX.

use super::graph::{Attribute, Graph};

/// The order in which the network takes the values of an image: `[batch, height, width, channel]`.
const CHANNELS_LAST: [usize; 4] = [0, 2, 3, 1];

/// Adds a network of `depth` hidden layers: from normalized instances `x`, which have `rank` dimensions beside that of
/// the batch, to logits, which get the name `output`.
pub(super) fn logits(graph: &mut Graph, depth: usize, x: &str, rank: usize, output: &str) {
    let mut x = x.to_owned();
    if rank > 1 {
        x = graph.node("Transpose", "channels_last", &[&x], &[("perm", Attribute::Integers(&CHANNELS_LAST))]);
        x = graph.node("Flatten", "flatten", &[&x], &[]);
    }
    for layer in 0..depth {
        let name = format!("layers.{layer}");
        x = graph.linear(&name, &x, &name);
        x = graph.node("Relu", &format!("relu.{layer}"), &[&x], &[]);
    }
    graph.linear(&format!("layers.{depth}"), &x, output);
}

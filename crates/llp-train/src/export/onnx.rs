//! A network as an ONNX file, from pixels to logits.
//!
//! The normalization is the first part of the graph, so that whoever runs the file needs no number beside it:
//!
//! - input `images`, `[batch, channel, height, width]` of 32-bit floats in `[0, 1]` (a byte divided by 255); the batch
//!   is of any size, the rest is that of the training images;
//! - output `logits`, `[batch, class]`; `softmax` of them are the probabilities.
//!
//! Initializers have the names of the checkpoint's tensors. `metadata_props` holds `class_names`, a JSON list in the
//! order of the logits, and `config_hash`.

mod graph;
mod resnet;

use llp_nn::ResNet18;
use llp_sweep::export::protobuf::Message;

use crate::{CheckpointState, TrainError};
use graph::Graph;

/// The version of the set of operators, which onnxruntime reads since its version 1.12.
const OPSET: u64 = 17;

/// The version of the file format that came with it.
const IR_VERSION: u64 = 8;

/// A protocol buffer is shorter than 2 GiB.
const MAX_BYTES: usize = i32::MAX as usize;

/// Name of the input.
pub const INPUT: &str = "images";

/// Name of the output.
pub const OUTPUT: &str = "logits";

/// The ONNX file of a network and what its checkpoint says of it; equal networks give equal bytes.
///
/// # Errors
/// [`TrainError::OnnxSize`], or when a tensor cannot be read.
pub fn onnx(state: &CheckpointState, network: &ResNet18) -> Result<Vec<u8>, TrainError> {
    let mut graph = Graph::default();
    let x = graph.normalize(INPUT, &state.normalization);
    resnet::logits(&mut graph, network, &x, OUTPUT)?;
    let [height, width, channels] = state.image_shape;
    let input = (INPUT, [channels, height, width].as_slice());
    let file = model(state, &graph.finish(input, (OUTPUT, &[state.class_names.len()]))).into_bytes();
    if file.len() > MAX_BYTES {
        return Err(TrainError::OnnxSize { bytes: file.len(), max: MAX_BYTES });
    }
    Ok(file)
}

/// `ModelProto` of `onnx.proto`.
fn model(state: &CheckpointState, graph: &Message) -> Message {
    let mut opset = Message::default();
    opset.text(1, "");
    opset.integer(2, OPSET);
    let mut model = Message::default();
    model.integer(1, IR_VERSION);
    model.text(2, "llp");
    model.text(3, &state.version);
    model.message(7, graph);
    model.message(8, &opset);
    let class_names = serde_json::Value::from(state.class_names.clone()).to_string();
    for (key, value) in [("class_names", &class_names), ("config_hash", &state.config_hash)] {
        let mut entry = Message::default();
        entry.text(1, key);
        entry.text(2, value);
        model.message(14, &entry);
    }
    model
}

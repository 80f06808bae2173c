//! A network as an ONNX file, from instances as they are to logits.
//!
//! The normalization is the first part of the graph, so that a program that runs the file needs no other numbers:
//!
//! - input `images`, `[batch, channel, height, width]` of 32-bit floats in `[0, 1]` (a byte divided by 255), or
//!   `features`, `[batch, column]`; the batch is of any size, the rest is that of the training instances;
//! - output `logits`, `[batch, class]`; `softmax` of them are the probabilities.
//!
//! Initializers have the names of the checkpoint's tensors. `metadata_props` holds `class_names`, a JSON list in the
//! order of the logits, `config_hash`, and for tables `feature_names`, a JSON list in the order of the columns.

mod airbench;
mod graph;
mod mlp;
mod resnet;

use llp_bags::InstanceShape;
use llp_data::DataError;
use llp_nn::Network;
use llp_sweep::export::protobuf::Message;
use serde_json::Value;

use crate::{CheckpointState, Predictor, TrainError};
use graph::Graph;

/// The version of the set of operators, which onnxruntime reads since its version 1.12.
const OPSET: u64 = 17;

/// The version of the file format that came with it.
const IR_VERSION: u64 = 8;

/// A protocol buffer is shorter than 2 GiB.
const MAX_BYTES: usize = i32::MAX as usize;

/// Name of the output.
const OUTPUT: &str = "logits";

/// The ONNX file of a network; equal networks give equal bytes.
///
/// # Errors
/// A network that one file cannot hold, or when a tensor cannot be read.
pub fn onnx(predictor: &Predictor) -> Result<Vec<u8>, TrainError> {
    let (state, network) = (predictor.state(), predictor.network());
    let (input, dims) = match state.shape {
        InstanceShape::Image([height, width, channels]) => ("images", vec![channels, height, width]),
        InstanceShape::Features(n_columns) => ("features", vec![n_columns]),
    };
    let mut graph = Graph::default();
    for entry in network.state_dict().entries() {
        graph.tensor(&entry.name, &entry.var)?;
    }
    let x = graph.normalize(input, &state.normalization, dims.len());
    match network {
        Network::ResNet18(network) => resnet::logits(&mut graph, network.config().stem, &x, OUTPUT),
        Network::Airbench(network) => {
            airbench::logits(&mut graph, &network.config(), dims[dims.len() - 1], &x, OUTPUT);
        }
        Network::Mlp(network) => mlp::logits(&mut graph, network.config().depth, &x, dims.len(), OUTPUT),
    }
    let file = model(state, &graph.finish((input, &dims), (OUTPUT, &[state.class_names.len()]))).into_bytes();
    if file.len() > MAX_BYTES {
        let bytes = file.len();
        let problem = format!("the network takes {bytes} bytes as ONNX, of which a file holds {MAX_BYTES}");
        return Err(DataError::new(problem).remedy("export it with --format torchvision").into());
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
    let list = |names: Vec<String>| Value::from(names).to_string();
    let metadata = [
        ("class_names", Some(list(state.class_names.clone()))),
        ("config_hash", Some(state.config_hash.clone())),
        ("feature_names", state.features.as_ref().map(|schema| list(schema.value_names()))),
    ];
    for (key, value) in metadata {
        if let Some(value) = value {
            let mut entry = Message::default();
            entry.text(1, key);
            entry.text(2, &value);
            model.message(14, &entry);
        }
    }
    model
}

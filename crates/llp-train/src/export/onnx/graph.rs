//! The graph of an ONNX file in the making.

use candle_core::Tensor;
use llp_bags::Normalization;
use llp_sweep::export::protobuf::Message;

use crate::TrainError;

/// `TensorProto.DataType.FLOAT`.
const FLOAT: u64 = 1;

/// An attribute of a node.
#[derive(Clone, Copy, Debug)]
pub(super) enum Attribute<'a> {
    Float(f32),
    Integer(u64),
    Integers(&'a [usize]),
}

/// A square of pixels, and the step to the next.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub(super) kernel: usize,
    pub(super) stride: usize,
    /// Rows and columns of zeros around the image.
    pub(super) padding: usize,
}

/// Nodes and constants; every value has the name of the node that computes it.
#[derive(Debug, Default)]
pub(super) struct Graph {
    nodes: Vec<Message>,
    initializers: Vec<Message>,
}

impl Graph {
    /// `(x - mean) / std` for each channel or column, the first of `rank` dimensions beside that of the batch.
    pub(super) fn normalize(&mut self, x: &str, normalization: &Normalization, rank: usize) -> String {
        let mut dims = vec![1; rank];
        dims[0] = normalization.mean().len();
        self.constant("normalization.mean", &dims, normalization.mean());
        self.constant("normalization.std", &dims, normalization.std());
        let centered = self.node("Sub", "normalization.centered", &[x, "normalization.mean"], &[]);
        self.node("Div", "normalization", &[&centered, "normalization.std"], &[])
    }

    /// A convolution without bias; `name` is that of its weight.
    pub(super) fn convolution(&mut self, name: &str, x: &str, window: Window) -> String {
        self.slide("Conv", name, &[x, &format!("{name}.weight")], window)
    }

    /// A convolution with a bias; its tensors begin with `name`.
    pub(super) fn biased_convolution(&mut self, name: &str, x: &str, window: Window) -> String {
        self.slide("Conv", name, &[x, &format!("{name}.weight"), &format!("{name}.bias")], window)
    }

    /// The largest values of windows.
    pub(super) fn max_pool(&mut self, name: &str, x: &str, window: Window) -> String {
        self.slide("MaxPool", name, &[x], window)
    }

    /// Something for every place of a window.
    fn slide(&mut self, operator: &str, name: &str, inputs: &[&str], window: Window) -> String {
        let Window { kernel, stride, padding } = window;
        let (kernel, strides, pads) = ([kernel; 2], [stride; 2], [padding; 4]);
        let attributes = [
            ("kernel_shape", Attribute::Integers(&kernel)),
            ("strides", Attribute::Integers(&strides)),
            ("pads", Attribute::Integers(&pads)),
        ];
        self.node(operator, name, inputs, &attributes)
    }

    /// Batch norm with running statistics; its tensors begin with `name`.
    pub(super) fn batch_norm(&mut self, name: &str, x: &str, epsilon: f64) -> String {
        let tensors = ["weight", "bias", "running_mean", "running_var"].map(|part| format!("{name}.{part}"));
        let [weight, bias, mean, variance] = &tensors;
        let epsilon = ("epsilon", Attribute::Float(epsilon as f32));
        self.node("BatchNormalization", name, &[x, weight, bias, mean, variance], &[epsilon])
    }

    /// `x weight^T + bias`; its tensors begin with `name`, and `output` is the name of the result.
    pub(super) fn linear(&mut self, name: &str, x: &str, output: &str) -> String {
        let inputs = [x, &format!("{name}.weight"), &format!("{name}.bias")];
        self.node("Gemm", output, &inputs, &[("transB", Attribute::Integer(1))])
    }

    /// The same without a scale; `channels` are those of `x`.
    pub(super) fn bias_norm(&mut self, name: &str, x: &str, channels: usize, epsilon: f64) -> String {
        self.constant(&format!("{name}.weight"), &[channels], &vec![1.0; channels]);
        self.batch_norm(name, x, epsilon)
    }

    /// `x P(Z <= x)` with `Z` standard normal: `x (1 + erf(x / sqrt 2)) / 2`.
    pub(super) fn gelu(&mut self, name: &str, x: &str) -> String {
        let part = |part: &str| format!("{name}.{part}");
        for (constant, value) in [("root", std::f32::consts::FRAC_1_SQRT_2), ("one", 1.0), ("half", 0.5)] {
            self.constant(&part(constant), &[], &[value]);
        }
        let scaled = self.node("Mul", &part("scaled"), &[x, &part("root")], &[]);
        let erf = self.node("Erf", &part("erf"), &[&scaled], &[]);
        let twice = self.node("Add", &part("twice"), &[&erf, &part("one")], &[]);
        let below = self.node("Mul", &part("below"), &[&twice, &part("half")], &[]);
        self.node("Mul", name, &[x, &below], &[])
    }

    /// Adds a node and returns the name of its output, which is its own.
    pub(super) fn node(
        &mut self,
        operator: &str,
        name: &str,
        inputs: &[&str],
        attributes: &[(&str, Attribute<'_>)],
    ) -> String {
        let mut node = Message::default();
        for input in inputs {
            node.text(1, input);
        }
        node.text(2, name);
        node.text(3, name);
        node.text(4, operator);
        for (key, value) in attributes {
            node.message(5, &attribute(key, *value));
        }
        self.nodes.push(node);
        name.to_owned()
    }

    /// Adds a tensor of the network.
    pub(super) fn tensor(&mut self, name: &str, tensor: &Tensor) -> Result<(), TrainError> {
        self.constant(name, tensor.dims(), &tensor.flatten_all()?.to_vec1::<f32>()?);
        Ok(())
    }

    fn constant(&mut self, name: &str, dims: &[usize], values: &[f32]) {
        let mut tensor = Message::default();
        for &dim in dims {
            tensor.integer(1, dim as u64);
        }
        tensor.integer(2, FLOAT);
        tensor.text(8, name);
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        tensor.bytes(9, &bytes);
        self.initializers.push(tensor);
    }

    /// `GraphProto` with one input and one output: the name, and the dimensions after that of the batch.
    pub(super) fn finish(self, input: (&str, &[usize]), output: (&str, &[usize])) -> Message {
        let mut graph = Message::default();
        for node in &self.nodes {
            graph.message(1, node);
        }
        graph.text(2, "llp");
        for initializer in &self.initializers {
            graph.message(5, initializer);
        }
        graph.message(11, &value(input));
        graph.message(12, &value(output));
        graph
    }
}

/// `AttributeProto`: the value is in a field of its type, and `type` names that.
fn attribute(key: &str, value: Attribute<'_>) -> Message {
    let mut attribute = Message::default();
    attribute.text(1, key);
    let kind = match value {
        Attribute::Float(x) => {
            attribute.float(2, x);
            1
        }
        Attribute::Integer(n) => {
            attribute.integer(3, n);
            2
        }
        Attribute::Integers(all) => {
            for &n in all {
                attribute.integer(8, n as u64);
            }
            7
        }
    };
    attribute.integer(20, kind);
    attribute
}

/// `ValueInfoProto` of a tensor of floats, in batches of any size.
fn value((name, dims): (&str, &[usize])) -> Message {
    let mut shape = Message::default();
    let mut batch = Message::default();
    batch.text(2, "batch");
    shape.message(1, &batch);
    for &dim in dims {
        let mut extent = Message::default();
        extent.integer(1, dim as u64);
        shape.message(1, &extent);
    }
    let mut tensor = Message::default();
    tensor.integer(1, FLOAT);
    tensor.message(2, &shape);
    let mut kind = Message::default();
    kind.message(1, &tensor);
    let mut value = Message::default();
    value.text(1, name);
    value.message(2, &kind);
    value
}

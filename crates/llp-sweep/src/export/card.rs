//! The card of a trained model: a README with the block of metadata that the Hugging Face hub reads.

use std::fmt::Write as _;

use crate::bag_sizes::BagSizes;
use crate::config::{Approach, Architecture, NetworkConfig, RunConfig, Stem};
use crate::record::RunResult;

/// The card of a complete run, in Markdown. The licence is left to the publisher of the weights.
pub fn card(config: &RunConfig, result: &RunResult) -> String {
    let accuracy = result.last.as_ref().and_then(|last| last.test_accuracy);
    let mut text = metadata(config, accuracy);
    // Writing to a string cannot fail.
    let _ = writeln!(text, "# {}\n", result.run);
    let _ = writeln!(
        text,
        "{} that was trained without instance labels: on {} of {}, each with the \
         shares of its classes, with {}.\nThe weights are in `model.safetensors`, under the names of {} and {} \
         classes.\n",
        if is_for_images(config) { "An image classifier" } else { "A classifier" },
        bags(result),
        config.data.name,
        taught(config),
        network(&config.network),
        result.n_classes
    );
    let _ = writeln!(text, "## Results\n");
    if let Some(accuracy) = accuracy {
        let _ = writeln!(text, "- test accuracy: {:.2} %", 100.0 * accuracy);
    }
    if let Some(kl) = result.last.as_ref().and_then(|last| last.held_out_kl) {
        let _ =
            writeln!(text, "- KL loss on {}: {kl:.4} nats", counted(result.n_held_out_bags, "held-out bag"));
    }
    let _ = writeln!(
        text,
        "- {}, {:.0} s of training, llp {}\n",
        counted(result.epochs, "epoch"),
        result.train_s,
        result.version
    );
    let _ = writeln!(text, "## How to train it again\n\n```sh\n{}\n```", config.train_command("run"));
    text
}

/// What it was trained by.
fn taught(config: &RunConfig) -> String {
    match config.approach() {
        Approach::Loss(loss) => format!("the loss {}", loss.title()),
        Approach::Method(method) => format!("the method {}", method.title()),
    }
}

/// The bags and their sizes; of unequal ones the mean too.
fn bags(result: &RunResult) -> String {
    let bags = counted(result.n_bags, "bag");
    match BagSizes::of_result(result) {
        BagSizes::Equal(size) => format!("{bags} of {}", counted(size, "instance")),
        sizes => {
            let mean = result.n_train as f64 / result.n_bags as f64;
            format!("{bags} of {sizes} instances ({mean:.1} on average)")
        }
    }
}

fn counted(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

fn is_for_images(config: &RunConfig) -> bool {
    matches!(config.network.name, Architecture::Resnet18 | Architecture::Airbench)
}

/// Whose names the weights have, and the extents.
fn network(config: &NetworkConfig) -> String {
    let extent = Option::unwrap_or_default;
    match config.name {
        Architecture::Resnet18 => format!(
            "torchvision's ResNet-18, with {} channels in the first stage, the {} stem",
            extent(config.width),
            if config.stem == Some(Stem::Imagenet) { "ImageNet" } else { "CIFAR" }
        ),
        Architecture::Airbench => format!(
            "the network `airbench` of llp, with blocks of {} channels",
            config.widths.map(|widths| widths.to_string()).unwrap_or_default()
        ),
        Architecture::Mlp => format!(
            "a `torch.nn.ModuleList` called `layers`, a multilayer perceptron with {} hidden layers of {} units",
            extent(config.depth),
            extent(config.hidden)
        ),
        Architecture::Linear => "a `torch.nn.ModuleList` called `layers` with one linear layer".to_owned(),
    }
}

/// The repository of a data set of the hub. Returns `None` for data that the hub does not have.
fn repo_of(name: &str) -> Option<&'static str> {
    match name.strip_suffix("-coarse").unwrap_or(name) {
        "cifar10" => Some("uoft-cs/cifar10"),
        "cifar100" => Some("uoft-cs/cifar100"),
        _ => None,
    }
}

/// The block at the head of the card, in YAML.
fn metadata(config: &RunConfig, accuracy: Option<f64>) -> String {
    // A text in JSON is one in YAML as well.
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let data = quoted(&config.data.name);
    let (pipeline, task) = if is_for_images(config) {
        ("pipeline_tag: image-classification\n", "image-classification")
    } else {
        ("", "classification")
    };
    let mut text =
        format!("---\nlibrary_name: llp\n{pipeline}tags:\n- label-proportions\n- weak-supervision\n");
    if let Some(repo) = repo_of(&config.data.name) {
        let _ = writeln!(text, "datasets:\n- {repo}");
    }
    if let Some(accuracy) = accuracy {
        let _ = write!(
            text,
            "model-index:\n- name: {}\n  results:\n  - task:\n      type: {task}\n    dataset:\n      \
             name: {data}\n      type: {data}\n      split: test\n    metrics:\n    - type: accuracy\n      value: {accuracy}\n",
            quoted(&config.run_name())
        );
    }
    text + "---\n\n"
}

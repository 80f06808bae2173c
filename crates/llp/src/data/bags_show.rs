//! What `llp bags` prints about a file of bags.

use std::path::Path;

use llp_bags::{BagKind, BagManifest, BagPart, Recipe};
use serde::Serialize;

use crate::environment::{print, print_json};
use crate::failure::Failure;
use crate::{Global, Output};

/// The description of a file of bags.
#[derive(Serialize)]
struct Description<'a> {
    file: String,
    hash: String,
    data: &'a str,
    fingerprint: &'a str,
    recipe: &'a Recipe,
    class_names: &'a [String],
    train: Part,
    held_out: Part,
}

/// The description of bags to train on, or of held-out ones.
#[derive(Serialize)]
struct Part {
    n_bags: usize,
    n_instances: usize,
    remainder: usize,
    size_min: usize,
    size_max: usize,
    /// Shares of the classes over all bags.
    proportions: Vec<f64>,
    /// Variance between bags, and what chance alone gives.
    variance_between: f64,
    variance_floor: f64,
}

impl Part {
    fn of(part: &BagPart, n_classes: usize) -> Self {
        let sizes = || part.bags.iter().map(|bag| bag.instances.len());
        let n_instances = sizes().sum();
        let total = |class: usize| part.bags.iter().map(|bag| f64::from(bag.counts[class])).sum::<f64>();
        let variation = part.variation();
        Self {
            n_bags: part.bags.len(),
            n_instances,
            remainder: part.remainder.len(),
            size_min: sizes().min().unwrap_or(0),
            size_max: sizes().max().unwrap_or(0),
            proportions: (0..n_classes).map(|class| total(class) / (n_instances.max(1) as f64)).collect(),
            variance_between: variation.between,
            variance_floor: variation.floor,
        }
    }

    fn lines(&self, title: &str) -> [String; 3] {
        let sizes = if self.size_min == self.size_max {
            format!("of {}", self.size_max)
        } else {
            format!("of {} to {}", self.size_min, self.size_max)
        };
        [
            format!("{title}  {} bags {sizes}, {} instances left over", self.n_bags, self.remainder),
            format!("  variance between bags   {:.5}", self.variance_between),
            format!("  multinomial floor       {:.5}", self.variance_floor),
        ]
    }
}

/// Describes a manifest on standard output.
pub(crate) fn show(global: Global, file: &Path, manifest: &BagManifest) -> Result<(), Failure> {
    let n_classes = manifest.data.class_names.len();
    let description = Description {
        file: file.display().to_string(),
        hash: manifest.hash(),
        data: &manifest.data.name,
        fingerprint: &manifest.data.fingerprint,
        recipe: &manifest.recipe,
        class_names: &manifest.data.class_names,
        train: Part::of(&manifest.train, n_classes),
        held_out: Part::of(&manifest.held_out, n_classes),
    };
    if global.output == Output::Json {
        return Ok(print_json(&description)?);
    }
    for line in description.lines() {
        print(&line)?;
    }
    Ok(())
}

impl Description<'_> {
    fn lines(&self) -> Vec<String> {
        let Recipe { kind, seed, .. } = self.recipe;
        let kind = match kind {
            BagKind::Uniform => "uniform".to_owned(),
            BagKind::Dirichlet { alpha } => format!("Dirichlet, alpha {alpha}"),
            BagKind::Cluster { n_clusters } => format!("{n_clusters} clusters"),
            BagKind::Column { name } => format!("by the column {name}"),
        };
        let mut lines = vec![
            format!("bags      {} ({kind}, seed {seed}), hash {}", self.file, &self.hash[..16]),
            format!(
                "data      {}, fingerprint {}",
                self.data,
                self.fingerprint.chars().take(16).collect::<String>()
            ),
        ];
        lines.extend(self.train.lines("training"));
        lines.extend(self.held_out.lines("held out"));
        let shares = self.class_names.iter().zip(&self.train.proportions).zip(&self.held_out.proportions);
        lines.push("class shares of training and held-out bags".to_owned());
        lines.extend(
            shares.map(|((name, train), held_out)| format!("  {name:<20} {train:.4}  {held_out:.4}")),
        );
        lines
    }
}

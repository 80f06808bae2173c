//! From a data set and a recipe to bags with counts.

use llp_data::DataError;

use super::{BagKind, BagManifest, BagPart, CountedBag, DataId, Recipe};
use crate::rng::{self, Purpose, Rng as _};
use crate::source::{Dataset, Split};
use crate::{
    LabelOracle, Partition, hold_out, partition, partition_by_clusters, partition_by_groups,
    partition_by_shares, subset,
};

impl BagManifest {
    /// Makes bags of a data set's training split; held-out ones by the same recipe from instances that are set aside,
    /// or none where these do not fill one, or are fewer than the clusters.
    ///
    /// `column` has one value for each training instance; only [`BagKind::Column`] looks at it, and then the size of the
    /// recipe becomes that of the largest bag.
    ///
    /// # Errors
    /// What is wrong with the recipe; no labels; bags by a column without its values, or without one for each instance.
    ///
    /// ```
    /// use llp_bags::{BagKind, BagManifest, Recipe, source::digits::digits};
    ///
    /// let kind = BagKind::Dirichlet { alpha: 0.5 };
    /// let recipe = Recipe { kind, size: 16, seed: 0, limit: None, held_out: 0.2, split_seed: 0 };
    /// let manifest = BagManifest::make(&digits(), recipe, None)?;
    /// assert_eq!(BagManifest::parse(manifest.to_json().as_bytes())?, manifest);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn make(dataset: &Dataset, recipe: Recipe, column: Option<&[String]>) -> Result<Self, DataError> {
        let Split { instances, labels } = &dataset.train;
        let no_labels = || format!("the data set {:?} has no instance labels to count in bags", dataset.name);
        let labels = labels.as_ref().ok_or_else(|| DataError::new(no_labels()))?;
        if let Some(column) = column.filter(|column| column.len() != instances.len()) {
            let (got, expected) = (column.len(), instances.len());
            let problem = format!("{got} values of a column for {expected} training instances");
            return Err(DataError::new(problem));
        }
        let limit = recipe.limit.unwrap_or(instances.len());
        let chosen = subset(instances.len() as u32, limit, recipe.split_seed);
        let split = hold_out(&chosen, recipe.held_out, recipe.split_seed)?;
        let draw = |instances: &[u32], seed| draw(instances, &dataset.train, labels, &recipe, seed, column);
        let train = draw(&split.train, recipe.seed)?;
        let held_out = if split.held_out.len() < n_instances_min(&recipe) {
            Partition { bags: Vec::new(), remainder: split.held_out.clone() }
        } else {
            draw(&split.held_out, held_out_seed(&recipe))?
        };
        let largest = train.bags.iter().chain(&held_out.bags).map(Vec::len).max();
        Ok(Self {
            data: DataId {
                name: dataset.name.clone(),
                fingerprint: dataset.fingerprint(),
                split: "train".to_owned(),
                n_instances: instances.len() as u32,
                class_names: dataset.class_names.clone(),
            },
            recipe: Recipe { size: largest.unwrap_or(recipe.size), ..recipe },
            train: counted(train, labels),
            held_out: counted(held_out, labels),
        })
    }
}

/// How many instances it takes to draw bags at all.
fn n_instances_min(recipe: &Recipe) -> usize {
    match recipe.kind {
        BagKind::Uniform | BagKind::Dirichlet { .. } => recipe.size,
        BagKind::Cluster { n_clusters } => recipe.size.max(n_clusters),
        BagKind::Column { .. } => 1,
    }
}

/// The seed of the held-out bags. From that of the others, Dirichlet's draws would be the same shares in the same order;
/// uniform bags keep it, which runs without a manifest do too.
fn held_out_seed(recipe: &Recipe) -> u64 {
    match recipe.kind {
        BagKind::Dirichlet { .. } => rng::stream(recipe.seed, Purpose::HeldOutBags, 0).next_u64(),
        _ => recipe.seed,
    }
}

fn draw(
    instances: &[u32],
    split: &Split,
    labels: &LabelOracle,
    recipe: &Recipe,
    seed: u64,
    column: Option<&[String]>,
) -> Result<Partition, DataError> {
    let size = recipe.size;
    match &recipe.kind {
        BagKind::Uniform => partition(instances, size, seed),
        BagKind::Dirichlet { alpha } => partition_by_shares(instances, labels, size, *alpha, seed),
        BagKind::Cluster { n_clusters } => {
            let images = split.instances.as_images().ok_or_else(|| {
                DataError::new("bags by cluster need images, the data set has feature columns")
                    .remedy("choose another kind of bags")
            })?;
            partition_by_clusters(instances, images, size, *n_clusters, seed)
        }
        BagKind::Column { name } => {
            let values = column.ok_or_else(|| {
                let needed = "need its values, one for each training instance";
                DataError::new(format!("bags by the column {name:?} {needed}"))
                    .remedy("the data has none, give a file")
            })?;
            partition_by_groups(instances, values)
        }
    }
}

fn counted(partition: Partition, labels: &LabelOracle) -> BagPart {
    let count = |instances: Vec<u32>| CountedBag { counts: labels.count(&instances), instances };
    BagPart { bags: partition.bags.into_iter().map(count).collect(), remainder: partition.remainder }
}

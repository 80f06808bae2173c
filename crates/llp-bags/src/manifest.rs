//! Bags in a file, so that several methods train on the same ones.
//!
//! ```text
//! {"format":"llp-bags manifest","version":1,"hash":"5d1f..."
//! ,"data":{"name":"digits","fingerprint":"90ab...","split":"train","n_instances":1437,"class_names":["0",...]}
//! ,"recipe":{"kind":"uniform","size":16,"seed":0,"limit":null,"held_out":0.2,"split_seed":0}
//! ,"train":{"bags":[
//! {"instances":[3,14,...],"counts":[2,0,...]}
//! ,...
//! ],"remainder":[...]}
//! ,"held_out":{"bags":[...],"remainder":[...]}}
//! ```
//!
//! A manifest holds the counts of the classes in each bag and no label of an instance. The hash covers everything
//! after it, so a changed file is found; the fingerprint ties it to its data set.

mod check;
mod make;

use std::fmt::Write as _;
use std::path::Path;

use llp_data::DataError;
use serde::{Deserialize, Serialize};

use crate::Variation;

/// The version of the format that this program reads and writes.
pub const MANIFEST_VERSION: u32 = 1;

const FORMAT: &str = "llp-bags manifest";

/// Bags of a data set's training split, and bags that are held out of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BagManifest {
    /// What the instances are ids of.
    pub data: DataId,
    /// How the bags came about.
    pub recipe: Recipe,
    /// What is trained on.
    pub train: BagPart,
    /// What hyper-parameters are chosen by; without bags if nothing was held out.
    pub held_out: BagPart,
}

/// Identifies a split of a data set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataId {
    /// Name of the data set, for people.
    pub name: String,
    /// [`Dataset::fingerprint`](crate::source::Dataset::fingerprint).
    pub fingerprint: String,
    /// The split: `train`.
    pub split: String,
    /// The instances of the split.
    pub n_instances: u32,
    /// The name of each class.
    pub class_names: Vec<String>,
}

/// How bags are made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Which instances share a bag.
    pub kind: BagKind,
    /// Instances per bag; of bags by a column, those of the largest.
    pub size: usize,
    /// Seed of the bags.
    pub seed: u64,
    /// Uses only this many of the instances.
    pub limit: Option<usize>,
    /// Fraction of the instances that held-out bags are made of, in `[0, 1)`.
    pub held_out: f64,
    /// Seed of the choice of the instances used and held out.
    pub split_seed: u64,
}

/// Which instances share a bag.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum BagKind {
    /// Any, as in the paper: [`partition`](crate::partition).
    Uniform,
    /// Those of classes that are drawn for each bag: [`partition_by_shares`](crate::partition_by_shares).
    Dirichlet {
        /// Concentration of the class shares.
        alpha: f64,
    },
    /// Those that look alike: [`partition_by_clusters`](crate::partition_by_clusters).
    Cluster {
        /// The number of clusters.
        n_clusters: usize,
    },
    /// Those with the same value of a column: [`partition_by_groups`](crate::partition_by_groups).
    Column {
        /// Its name.
        name: String,
    },
}

/// Bags, and the instances that are in none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BagPart {
    /// The bags.
    pub bags: Vec<CountedBag>,
    /// Instances that did not fill another bag.
    pub remainder: Vec<u32>,
}

/// A bag and what is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CountedBag {
    /// Its instances.
    pub instances: Vec<u32>,
    /// How many of them each class has, `[class]`.
    pub counts: Vec<u32>,
}

/// What precedes the content.
#[derive(Deserialize)]
struct Head {
    format: String,
    version: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "format")]
    _format: String,
    #[serde(rename = "version")]
    _version: u32,
    hash: String,
    data: DataId,
    recipe: Recipe,
    train: BagPart,
    held_out: BagPart,
}

impl BagManifest {
    /// Reads a manifest and checks everything about it that needs no data.
    ///
    /// # Errors
    /// The file cannot be read, and those of [`parse`](Self::parse), with the file.
    pub fn read(path: &Path) -> Result<Self, DataError> {
        Self::parse(&fs_err::read(path)?).map_err(|error| error.in_file(path))
    }

    /// Parses what [`to_json`](Self::to_json) wrote.
    ///
    /// # Errors
    /// The first fault, the hash last: a mistake in an edited file is reported as what it is.
    pub fn parse(bytes: &[u8]) -> Result<Self, DataError> {
        let syntax = |error: serde_json::Error| DataError::new(format!("not a bag manifest: {error}"));
        let head: Head = serde_json::from_slice(bytes).map_err(syntax)?;
        if head.format != FORMAT {
            let problem = format!("not a bag manifest: the format is {:?}", head.format);
            return Err(DataError::new(problem));
        }
        if head.version != MANIFEST_VERSION {
            let got = head.version;
            let problem =
                format!("version {got} is not supported, this program reads version {MANIFEST_VERSION}");
            return Err(DataError::new(problem).remedy("make the bags again"));
        }
        let File { hash, data, recipe, train, held_out, .. } =
            serde_json::from_slice(bytes).map_err(syntax)?;
        let manifest = Self { data, recipe, train, held_out };
        manifest.check()?;
        let expected = manifest.hash();
        if hash != expected {
            let (expected, got) = (short(&expected), short(&hash));
            let problem = format!("the content has hash {expected}, the file says {got}");
            return Err(DataError::new(problem).remedy("it was changed after it was made"));
        }
        Ok(manifest)
    }

    /// The manifest as text, one bag a line.
    pub fn to_json(&self) -> String {
        let head = format!("\"format\":{},\"version\":{MANIFEST_VERSION}", json(&FORMAT));
        let mut text = format!("{{{head},\"hash\":{}", json(&self.hash()));
        // Writing to a string cannot fail.
        let _ = write!(text, "\n,\"data\":{}\n,\"recipe\":{}", json(&self.data), json(&self.recipe));
        for (name, part) in [("train", &self.train), ("held_out", &self.held_out)] {
            let bags = part.bags.iter().map(json).collect::<Vec<_>>().join("\n,");
            let _ = write!(
                text,
                "\n,\"{name}\":{{\"bags\":[\n{bags}\n],\"remainder\":{}}}",
                json(&part.remainder)
            );
        }
        text + "}\n"
    }

    /// Identifies the bags: 64 hexadecimal digits of BLAKE3 over the content as JSON without spaces.
    pub fn hash(&self) -> String {
        let mut hasher = blake3::Hasher::new_derive_key("llp-bags manifest, version 1");
        hasher.update(json(self).as_bytes());
        hasher.finalize().to_hex().to_string()
    }
}

impl BagPart {
    /// How much the bags differ from each other.
    pub fn variation(&self) -> Variation {
        Variation::of_counts(self.bags.iter().map(|bag| &*bag.counts))
    }

    /// All instances, in bags and in none, ascending.
    pub fn instances(&self) -> Vec<u32> {
        let in_bags = self.bags.iter().flat_map(|bag| &bag.instances);
        let mut instances: Vec<u32> = in_bags.chain(&self.remainder).copied().collect();
        instances.sort_unstable();
        instances
    }
}

fn json(value: &impl Serialize) -> String {
    let Ok(text) = serde_json::to_string(value) else {
        unreachable!("structures of numbers and strings always serialize")
    };
    text
}

/// The first digits of a hash: enough to distinguish hashes.
fn short(hash: &str) -> String {
    hash.chars().take(16).collect()
}

//! Bags of instances with label proportions: what a network learns from when single images have no labels.
//!
//! Learning from label proportions starts from bags: sets of instances of which only the share of each class is known.
//! This crate makes them from labelled data, as the paper does, or takes them as they are, and hands training exactly
//! that and no more:
//!
//! ```text
//! source  ->  Dataset { instances, LabelOracle }  where data comes from: embedded, or files that `llp-data` reads
//!                 |                |
//!            partition        counts per bag      which instances share a bag (section 4.1 of the paper)
//!                 |                |
//!                 +--> BagSet <----+              instances and proportions: all that training sees
//!                         |
//!                      prepare                    augmented, normalized values for the network
//! ```
//!
//! A [`BagManifest`] keeps bags in a file: for methods that are to see the same bags, and for bags that are not uniform
//! ([`BagKind`]).
//!
//! Two rules hold everywhere:
//!
//! - **Instance labels stay here.** A [`LabelOracle`] keeps them private; it counts and scores, but names no label. A
//!   [`BagSet`] has no way back to it.
//! - **Every random draw comes from `(seed, purpose, index)`** through [`rng::stream`], so equal seeds give equal
//!   bags and shifts on every machine and with any number of threads (for what takes logarithms, see [`rng::normal`]).
//!
//! Instances are images or rows of features ([`Instances`]), and are named by their position in them, as `u32`.
//!
//! ```
//! use llp_bags::{BagSet, partition, source::digits::digits};
//!
//! let data = digits();
//! let split = &data.train;
//! let bags = partition(&split.instances.ids(), 16, 0)?;
//! let labels = split.labels.as_ref().ok_or("digits have labels")?;
//! let bag_set = BagSet::from_partition(split.instances.clone(), &bags, labels)?;
//! assert_eq!((bag_set.len(), bag_set.remainder()), (89, 13));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The feature `table` adds what is read by `llp-data` from tables and image files ([`own`], [`source::open`]), the feature
//! `hub` data sets of the Hugging Face hub.

mod augment;
mod bag;
mod bagging;
mod check;
mod diagnostics;
mod eigen;
mod features;
mod fold;
mod instances;
mod manifest;
mod mix;
mod noise;
mod normalization;
mod oracle;
#[cfg(feature = "table")]
pub mod own;
mod prepare;
pub mod rng;
mod score;
pub mod source;
mod split;
mod variation;
mod whitening;

pub use augment::{Augmentation, Edge, EpochAugmentation, Mirror, Operation};
pub use bag::BagSet;
pub use bagging::{Partition, partition, partition_by_clusters, partition_by_groups, partition_by_shares};
pub use diagnostics::{ClassSpread, Diagnostics, Finding, Verdict, diagnose};
pub use features::Features;
pub use fold::{Fold, fold};
pub use instances::{InstanceShape, Instances};
pub use llp_data::{DataError, DataNote, Images};
pub use llp_ot::{Imprecision, Proportions};
pub use manifest::{BagKind, BagManifest, BagPart, CountedBag, DataId, MANIFEST_VERSION, Recipe};
pub use mix::MixedBag;
pub use noise::Noise;
pub use normalization::Normalization;
pub use oracle::LabelOracle;
pub use prepare::prepare;
pub use score::{CalibrationBin, ClassScore, N_BINS, ProbabilityScores, class_scores, macro_f1};
pub use split::{HeldOut, hold_out, subset};
pub use variation::Variation;
pub use whitening::whitening;

//! Linear classifiers from label proportions, on fixed features.
//!
//! Instances come in bags; of each bag the shares of the classes are known, of no instance its class. The
//! methods of this crate take features `[instance, column]` as slices of `f32` or `f64`, the bag of each
//! instance and the proportions of each bag, and return a [`LinearModel`]. They need no tensor library,
//! and where features are good (measurements, or embeddings of another network) they are hard to beat.
//!
//! | method | function | where it shines |
//! |---|---|---|
//! | MeanMap | [`mean_map`] | bags that differ; one convex problem, in seconds |
//! | InvCal | [`inv_cal`] | small bags; large margins |
//! | LMM, AMM | [`lmm`], [`amm`] | as MeanMap, where a class differs from bag to bag |
//! | softmax under the KL loss | [`linear_kl`] | many bags, also alike ones |
//! | EM | [`em`] | small bags |
//! | alter-pSVM | [`alter_svm`] | small data, large margins |
//! | GICF | [`gicf`] | near instances are of one class; thousands of instances |
//! | LLP-KMeans | [`llp_kmeans`] | classes that are clusters, and not linear |
//! | ecological inference | [`ecological_inference`] | counts of groups instead of features |
//!
//! [`diagnose`] says beforehand whether bags differ enough, [`choose_l2`] chooses a penalty by held-out bags.
//! `docs/classical.md` of the repository has each method's problem, defaults and failures, and measured
//! accuracies beside each other.
//!
//! ```
//! use llp_classic::{Bags, LinearKlConfig, linear_kl};
//! use llp_ot::Proportions;
//!
//! let features = [1.0_f32, 2.0, 8.0, 2.0, 7.0, 9.0]; // [instance, column], one column
//! let proportions = [Proportions::from_counts(&[2, 1])?, Proportions::from_counts(&[1, 2])?];
//! let bags = Bags::new(&features, 1, &[0, 0, 0, 1, 1, 1], &proportions)?;
//! let fit = linear_kl(&bags, &LinearKlConfig::default())?;
//! assert_eq!(fit.model.predict(&[3.0, 6.5])?, [0, 1]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # How it works
//!
//! Features are read where they are, never copied: standardization is folded into the weights, and sums run in
//! double precision. One evaluation of a loss is one pass over the rows, in units that stay in the cache
//! (`pass`). With the feature `rayon` units are shared among the threads of the caller's pool; the bits of a
//! result depend neither on their number nor on the instruction set.
//!
//! # Solvers
//!
//! *Smooth problems* go to an L-BFGS of this crate (`lbfgs`), 150 lines. `argmin` 0.11 was weighed: well kept and
//! under the same licences, but it brings twenty crates and copies parameters through its state, and its order of
//! sums is not ours to promise. `lbfgs` 0.3 has the two loops without the line search, which is the hard part.
//!
//! *Support vector problems* go to sequential minimal optimization (`smo`), 200 lines, for regression on bag means and
//! for classification of instances. `clarabel` 0.11 was weighed: an excellent interior-point solver (Apache-2.0), and
//! the judge of our golden values, but it factorizes a matrix of all instances where we need products of two.
//! `linfa-svm` 0.8 has this algorithm too, but neither a width nor a weight for each point, and brings `ndarray`.

#![forbid(unsafe_code)]

mod alter_svm;
mod amm;
mod bags;
mod columns;
mod diagnose;
mod ecological;
mod em;
mod error;
mod fit;
mod gicf;
mod inv_cal;
mod kernels;
mod kl;
mod kmeans;
mod labels;
mod laplacian;
mod lbfgs;
mod mean_map;
mod model;
mod objective;
mod parallel;
mod pass;
mod path;
mod posterior;
mod random;
mod smo;
mod softmax;
mod symmetric;

pub use alter_svm::{AlterSvmConfig, alter_svm, alter_svm_from};
pub use amm::{AmmConfig, amm, amm_from};
pub use bags::Bags;
pub use diagnose::{BagWeight, Diagnosis, diagnose};
pub use ecological::{
    COVERAGE, Dependence, EcologicalConfig, EcologicalFit, GroupTables, Interval, Share, ecological_inference,
};
pub use em::{EmConfig, count_log_likelihood, em, em_from};
pub use error::ClassicError;
pub use fit::{Fit, Stopping};
pub use gicf::{GicfConfig, gicf, gicf_from};
pub use inv_cal::{InvCalConfig, inv_cal};
pub use kl::{LinearKlConfig, bag_kl, linear_kl, linear_kl_from};
pub use kmeans::{ClusterModel, Clustering, KMeansConfig, cluster_labels, llp_kmeans, llp_kmeans_from};
pub use laplacian::{LmmConfig, lmm};
pub use mean_map::{MeanMapConfig, mean_map};
pub use model::LinearModel;
pub use path::{Choice, L2_PATH, choose_l2};

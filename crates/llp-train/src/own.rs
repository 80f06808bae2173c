//! One's own bags: nothing is drawn, and no label is needed anywhere.

use std::path::Path;

use llp_bags::own::{self, InstanceNames, OwnBag, OwnData};
use llp_bags::{Imprecision, Normalization};
use llp_sweep::config::{Approach, DataConfig, Impute, LossName, RunConfig};

use crate::data::check_augmentation;
use crate::method::check_method;
use crate::verdict::Outlook;
use crate::{TrainError, TrainingData};

/// Pixels in each direction that images are resized to where `data.image_size` does not say.
const IMAGE_SIZE: usize = 32;

/// The location of the user's own data, if the configuration names any.
pub(crate) fn place(config: &DataConfig) -> Option<&Path> {
    config.path.as_deref().map(Path::new).filter(|path| own::is_own(path))
}

/// Reads one's own data at `path`.
///
/// # Errors
/// What is wrong with its tables or images.
pub fn read_own(path: &Path, config: &DataConfig) -> Result<OwnData, TrainError> {
    let proportions = config.proportions.as_deref().map(Path::new);
    let image_size = config.image_size.unwrap_or(IMAGE_SIZE);
    Ok(own::read_imputed(path, proportions, image_size, imputation(config))?)
}

/// What stands for missing numbers in the rows for training. Returns `None` if they are refused.
pub fn imputation(config: &DataConfig) -> Option<own::Impute> {
    config.impute.map(|impute| match impute {
        Impute::Mean => own::Impute::Mean,
        Impute::Median => own::Impute::Median,
    })
}

/// The names of bags and instances of one's own data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnNames {
    /// Instances of training and held-out bags.
    pub train: InstanceNames,
    /// Test instances.
    pub test: InstanceNames,
    /// Training bags, `[bag]`.
    pub bags: Vec<String>,
    /// Held-out bags, `[bag]`.
    pub held_out: Vec<String>,
}

/// Refuses bags that say too little for the loss or the method.
fn check_proportions(own: &OwnData, approach: Approach) -> Result<(), TrainError> {
    let loss = match approach {
        Approach::Loss(loss) => Some(loss),
        Approach::Method(_) => None,
    };
    let needs_every_share = match loss {
        Some(LossName::Kl | LossName::L1 | LossName::L2 | LossName::Interval | LossName::Marginal) => false,
        None
        | Some(
            LossName::Rot
            | LossName::AvgKl
            | LossName::Saddlepoint
            | LossName::Gaussian
            | LossName::Multinomial
            | LossName::Moments,
        ) => true,
    };
    for bag in own.bags.iter().chain(&own.held_out) {
        let (name, proportions) = (bag.name.clone(), own.proportions_path.clone());
        let unknown = (0..own.data.class_names.len()).find(|&class| bag.imprecision.is_unknown(class));
        if let (true, Some(class)) = (needs_every_share, unknown) {
            let class = own.data.class_names[class].clone();
            let kind = if loss.is_some() { "loss" } else { "method" };
            let learner = format!("{kind} {}", approach.as_str());
            return Err(TrainError::UnknownShare { learner, bag: name, class, proportions });
        }
        let Imprecision::StandardErrors(errors) = &bag.imprecision else { continue };
        if loss == Some(LossName::Interval) && errors.iter().any(|&error| error > 0.0 && error.is_finite()) {
            return Err(TrainError::NoBounds { bag: name, proportions });
        }
    }
    Ok(())
}

/// What to say where bags have bounds or standard errors that a loss or method does not use.
fn unused_errors(own: &OwnData, approach: Approach) -> Option<String> {
    if matches!(approach, Approach::Loss(LossName::Interval | LossName::Marginal)) {
        return None;
    }
    let has_errors = |bag: &&OwnBag| match &bag.imprecision {
        Imprecision::Exact => false,
        // An infinite one is that of an unknown share, which every loss takes for unknown or refuses.
        Imprecision::StandardErrors(errors) => errors.iter().any(|&error| error > 0.0 && error.is_finite()),
        Imprecision::Intervals { low, high } => {
            (0..low.len()).any(|class| low[class] < high[class] && !bag.imprecision.is_unknown(class))
        }
    };
    let n = own.bags.iter().chain(&own.held_out).filter(has_errors).count();
    let name = approach.as_str();
    (n > 0).then(|| {
        format!(
            "{n} bags have bounds or standard errors of their shares, which {name} does not use: --loss marginal \
             does, and interval for bounds"
        )
    })
}

impl TrainingData {
    /// The bags as they are. Held-out bags are the configured fold, else those that the tables name, else the
    /// configured fraction of the bags.
    ///
    /// # Errors
    /// When the configuration asks for bags that are drawn, or the augmentation does not suit the data.
    pub fn from_own(own: OwnData, config: &RunConfig) -> Result<Self, TrainError> {
        for (key, is_set) in [
            ("bags.manifest", config.bags.hash.is_some()),
            ("bags.noise", config.bags.noise.is_some()),
            ("data.train_limit", config.data.train_limit.is_some()),
        ] {
            if is_set {
                return Err(TrainError::OwnBags { key });
            }
        }
        check_augmentation(&own.data, config)?;
        check_method(&own.data, config)?;
        check_proportions(&own, config.approach())?;
        let fingerprint = own.fingerprint();
        let (outlook, refusal) = Outlook::before_training(&own);
        let notes = own.data.notes.iter().map(ToString::to_string);
        let warnings = notes.chain(outlook).chain(unused_errors(&own, config.approach())).collect();
        let own = match (config.data.folds, config.data.fold) {
            (Some(n_folds), Some(index)) => own.fold(n_folds, index, config.data.split_seed)?,
            _ => own.hold_out(config.data.held_out, config.data.split_seed)?,
        };
        let (bags, held_out) = (own.bag_set()?, own.held_out_bag_set()?);
        let instances: Vec<u32> = own.bags.iter().flat_map(|bag| bag.instances.iter().copied()).collect();
        let names = |bags: &[OwnBag]| bags.iter().map(|bag| bag.name.clone()).collect();
        let (bag_names, held_out_names) = (names(&own.bags), names(&own.held_out));
        let OwnData { data, schema, train_names, test_names, .. } = own;
        Ok(Self {
            normalization: Normalization::from_instances(&data.train.instances, &instances)?,
            bags,
            n_held_out: held_out.as_ref().map_or(0, llp_bags::BagSet::n_instances),
            held_out,
            test: data.test.instances,
            test_labels: data.test.labels,
            class_names: data.class_names,
            features: schema,
            names: Some(OwnNames {
                train: train_names,
                test: test_names,
                bags: bag_names,
                held_out: held_out_names,
            }),
            warnings,
            refusal,
            fingerprint,
        })
    }
}

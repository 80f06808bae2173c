//! The data of a training from one's own bags.

use llp_bags::own::{OwnBag, OwnData};
use llp_bags::{Imprecision, Normalization};
use llp_data::DataError;
use llp_loss::{BagLoss as _, Loss, WeightedSum};
use llp_sweep::config::{Approach, RunConfig};

use super::{TrainingData, check_augmentation, check_method};
use crate::TrainError;
use crate::loss::configured_loss;
use crate::own::OwnNames;
use crate::verdict::Outlook;

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
                let problem = format!("{key} is set, but the data has bags of its own");
                return Err(DataError::new(problem).remedy("leave it out").into());
            }
        }
        check_augmentation(&own.data, config)?;
        check_method(&own.data, config)?;
        check_proportions(&own, config)?;
        let fingerprint = own.fingerprint();
        let (outlook, refusal) = Outlook::before_training(&own);
        let notes = own.data.notes.iter().map(ToString::to_string);
        let warnings = notes.chain(outlook).chain(unused_errors(&own, config)).collect();
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

/// Refuses bags that say too little for the loss or the method.
fn check_proportions(own: &OwnData, config: &RunConfig) -> Result<(), DataError> {
    let loss = match config.approach() {
        Approach::Loss(_) => Some(configured_loss(&config.loss)),
        Approach::Method(_) => None,
    };
    let mut losses = loss.iter().flat_map(WeightedSum::losses);
    let of_bounds = losses.find(|loss| matches!(loss, Loss::Interval | Loss::Ci));
    let user = needs_every_share(config, loss.as_ref());
    for bag in own.bags.iter().chain(&own.held_out) {
        let (name, table) = (&bag.name, own.proportions_path.display());
        let unknown = (0..own.data.class_names.len()).find(|&class| bag.imprecision.is_unknown(class));
        if let (Some((user, remedy)), Some(class)) = (&user, unknown) {
            let problem = format!(
                "{user} needs the share of every class, and that of {:?} in bag {name:?} is unknown in {table}",
                own.data.class_names[class],
            );
            return Err(DataError::new(problem).remedy(format!("fill it in, or {remedy}")));
        }
        let Imprecision::StandardErrors(errors) = &bag.imprecision else { continue };
        if let Some(loss) = of_bounds
            && errors.iter().any(|&error| error > 0.0 && error.is_finite())
        {
            let loss = loss.name();
            let problem = format!(
                "the loss {loss} needs bounds of the shares, and bag {name:?} has standard errors in {table}"
            );
            return Err(DataError::new(problem).remedy("write bounds, or train with --loss marginal"));
        }
    }
    Ok(())
}

/// What of a training has no meaning without the share of every class, and what does without.
fn needs_every_share(config: &RunConfig, loss: Option<&WeightedSum>) -> Option<(String, &'static str)> {
    const OTHERS: &str = "train with --loss kl, l1, l2, interval or marginal";
    let Some(loss) = loss else {
        return Some((format!("the method {}", config.approach().as_str()), OTHERS));
    };
    if let Some((place, loss)) = loss.losses().enumerate().find(|(_, loss)| !loss.takes_unknown_shares()) {
        let remedy = if place == 0 { OTHERS } else { "take it out of loss.add" };
        return Some((format!("the loss {}", loss.name()), remedy));
    }
    let has_labels = config.consistency.name.is_some() && !config.consistency.is_adversarial();
    has_labels.then(|| ("--consistency".to_owned(), "leave out --consistency"))
}

/// What to say where bags have bounds or standard errors that a loss or method does not use.
fn unused_errors(own: &OwnData, config: &RunConfig) -> Option<String> {
    if matches!(config.approach(), Approach::Loss(_)) && configured_loss(&config.loss).uses_errors() {
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
    let name = config.approach().as_str();
    (n > 0).then(|| {
        format!(
            "{n} bags have bounds or standard errors of their shares, which {name} does not use: --loss marginal \
             does, and interval for bounds"
        )
    })
}

//! What `llp predict` reads, checked before any work.

use std::path::{Path, PathBuf};

use llp_bags::own::ProportionTable;
use llp_data::DataError;
use llp_train::disaggregate::columns_of;
use llp_train::predict::{Posterior, Source};
use llp_train::{Predictor, TrainingData};

use crate::failure::{Failure, usage};
use crate::predict::{PredictArgs, SplitName};

/// The instances, in the order of the arguments; either all have bags or none.
pub(crate) fn sources(
    args: &PredictArgs,
    paths: &[PathBuf],
    predictor: &Predictor,
    data: Option<&TrainingData>,
) -> Result<Vec<Source>, Failure> {
    let sources = match (args.split, data) {
        (Some(split), Some(data)) => vec![split_of(args, split, data)?],
        _ => paths.iter().map(|path| Source::open(path, predictor.state())).collect::<Result<_, _>>()?,
    };
    let has_bags = sources[0].has_bags();
    match sources.iter().find(|source| source.has_bags() != has_bags) {
        None => Ok(sources),
        Some(other) => {
            let bags = |has_bags| if has_bags { "bags" } else { "no bags" };
            let (these, others) = (bags(!has_bags), bags(has_bags));
            let problem = format!("the instances have {these}, those before them have {others}");
            Err(DataError::of(other.path(), problem).remedy("predict them apart").into())
        }
    }
}

fn split_of(args: &PredictArgs, split: SplitName, data: &TrainingData) -> Result<Source, Failure> {
    let names = data.names.as_ref();
    let train = names.map(|names| &names.train);
    Ok(match (split, &data.held_out) {
        (SplitName::Test, _) => {
            Source::split(&args.network, data.test.clone(), names.map(|names| &names.test))
        }
        (SplitName::Train, _) => {
            Source::bags(&args.network, &data.bags, train, names.map(|names| &names.bags[..]))
        }
        (SplitName::HeldOut, Some(held_out)) => {
            Source::bags(&args.network, held_out, train, names.map(|names| &names.held_out[..]))
        }
        (SplitName::HeldOut, None) => {
            return Err(usage(format!("{} has no held-out bags", args.network.display())));
        }
    })
}

/// The proportions, with the classes in the order of the network's outputs.
pub(crate) fn proportions(
    args: &PredictArgs,
    predictor: &Predictor,
    sources: &[Source],
) -> Result<Option<ProportionTable>, Failure> {
    let Some(path) = &args.proportions else { return Ok(None) };
    if !sources[0].has_bags() {
        let problem = "the instances have no bags that the proportions could be of";
        return Err(DataError::of(sources[0].path(), problem).remedy("give tables with a column bag").into());
    }
    let known = ProportionTable::read(path)?;
    let order = columns_of(&predictor.state().class_names, known.class_names(), &args.network, path)?;
    Ok(Some(known.ordered(&order)))
}

/// What predictions and proportions have not in common.
pub(crate) fn warnings(posterior: &Posterior, proportions: &Path) -> Vec<String> {
    let path = proportions.display();
    let mut warnings = Vec::new();
    if posterior.n_without_bag > 0 {
        let n = posterior.n_without_bag;
        warnings.push(format!("{n} instances have no bag: they are left as the network sees them"));
    }
    if let Some((n, bag)) = &posterior.unknown_bags {
        warnings.push(format!(
            "{n} instances are of bags without proportions in {path}, such as {bag:?}: they are left as the network sees them"
        ));
    }
    if posterior.n_guessed > 0 {
        let n = posterior.n_guessed;
        warnings.push(format!(
            "{path}: the proportions of {n} bags are not exact: the best guess within what is known is used"
        ));
    }
    warnings
}

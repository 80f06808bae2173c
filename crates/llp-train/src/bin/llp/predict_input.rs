//! What `llp predict` reads, checked before any work.

use llp_train::disaggregate::BagProportions;
use llp_train::predict::{PredictError, Source};
use llp_train::{Predictor, TrainingData};

use crate::failure::{Failure, usage};
use crate::predict::{PredictArgs, SplitName};

/// The instances, in the order of the arguments; either all have bags or none.
pub(crate) fn sources(
    args: &PredictArgs,
    predictor: &Predictor,
    data: Option<&TrainingData>,
) -> Result<Vec<Source>, Failure> {
    let sources = match (args.split, data) {
        (Some(split), Some(data)) => vec![split_of(args, split, data)?],
        _ => args.paths.iter().map(|path| Source::open(path, predictor.state())).collect::<Result<_, _>>()?,
    };
    let has_bags = sources[0].has_bags();
    match sources.iter().find(|source| source.has_bags() != has_bags) {
        None => Ok(sources),
        Some(other) => {
            Err(PredictError::SomeBags { path: other.path().to_owned(), has_bags: !has_bags }.into())
        }
    }
}

fn split_of(args: &PredictArgs, split: SplitName, data: &TrainingData) -> Result<Source, Failure> {
    Ok(match (split, &data.held_out) {
        (SplitName::Test, _) => Source::split(&args.network, data.test.clone()),
        (SplitName::Train, _) => Source::bags(&args.network, &data.bags),
        (SplitName::HeldOut, Some(held_out)) => Source::bags(&args.network, held_out),
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
) -> Result<Option<BagProportions>, Failure> {
    let Some(path) = &args.proportions else { return Ok(None) };
    if !sources[0].has_bags() {
        return Err(PredictError::NoBags { path: sources[0].path().to_owned() }.into());
    }
    let known = BagProportions::read(path)?;
    Ok(Some(known.ordered(&predictor.state().class_names, &args.network)?))
}

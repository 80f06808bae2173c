//! `llp predict --by-bag`.

use std::io::Write;

use llp_data::table::{TableFormat, TableWriter};
use llp_train::predict::{ExcessError, SharesByBag, Source, excess_error};
use llp_train::{Predictor, TrainError, TrainingData};

use super::{PredictArgs, Seen, Work};
use crate::environment::tell;
use crate::failure::{Failure, usage};
use crate::predict::calibration::bags_to_fit;

/// Refuses instances that have no bags.
pub(crate) fn check(args: &PredictArgs, sources: &[Source]) -> Result<(), Failure> {
    if args.by_bag && !sources[0].has_bags() {
        let path = sources[0].path().display();
        return Err(usage(format!(
            "{path}: the instances have no bags: --by-bag needs tables of instances with a column bag, or --split train or held-out"
        )));
    }
    Ok(())
}

/// What the network's shares of whole bags get wrong beyond chance, for each class, and from which bags that is known.
pub(crate) struct ShareErrors {
    excess: ExcessError,
    bags: &'static str,
}

impl ShareErrors {
    /// From the run's held-out bags; from its training bags, on which errors are smaller, if there are none.
    pub(crate) fn of(
        predictor: &Predictor,
        data: &TrainingData,
        temperature: f64,
    ) -> Result<Self, TrainError> {
        let (bags, name) = bags_to_fit(data);
        Ok(Self { excess: excess_error(predictor, bags, temperature)?, bags: name })
    }

    /// For people.
    pub(crate) fn describe(&self) -> String {
        let Self { excess: ExcessError { variances, n_bags }, bags } = self;
        let mean = (variances.iter().sum::<f64>() / variances.len() as f64).sqrt();
        let too_narrow = if *bags == "training" {
            ": none are held out, so intervals are too narrow for new bags"
        } else {
            ""
        };
        format!(
            "intervals from {n_bags} {bags} bags, whose shares are off by {mean:.4} beyond chance{too_narrow}"
        )
    }
}

impl Work<'_> {
    /// A row for each bag.
    pub(super) fn write_shares<W: Write + Send>(
        &self,
        out: W,
        format: TableFormat,
        errors: &ShareErrors,
    ) -> Result<(W, Seen), TrainError> {
        let mut shares = SharesByBag::new(self.columns.class_names.clone());
        let seen = self.each_chunk(|chunk| {
            shares.add(&chunk);
            Ok(())
        })?;
        if shares.n_without_bag() > 0 && !self.is_quiet {
            tell(&format!("warning: {} instances have no bag: they are left out", shares.n_without_bag()));
        }
        let mut table = TableWriter::new(out, format, &shares.head())?;
        table.write(&shares.cells(&errors.excess))?;
        Ok((table.finish()?, seen))
    }
}

//! Classical methods: from bags of features to a linear model.

use llp_bags::Normalization;
use llp_classic::{
    AlterSvmConfig, AmmConfig, Bags, Choice, ClassicError, EmConfig, Fit, InvCalConfig, L2_PATH,
    LinearKlConfig, LinearModel, LmmConfig, MeanMapConfig, Stopping, alter_svm, amm, choose_l2, diagnose, em,
    inv_cal, linear_kl, linear_kl_from, lmm, mean_map,
};
use llp_sweep::config::{MethodConfig, MethodName};
use llp_sweep::record::Solution;

use crate::data::needs_features;
use crate::{Hooks, TrainError, TrainingData};

/// Folds of the training bags that a penalty is chosen by.
const N_FOLDS: usize = 5;
/// Fewer bags choose nothing: a fold of one bag is too noisy a judge (docs/choosing.md).
const N_BAGS_MIN: usize = 10;
/// Standard errors of class means, in those from labels, beyond which they tell little.
const AMPLIFICATION_MAX: f64 = 10.0;
/// Gradient, or violation of conditions, at which solvers stop while penalties are compared; their rounds and steps are fewer
/// too. A held-out bag says less about a penalty than these differences.
const ROUGH: f64 = 1e-4;
const ROUGH_EVALUATIONS: usize = 200;
const ROUGH_ROUNDS: usize = 20;
const ROUGH_STEPS: usize = 20_000;

/// A solved problem.
pub(crate) struct Solved {
    /// On raw features.
    pub(crate) model: LinearModel,
    pub(crate) solution: Solution,
}

/// Solves the problem of a method on all training bags. Returns `None` if `hooks` says to stop between two fits.
///
/// Without a penalty in the configuration, cross-validation over the training bags chooses one of [`L2_PATH`] by the KL
/// loss of bags; alter-pSVM, whose scores are no probabilities, takes its default.
///
/// # Errors
/// [`TrainError::Method`] for bags from which the method can learn nothing.
pub(crate) fn solve(
    name: MethodName,
    config: &MethodConfig,
    data: &TrainingData,
    hooks: &mut dyn Hooks,
) -> Result<Option<Solved>, TrainError> {
    let set = &data.bags;
    let Some(features) = set.data().as_features() else {
        return Err(needs_features(name).into());
    };
    let parts: Vec<_> = (0..set.len()).map(|bag| (set.instances(bag), set.proportions(bag))).collect();
    let bags = Bags::of_parts(features.values(), features.n_columns(), &parts)?;
    let amplification = diagnose(&bags).amplification;
    if uses_class_means(name) && amplification > AMPLIFICATION_MAX && amplification.is_finite() {
        hooks.warn(&format!(
            "the bags hardly differ for {}: its class means have standard errors of up to {amplification:.0} times those \
             from labels; linear-kl and em do without class means",
            name.title()
        ));
    }
    let method = Method { name, gamma: config.gamma };
    let choice = match config.l2 {
        None if name != MethodName::AlterSvm => match method.choose(&bags, hooks) {
            Err(ClassicError::Stopped) => return Ok(None),
            choice => choice?,
        },
        _ => None,
    };
    if hooks.should_stop() {
        return Ok(None);
    }
    let l2 = config.l2.or(choice.as_ref().map(|choice| choice.l2));
    let fit = method.fit(&bags, l2, None, false)?;
    if !fit.converged {
        hooks.warn(&unsettled(name, &fit));
    }
    let solution = Solution {
        l2: l2.or_else(|| default_l2(name)),
        folds: choice.map(|_| N_FOLDS),
        objective: fit.objective,
        gradient_norm: fit.gradient_norm,
        n_evaluations: fit.n_evaluations,
        converged: fit.converged,
        amplification: Some(amplification).filter(|amplification| amplification.is_finite()),
    };
    Ok(Some(Solved { model: fit.model, solution }))
}

/// The weights `[class, column]` and the bias `[class]` that give the same scores on normalized features.
pub(crate) fn on_normalized(model: &LinearModel, normalization: &Normalization) -> (Vec<f32>, Vec<f32>) {
    let (mean, std) = (normalization.mean(), normalization.std());
    let rows = model.weights.chunks_exact(mean.len());
    let bias = rows.clone().zip(&model.bias).map(|(row, bias)| {
        let shift: f64 = row.iter().zip(mean).map(|(weight, mean)| weight * f64::from(*mean)).sum();
        (bias + shift) as f32
    });
    let weights =
        rows.flat_map(|row| row.iter().zip(std).map(|(weight, std)| (weight * f64::from(*std)) as f32));
    (weights.collect(), bias.collect())
}

/// Whether a method learns from estimated means of classes alone.
fn uses_class_means(name: MethodName) -> bool {
    matches!(name, MethodName::MeanMap | MethodName::Lmm | MethodName::Amm)
}

/// What stopped before it came to rest, and what helps.
fn unsettled(name: MethodName, fit: &Fit) -> String {
    let Fit { n_evaluations, gradient_norm, .. } = fit;
    match name {
        MethodName::Amm | MethodName::Em => {
            format!("{}: the labels had not come to rest when the rounds ended", name.title())
        }
        _ => format!(
            "{} stopped after {n_evaluations} evaluations at a gradient of {gradient_norm:.1e}: a larger penalty \
             (method.l2) makes the problem easier",
            name.title()
        ),
    }
}

/// The penalty of a method where none is given or chosen.
fn default_l2(name: MethodName) -> Option<f64> {
    match name {
        MethodName::None => None,
        MethodName::MeanMap => Some(MeanMapConfig::default().l2),
        MethodName::Lmm | MethodName::Amm => Some(LmmConfig::default().l2),
        MethodName::InvCal => Some(InvCalConfig::default().c.recip()),
        MethodName::LinearKl => Some(LinearKlConfig::default().l2),
        MethodName::Em => Some(EmConfig::default().l2),
        MethodName::AlterSvm => Some(AlterSvmConfig::default().c.recip()),
    }
}

/// A method with its settings.
#[derive(Clone, Copy)]
struct Method {
    name: MethodName,
    gamma: Option<f64>,
}

impl Method {
    /// The penalty that folds of bags choose; none where there are too few bags.
    fn choose(self, bags: &Bags<'_, f32>, hooks: &mut dyn Hooks) -> Result<Option<Choice>, ClassicError> {
        if bags.n_bags() < N_BAGS_MIN {
            hooks.warn(&format!(
                "{} bags are too few to choose the penalty by: method.l2 is the default of {}",
                bags.n_bags(),
                self.name.title()
            ));
            return Ok(None);
        }
        let choice = choose_l2(bags, &L2_PATH, N_FOLDS, |bags, l2, previous| {
            if hooks.should_stop() {
                return Err(ClassicError::Stopped);
            }
            self.fit(bags, Some(l2), previous, true)
        })?;
        Ok(Some(choice))
    }

    /// The model with this penalty, or with the default one. Support vector methods weigh errors by one over it.
    fn fit(
        self,
        bags: &Bags<'_, f32>,
        l2: Option<f64>,
        previous: Option<&LinearModel>,
        is_rough: bool,
    ) -> Result<Fit, ClassicError> {
        let stopping = if is_rough {
            Stopping { gradient: ROUGH, max_evaluations: ROUGH_EVALUATIONS }
        } else {
            Stopping::default()
        };
        match self.name {
            MethodName::None => unreachable!("a checked configuration leaves out this name"),
            MethodName::MeanMap => {
                let default = MeanMapConfig::default();
                mean_map(bags, &MeanMapConfig { l2: l2.unwrap_or(default.l2), stopping, ..default })
            }
            MethodName::Lmm => lmm(bags, &self.lmm(l2, stopping)),
            MethodName::Amm => amm(bags, &AmmConfig { lmm: self.lmm(l2, stopping), ..AmmConfig::default() }),
            MethodName::InvCal => {
                let default = InvCalConfig::default();
                let (tolerance, max_iterations) =
                    if is_rough { (ROUGH, ROUGH_STEPS) } else { (default.tolerance, default.max_iterations) };
                let c = l2.map_or(default.c, f64::recip);
                inv_cal(bags, &InvCalConfig { c, tolerance, max_iterations, ..default })
            }
            MethodName::LinearKl => {
                let default = LinearKlConfig::default();
                let config = LinearKlConfig { l2: l2.unwrap_or(default.l2), stopping, ..default };
                match previous {
                    Some(model) => linear_kl_from(bags, &config, model),
                    None => linear_kl(bags, &config),
                }
            }
            MethodName::Em => {
                let default = EmConfig::default();
                let max_rounds = if is_rough { ROUGH_ROUNDS } else { default.max_rounds };
                em(bags, &EmConfig { l2: l2.unwrap_or(default.l2), stopping, max_rounds, ..default })
            }
            MethodName::AlterSvm => {
                let default = AlterSvmConfig::default();
                alter_svm(bags, &AlterSvmConfig { c: l2.map_or(default.c, f64::recip), ..default })
            }
        }
    }

    fn lmm(self, l2: Option<f64>, stopping: Stopping) -> LmmConfig {
        let default = LmmConfig::default();
        let gamma = self.gamma.unwrap_or(default.gamma);
        LmmConfig { l2: l2.unwrap_or(default.l2), gamma, stopping, ..default }
    }
}

//! What the numbers mean for a training.

use serde::Serialize;

use super::Diagnostics;

/// Random bags of `n` instances have a condition of about the square root of `n`: above this, only bags of thousands.
const CONDITION_MAX: f64 = 50.0;
/// Nats between the loss of chance and the least one: below this, what is learned drowns in what is not.
const GAIN_MIN: f64 = 0.005;
/// Variance between bags beside that of random draws: below this, the bags were made equal on purpose.
const RATIO_MIN: f64 = 0.5;
/// Above this, bags differ by more than chance.
const RATIO_LARGE: f64 = 2.0;

/// Something that decides about a training.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "finding", rename_all = "snake_case")]
pub enum Finding {
    /// Every bag has the same proportions.
    AllBagsEqual,
    /// Fewer bags than classes.
    FewerBagsThanClasses,
    /// No bag has any instance of the class.
    NeverPresent {
        /// The class.
        class: usize,
    },
    /// All bags have the same share of the class, which is not 0.
    NeverVaries {
        /// The class.
        class: usize,
    },
    /// Classes that no bag distinguishes.
    Confused {
        /// Two or more.
        classes: Vec<usize>,
    },
    /// The matrix of proportions has nearly no full rank.
    IllConditioned {
        /// Its condition.
        condition: f64,
    },
    /// The loss of chance is nearly the least one.
    LittleToLearn {
        /// Their difference, in nats.
        gain: f64,
    },
    /// Bags are more alike than random draws.
    MoreAlikeThanChance {
        /// Variance between bags, divided by that of random draws.
        ratio: f64,
    },
    /// Bags differ as random draws do.
    AsChance {
        /// Variance between bags, divided by that of random draws.
        ratio: f64,
    },
    /// Bags differ by more than random draws.
    MoreThanChance {
        /// Variance between bags, divided by that of random draws.
        ratio: f64,
    },
}

/// Whether a training can work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing speaks against it.
    Possible,
    /// It may teach little.
    Doubtful,
    /// Some class that occurs cannot be learned, whatever the network and the number of epochs.
    Impossible,
}

impl Finding {
    /// What it means by itself.
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::AllBagsEqual
            | Self::FewerBagsThanClasses
            | Self::NeverVaries { .. }
            | Self::Confused { .. } => Verdict::Impossible,
            Self::NeverPresent { .. }
            | Self::IllConditioned { .. }
            | Self::LittleToLearn { .. }
            | Self::MoreAlikeThanChance { .. } => Verdict::Doubtful,
            Self::AsChance { .. } | Self::MoreThanChance { .. } => Verdict::Possible,
        }
    }
}

impl Diagnostics {
    /// What the numbers mean, the worst first.
    pub fn findings(&self) -> Vec<Finding> {
        if self.classes.iter().all(super::ClassSpread::is_constant) {
            return vec![Finding::AllBagsEqual];
        }
        let mut findings = self.of_classes();
        if self.n_bags < self.n_classes {
            findings.push(Finding::FewerBagsThanClasses);
        } else if findings.is_empty() && !self.confused.is_empty() {
            findings.push(Finding::Confused { classes: self.confused.clone() });
        }
        if let Some(condition) = self.condition.filter(|&condition| condition > CONDITION_MAX) {
            findings.push(Finding::IllConditioned { condition });
        }
        let gain = self.chance_loss - self.entropy_floor;
        if gain < GAIN_MIN {
            findings.push(Finding::LittleToLearn { gain });
        }
        let ratio = self.variation.between / self.variation.floor;
        findings.push(match ratio {
            ratio if ratio < RATIO_MIN => Finding::MoreAlikeThanChance { ratio },
            ratio if ratio > RATIO_LARGE => Finding::MoreThanChance { ratio },
            ratio => Finding::AsChance { ratio },
        });
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.verdict()));
        findings
    }

    /// The worst that any finding means.
    pub fn verdict(&self) -> Verdict {
        self.findings().iter().map(Finding::verdict).max().unwrap_or(Verdict::Possible)
    }

    fn of_classes(&self) -> Vec<Finding> {
        let constant = self.classes.iter().enumerate().filter(|(_, spread)| spread.is_constant());
        let finding = |(class, spread): (usize, &super::ClassSpread)| {
            if spread.max == 0.0 { Finding::NeverPresent { class } } else { Finding::NeverVaries { class } }
        };
        constant.map(finding).collect()
    }
}

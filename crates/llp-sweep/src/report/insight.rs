//! What the network of a run says of its bags and instances, beside what is known of them.

/// Whether training saw a bag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Set aside.
    HeldOut,
    /// Trained on.
    Training,
}

impl Part {
    /// As in "held-out bags".
    pub fn as_str(self) -> &'static str {
        match self {
            Self::HeldOut => "held-out",
            Self::Training => "training",
        }
    }
}

/// A bag with its known and its predicted shares.
#[derive(Debug, Clone, PartialEq)]
pub struct BagFit {
    /// Its name; of drawn bags its number.
    pub name: String,
    /// Whether training saw it.
    pub part: Part,
    /// How many instances it has.
    pub n_instances: usize,
    /// The known share of each class, `[class]`; `None` where it is not known.
    pub known: Vec<Option<f64>>,
    /// The predicted shares: the mean of the probabilities of its instances, `[class]`.
    pub predicted: Vec<f64>,
    /// One standard deviation of each share if labels are drawn from the probabilities:
    /// `sqrt(sum p (1 - p)) / n`, `[class]`.
    pub deviation: Vec<f64>,
}

impl BagFit {
    /// A bag whose instances have these probabilities, `[instance, class]`.
    pub fn new(name: String, part: Part, known: Vec<Option<f64>>, probabilities: &[f64]) -> Self {
        let n_classes = known.len();
        let n = (probabilities.len() / n_classes.max(1)) as f64;
        let sum = |class: usize, of: &dyn Fn(f64) -> f64| -> f64 {
            probabilities.iter().skip(class).step_by(n_classes).map(|p| of(*p)).sum()
        };
        Self {
            predicted: (0..n_classes).map(|class| sum(class, &|p| p) / n).collect(),
            deviation: (0..n_classes)
                .map(|class| sum(class, &|p| p * (1.0 - p)).max(0.0).sqrt() / n)
                .collect(),
            n_instances: n as usize,
            name,
            part,
            known,
        }
    }

    /// What is known of a class less what is predicted.
    pub fn residual(&self, class: usize) -> Option<f64> {
        self.known[class].map(|known| known - self.predicted[class])
    }

    /// The residual in units of its deviation; infinite where the network is certain and wrong, 0 where it is right.
    pub fn standardized(&self, class: usize) -> Option<f64> {
        let residual = self.residual(class)?;
        Some(if residual.abs() < 1e-9 { 0.0 } else { residual / self.deviation[class] })
    }

    /// The Kullback-Leibler divergence of the known shares from the predicted ones, in nats: the KL loss less its least
    /// possible value. Classes of unknown shares count as one.
    pub fn divergence(&self) -> f64 {
        let term = |(known, predicted): (f64, f64)| {
            if known > 0.0 { known * (known / predicted.max(f64::MIN_POSITIVE)).ln() } else { 0.0 }
        };
        self.pairs().into_iter().map(term).sum::<f64>().max(0.0)
    }

    /// The L1 distance of the known and the predicted shares, from 0 to 2. Classes of unknown shares count as one.
    pub fn distance(&self) -> f64 {
        self.pairs().into_iter().map(|(known, predicted)| (known - predicted).abs()).sum()
    }

    /// The class with the largest residual. Returns `None` if no share is known.
    pub fn worst_class(&self) -> Option<usize> {
        let size = |class: usize| self.residual(class).map(f64::abs);
        let known = (0..self.known.len()).filter(|class| self.known[*class].is_some());
        known.reduce(|worst, class| if size(class) > size(worst) { class } else { worst })
    }

    /// Known and predicted shares; the last pair is that of all classes of unknown shares together, if there are any.
    fn pairs(&self) -> Vec<(f64, f64)> {
        let both = self.known.iter().zip(&self.predicted);
        let mut pairs: Vec<_> = both.filter_map(|(known, predicted)| Some(((*known)?, *predicted))).collect();
        if pairs.len() < self.known.len() {
            let rest = |pick: fn(&(f64, f64)) -> f64| (1.0 - pairs.iter().map(pick).sum::<f64>()).max(0.0);
            pairs.push((rest(|pair| pair.0), rest(|pair| pair.1)));
        }
        pairs
    }
}

/// The spread of the residuals of some bags over the one that the probabilities promise:
/// `sqrt(sum residual^2 / sum deviation^2)` over bags and classes of known shares. About 1 where the probabilities are
/// right, more where the network is too sure. Returns `None` where it promises none.
pub fn spread_ratio<'a>(bags: impl IntoIterator<Item = &'a BagFit>) -> Option<f64> {
    let (mut residuals, mut promised) = (0.0, 0.0);
    for bag in bags {
        for class in 0..bag.known.len() {
            if let Some(residual) = bag.residual(class) {
                residuals += residual.powi(2);
                promised += bag.deviation[class].powi(2);
            }
        }
    }
    (promised > 0.0).then(|| (residuals / promised).sqrt())
}

/// An instance and what its network makes of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Pick {
    /// Its name; of data without a table its place.
    pub name: String,
    /// The name of its bag.
    pub bag: String,
    /// Its place in the data.
    pub instance: u32,
    /// The most probable classes with their probabilities: the first, and the second if there is one.
    pub classes: Vec<(usize, f64)>,
    /// A picture of it, a PNG file, where it is an image.
    pub picture: Option<Vec<u8>>,
}

impl Pick {
    /// The difference of the two largest probabilities.
    pub fn margin(&self) -> f64 {
        let of = |rank: usize| self.classes.get(rank).map_or(0.0, |class| class.1);
        of(0) - of(1)
    }
}

/// Labelled instances of about the same confidence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Confidence {
    /// The mean probability of their most probable class.
    pub confidence: f64,
    /// The part of them whose label it is.
    pub accuracy: f64,
    /// How many there are.
    pub n_instances: u32,
}

/// Labels against confidence.
#[derive(Debug, Clone, PartialEq)]
pub struct Reliability {
    /// From the lowest confidence to the highest.
    pub bins: Vec<Confidence>,
    /// The expected calibration error.
    pub ece: f64,
}

/// What is wrong or right with the probabilities.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    /// What logits are to be divided by, by the counts of bags; `None` where these do not determine it.
    pub temperature: Option<f64>,
    /// On test instances; `None` without labels.
    pub reliability: Option<Reliability>,
}

/// What the network of one run says.
#[derive(Debug, Clone, PartialEq)]
pub struct Insight {
    /// Names of the classes.
    pub class_names: Vec<String>,
    /// Bags of both parts, those that were held out first.
    pub bags: Vec<BagFit>,
    /// How many bags the parts have in all: `[held-out, training]`.
    pub n_bags: [usize; 2],
    /// The part that the instances are of: those that training did not see, where there are some.
    pub part: Part,
    /// How many instances were looked at for the lists below.
    pub n_instances: usize,
    /// The surest of each class, one class after the other.
    pub confident: Vec<Pick>,
    /// Those with the least margin between two classes.
    pub doubtful: Vec<Pick>,
    /// Those whose most probable class has the share 0 in their bag, the surest first: certainly wrong.
    pub wrong: Vec<Pick>,
    /// How many of these there are in all.
    pub n_wrong: usize,
    /// Whether probabilities can be believed.
    pub calibration: Calibration,
}

impl Insight {
    /// The pictured instances, to add pictures to.
    pub fn picks_mut(&mut self) -> impl Iterator<Item = &mut Pick> {
        self.confident.iter_mut().chain(&mut self.doubtful).chain(&mut self.wrong)
    }

    /// The bags of a part.
    pub fn of_part(&self, part: Part) -> impl Iterator<Item = &BagFit> + Clone {
        self.bags.iter().filter(move |bag| bag.part == part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bag(known: &[Option<f64>], probabilities: &[f64]) -> BagFit {
        BagFit::new("b".to_owned(), Part::HeldOut, known.to_vec(), probabilities)
    }

    /// Right predictions have no residual, divergence or distance, whether certain or not; certain ones promise no
    /// spread.
    #[test]
    fn right_shares_have_no_residual() {
        for probabilities in [[1.0, 0.0, 0.0, 1.0], [0.7, 0.3, 0.3, 0.7]] {
            let bag = bag(&[Some(0.5), Some(0.5)], &probabilities);
            assert!(bag.divergence() < 1e-12 && bag.distance() < 1e-12);
            assert_eq!([0, 1].map(|class| bag.standardized(class)), [Some(0.0); 2]);
        }
        assert_eq!(spread_ratio(&[bag(&[Some(0.5), Some(0.5)], &[1.0, 0.0, 0.0, 1.0])]), None);
    }

    /// A certain error is infinitely far off, and its divergence is finite.
    #[test]
    fn certain_errors_are_seen() {
        let bag = bag(&[Some(0.0), Some(1.0)], &[1.0, 0.0]);
        assert_eq!(bag.standardized(1), Some(f64::INFINITY));
        assert!(bag.divergence() > 100.0 && bag.divergence().is_finite());
        assert!((bag.distance() - 2.0).abs() < 1e-12);
    }

    /// Unknown shares count together as what is left, and have no residual of their own.
    #[test]
    fn unknown_shares_count_as_one() {
        let bag = bag(&[Some(0.6), None, None], &[0.4, 0.35, 0.25]);
        let expected = 0.6 * (0.6_f64 / 0.4).ln() + 0.4 * (0.4_f64 / 0.6).ln();
        assert!((bag.divergence() - expected).abs() < 1e-12 && (bag.distance() - 0.4).abs() < 1e-12);
        assert_eq!((bag.worst_class(), bag.residual(1)), (Some(0), None));
    }
}

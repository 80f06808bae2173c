//! Shares of the classes in bags whose proportions are not known.

use std::collections::HashMap;

use llp_bags::BagSet;
use llp_data::table::{CellType, Cells};
use llp_ot::Imprecision;
use statrs::distribution::{ContinuousCDF as _, StudentsT};

use super::Predictions;
use crate::scores::log_probabilities;
use crate::{Predictor, TrainError};

/// What is below the upper end of an interval of 90 %.
const PROBABILITY: f64 = 0.95;

/// What the predicted shares of some bags get wrong beyond what chance explains.
#[derive(Clone, Debug, PartialEq)]
pub struct ExcessError {
    /// A mean squared error for each class.
    pub variances: Vec<f64>,
    /// The number of bags it is known from.
    pub n_bags: usize,
}

impl ExcessError {
    /// Standard deviations on each side that hold 90 % of the shares: those of Student's t distribution.
    ///
    /// Temperature and excess, hence the variance of a share, are estimated from `n_bags` bags, which are its degrees of
    /// freedom. Infinite without bags.
    fn quantile(&self) -> f64 {
        StudentsT::new(0.0, 1.0, self.n_bags as f64).map_or(f64::INFINITY, |t| t.inverse_cdf(PROBABILITY))
    }
}

/// The excess error on `bags`.
///
/// If the probabilities `p` of the `n` instances of a bag are right and their labels independent, the share of a class has
/// the mean `sum p / n` and the variance `sum p (1 - p) / n^2`. This is the mean over bags of the squared error of the
/// predicted share, less that variance and that of the error of the known share; a negative one counts as 0. Unknown
/// shares are left out, and a class whose share is unknown in all bags gets that of the other classes.
///
/// # Errors
/// When the instances do not fit the network.
pub fn excess_error(
    predictor: &Predictor,
    bags: &BagSet,
    temperature: f64,
) -> Result<ExcessError, TrainError> {
    let n_classes = bags.n_classes();
    let log_probs = log_probabilities(&predictor.bag_logits(bags)?, n_classes, temperature);
    let mut rows = log_probs.chunks_exact(n_classes);
    let mut excess = Excess::new(n_classes);
    for bag in 0..bags.len() {
        let mut predicted = BagSums::new(n_classes);
        for row in rows.by_ref().take(bags.instances(bag).len()) {
            let row: Vec<f64> = row.iter().map(|log_p| log_p.exp()).collect();
            predicted.add(&row);
        }
        excess.add(&predicted, bags.proportions(bag).as_slice(), bags.imprecision(bag));
    }
    Ok(ExcessError { variances: excess.means(), n_bags: bags.len() })
}

/// Sums of squared errors less their expectation, and the number of bags in each, for each class.
struct Excess {
    sums: Vec<f64>,
    n_bags: Vec<f64>,
}

impl Excess {
    fn new(n_classes: usize) -> Self {
        Self { sums: vec![0.0; n_classes], n_bags: vec![0.0; n_classes] }
    }

    fn add(&mut self, predicted: &BagSums, known: &[f64], imprecision: &Imprecision) {
        for class in (0..known.len()).filter(|&class| !imprecision.is_unknown(class)) {
            let of_known = match imprecision {
                Imprecision::Exact => 0.0,
                Imprecision::StandardErrors(errors) => errors[class].powi(2),
                // That of a uniform distribution.
                Imprecision::Intervals { low, high } => (high[class] - low[class]).powi(2) / 12.0,
            };
            let error = known[class] - predicted.share(class);
            self.sums[class] += error.powi(2) - predicted.variance(class) - of_known;
            self.n_bags[class] += 1.0;
        }
    }

    fn means(&self) -> Vec<f64> {
        let overall = self.sums.iter().sum::<f64>() / self.n_bags.iter().sum::<f64>().max(1.0);
        let of_class = |(sum, n): (&f64, &f64)| if *n > 0.0 { sum / n } else { overall };
        self.sums.iter().zip(&self.n_bags).map(of_class).map(|mean| mean.max(0.0)).collect()
    }
}

/// Sums over the instances of a bag.
#[derive(Clone, Debug)]
struct BagSums {
    n: f64,
    /// Of the probability `p` of each class.
    probabilities: Vec<f64>,
    /// Of `p (1 - p)`.
    spreads: Vec<f64>,
}

impl BagSums {
    fn new(n_classes: usize) -> Self {
        Self { n: 0.0, probabilities: vec![0.0; n_classes], spreads: vec![0.0; n_classes] }
    }

    fn add(&mut self, row: &[f64]) {
        self.n += 1.0;
        for (class, p) in row.iter().enumerate() {
            self.probabilities[class] += p;
            self.spreads[class] += p * (1.0 - p);
        }
    }

    fn share(&self, class: usize) -> f64 {
        (self.probabilities[class] / self.n).min(1.0)
    }

    /// The variance of the share if labels are drawn from the probabilities.
    fn variance(&self, class: usize) -> f64 {
        (self.spreads[class] / (self.n * self.n)).max(0.0)
    }
}

/// The predicted shares of bags, gathered from the predictions of their instances.
#[derive(Clone, Debug)]
pub struct SharesByBag {
    class_names: Vec<String>,
    /// In the order in which they were met first.
    bags: Vec<(String, BagSums)>,
    places: HashMap<String, usize>,
    n_without_bag: usize,
}

impl SharesByBag {
    /// No bag yet; the classes are in the order of the network's outputs.
    pub fn new(class_names: Vec<String>) -> Self {
        Self { class_names, bags: Vec::new(), places: HashMap::new(), n_without_bag: 0 }
    }

    /// Adds some instances, which have bags. Those of one bag may come in any number of parts.
    pub fn add(&mut self, predictions: &Predictions) {
        let rows = predictions.probabilities.chunks_exact(self.class_names.len());
        for (bag, row) in predictions.bags.iter().zip(rows) {
            if bag.is_empty() {
                self.n_without_bag += 1;
            } else {
                let place = self.place(bag);
                self.bags[place].1.add(row);
            }
        }
    }

    fn place(&mut self, bag: &str) -> usize {
        if let Some(&place) = self.places.get(bag) {
            return place;
        }
        self.bags.push((bag.to_owned(), BagSums::new(self.class_names.len())));
        self.places.insert(bag.to_owned(), self.bags.len() - 1);
        self.bags.len() - 1
    }

    /// Instances that were left out because they have no bag.
    pub fn n_without_bag(&self) -> usize {
        self.n_without_bag
    }

    /// Names and types of the columns: the bag, its number of instances, and for each class its share with the ends of an
    /// interval.
    pub fn head(&self) -> Vec<(String, CellType)> {
        let number = |name: String| (name, CellType::Numbers);
        let mut head = vec![("bag".to_owned(), CellType::Text), number("instances".to_owned())];
        for class in &self.class_names {
            head.extend(["share", "low", "high"].map(|what| number(format!("{what}_{class}"))));
        }
        head
    }

    /// The columns of [`head`](Self::head), a row for each bag. `excess` is what [`excess_error`] returns.
    ///
    /// The interval of a share is the prediction interval of 90 % of Student's t distribution with as many degrees of freedom
    /// as `excess` has bags, with the variance of labels that are drawn from the probabilities and `excess`, cut to 0 and 1.
    pub fn cells(&self, excess: &ExcessError) -> Vec<Cells> {
        let column =
            |f: &dyn Fn(&BagSums) -> f64| Cells::Numbers(self.bags.iter().map(|(_, sums)| f(sums)).collect());
        let names = self.bags.iter().map(|(name, _)| name.clone()).collect();
        let mut cells = vec![Cells::Text(names), column(&|sums| sums.n)];
        let quantile = excess.quantile();
        for (class, excess) in excess.variances.iter().enumerate() {
            let half = |sums: &BagSums| quantile * (sums.variance(class) + excess).sqrt();
            cells.push(column(&|sums| sums.share(class)));
            cells.push(column(&|sums| (sums.share(class) - half(sums)).max(0.0)));
            cells.push(column(&|sums| (sums.share(class) + half(sums)).min(1.0)));
        }
        cells
    }
}

#[cfg(test)]
mod tests {
    use llp_bags::rng::{Purpose, stream, uniform};
    use proptest::prelude::*;

    use super::*;

    fn classes(n: usize) -> Vec<String> {
        (0..n).map(|class| class.to_string()).collect()
    }

    fn predictions(bags: &[String], probabilities: &[f64]) -> Predictions {
        let ids = (0..bags.len()).map(|id| id.to_string()).collect();
        Predictions { ids, bags: bags.to_vec(), probabilities: probabilities.to_vec(), agreements: vec![] }
    }

    /// From so many bags that the quantile is that of a normal distribution.
    fn excess(variance: f64) -> ExcessError {
        ExcessError { variances: vec![variance; 2], n_bags: 1_000_000 }
    }

    fn numbers(cells: &Cells) -> &[f64] {
        match cells {
            Cells::Numbers(numbers) => numbers,
            Cells::Text(texts) => panic!("{texts:?} are not numbers"),
        }
    }

    proptest! {
        /// Shares add up to 1 and lie within their intervals, which grow with the variance between bags; in how many
        /// parts the instances come means nothing; instances without a bag are counted and left out.
        #[test]
        fn shares_are_means(
            rows in prop::collection::vec((0..4_usize, 0.0..1.0_f64), 1..40),
            cut in 0..40_usize,
            between in 0.0..0.1_f64,
        ) {
            let bags: Vec<String> =
                rows.iter().map(|(bag, _)| if *bag == 0 { String::new() } else { format!("b{bag}") }).collect();
            let probabilities: Vec<f64> = rows.iter().flat_map(|(_, p)| [*p, 1.0 - p]).collect();
            let cut = cut.min(rows.len());
            let mut whole = SharesByBag::new(classes(2));
            whole.add(&predictions(&bags, &probabilities));
            let mut parts = SharesByBag::new(classes(2));
            parts.add(&predictions(&bags[..cut], &probabilities[..2 * cut]));
            parts.add(&predictions(&bags[cut..], &probabilities[2 * cut..]));
            prop_assert_eq!(whole.cells(&excess(between)), parts.cells(&excess(between)));
            prop_assert_eq!(whole.n_without_bag(), bags.iter().filter(|bag| bag.is_empty()).count());
            prop_assert_eq!(whole.head().len(), whole.cells(&excess(0.0)).len());

            let (narrow, wide) = (whole.cells(&excess(0.0)), whole.cells(&excess(between)));
            for bag in 0..numbers(&wide[1]).len() {
                let at = |cells: &[Cells], column: usize| numbers(&cells[column])[bag];
                prop_assert!((at(&wide, 2) + at(&wide, 5) - 1.0).abs() < 1e-12);
                for class in 0..2 {
                    let [share, low, high] = [2, 3, 4].map(|column| at(&wide, column + 3 * class));
                    prop_assert!(0.0 <= low && low <= share && share <= high && high <= 1.0);
                    prop_assert!(low <= at(&narrow, 3 + 3 * class) && at(&narrow, 4 + 3 * class) <= high);
                }
            }
        }
    }

    /// Right probabilities leave no excess, and errors that all instances of a bag share leave their variance; what is
    /// known of the errors of the known shares is taken off, and unknown shares do not count.
    #[test]
    fn excess_is_what_bags_share() {
        let mut rng = stream(2, Purpose::BagShares, 0);
        let (n_bags, n) = (20_000, 50);
        let (mut right, mut wrong, mut noisy) = (Excess::new(2), Excess::new(2), Excess::new(2));
        let unknown = Imprecision::StandardErrors(vec![f64::INFINITY, 0.0]);
        let rounded = Imprecision::Intervals { low: vec![0.4; 2], high: vec![0.6; 2] };
        for _ in 0..n_bags {
            let p = 0.2 + 0.4 * uniform(&mut rng);
            let shift = if uniform(&mut rng) < 0.5 { 0.1 } else { -0.1 };
            let mut predicted = BagSums::new(2);
            (0..n).for_each(|_| predicted.add(&[p, 1.0 - p]));
            let mut share = |p: f64| (0..n).filter(|_| uniform(&mut rng) < p).count() as f64 / f64::from(n);
            let (known, shifted) = (share(p), share(p + shift));
            right.add(&predicted, &[known, 1.0 - known], &unknown);
            wrong.add(&predicted, &[shifted, 1.0 - shifted], &Imprecision::Exact);
            noisy.add(&predicted, &[shifted, 1.0 - shifted], &rounded);
        }
        // The first class is unknown everywhere and takes what the second has.
        assert!(right.means()[0] == right.means()[1] && right.means()[1] < 2e-4, "{:?}", right.means());
        assert!((wrong.means()[0] - 0.01).abs() < 5e-4, "{:?}", wrong.means());
        let taken_off = 0.2_f64.powi(2) / 12.0;
        assert!((wrong.means()[0] - noisy.means()[0] - taken_off).abs() < 1e-9, "{:?}", noisy.means());
    }

    /// Quantiles of Student's distribution as tables print them; nothing is known from no bag.
    #[test]
    fn few_bags_widen_intervals() {
        for (n_bags, expected) in [(1, 6.3138), (3, 2.3534), (10, 1.8125), (1_000_000, 1.6449)] {
            let quantile = ExcessError { variances: vec![], n_bags }.quantile();
            assert!((quantile - expected).abs() < 1e-4, "{n_bags}: {quantile}");
        }
        assert!(ExcessError { variances: vec![], n_bags: 0 }.quantile().is_infinite());
    }

    /// Where labels are drawn from the probabilities, nine tenths of the shares lie within their intervals: of 2,000 bags of
    /// 32 instances 1,800, with a standard deviation of 13.
    #[test]
    fn intervals_cover_the_shares() {
        let mut rng = stream(1, Purpose::BagShares, 0);
        let (n_bags, n) = (2_000, 32);
        let (mut shares, mut known) = (SharesByBag::new(classes(2)), Vec::new());
        for bag in 0..n_bags {
            let probabilities: Vec<f64> = (0..n).map(|_| uniform(&mut rng)).collect();
            let count = probabilities.iter().filter(|p| uniform(&mut rng) < **p).count();
            known.push(count as f64 / f64::from(n));
            let rows: Vec<f64> = probabilities.iter().flat_map(|p| [*p, 1.0 - p]).collect();
            shares.add(&predictions(&vec![format!("{bag}"); n as usize], &rows));
        }
        let cells = shares.cells(&excess(0.0));
        let (low, high) = (numbers(&cells[3]), numbers(&cells[4]));
        let covered = (0..n_bags).filter(|&bag| low[bag] <= known[bag] && known[bag] <= high[bag]).count();
        assert!((1_740..1_860).contains(&covered), "{covered} of {n_bags}");
    }
}

//! What a trained network says of its own bags and instances, for people who want to know why.

use llp_bags::own::InstanceNames;
use llp_bags::{BagSet, Imprecision, InstanceShape, LabelOracle};
use llp_sweep::report::insight::{BagFit, Calibration, Confidence, Insight, Part, Pick, Reliability};

use crate::calibrate::{BagCounts, fit_temperature};
use crate::scores::log_probabilities;
use crate::{Predictor, TrainError, TrainingData};

/// Instances of each part that are looked at, about: more would take too long for a page.
const N_IMAGES: usize = 2048;
const N_ROWS: usize = 16_384;
/// The surest instances of each class, and of all classes.
const N_CONFIDENT: usize = 4;
const N_CONFIDENT_IN_ALL: usize = 40;
/// Doubtful instances, and those that are certainly wrong.
const N_OTHERS: usize = 16;

/// Looks at the held-out and training bags of a run, and at its labelled test instances, with its network.
///
/// Of many bags, some are taken, evenly spaced, with about 2,048 images or 16,384 rows in each part.
/// Instances are those of held-out bags where there are some. Labels are asked for the calibration on test instances only.
///
/// # Errors
/// When the instances do not fit the network; outputs that are not finite.
pub fn insight(predictor: &Predictor, data: &TrainingData) -> Result<Insight, TrainError> {
    let limit = match data.bags.data().shape() {
        InstanceShape::Image(_) => N_IMAGES,
        InstanceShape::Features(_) => N_ROWS,
    };
    let names = data.names.as_ref();
    let held_out = match &data.held_out {
        Some(bags) => {
            Some(View::new(predictor, bags, Part::HeldOut, names.map(|of| &of.held_out[..]), limit)?)
        }
        None => None,
    };
    let training = View::new(predictor, &data.bags, Part::Training, names.map(|of| &of.bags[..]), limit)?;
    let bags = held_out.iter().chain([&training]).flat_map(View::fits).collect();
    let n_bags = [data.held_out.as_ref().map_or(0, BagSet::len), data.bags.len()];
    let seen = held_out.as_ref().unwrap_or(&training);
    let temperature = fit_temperature(&seen.logits, &BagCounts::of(&seen.bags));
    let reliability = match &data.test_labels {
        Some(labels) => Some(reliability(predictor, data, labels, limit)?),
        None => None,
    };
    let lists = Lists::new(seen.picks(names.map(|of| &of.train)));
    Ok(Insight {
        class_names: data.class_names.clone(),
        bags,
        n_bags,
        part: seen.part,
        n_instances: seen.bags.n_instances(),
        confident: lists.confident(data.class_names.len()),
        doubtful: lists.doubtful(),
        wrong: lists.wrong(),
        n_wrong: lists.n_wrong(),
        calibration: Calibration {
            temperature: (!temperature.is_at_edge).then_some(temperature.temperature),
            reliability,
        },
    })
}

/// Some bags of a part, with what the network makes of their instances.
struct View {
    part: Part,
    bags: BagSet,
    names: Vec<String>, // [bag]
    /// Of the instances, bag after bag.
    logits: Vec<f64>,
    probabilities: Vec<f64>,
}

impl View {
    fn new(
        predictor: &Predictor,
        bags: &BagSet,
        part: Part,
        names: Option<&[String]>,
        limit: usize,
    ) -> Result<Self, TrainError> {
        let places = spaced(bags.len(), bags.n_instances().div_ceil(limit));
        let name = |&bag: &usize| names.map_or_else(|| bag.to_string(), |names| names[bag].clone());
        let names = places.iter().map(name).collect();
        let bags = bags.select(&places)?;
        let logits = predictor.bag_logits(&bags)?;
        let log_probs = log_probabilities(&logits, bags.n_classes(), 1.0);
        let probabilities = log_probs.into_iter().map(f64::exp).collect();
        Ok(Self { part, bags, names, logits, probabilities })
    }

    /// The probabilities of the instances of each bag.
    fn rows(&self) -> impl Iterator<Item = &[f64]> {
        let (n_classes, mut first) = (self.bags.n_classes(), 0);
        (0..self.bags.len()).map(move |bag| {
            let start = first;
            first += self.bags.instances(bag).len() * n_classes;
            &self.probabilities[start..first]
        })
    }

    fn fits(&self) -> Vec<BagFit> {
        let known = |bag: usize| {
            let (shares, imprecision) = (self.bags.proportions(bag).as_slice(), self.bags.imprecision(bag));
            let of_class = |(class, share): (usize, &f64)| (!imprecision.is_unknown(class)).then_some(*share);
            shares.iter().enumerate().map(of_class).collect()
        };
        let fit =
            |(bag, rows): (usize, &[f64])| BagFit::new(self.names[bag].clone(), self.part, known(bag), rows);
        self.rows().enumerate().map(fit).collect()
    }

    /// Every instance, and whether its most probable class cannot be right.
    fn picks(&self, names: Option<&InstanceNames>) -> Vec<(Pick, bool)> {
        let n_classes = self.bags.n_classes();
        let of_bag = |(bag, rows): (usize, &'_ [f64])| -> Vec<(Pick, bool)> {
            let shares = self.bags.proportions(bag).as_slice();
            let is_exact = *self.bags.imprecision(bag) == Imprecision::Exact;
            let instances = self.bags.instances(bag).iter().zip(rows.chunks_exact(n_classes));
            let of_instance = |(&instance, row): (&u32, &[f64])| {
                let classes = top_two(row);
                let is_wrong = is_exact && shares[classes[0].0] <= 0.0;
                let name = names.map_or_else(|| instance.to_string(), |names| names.name(instance));
                let bag = self.names[bag].clone();
                (Pick { name, bag, instance, classes, picture: None }, is_wrong)
            };
            instances.map(of_instance).collect()
        };
        self.rows().enumerate().flat_map(of_bag).collect()
    }
}

/// Every `step`-th of `n` places.
fn spaced(n: usize, step: usize) -> Vec<usize> {
    (0..n).step_by(step.max(1)).collect()
}

/// The most probable classes with their probabilities, two if there are two.
fn top_two(row: &[f64]) -> Vec<(usize, f64)> {
    let mut classes: Vec<(usize, f64)> = row.iter().copied().enumerate().collect();
    classes.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    classes.truncate(2);
    classes
}

/// Instances from the surest to the most doubtful, and whether each is certainly wrong.
struct Lists(Vec<(Pick, bool)>);

impl Lists {
    fn new(mut picks: Vec<(Pick, bool)>) -> Self {
        picks.sort_by(|a, b| b.0.classes[0].1.total_cmp(&a.0.classes[0].1));
        Self(picks)
    }

    fn confident(&self, n_classes: usize) -> Vec<Pick> {
        let n_each = (N_CONFIDENT_IN_ALL / n_classes.max(1)).clamp(1, N_CONFIDENT);
        let of_class = |class: usize| {
            let all = self.0.iter().map(|(pick, _)| pick);
            all.filter(move |pick| pick.classes[0].0 == class).take(n_each).cloned()
        };
        (0..n_classes).flat_map(of_class).take(N_CONFIDENT_IN_ALL).collect()
    }

    fn doubtful(&self) -> Vec<Pick> {
        let mut picks: Vec<&Pick> = self.0.iter().map(|(pick, _)| pick).collect();
        picks.sort_by(|a, b| a.margin().total_cmp(&b.margin()));
        picks.into_iter().take(N_OTHERS).cloned().collect()
    }

    fn wrong(&self) -> Vec<Pick> {
        self.0.iter().filter(|(_, is_wrong)| *is_wrong).take(N_OTHERS).map(|(pick, _)| pick.clone()).collect()
    }

    fn n_wrong(&self) -> usize {
        self.0.iter().filter(|(_, is_wrong)| *is_wrong).count()
    }
}

/// Accuracy over confidence of some labelled test instances, evenly spaced.
fn reliability(
    predictor: &Predictor,
    data: &TrainingData,
    labels: &LabelOracle,
    limit: usize,
) -> Result<Reliability, TrainError> {
    let ids = data.test.ids();
    let places = spaced(ids.len(), ids.len().div_ceil(limit));
    let ids: Vec<u32> = places.into_iter().map(|place| ids[place]).collect();
    let log_probs = log_probabilities(&predictor.logits(&data.test, &ids)?, labels.n_classes(), 1.0);
    let scores = labels.subset(&ids)?.probability_scores(&log_probs)?;
    let bin = |bin: &llp_bags::CalibrationBin| {
        let (confidence, accuracy) = (bin.confidence?, bin.accuracy?);
        Some(Confidence { confidence, accuracy, n_instances: bin.n_instances })
    };
    Ok(Reliability { bins: scores.bins.iter().filter_map(bin).collect(), ece: scores.ece })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pick(class: usize, probability: f64, is_wrong: bool) -> (Pick, bool) {
        let classes = vec![(class, probability), (1 - class, 1.0 - probability)];
        let name = format!("{class} {probability:.2}");
        (Pick { name, bag: String::new(), instance: 0, classes, picture: None }, is_wrong)
    }

    /// Each class has its surest instances, whatever is sure of the others; the doubtful ones are between two classes;
    /// those that are wrong are all counted.
    #[test]
    fn instances_are_listed_by_certainty() {
        let sure = (0..9).map(|n| pick(0, 0.9 + 0.01 * f64::from(n), n % 2 == 0));
        let lists = Lists::new(sure.chain([pick(1, 0.55, false), pick(1, 0.7, true)]).collect());
        let names = |picks: &[Pick]| picks.iter().map(|pick| pick.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&lists.confident(2)), ["0 0.98", "0 0.97", "0 0.96", "0 0.95", "1 0.70", "1 0.55"]);
        assert_eq!(names(&lists.doubtful()[..2]), ["1 0.55", "1 0.70"]);
        assert_eq!((lists.n_wrong(), names(&lists.wrong()[5..])), (6, vec!["1 0.70".to_owned()]));
    }

    /// The most probable class comes first, the first of equals; one class has no second.
    #[test]
    fn two_classes_are_named() {
        assert_eq!(top_two(&[0.2, 0.4, 0.4]), [(1, 0.4), (2, 0.4)]);
        assert_eq!(top_two(&[1.0]), [(0, 1.0)]);
    }

    /// Places are evenly spaced, and all of a few.
    #[test]
    fn many_bags_are_thinned_out() {
        assert_eq!(spaced(3, 1), [0, 1, 2]);
        assert_eq!(spaced(10, 4), [0, 4, 8]);
    }
}

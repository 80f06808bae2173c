//! Golden values of SciPy, CVXPY with Clarabel and scikit-learn: see `fixtures/classic/generate.py`.
#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]

use llp_classic::{
    AlterSvmConfig, AmmConfig, BagWeight, Bags, EmConfig, GicfConfig, InvCalConfig, KMeansConfig,
    LinearKlConfig, LinearModel, LmmConfig, MeanMapConfig, Stopping, alter_svm_from, amm,
    count_log_likelihood, em_from, gicf_from, inv_cal, linear_kl_from, llp_kmeans_from, lmm, mean_map,
};
use llp_ot::Proportions;
use serde_json::Value;

/// Relative to the objective, or absolute below 1: the solvers stop at gradients of 1e-9, and values are
/// quadratic in them.
const TOLERANCE: f64 = 1e-8;
const EXACT: Stopping = Stopping { gradient: 1e-9, max_evaluations: 100_000 };

struct Problem {
    record: Value,
    features: Vec<f64>,
    bag_of: Vec<u32>,
    proportions: Vec<Proportions>,
}

impl Problem {
    fn bags(&self) -> Bags<'_, f64> {
        let n_columns = self.record["n_columns"].as_u64().unwrap() as usize;
        Bags::new(&self.features, n_columns, &self.bag_of, &self.proportions).unwrap()
    }

    fn l2(&self) -> f64 {
        self.record["l2"].as_f64().unwrap()
    }

    fn assert_objective(&self, what: &str, got: f64, expected: &Value) {
        self.assert_within(TOLERANCE, what, got, expected);
    }

    fn assert_within(&self, tolerance: f64, what: &str, got: f64, expected: &Value) {
        let expected = expected.as_f64().unwrap();
        let error = (got - expected).abs() / expected.abs().max(1.0);
        assert!(error < tolerance, "{} {what}: {got} for {expected}", self.record["name"]);
    }

    fn mean_map_config(&self, bag_weight: BagWeight) -> MeanMapConfig {
        MeanMapConfig { l2: self.l2(), standardize: true, bag_weight, stopping: EXACT }
    }
}

fn numbers(values: &Value) -> Vec<f64> {
    values.as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
}

fn integers(values: &Value) -> Vec<u32> {
    values.as_array().unwrap().iter().map(|value| value.as_u64().unwrap() as u32).collect()
}

fn fixture() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/classic/problems.json");
    serde_json::from_slice(&fs_err::read(path).unwrap()).unwrap()
}

fn problems() -> Vec<Problem> {
    let load = |record: &Value| Problem {
        features: numbers(&record["features"]),
        bag_of: integers(&record["bag_of"]),
        proportions: record["counts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|counts| Proportions::from_counts(&integers(counts)).unwrap())
            .collect(),
        record: record.clone(),
    };
    fixture()["problems"].as_array().unwrap().iter().map(load).collect()
}

/// Theorem: MeanMap's objective is that of least squares and L-BFGS in SciPy, its scores are the same, for
/// bags that count by their size and equally.
#[test]
fn mean_map_is_that_of_scipy() {
    for problem in problems() {
        let fit = mean_map(&problem.bags(), &problem.mean_map_config(BagWeight::Instances)).unwrap();
        assert!(fit.converged, "{}: {fit:?}", problem.record["name"]);
        let expected = &problem.record["mean_map"];
        problem.assert_objective("mean_map", fit.objective, &expected["objective"]);
        let scores = fit.model.scores(&problem.features).unwrap();
        for (got, expected) in scores.iter().zip(numbers(&expected["scores"])) {
            // Gradients of 1e-9 over a curvature of l2 >= 0.01.
            assert!((got - expected).abs() < 1e-5 * expected.abs().max(1.0), "{got} for {expected}");
        }
        let equal = mean_map(&problem.bags(), &problem.mean_map_config(BagWeight::Equal)).unwrap();
        problem.assert_objective("mean_map_equal", equal.objective, &problem.record["mean_map_equal"]);
    }
}

/// Theorem: from MeanMap's model, softmax under KL ends where SciPy's L-BFGS ends, in double precision.
#[test]
fn linear_kl_is_that_of_scipy() {
    for problem in problems() {
        let bags = problem.bags();
        let start = mean_map(&bags, &problem.mean_map_config(BagWeight::Instances)).unwrap().model;
        for (bag_weight, key) in
            [(BagWeight::Equal, "linear_kl"), (BagWeight::Instances, "linear_kl_instances")]
        {
            let config = LinearKlConfig { l2: problem.l2(), standardize: true, bag_weight, stopping: EXACT };
            let fit = linear_kl_from(&bags, &config, &start).unwrap();
            assert!(fit.converged, "{}: {fit:?}", problem.record["name"]);
            problem.assert_objective(key, fit.objective, &problem.record[key]);
        }
    }
}

/// Theorem: with bags of one instance, MeanMap and softmax under KL are scikit-learn's logistic regression.
#[test]
fn bags_of_one_are_logistic_regression() {
    let mut n_compared = 0;
    for problem in problems().into_iter().filter(|problem| !problem.record["logistic"].is_null()) {
        let bags = problem.bags();
        let fit = mean_map(&bags, &problem.mean_map_config(BagWeight::Instances)).unwrap();
        problem.assert_objective("logistic by mean_map", fit.objective, &problem.record["logistic"]);
        let config = LinearKlConfig { l2: problem.l2(), stopping: EXACT, ..LinearKlConfig::default() };
        let zero = llp_classic::LinearModel::zero(bags.n_classes(), bags.n_columns());
        let fit = linear_kl_from(&bags, &config, &zero).unwrap();
        problem.assert_objective("logistic by linear_kl", fit.objective, &problem.record["logistic"]);
        n_compared += 1;
    }
    assert_eq!(n_compared, 2);
}

/// Theorem: InvCal's objective is the optimum of the quadratic program that CVXPY solves with Clarabel.
#[test]
fn inv_cal_is_that_of_clarabel() {
    for problem in problems() {
        for record in problem.record["inv_cal"].as_array().unwrap() {
            let (c, epsilon) = (record["c"].as_f64().unwrap(), record["epsilon"].as_f64().unwrap());
            let config = InvCalConfig { c, epsilon, tolerance: 1e-9, ..InvCalConfig::default() };
            let fit = inv_cal(&problem.bags(), &config).unwrap();
            assert!(fit.converged, "{}: {record} {fit:?}", problem.record["name"]);
            // A violation of 1e-9 leaves c = 10 times it in the value for each of 15 bags and 5 classes.
            problem.assert_within(1e-6, "inv_cal", fit.objective, &record["objective"]);
        }
    }
}

/// Theorem: LMM's objective is that of the dense system, solved by SciPy.
#[test]
fn lmm_is_that_of_scipy() {
    for problem in problems() {
        for record in problem.record["lmm"].as_array().unwrap() {
            let number = |key: &str| record[key].as_f64().unwrap();
            let config = LmmConfig {
                l2: problem.l2(),
                gamma: number("gamma"),
                sigma: number("sigma"),
                epsilon: number("epsilon"),
                standardize: true,
                bag_weight: if record["weighted"] == true { BagWeight::Instances } else { BagWeight::Equal },
                stopping: EXACT,
            };
            let fit = lmm(&problem.bags(), &config).unwrap();
            assert!(fit.converged, "{}: {record} {fit:?}", problem.record["name"]);
            problem.assert_objective("lmm", fit.objective, &record["objective"]);
        }
    }
}

/// Theorem: for two classes, LMM and AMM are those of the formulas of their publication: the loss of margins, `Pi` of two
/// diagonal blocks, labels from sorted scores. Its `lambda` is `2 n` times our penalty.
#[test]
fn lmm_and_amm_are_those_of_the_publication() {
    let mut n_compared = 0;
    for problem in problems().into_iter().filter(|problem| !problem.record["published"].is_null()) {
        let (bags, record) = (problem.bags(), &problem.record["published"]);
        let number = |key: &str| record[key].as_f64().unwrap();
        let config = LmmConfig {
            l2: number("lam") / (2.0 * bags.n_instances() as f64),
            gamma: number("gamma"),
            sigma: number("sigma"),
            bag_weight: BagWeight::Equal,
            stopping: EXACT,
            ..LmmConfig::default()
        };
        let log_odds = |model: &LinearModel| -> Vec<f64> {
            model.scores(&problem.features).unwrap().chunks(2).map(|row| row[1] - row[0]).collect()
        };
        let assert_scores = |model: &LinearModel, key: &str| {
            for (got, expected) in log_odds(model).iter().zip(numbers(&record[key])) {
                // Gradients of 1e-9 over a curvature of the penalty, 0.04.
                assert!(
                    (got - expected).abs() < 1e-6 * expected.abs().max(1.0),
                    "{key}: {got} for {expected}"
                );
            }
        };
        assert_scores(&lmm(&bags, &config).unwrap().model, "lmm");
        let fit = amm(&bags, &AmmConfig { lmm: config, ..AmmConfig::default() }).unwrap();
        assert!(fit.converged);
        assert_scores(&fit.model, "amm");
        problem.assert_objective("amm", fit.objective, &record["amm_objective"]);
        n_compared += 1;
    }
    assert_eq!(n_compared, 1);
}

/// Theorem: from MeanMap's model, GICF ends where SciPy ends with all pairs in full.
#[test]
fn gicf_is_that_of_scipy() {
    let mut n_compared = 0;
    for problem in problems().into_iter().filter(|problem| !problem.record["gicf"].is_null()) {
        let bags = problem.bags();
        let start = mean_map(&bags, &problem.mean_map_config(BagWeight::Instances)).unwrap().model;
        for record in problem.record["gicf"].as_array().unwrap() {
            let (lambda, width) = (record["lam"].as_f64().unwrap(), record["width"].as_f64().unwrap());
            let config =
                GicfConfig { lambda, width, l2: problem.l2(), stopping: EXACT, ..GicfConfig::default() };
            let fit = gicf_from(&bags, &config, &start).unwrap();
            assert!(fit.converged, "{}: {record} {fit:?}", problem.record["name"]);
            // Similarities are stored in single precision.
            problem.assert_within(1e-7, "gicf", fit.objective, &record["objective"]);
            n_compared += 1;
        }
    }
    assert_eq!(n_compared, 6);
}

/// Theorem: from the same centroids, clusters are those of scikit-learn, and their labels are the best of all.
#[test]
fn clusters_are_those_of_scikit_learn() {
    let mut n_compared = 0;
    for problem in problems().into_iter().filter(|problem| !problem.record["kmeans"].is_null()) {
        let bags = problem.bags();
        for record in problem.record["kmeans"].as_array().unwrap() {
            let n_clusters = record["n_clusters"].as_u64().unwrap() as usize;
            let centroids = &problem.features[..n_clusters * bags.n_columns()];
            let weights = numbers(&record["weights"]);
            let config = KMeansConfig { max_rounds: 500, ..KMeansConfig::default() };
            let found = llp_kmeans_from(&bags, &config, &weights, centroids).unwrap();
            assert!(found.converged);
            problem.assert_objective("inertia", found.inertia, &record["inertia"]);
            problem.assert_objective("error of labels", found.error, &record["error"]);
            let classes: Vec<u32> =
                found.model.predict(&problem.features).unwrap().iter().map(|&class| class as u32).collect();
            assert_eq!(classes, integers(&record["classes"]), "{}", problem.record["name"]);
            n_compared += 1;
        }
    }
    assert_eq!(n_compared, 6);
}

/// Theorem: the likelihood of counts is that of all labelings, added up; one round of EM moves a model of
/// free scores towards the posterior of all labelings.
#[test]
fn counts_have_the_likelihood_of_all_labelings() {
    for record in fixture()["em"].as_array().unwrap() {
        let (p, q, counts) = (numbers(&record["p"]), numbers(&record["q"]), integers(&record["counts"]));
        let (k, n) = (counts.len(), p.len() / counts.len());
        // One column for each instance: a model that can give each its own probabilities.
        let features: Vec<f64> = (0..n * n).map(|at| f64::from(u8::from(at / n == at % n))).collect();
        let proportions = [Proportions::from_counts(&counts).unwrap()];
        let bags = Bags::new(&features, n, &vec![0; n], &proportions).unwrap();
        let weights = (0..k).flat_map(|class| (0..n).map(move |i| (class, i)));
        let model = LinearModel {
            weights: weights.map(|(class, i)| p[i * k + class].ln()).collect(),
            bias: vec![0.0; k],
        };
        let got = count_log_likelihood(&bags, &model).unwrap() * n as f64;
        let expected = record["log_likelihood"].as_f64().unwrap();
        assert!((got - expected).abs() < 1e-12 * expected.abs().max(1.0), "{got} for {expected}");

        let config =
            EmConfig { l2: 0.0, standardize: false, max_rounds: 1, stopping: EXACT, ..EmConfig::default() };
        let fit = em_from(&bags, &config, &model).unwrap();
        for (got, expected) in fit.model.probabilities(&features).unwrap().iter().zip(q) {
            // Gradients of 1e-9 of a mean over at most 7 instances.
            assert!((got - expected).abs() < 1e-7, "{got} for {expected}");
        }
    }
}

/// Theorem: from the same labels, alter-pSVM ends where a reference with scikit-learn's SVC does: as many machines,
/// and the same value at the end.
#[test]
fn alter_svm_goes_the_way_of_scikit_learn() {
    let mut n_compared = 0;
    for problem in problems().into_iter().filter(|problem| !problem.record["alter_svm"].is_null()) {
        let bags = problem.bags();
        // Scores by the first column, as the reference starts.
        let mut start = LinearModel::zero(2, bags.n_columns());
        start.weights[bags.n_columns()] = 1.0;
        for record in problem.record["alter_svm"].as_array().unwrap() {
            let (c, c_counts) = (record["c"].as_f64().unwrap(), record["c_counts"].as_f64().unwrap());
            let config = AlterSvmConfig { c, c_counts, violation: 1e-10, ..AlterSvmConfig::default() };
            let fit = alter_svm_from(&bags, &config, &start).unwrap();
            assert!(fit.converged);
            assert_eq!(Some(fit.n_evaluations as u64), record["machines"].as_u64(), "{c} {c_counts}");
            problem.assert_within(1e-6, "alter_svm", fit.objective, &record["objective"]);
            n_compared += 1;
        }
    }
    assert_eq!(n_compared, 3);
}

//! What a report says of bags, against NumPy and SciPy (`fixtures/insight`).

use llp_sweep::report::insight::{BagFit, Part, spread_ratio};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    bags: Vec<GoldenBag>,
    spread_ratio_of_exact: f64,
}

#[derive(Deserialize)]
struct GoldenBag {
    probabilities: Vec<Vec<f64>>,
    known: Vec<Option<f64>>,
    predicted: Vec<f64>,
    deviation: Vec<f64>,
    divergence: f64,
    distance: f64,
}

/// Sums of up to 64 numbers in another order, in double precision.
const RTOL: f64 = 1e-12;
/// Differences of shares that are near to each other.
const ATOL: f64 = 1e-14;

fn is_near(got: f64, expected: f64) -> bool {
    (got - expected).abs() <= ATOL + RTOL * expected.abs()
}

/// Shares, deviations, divergences and distances of bags of one to 64 instances, with unknown shares and without, are
/// those of the independent computation, and so is the spread of all residuals.
#[test]
fn bags_are_described_as_by_numpy() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/insight/bags.json");
    let golden: Golden = serde_json::from_str(&fs_err::read_to_string(path).unwrap()).unwrap();
    let fit = |bag: &GoldenBag| {
        BagFit::new("b".to_owned(), Part::Training, bag.known.clone(), &bag.probabilities.concat())
    };
    for bag in &golden.bags {
        let fit = fit(bag);
        assert_eq!(fit.n_instances, bag.probabilities.len());
        for (got, expected) in [(&fit.predicted, &bag.predicted), (&fit.deviation, &bag.deviation)] {
            assert!(got.iter().zip(expected).all(|(got, expected)| is_near(*got, *expected)), "{got:?}");
        }
        assert!(is_near(fit.divergence(), bag.divergence), "{} {}", fit.divergence(), bag.divergence);
        assert!(is_near(fit.distance(), bag.distance), "{} {}", fit.distance(), bag.distance);
    }
    let is_exact = |bag: &&GoldenBag| bag.known.iter().all(Option::is_some);
    let exact: Vec<BagFit> = golden.bags.iter().filter(is_exact).map(fit).collect();
    assert!(is_near(spread_ratio(&exact).unwrap(), golden.spread_ratio_of_exact));
}

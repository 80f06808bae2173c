//! Results do not depend on the number of threads.
#![cfg(feature = "rayon")]
#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]

use llp_classic::{Bags, Fit, LinearKlConfig, Stopping, linear_kl};
use llp_ot::Proportions;

fn fit(n_threads: usize) -> Fit {
    let (n, d) = (20_000, 5);
    let noise = |i: usize| ((i * 7919 + 13) % 10_007) as f32 / 10_007.0 - 0.5;
    let features: Vec<f32> = (0..n * d).map(noise).collect();
    // One bag of many parts, bags of one unit, and tiny ones.
    let bag_of: Vec<u32> = (0..n).map(|i| if i < 9000 { 0 } else { 1 + (i % 400) as u32 }).collect();
    let counts = |bag: u32| Proportions::from_counts(&[1 + bag % 3, bag % 5, 1 + bag % 2]).unwrap();
    let proportions: Vec<Proportions> = (0..401).map(counts).collect();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
    pool.install(|| {
        let bags = Bags::new(&features, d, &bag_of, &proportions).unwrap();
        let stopping = Stopping { max_evaluations: 30, ..Stopping::default() };
        linear_kl(&bags, &LinearKlConfig { stopping, ..LinearKlConfig::default() }).unwrap()
    })
}

/// Theorem: one, two and five threads give the same bits.
#[test]
fn the_number_of_threads_means_nothing() {
    let one = fit(1);
    assert_eq!(one, fit(2));
    assert_eq!(one, fit(5));
}

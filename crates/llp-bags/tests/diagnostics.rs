//! What bags show before any training: invariants of the numbers, and verdicts on plain cases.

use llp_bags::{Diagnostics, Finding, Variation, Verdict, diagnose};
use proptest::prelude::*;

/// Counts of bags, `[bag][class]`; no bag is empty.
fn counts(n_classes: usize) -> impl Strategy<Value = Vec<Vec<u32>>> {
    let bag = prop::collection::vec(0..20_u32, n_classes);
    prop::collection::vec(bag.prop_filter("an empty bag", |bag| bag.iter().sum::<u32>() > 0), 1..12)
}

fn of_counts(counts: &[Vec<u32>]) -> Diagnostics {
    let sizes: Vec<usize> = counts.iter().map(|bag| bag.iter().sum::<u32>() as usize).collect();
    let shares = counts
        .iter()
        .zip(&sizes)
        .flat_map(|(bag, &size)| bag.iter().map(move |&count| f64::from(count) / size as f64));
    diagnose(&shares.collect::<Vec<_>>(), &sizes)
}

fn is_close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * (1.0 + a.abs().max(b.abs())) // sums of at most 12 terms in double precision
}

proptest! {
    /// The loss of chance is above the least loss by the mean divergence of the bags from their mean (the concavity
    /// of the entropy), and below the logarithm of the number of classes only by that mean's entropy.
    #[test]
    fn chance_is_no_better_than_the_floor(counts in counts(4)) {
        let diagnostics = of_counts(&counts);
        prop_assert!(diagnostics.entropy_floor >= 0.0 && diagnostics.chance_loss >= diagnostics.entropy_floor - 1e-12);
        let entropy: f64 =
            diagnostics.classes.iter().map(|c| if c.mean > 0.0 { -c.mean * c.mean.ln() } else { 0.0 }).sum();
        prop_assert!(is_close(diagnostics.chance_loss, entropy) && entropy <= 4.0_f64.ln() + 1e-12);
    }

    /// Squares of singular values add up to the mean square of the rows (the Frobenius norm); the rank is at most the
    /// number of bags and of classes.
    #[test]
    fn singular_values_keep_the_norm(counts in counts(3)) {
        let diagnostics = of_counts(&counts);
        let squares: f64 = diagnostics.singular_values.iter().map(|value| value * value).sum();
        let norm: f64 = diagnostics.classes.iter().map(|class| class.variance + class.mean * class.mean).sum();
        prop_assert!(is_close(squares, norm), "{squares} {norm}");
        prop_assert!(diagnostics.rank >= 1 && diagnostics.rank <= diagnostics.n_bags.min(diagnostics.n_classes));
        prop_assert_eq!(diagnostics.condition.is_some(), diagnostics.rank == diagnostics.n_classes);
        prop_assert_eq!(diagnostics.confused.is_empty(), diagnostics.rank == diagnostics.n_classes);
    }

    /// Both variances are taken around the shares of all instances, as for the counts of bags of any sizes.
    #[test]
    fn variation_is_that_of_the_counts(counts in counts(3)) {
        let diagnostics = of_counts(&counts).variation;
        let expected = Variation::of_counts(counts.iter().map(Vec::as_slice));
        prop_assert!(is_close(diagnostics.between, expected.between), "{diagnostics:?} {expected:?}");
        prop_assert!(is_close(diagnostics.floor, expected.floor), "{diagnostics:?} {expected:?}");
    }

    /// The order of the bags does not matter, nor do copies of all bags.
    #[test]
    fn order_and_copies_do_not_matter(counts in counts(3)) {
        let diagnostics = of_counts(&counts);
        let mut other = [counts.clone(), counts].concat();
        other.reverse();
        let other = of_counts(&other);
        prop_assert_eq!(diagnostics.rank, other.rank);
        prop_assert!(is_close(diagnostics.chance_loss, other.chance_loss));
        prop_assert!(is_close(diagnostics.entropy_floor, other.entropy_floor));
        prop_assert!(is_close(diagnostics.variation.between, other.variation.between));
        prop_assert!(is_close(diagnostics.variation.floor, other.variation.floor));
    }

    /// A class that is split into two of a constant ratio cannot be distinguished from its half, and is named.
    #[test]
    fn inseparable_classes_are_named(counts in counts(2)) {
        let split: Vec<Vec<u32>> = counts.iter().map(|bag| vec![bag[0], 2 * bag[1], bag[1]]).collect();
        let (whole, diagnostics) = (of_counts(&counts), of_counts(&split));
        prop_assume!(whole.rank == 2 && counts.len() >= 3 && whole.condition.is_some_and(|condition| condition < 100.0));
        prop_assert_eq!(diagnostics.rank, 2);
        prop_assert_eq!(&diagnostics.confused, &vec![1, 2]);
        prop_assert_eq!(diagnostics.verdict(), Verdict::Impossible);
        let confused = Finding::Confused { classes: vec![1, 2] };
        prop_assert!(diagnostics.findings().contains(&confused));
    }
}

/// Plain cases and what is said of them.
#[test]
fn verdicts() {
    let kinds = |counts: &[[u32; 2]]| {
        let diagnostics = of_counts(&counts.iter().map(|bag| bag.to_vec()).collect::<Vec<_>>());
        (diagnostics.verdict(), diagnostics.findings())
    };
    assert_eq!(kinds(&[[2, 2], [4, 4]]), (Verdict::Impossible, vec![Finding::AllBagsEqual]));
    let (verdict, findings) = kinds(&[[9, 1], [1, 9]]);
    assert!(matches!(findings[..], [Finding::MoreThanChance { .. }]) && verdict == Verdict::Possible);
    let (verdict, findings) = kinds(&[[50, 50], [51, 49], [49, 51]]);
    assert!(matches!(findings[..], [Finding::IllConditioned { .. }, ..]), "{findings:?}");
    assert_eq!(verdict, Verdict::Doubtful);
}

//! How much bags differ from each other.

/// The spread of the label proportions over bags, beside what chance alone would give.
///
/// With the share `p[c]` of class `c` over all instances, `p[b, c]` in bag `b`, and `n[b]` instances in bag `b`:
/// `between = mean_b sum_c (p[b, c] - p[c])^2`, and `floor = sum_c p[c] (1 - p[c]) * mean_b 1 / n[b]` is its expectation
/// if every bag were drawn independently from `p` (multinomial counts). Bags that are cut from a finite split without
/// replacement are slightly below the floor; bags of differing shares above it.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Variation {
    /// The variance between bags, summed over the classes.
    pub between: f64,
    /// Its expectation for multinomial counts.
    pub floor: f64,
}

impl Variation {
    /// The variation of bags with the given class counts, `[bag, class]`; zero for no bags.
    pub fn of_counts<'a>(counts: impl Iterator<Item = &'a [u32]> + Clone) -> Self {
        let n_classes = counts.clone().next().map_or(0, <[u32]>::len);
        let (mut totals, mut n_bags) = (vec![0_u64; n_classes], 0_u32);
        for bag in counts.clone() {
            n_bags += 1;
            for (total, &count) in totals.iter_mut().zip(bag) {
                *total += u64::from(count);
            }
        }
        let n_instances: u64 = totals.iter().sum();
        if n_instances == 0 {
            return Self { between: 0.0, floor: 0.0 };
        }
        let overall: Vec<f64> = totals.iter().map(|&total| total as f64 / n_instances as f64).collect();
        let impurity: f64 = overall.iter().map(|p| p * (1.0 - p)).sum();
        let (mut between, mut floor) = (0.0, 0.0);
        for bag in counts {
            let size = bag.iter().copied().map(f64::from).sum::<f64>();
            let square = |(&count, p): (&u32, &f64)| (f64::from(count) / size - p).powi(2);
            between += bag.iter().zip(&overall).map(square).sum::<f64>();
            floor += impurity / size;
        }
        Self { between: between / f64::from(n_bags), floor: floor / f64::from(n_bags) }
    }
}

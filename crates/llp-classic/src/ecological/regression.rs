//! How much the bags tell of each group without a model of how its shares vary: Goodman's regression.

use super::tables::GroupTables;
use crate::kernels::add_scaled;
use crate::symmetric::eigen;

/// Directions with less than this part of the largest eigenvalue are not determined.
const LEAST: f64 = 1e-9;

/// Standard errors of the shares of the classes in the groups, `[group, class]`, in the least squares of the bags' shares
/// by the parts of the groups, every bag alike; infinite for a group whose part the others determine.
pub(super) fn standard_errors(tables: &GroupTables) -> Vec<f64> {
    let (r, k, n_bags) = (tables.n_groups(), tables.n_classes(), tables.n_bags());
    let part = |counts: &[u32]| -> Vec<f64> {
        let n: f64 = counts.iter().map(|&count| f64::from(count)).sum();
        counts.iter().map(|&count| f64::from(count) / n.max(1.0)).collect()
    };
    let parts: Vec<Vec<f64>> = (0..n_bags).map(|bag| part(tables.groups(bag))).collect();
    let shares: Vec<Vec<f64>> = (0..n_bags).map(|bag| part(tables.classes(bag))).collect();
    let (mut products, mut right) = (vec![0.0; r * r], vec![0.0; r * k]);
    for (parts, shares) in parts.iter().zip(&shares) {
        for (group, part) in parts.iter().enumerate() {
            add_scaled(&mut products[group * r..(group + 1) * r], *part, parts);
            add_scaled(&mut right[group * k..(group + 1) * k], *part, shares);
        }
    }
    let (values, vectors) = eigen(products, r);
    let least = LEAST * values.last().copied().unwrap_or(0.0);
    let is_determined = |direction: usize| values[direction] > least;
    let inverse = |row: usize, column: usize| -> f64 {
        let of = |direction: usize| {
            vectors[direction * r + row] * vectors[direction * r + column] / values[direction]
        };
        (0..r).filter(|&direction| is_determined(direction)).map(of).sum()
    };
    let is_lost = |group: usize| {
        (0..r).any(|direction| !is_determined(direction) && vectors[direction * r + group].abs() > 1e-4)
    };
    let freedom = n_bags.saturating_sub(r) as f64;
    let mut errors = vec![f64::INFINITY; r * k];
    for class in 0..k {
        let slope =
            |group: usize| (0..r).map(|other| inverse(group, other) * right[other * k + class]).sum::<f64>();
        let slopes: Vec<f64> = (0..r).map(slope).collect();
        let residual = |(parts, shares): (&Vec<f64>, &Vec<f64>)| {
            let predicted: f64 = parts.iter().zip(&slopes).map(|(part, slope)| part * slope).sum();
            (shares[class] - predicted).powi(2)
        };
        let variance = parts.iter().zip(&shares).map(residual).sum::<f64>() / freedom;
        for group in (0..r).filter(|&group| freedom > 0.0 && !is_lost(group)) {
            errors[group * k + class] = (variance * inverse(group, group)).max(0.0).sqrt();
        }
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With two groups and all shares linear in the part, errors are those of the line through the points: for four bags
    /// of 100 the formula gives them by hand. Parts that are equal determine nothing.
    #[test]
    fn errors_are_those_of_a_line() {
        let classes = vec![30, 70, 42, 58, 48, 52, 60, 40];
        let tables =
            GroupTables::new(vec![20, 80, 40, 60, 60, 40, 80, 20], 2, classes.clone(), 2).expect("margins");
        // Shares 0.30, 0.42, 0.48, 0.60 over 0.2, 0.4, 0.6, 0.8: slope 0.48, intercept 0.21, residuals -0.006, 0.018,
        // -0.018, 0.006, two of which are free; variance 0.00036; sum of squares of the part 0.2 and mean 0.5.
        let variance: f64 = 0.006_f64.powi(2) + 0.018_f64.powi(2);
        let at_an_end = (variance * (0.25 + 0.25 / 0.2)).sqrt();
        for error in standard_errors(&tables) {
            assert!((error - at_an_end).abs() < 1e-12, "{error} {at_an_end}");
        }
        let alike = GroupTables::new([40, 60].repeat(4), 2, classes, 2).expect("margins");
        assert_eq!(standard_errors(&alike), [f64::INFINITY; 4]);
    }
}

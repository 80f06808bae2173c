//! Random tables of a bag, given its margins: Gibbs sampling by moves of two groups and two classes.

use super::tables::GroupTables;
use super::weights::Weights;
use crate::random::Random;

/// A table that has the margins of a bag: each group gets classes in order, in proportion as far as whole numbers permit.
pub(super) fn first_table(groups: &[u32], classes: &[u32]) -> Vec<u32> {
    let n: u64 = groups.iter().map(|&count| u64::from(count)).sum();
    let mut left_of_class: Vec<u32> = classes.to_vec();
    let mut table = Vec::with_capacity(groups.len() * classes.len());
    for &g in groups {
        for (left, &c) in left_of_class.iter_mut().zip(classes) {
            let share = (u64::from(g) * u64::from(c)).checked_div(n).unwrap_or(0) as u32;
            table.push(share);
            *left -= share;
        }
    }
    for (row, &g) in table.chunks_exact_mut(classes.len()).zip(groups) {
        let mut missing = g - row.iter().sum::<u32>();
        for (count, left) in row.iter_mut().zip(&mut left_of_class) {
            let more = missing.min(*left);
            *count += more;
            *left -= more;
            missing -= more;
        }
    }
    table
}

/// The moves that can change the table of a bag: four cells each.
pub(super) fn moves(tables: &GroupTables, bag: usize) -> Vec<[usize; 4]> {
    let k = tables.n_classes();
    let some = |counts: &[u32]| -> Vec<usize> { (0..counts.len()).filter(|&at| counts[at] > 0).collect() };
    let (groups, classes) = (some(tables.groups(bag)), some(tables.classes(bag)));
    let mut moves = Vec::new();
    for (at, &g) in groups.iter().enumerate() {
        for &h in &groups[at + 1..] {
            for (at, &c) in classes.iter().enumerate() {
                moves.extend(classes[at + 1..].iter().map(|&d| [g * k + c, g * k + d, h * k + c, h * k + d]));
            }
        }
    }
    moves
}

/// Draws the counts of four cells anew, the rest of the table and its margins held: slice sampling with shrinkage over
/// all values that leave no count below 0 (Neal 2003).
pub(super) fn draw(table: &mut [u32], [a, b, c, d]: [usize; 4], weights: &Weights, random: &mut Random) {
    let counts = [table[a], table[b], table[c], table[d]].map(i64::from);
    let (mut low, mut high) = (-counts[0].min(counts[3]), counts[1].min(counts[2]));
    if low == high {
        return;
    }
    let log = |s: i64| {
        weights.log(a, (counts[0] + s) as u32)
            + weights.log(b, (counts[1] - s) as u32)
            + weights.log(c, (counts[2] - s) as u32)
            + weights.log(d, (counts[3] + s) as u32)
    };
    let level = log(0) + (1.0 - random.uniform()).ln();
    let chosen = loop {
        let s = low + random.below((high - low + 1) as usize) as i64;
        if s == 0 || log(s) >= level {
            break s;
        }
        if s < 0 {
            low = s + 1;
        } else {
            high = s - 1;
        }
    };
    table[a] = (counts[0] + chosen) as u32;
    table[b] = (counts[1] - chosen) as u32;
    table[c] = (counts[2] - chosen) as u32;
    table[d] = (counts[3] + chosen) as u32;
}

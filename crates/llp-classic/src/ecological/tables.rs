//! What is known of bags whose instances differ by their group only: how many are of each group, how many of each class.

use crate::ClassicError;
use crate::error::{check_count, check_length};

/// The two margins of the table of groups by classes of each bag.
///
/// In ecological inference a bag is a precinct, a group a part of its voters, and a class a candidate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupTables {
    n_groups: usize,
    n_classes: usize,
    /// `[bag, group]`
    groups: Vec<u32>,
    /// `[bag, class]`
    classes: Vec<u32>,
}

impl GroupTables {
    /// Checks margins: `groups` is `[bag, group]` and `classes` is `[bag, class]`, both row-major, in numbers of people.
    ///
    /// # Errors
    /// Lengths that do not fit, fewer than two groups or classes, a bag whose groups and classes have different sums,
    /// a group or a class without anyone in any bag.
    pub fn new(
        groups: Vec<u32>,
        n_groups: usize,
        classes: Vec<u32>,
        n_classes: usize,
    ) -> Result<Self, ClassicError> {
        check_count("groups", n_groups, 2)?;
        check_count("classes", n_classes, 2)?;
        let n_bags = groups.len() / n_groups;
        check_count("bags", n_bags, 1)?;
        check_length("groups", groups.len(), n_bags * n_groups, "[bag, group]")?;
        check_length("classes", classes.len(), n_bags * n_classes, "[bag, class]")?;
        for (bag, (of_group, of_class)) in
            groups.chunks_exact(n_groups).zip(classes.chunks_exact(n_classes)).enumerate()
        {
            let (by_group, by_class) = (sum(of_group), sum(of_class));
            if by_group != by_class {
                let problem = format!("bag {bag} has {by_group} instances by group and {by_class} by class");
                return Err(ClassicError::Input(format!("{problem}: give counts of the same instances")));
            }
        }
        check_margin("group", &groups, n_groups)?;
        check_margin("class", &classes, n_classes)?;
        Ok(Self { n_groups, n_classes, groups, classes })
    }

    /// Number of bags.
    pub fn n_bags(&self) -> usize {
        self.groups.len() / self.n_groups
    }

    /// Number of groups.
    pub fn n_groups(&self) -> usize {
        self.n_groups
    }

    /// Number of classes.
    pub fn n_classes(&self) -> usize {
        self.n_classes
    }

    /// Counts of the groups of a bag, `[group]`.
    pub fn groups(&self, bag: usize) -> &[u32] {
        &self.groups[bag * self.n_groups..(bag + 1) * self.n_groups]
    }

    /// Counts of the classes of a bag, `[class]`.
    pub fn classes(&self, bag: usize) -> &[u32] {
        &self.classes[bag * self.n_classes..(bag + 1) * self.n_classes]
    }

    /// Counts of the groups in all bags, `[group]`.
    pub fn group_totals(&self) -> Vec<u64> {
        totals(&self.groups, self.n_groups)
    }

    /// Counts of the classes in all bags, `[class]`.
    pub fn class_totals(&self) -> Vec<u64> {
        totals(&self.classes, self.n_classes)
    }

    /// The least and the largest count of each cell over all bags that the margins permit, `[group, class]`.
    ///
    /// In a bag of `n`, of which `g` are of the group and `c` of the class, at least `g + c - n` and at most the
    /// smaller of `g` and `c` are of both (Duncan and Davis 1953).
    pub fn bounds(&self) -> Vec<(u64, u64)> {
        let mut bounds = vec![(0, 0); self.n_groups * self.n_classes];
        for bag in 0..self.n_bags() {
            let n = sum(self.groups(bag));
            for (group, &g) in self.groups(bag).iter().enumerate() {
                for (class, &c) in self.classes(bag).iter().enumerate() {
                    let (low, high) = &mut bounds[group * self.n_classes + class];
                    *low += (u64::from(g) + u64::from(c)).saturating_sub(n);
                    *high += u64::from(g.min(c));
                }
            }
        }
        bounds
    }
}

fn sum(counts: &[u32]) -> u64 {
    counts.iter().map(|&count| u64::from(count)).sum()
}

fn totals(counts: &[u32], width: usize) -> Vec<u64> {
    let mut totals = vec![0; width];
    for row in counts.chunks_exact(width) {
        totals.iter_mut().zip(row).for_each(|(total, &count)| *total += u64::from(count));
    }
    totals
}

fn check_margin(what: &str, counts: &[u32], width: usize) -> Result<(), ClassicError> {
    match totals(counts, width).iter().position(|&total| total == 0) {
        None => Ok(()),
        Some(at) => Err(ClassicError::Input(format!("{what} {at} has no instance in any bag: leave it out"))),
    }
}

//! What the two figures show.

use std::collections::BTreeSet;

use super::chart::{Figure, Line, Mark, Panel, Point, Scale};
use super::ink::Ink;
use super::table::notes;
use crate::config::LossName;
use crate::record::EpochRecord;
use crate::select::{Group, Spread, rule_of};

/// Figure 1: test accuracy over epochs, one line per bag size, one panel per data set and loss.
///
/// `curves` has the epochs of each chosen row.
pub(super) fn over_epochs(curves: &[Vec<EpochRecord>], groups: &[Group]) -> Figure {
    let sizes: BTreeSet<usize> = groups.iter().map(|group| group.bag_size).collect();
    let mut panels = Vec::new();
    for (data, loss) in groups.iter().map(|group| (&group.data, group.loss)).collect::<BTreeSet<_>>() {
        let members = groups.iter().filter(|group| group.data == *data && group.loss == loss);
        let mut lines = Vec::new();
        for group in members.clone() {
            let rank = sizes.range(..group.bag_size).count();
            lines.push(Line {
                label: group.bag_size.to_string(),
                ink: Ink::Ordered { rank, of: sizes.len() },
                points: mean_over_seeds(curves, group),
            });
        }
        let reference = members.clone().find_map(|group| group.chance);
        let without: Vec<_> =
            members.filter(|group| group.chosen.is_none()).map(|group| group.bag_size.to_string()).collect();
        let note =
            if without.is_empty() { String::new() } else { format!("no result: {}", without.join(", ")) };
        panels.push(Panel { title: format!("{}, {data}", loss.title()), lines, reference, note });
    }
    Figure {
        title: "Test accuracy over epochs".to_owned(),
        x_label: "Epoch".to_owned(),
        x_scale: Scale::Linear,
        y_label: "Test accuracy (%)".to_owned(),
        legend_title: "Bag size".to_owned(),
        reference_label: "chance".to_owned(),
        panels,
        caption: format!("Mean over seeds. {} {}", rule_of(groups), notes(groups)),
    }
}

/// The mean curve of the chosen hyper-parameters, in percent, up to the last epoch that all seeds have.
fn mean_over_seeds(curves: &[Vec<EpochRecord>], group: &Group) -> Vec<Point> {
    let Some(chosen) = &group.chosen else { return Vec::new() };
    let curves: Vec<&Vec<EpochRecord>> = chosen.rows.iter().map(|row| &curves[*row]).collect();
    let n_epochs = curves.iter().map(|curve| curve.len()).min().unwrap_or(0);
    let point = |epoch: usize| {
        let values: Vec<f64> = curves.iter().filter_map(|curve| curve[epoch].test_accuracy).collect();
        let mean = Spread::of(&values).filter(|spread| spread.n == curves.len())?.mean;
        Some(Point { x: (epoch + 1) as f64, y: 100.0 * mean, sd: None, mark: Mark::Solid })
    };
    (0..n_epochs).filter_map(point).collect()
}

/// Figure 2: final test accuracy over bag size, one line per loss, one panel per data set.
pub(super) fn over_bag_sizes(groups: &[Group]) -> Figure {
    let data_sets: BTreeSet<&str> = groups.iter().map(|group| group.data.as_str()).collect();
    let panel = |data: &str| {
        let groups: Vec<&Group> = groups.iter().filter(|group| group.data == data).collect();
        let losses: BTreeSet<LossName> = groups.iter().map(|group| group.loss).collect();
        let chance = groups.iter().find_map(|group| group.chance);
        let line = |loss: LossName| Line {
            label: loss.title().to_owned(),
            ink: Ink::Category(loss as usize),
            points: groups
                .iter()
                .filter(|group| group.loss == loss)
                .filter_map(|group| final_point(group, chance))
                .collect(),
        };
        Panel {
            title: data.to_owned(),
            lines: losses.into_iter().map(line).collect(),
            reference: chance,
            note: String::new(),
        }
    };
    Figure {
        title: "Final test accuracy over bag size".to_owned(),
        x_label: "Bag size".to_owned(),
        x_scale: Scale::Log2,
        y_label: "Test accuracy (%)".to_owned(),
        legend_title: "Loss".to_owned(),
        reference_label: "chance".to_owned(),
        panels: data_sets.into_iter().map(panel).collect(),
        caption: format!(
            "Mean over seeds with one standard deviation. {}{} {}",
            marks(groups),
            rule_of(groups),
            notes(groups)
        ),
    }
}

/// What hollow points and crosses mean, where there are some.
fn marks(groups: &[Group]) -> &'static str {
    if groups.iter().all(|group| group.n_eligible == group.n_candidates) {
        ""
    } else {
        "Hollow: some hyper-parameters diverged or did not finish; cross: all did. "
    }
}

fn final_point(group: &Group, chance: Option<f64>) -> Option<Point> {
    let x = group.bag_size as f64;
    match &group.chosen {
        Some(chosen) => {
            let accuracy = chosen.test_accuracy?;
            let mark = if group.n_eligible < group.n_candidates { Mark::Hollow } else { Mark::Solid };
            Some(Point { x, y: 100.0 * accuracy.mean, sd: accuracy.sd.map(|sd| 100.0 * sd), mark })
        }
        None => Some(Point { x, y: 100.0 * chance?, sd: None, mark: Mark::Absent }),
    }
}

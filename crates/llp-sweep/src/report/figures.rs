//! What the two figures show.

use std::collections::BTreeSet;

use super::chart::{Figure, Line, Mark, Panel, Point, Scale};
use super::color::Color;
use super::measure::Measure;
use super::table::notes;
use crate::bag_sizes::BagSizes;
use crate::config::Approach;
use crate::record::EpochRecord;
use crate::select::{Group, Spread, rule_of};

/// Figure 1: the measure over epochs, one line per bag size, one panel per data set and loss.
///
/// `curves` has the epochs of each chosen row.
pub(super) fn over_epochs(curves: &[Vec<EpochRecord>], groups: &[Group]) -> Figure {
    let sizes: BTreeSet<usize> = groups.iter().map(|group| group.bag_size).collect();
    let mut panels = Vec::new();
    for (data, approach) in groups.iter().map(|group| (&group.data, group.approach)).collect::<BTreeSet<_>>()
    {
        let measure = Measure::of(groups, data);
        let members = groups.iter().filter(|group| group.data == *data && group.approach == approach);
        let line = |group: &Group| Line {
            label: group.sizes.to_string(),
            color: Color::Ordered { rank: sizes.range(..group.bag_size).count(), of: sizes.len() },
            points: mean_over_seeds(curves, group, measure),
        };
        let lines: Vec<Line> = members.clone().map(line).collect();
        let without = members.clone().filter(|group| group.chosen.is_none()).map(|group| group.sizes);
        panels.push(panel(
            format!("{}, {data}", approach.title()),
            measure,
            lines,
            members.clone().find_map(|group| group.chance),
            no_result(without),
        ));
    }
    Figure {
        title: title(groups, "over epochs"),
        x_label: "Epoch".to_owned(),
        x_scale: Scale::Linear,
        legend_title: "Bag size".to_owned(),
        reference_label: "chance".to_owned(),
        panels,
        caption: format!("Mean over seeds. {} {}", rule_of(groups), notes(groups)),
    }
}

/// The title of a figure, by what its panels show.
fn title(groups: &[Group], over: &str) -> String {
    let data_sets: BTreeSet<&str> = groups.iter().map(|group| group.data.as_str()).collect();
    let measures: Vec<Measure> = data_sets.into_iter().map(|data| Measure::of(groups, data)).collect();
    let titles: BTreeSet<String> = measures.into_iter().map(Measure::title).collect();
    match (titles.first(), titles.len()) {
        (Some(title), 1) => format!("{title} {over}"),
        (None, _) => format!("Test accuracy {over}"),
        _ => format!("Test accuracy, or the criterion on held-out bags where there are no labels, {over}"),
    }
}

/// A panel of a measure; chance is a level of accuracy only.
fn panel(title: String, measure: Measure, lines: Vec<Line>, chance: Option<f64>, note: String) -> Panel {
    let values = lines.iter().flat_map(|line| &line.points);
    let ends = values.flat_map(|point| [-1.0, 1.0].map(|sign| point.y + sign * point.sd.unwrap_or(0.0)));
    Panel {
        title,
        y_label: format!("{} ({})", measure.title(), measure.unit()),
        y_axis: measure.axis(ends),
        reference: chance.map(|chance| 100.0 * chance).filter(|_| measure == Measure::Accuracy),
        lines,
        note,
    }
}

/// Names what is not drawn.
fn no_result<T: ToString>(without: impl Iterator<Item = T>) -> String {
    let without: Vec<_> = without.map(|what| what.to_string()).collect();
    if without.is_empty() { String::new() } else { format!("no result: {}", without.join(", ")) }
}

/// The mean curve of the chosen hyper-parameters, up to the last epoch that all seeds have.
fn mean_over_seeds(curves: &[Vec<EpochRecord>], group: &Group, measure: Measure) -> Vec<Point> {
    let Some(chosen) = &group.chosen else { return Vec::new() };
    let curves: Vec<&Vec<EpochRecord>> = chosen.rows.iter().map(|row| &curves[*row]).collect();
    let n_epochs = curves.iter().map(|curve| curve.len()).min().unwrap_or(0);
    let point = |epoch: usize| {
        let values: Vec<f64> = curves.iter().filter_map(|curve| measure.of_record(&curve[epoch])).collect();
        let mean = Spread::of(&values).filter(|spread| spread.n == curves.len())?.mean;
        Some(Point { x: (epoch + 1) as f64, y: mean, sd: None, mark: Mark::Solid })
    };
    (0..n_epochs).filter_map(point).collect()
}

/// Figure 2: the measure after the last epoch over bag size, one line per loss, one panel per data set.
pub(super) fn over_bag_sizes(groups: &[Group]) -> Figure {
    let data_sets: BTreeSet<&str> = groups.iter().map(|group| group.data.as_str()).collect();
    let of_data = |data: &str| {
        let measure = Measure::of(groups, data);
        let groups: Vec<&Group> = groups.iter().filter(|group| group.data == data).collect();
        let approaches: BTreeSet<Approach> = groups.iter().map(|group| group.approach).collect();
        let chance = groups.iter().find_map(|group| group.chance);
        let line = |approach: Approach| Line {
            label: approach.title().to_owned(),
            color: Color::Category(approach.place()),
            points: groups
                .iter()
                .filter(|group| group.approach == approach)
                .filter_map(|group| final_point(group, measure, chance))
                .collect(),
        };
        // Without a level of chance there is no place for a cross.
        let is_named = |group: &&&Group| group.chosen.is_none() && measure != Measure::Accuracy;
        let without =
            groups.iter().filter(is_named).map(|group| format!("{} {}", group.approach.title(), group.sizes));
        let lines = approaches.into_iter().map(line).collect();
        panel(data.to_owned(), measure, lines, chance, no_result(without))
    };
    let is_equal = groups.iter().all(|group| matches!(group.sizes, BagSizes::Equal(_)));
    Figure {
        title: title(groups, "over bag size").replacen("Test", "Final test", 1),
        x_label: if is_equal { "Bag size" } else { "Size of the largest bag" }.to_owned(),
        x_scale: Scale::Log2,
        legend_title: "Loss".to_owned(),
        reference_label: "chance".to_owned(),
        panels: data_sets.into_iter().map(of_data).collect(),
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

fn final_point(group: &Group, measure: Measure, chance: Option<f64>) -> Option<Point> {
    let x = group.bag_size as f64;
    match &group.chosen {
        Some(chosen) => {
            let value = measure.of_candidate(chosen)?;
            let mark = if group.n_eligible < group.n_candidates { Mark::Hollow } else { Mark::Solid };
            Some(Point { x, y: value.mean, sd: value.sd, mark })
        }
        None if measure == Measure::Accuracy => {
            Some(Point { x, y: 100.0 * chance?, sd: None, mark: Mark::Absent })
        }
        None => None,
    }
}

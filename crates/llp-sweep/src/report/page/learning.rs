//! Learning curves: of the chosen hyper-parameters over their seeds, or of a few runs one by one.

use maud::{Markup, PreEscaped, html};

use super::super::axis::Axis;
use super::super::color::Color;
use super::super::curves::{Curves, draw};
use super::super::{ReportData, inline};
use super::{bag_sizes, by_approach};
use crate::criterion::Criterion;
use crate::record::EpochRecord;
use crate::select::Group;

const UNITS: &str =
    "The training loss is in the units of each loss. A peak beyond the end of an axis is cut off.";

pub(super) fn section(report_data: &ReportData) -> Markup {
    if report_data.shows_each_run() { each_run(report_data) } else { by_group(report_data) }
}

fn each_run(report_data: &ReportData) -> Markup {
    html! {
        p { (UNITS) }
        @for (curves, name) in report_data.curves.iter().zip(&report_data.names) {
            figure.curves {
                figcaption { (name) }
                @if curves.is_empty() { p.note { "No epoch has ended." } }
                @else { (panels(&[curves], Color::Category(0), &format!("of {name}"))) }
            }
        }
    }
}

fn by_group(report_data: &ReportData) -> Markup {
    let sizes = bag_sizes(&report_data.groups);
    html! {
        p { "At the chosen hyper-parameters: a thin line for each seed, a bold one for their mean. " (UNITS) }
        @for (data, approach, groups) in by_approach(&report_data.groups) {
            h3 { (approach.title()) ", " (data) }
            @for group in groups {
                @let color = Color::Ordered { rank: sizes.range(..group.bag_size).count(), of: sizes.len() };
                figure.curves {
                    figcaption { "Bag size " (group.sizes) }
                    (of_group(report_data, group, color))
                }
            }
        }
    }
}

fn of_group(report_data: &ReportData, group: &Group, color: Color) -> Markup {
    let Some(chosen) = &group.chosen else {
        return html! { p.note { "Nothing was chosen: " (group.without_choice()) "." } };
    };
    let seeds: Vec<&[EpochRecord]> = chosen.rows.iter().map(|row| &*report_data.curves[*row]).collect();
    panels(&seeds, color, &format!("{}, bag size {}", group.approach.title(), group.sizes))
}

/// Training loss, criteria and test accuracy over epochs, as far as all seeds have them.
fn panels(seeds: &[&[EpochRecord]], color: Color, of_what: &str) -> Markup {
    let curves = |title: String, is_percent: bool, pick: &dyn Fn(&EpochRecord) -> Option<f64>| {
        let values = |records: &&[EpochRecord]| records.iter().map(pick).collect::<Option<Vec<f64>>>();
        let seeds = seeds.iter().map(values).collect::<Option<Vec<_>>>()?;
        let all = || seeds.iter().flatten().copied().collect();
        let axis = if is_percent { Axis::percent() } else { Axis::around(all()) };
        seeds.iter().all(|seed| !seed.is_empty()).then_some(Curves { title, seeds, color, axis })
    };
    let loss = curves("Training loss".to_owned(), false, &|record| Some(record.train_loss));
    let criteria = Criterion::ALL.map(|criterion| {
        let title = format!("Held-out {} ({})", criterion.in_middle(), criterion.unit());
        curves(title, false, &|record| criterion.of(record))
    });
    let accuracy =
        curves("Test accuracy (%)".to_owned(), true, &|record| Some(100.0 * record.test_accuracy?));
    let words = |curves: &Curves| {
        let last = curves.seeds.iter().filter_map(|seed| seed.last());
        let mean = last.sum::<f64>() / curves.seeds.len() as f64;
        format!("{} over epochs, {of_what}, at the end {mean:.3}", curves.title)
    };
    let shown: Vec<Curves> = [loss].into_iter().chain(criteria).chain([accuracy]).flatten().collect();
    html! { @for curves in &shown { (PreEscaped(inline::svg(&draw(curves), &words(curves)))) } }
}

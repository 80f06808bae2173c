//! Heat maps over learning rate and alpha, one for each data set, loss and bag size.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::super::Material;
use super::{by_loss, percent};
use crate::collect::Row;
use crate::criterion::Criterion;
use crate::run_dir::RunState;
use crate::select::{Group, Spread};

pub(super) fn section(material: &Material) -> Markup {
    html! {
        p {
            "Test accuracy in percent over the learning rate (rows) and alpha (columns), and below it the criterion on "
            "held-out bags, which chooses; means over seeds. A frame marks the choice. What did not come to its end is "
            "named in place of a number."
        }
        @for (data, loss, groups) in by_loss(&material.groups) {
            h3 { (loss.title()) ", " (data) }
            div.tiles { @for group in groups { (heat_map(material, group)) } }
        }
    }
}

fn heat_map(material: &Material, group: &Group) -> Markup {
    let rows: Vec<&Row> = material.rows.iter().filter(|row| is_in(row, group)).collect();
    let rates = distinct(rows.iter().map(|row| Some(row.cell.config.optim.lr)));
    let alphas = distinct(rows.iter().map(|row| row.cell.config.loss.alpha));
    let has_alpha = alphas != [None];
    let cell = |rate: &Option<f64>, alpha: &Option<f64>| {
        let is_here =
            |row: &&&Row| (Some(row.cell.config.optim.lr), row.cell.config.loss.alpha) == (*rate, *alpha);
        let here: Vec<&Row> = rows.iter().filter(is_here).copied().collect();
        let chosen = group.chosen.as_ref().map(|chosen| &chosen.config);
        let is_chosen =
            chosen.is_some_and(|chosen| (Some(chosen.optim.lr), chosen.loss.alpha) == (*rate, *alpha));
        heat_cell(&here, group.criterion, is_chosen)
    };
    html! {
        div.tile tabindex="0" role="region" aria-label={ "Bag size " (group.bag_size) } {
            table.heat {
                caption { "Bag size " (group.bag_size) }
                thead {
                    tr {
                        th scope="col" { "Rate" }
                        @for alpha in &alphas {
                            th scope="col" {
                                @match alpha { Some(alpha) => { "alpha " (alpha) }, None if has_alpha => "no alpha", None => "Accuracy" }
                            }
                        }
                    }
                }
                tbody {
                    @for rate in &rates {
                        tr {
                            th scope="row" { @if let Some(rate) = rate { (rate) } }
                            @for alpha in &alphas { (cell(rate, alpha)) }
                        }
                    }
                }
            }
        }
    }
}

/// What became of the runs of one learning rate and alpha.
fn heat_cell(rows: &[&Row], criterion: Criterion, is_chosen: bool) -> Markup {
    let last: Vec<_> = rows.iter().filter_map(|row| row.last_epoch()).collect();
    let mean = |values: Vec<f64>| Spread::of(&values).map(|spread| spread.mean);
    let accuracy = mean(last.iter().filter_map(|record| record.test_accuracy).collect());
    let criterion = mean(last.iter().filter_map(|record| criterion.of(record)).collect());
    let gaps = gaps(rows);
    let heat = accuracy.map_or(0.0, |accuracy| 100.0 * accuracy);
    let class = if is_chosen {
        "chosen"
    } else if rows.is_empty() {
        "absent"
    } else {
        ""
    };
    html! {
        td class=(class) style={ "--heat:" (format!("{heat:.0}")) } {
            @if let Some(accuracy) = accuracy { (percent(accuracy)) }
            @else if criterion.is_some() { "no labels" }
            @if let Some(criterion) = criterion { small { (format!("{criterion:.3}")) } }
            @for gap in gaps { small.gap { (gap) } }
            @if rows.is_empty() { "not tried" }
        }
    }
}

/// The states of runs that are not complete, with their number where there are several runs.
fn gaps(rows: &[&Row]) -> Vec<String> {
    let of = |state: RunState| {
        let n = rows.iter().filter(|row| row.state == state).count();
        let count = if rows.len() > 1 { format!(" {n} of {}", rows.len()) } else { String::new() };
        (n > 0).then(|| format!("{}{count}", state.as_str()))
    };
    RunState::ALL.into_iter().filter(|state| *state != RunState::Complete).filter_map(of).collect()
}

fn is_in(row: &Row, group: &Group) -> bool {
    let config = &row.cell.config;
    (&*config.data.name, config.loss.name, config.bags.size) == (&*group.data, group.loss, group.bag_size)
}

/// The values that occur, from the smallest.
fn distinct(values: impl Iterator<Item = Option<f64>>) -> Vec<Option<f64>> {
    // Positive numbers are in the order of their bits.
    let bits: BTreeSet<Option<u64>> = values.map(|value| value.map(f64::to_bits)).collect();
    bits.into_iter().map(|bits| bits.map(f64::from_bits)).collect()
}

//! Learning curves of the chosen hyper-parameters.

use maud::{Markup, PreEscaped, html};

use super::super::curves::{Curves, draw};
use super::super::ink::Ink;
use super::super::{Material, inline};
use super::{bag_sizes, by_loss};
use crate::record::EpochRecord;
use crate::select::Group;

pub(super) fn section(material: &Material) -> Markup {
    let sizes = bag_sizes(&material.groups);
    html! {
        p {
            "At the chosen hyper-parameters: a thin line for each seed, a bold one for their mean. The training loss is "
            "in the units of each loss, the held-out KL loss in nats. A peak beyond the end of an axis is cut off."
        }
        @for (data, loss, groups) in by_loss(&material.groups) {
            h3 { (loss.title()) ", " (data) }
            @for group in groups {
                @let ink = Ink::Ordered { rank: sizes.range(..group.bag_size).count(), of: sizes.len() };
                figure.curves {
                    figcaption { "Bag size " (group.bag_size) }
                    (panels(material, group, ink))
                }
            }
        }
    }
}

fn panels(material: &Material, group: &Group, ink: Ink) -> Markup {
    let Some(chosen) = &group.chosen else {
        return html! { p.note { "No hyper-parameters are complete for all their seeds." } };
    };
    let seeds: Vec<&[EpochRecord]> = chosen.rows.iter().map(|row| &*material.curves[*row]).collect();
    let curves = |title, range, pick: fn(&EpochRecord) -> Option<f64>| {
        let values = |records: &&[EpochRecord]| records.iter().map(pick).collect::<Option<Vec<f64>>>();
        let seeds = seeds.iter().map(values).collect::<Option<Vec<_>>>()?;
        seeds.iter().all(|seed| !seed.is_empty()).then_some(Curves { title, seeds, ink, range })
    };
    let panels = [
        curves("Training loss", None, |record| Some(record.train_loss)),
        curves("Held-out KL (nats)", None, |record| record.held_out_kl),
        curves("Test accuracy (%)", Some((0.0, 100.0)), |record| Some(100.0 * record.test_accuracy?)),
    ];
    let words = |curves: &Curves| {
        let last =
            curves.seeds.iter().filter_map(|seed| seed.last()).sum::<f64>() / curves.seeds.len() as f64;
        let loss = group.loss.title();
        format!("{} over epochs, {loss}, bag size {}, at the end {last:.3}", curves.title, group.bag_size)
    };
    html! { @for curves in panels.iter().flatten() { (PreEscaped(inline::svg(&draw(curves), &words(curves)))) } }
}

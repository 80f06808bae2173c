//! What was run, how it ended, and how the shown results were chosen.

use maud::{Markup, html};
use std::collections::BTreeSet;

use super::super::Material;
use super::{bag_sizes, data_sets, duration, listed};
use crate::config::LossName;
use crate::run_dir::RunState;
use crate::select::rule_of;

pub(super) fn section(material: &Material) -> Markup {
    let Material { rows, groups, .. } = material;
    let losses: BTreeSet<_> = groups.iter().map(|group| group.loss).collect();
    let seeds: BTreeSet<_> = rows.iter().map(|row| row.cell.config.seed).collect();
    let states = RunState::ALL.into_iter().filter_map(|state| {
        let n = rows.iter().filter(|row| row.state == state).count();
        (n > 0).then(|| format!("{n} {}", state.as_str()))
    });
    let results = || rows.iter().filter_map(|row| row.result.as_ref());
    let time: f64 = results().map(|result| result.train_s).sum();
    let versions: BTreeSet<_> = results().map(|result| result.version.as_str()).collect();
    let facts = [
        ("Data", listed(data_sets(groups))),
        ("Losses", listed(losses.into_iter().map(LossName::title))),
        ("Bag sizes", listed(bag_sizes(groups))),
        ("Seeds", listed(seeds)),
        ("Runs", format!("{}: {}", rows.len(), listed(states))),
        ("Training time", format!("{}, all runs together", duration(time))),
        (
            "Version",
            if versions.is_empty() {
                "no run has ended".to_owned()
            } else {
                format!("llp {}", listed(versions))
            },
        ),
    ];
    html! {
        dl.facts { @for (name, value) in facts { div { dt { (name) } dd { (value) } } } }
        p { (rule_of(groups)) }
        p {
            "Numbers are means over seeds, with one sample standard deviation where there are several. "
            "Accuracy is the share of test instances whose most probable class is their label. "
            "The gap to the best is the test accuracy that choosing without labels gives away against the best "
            "hyper-parameters of the same grid."
        }
    }
}

//! The results of the chosen hyper-parameters as a table.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::config::LossName;
use crate::select::{Group, RULE, Spread};

/// One Markdown table for each data set: final test accuracy in percent, mean ± standard deviation over seeds, one
/// row for each bag size and one column for each loss, with the chosen learning rate (and alpha) in brackets.
///
/// A dash marks what has no complete candidate, a star what rests on fewer candidates than were tried.
pub fn markdown(groups: &[Group]) -> String {
    let data_sets: BTreeSet<&str> = groups.iter().map(|group| group.data.as_str()).collect();
    let mut text = String::new();
    for data in data_sets {
        let groups: Vec<&Group> = groups.iter().filter(|group| group.data == data).collect();
        let losses: BTreeSet<LossName> = groups.iter().map(|group| group.loss).collect();
        let sizes: BTreeSet<usize> = groups.iter().map(|group| group.bag_size).collect();
        let titles: Vec<_> = losses.iter().map(|loss| loss.title()).collect();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "### {data}: final test accuracy, %\n");
        let _ = writeln!(text, "| bag size | {} |", titles.join(" | "));
        let _ = writeln!(text, "|---:|{}", "---:|".repeat(titles.len()));
        for size in sizes {
            let cell = |loss: &LossName| {
                let group = groups.iter().find(|group| group.bag_size == size && group.loss == *loss);
                group.map_or_else(String::new, |group| entry(group))
            };
            let entries: Vec<_> = losses.iter().map(cell).collect();
            let _ = writeln!(text, "| {size} | {} |", entries.join(" | "));
        }
        text.push('\n');
    }
    let _ = writeln!(text, "{RULE} In brackets: learning rate, and alpha of ROT. {}", notes(groups));
    text
}

fn entry(group: &Group) -> String {
    let Some(chosen) = &group.chosen else { return "-".to_owned() };
    let accuracy = chosen.test_accuracy.map_or_else(|| "no labels".to_owned(), percent);
    let alpha = chosen.config.loss.alpha.map_or_else(String::new, |alpha| format!(", {alpha}"));
    let star = if group.n_eligible < group.n_candidates { "\\*" } else { "" };
    format!("{accuracy} ({}{alpha}){star}", chosen.config.optim.lr)
}

/// Mean and spread of a fraction, in percent.
pub(crate) fn percent(accuracy: Spread) -> String {
    let mean = 100.0 * accuracy.mean;
    accuracy.sd.map_or_else(|| format!("{mean:.1}"), |sd| format!("{mean:.1} ± {:.1}", 100.0 * sd))
}

/// How many seeds there are and what is not there, in a sentence or two.
pub(crate) fn notes(groups: &[Group]) -> String {
    let seeds: BTreeSet<usize> =
        groups.iter().filter_map(|group| Some(group.chosen.as_ref()?.held_out_kl.n)).collect();
    let sum = |pick: fn(&Group) -> usize| groups.iter().map(pick).sum::<usize>();
    let (runs, diverged, missing) =
        (sum(|group| group.n_runs), sum(|group| group.n_diverged), sum(|group| group.n_missing));
    let seeds = match (seeds.first(), seeds.last()) {
        (Some(1), Some(1)) => "One seed".to_owned(),
        (Some(fewest), Some(most)) if fewest == most => format!("{most} seeds"),
        (Some(fewest), Some(most)) => format!("{fewest} to {most} seeds"),
        _ => "No complete candidate".to_owned(),
    };
    let gaps = match (diverged, missing) {
        (0, 0) => String::new(),
        (diverged, 0) => format!(", {diverged} diverged"),
        (0, missing) => format!(", {missing} not finished"),
        (diverged, missing) => format!(", {diverged} diverged and {missing} not finished"),
    };
    format!("{seeds}; {runs} runs{gaps}.")
}

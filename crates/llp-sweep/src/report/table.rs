//! The results of the chosen hyper-parameters as a table.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::measure::Measure;
use crate::bag_sizes::BagSizes;
use crate::config::Approach;
use crate::error::SweepError;
use crate::select::{Candidate, Edge, Group, Spread, rule_of};

/// One Markdown table for each data set: final test accuracy in percent, or the criterion on held-out bags where there
/// are no labels, mean ± standard deviation over seeds, one row for each bag size and one column for each loss, with the
/// chosen hyper-parameters in brackets.
///
/// Where nothing was chosen is why, a star marks what rests on fewer candidates than were tried.
pub fn markdown(groups: &[Group]) -> String {
    let data_sets: BTreeSet<&str> = groups.iter().map(|group| group.data.as_str()).collect();
    let mut text = String::new();
    for data in data_sets {
        let measure = Measure::of(groups, data);
        let groups: Vec<&Group> = groups.iter().filter(|group| group.data == data).collect();
        let approaches: BTreeSet<Approach> = groups.iter().map(|group| group.approach).collect();
        let sizes: BTreeSet<usize> = groups.iter().map(|group| group.bag_size).collect();
        let titles: Vec<_> = approaches.iter().map(|approach| approach.title()).collect();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "### {data}: {}\n", caption(measure));
        let _ = writeln!(text, "| bag size | {} |", titles.join(" | "));
        let _ = writeln!(text, "|---:|{}", "---:|".repeat(titles.len()));
        for size in sizes {
            let cell = |approach: &Approach| {
                let group = groups.iter().find(|group| group.bag_size == size && group.approach == *approach);
                group.map_or_else(String::new, |group| entry(group, measure))
            };
            let entries: Vec<_> = approaches.iter().map(cell).collect();
            let size = size_in_words(&groups, size);
            let _ = writeln!(text, "| {size} | {} |", entries.join(" | "));
        }
        text.push('\n');
    }
    let _ = writeln!(
        text,
        "{} In brackets: learning rate, alpha of ROT, and what else was tried. {}",
        rule_of(groups),
        notes(groups)
    );
    for sentence in edges(groups) {
        let _ = writeln!(text, "{sentence}");
    }
    text
}

/// Where a better learning rate may lie beyond those that were tried, in sentences.
pub(super) fn edges(groups: &[Group]) -> Vec<String> {
    let sentence = |edge: Edge, words: [&str; 2]| {
        let at_edge = groups.iter().filter(|group| group.edge == Some(edge));
        let places: Vec<String> = at_edge
            .map(|group| format!("{}, {}, bags of {}", group.data, group.approach.title(), group.sizes))
            .collect();
        let [superlative, comparative] = words;
        (!places.is_empty()).then(|| {
            format!(
                "The chosen learning rate is the {superlative} that was tried; {comparative} ones may be better: {}.",
                places.join("; ")
            )
        })
    };
    let largest = sentence(Edge::Largest, ["largest", "larger"]);
    largest.into_iter().chain(sentence(Edge::Smallest, ["smallest", "smaller"])).collect()
}

/// What a table of a measure shows.
fn caption(measure: Measure) -> String {
    match measure {
        Measure::Accuracy => "final test accuracy, %".to_owned(),
        held_out @ Measure::HeldOut(_) => format!("{}, {}", lowercase(&held_out.title()), held_out.unit()),
    }
}

/// With a small first letter.
fn lowercase(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// The sizes of all bags of the groups whose largest bag has this size.
pub(super) fn size_in_words(groups: &[&Group], largest: usize) -> String {
    let sizes = groups.iter().filter(|group| group.bag_size == largest).map(|group| group.sizes);
    sizes.reduce(BagSizes::and).unwrap_or(BagSizes::Equal(largest)).to_string()
}

/// The same numbers and their sources as CSV: one row for each data set, loss and bag size; accuracies are
/// fractions, losses in nats, and what there is not is empty.
///
/// # Errors
/// Those of writing CSV, which writing into memory does not meet.
pub fn csv(groups: &[Group]) -> Result<String, SweepError> {
    let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record([
        "data.name",
        "loss.name",
        "bags.size",
        "optim.lr",
        "loss.alpha",
        "others",
        "n_seeds",
        "test_accuracy",
        "test_accuracy_sd",
        "criterion",
        "held_out",
        "held_out_sd",
        "regret",
        "n_runs",
        "n_diverged",
        "n_missing",
    ])?;
    for group in groups {
        let chosen = group.chosen.as_ref();
        let (held_out, accuracy) =
            (chosen.and_then(|chosen| chosen.criterion), chosen.and_then(|chosen| chosen.test_accuracy));
        table.write_record([
            group.data.clone(),
            group.approach.as_str().to_owned(),
            group.bag_size.to_string(),
            number(chosen.and_then(|chosen| chosen.config.rate())),
            number(chosen.and_then(|chosen| chosen.config.loss.alpha)),
            chosen.map_or_else(String::new, |chosen| others(group, chosen)),
            chosen.map_or_else(String::new, |chosen| chosen.n_seeds().to_string()),
            number(accuracy.map(|accuracy| accuracy.mean)),
            number(accuracy.and_then(|accuracy| accuracy.sd)),
            group.criterion.as_str().to_owned(),
            number(held_out.map(|held_out| held_out.mean)),
            number(held_out.and_then(|held_out| held_out.sd)),
            number(group.regret()),
            group.n_runs.to_string(),
            group.n_diverged.to_string(),
            group.n_missing.to_string(),
        ])?;
    }
    let bytes = table.into_inner().map_err(csv::IntoInnerError::into_error)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Other keys that were tried, as in `optim.name=adamw optim.images_per_step=64`.
pub(super) fn others(group: &Group, candidate: &Candidate) -> String {
    let pairs: Vec<_> =
        group.others(&candidate.config).iter().map(|(key, value)| format!("{key}={value}")).collect();
    pairs.join(" ")
}

/// The table of [`markdown`] in LaTeX, for the package `booktabs`.
pub fn latex(groups: &[Group]) -> String {
    let mut text = "% \\usepackage{booktabs}\n".to_owned();
    for data in groups.iter().map(|group| group.data.as_str()).collect::<BTreeSet<_>>() {
        let measure = Measure::of(groups, data);
        let what = match measure {
            Measure::Accuracy => ("Final test accuracy".to_owned(), "percent"),
            held_out @ Measure::HeldOut(_) => (held_out.title(), held_out.unit()),
        };
        let groups: Vec<&Group> = groups.iter().filter(|group| group.data == data).collect();
        let approaches: BTreeSet<Approach> = groups.iter().map(|group| group.approach).collect();
        let sizes: BTreeSet<usize> = groups.iter().map(|group| group.bag_size).collect();
        let titles: Vec<_> = approaches.iter().map(|approach| approach.title()).collect();
        let name: String = data.chars().flat_map(escaped).collect();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "\\begin{{table}}\n  \\centering");
        let _ = writeln!(
            text,
            "  \\caption{{{} on {name} in {}, mean and standard deviation over seeds.}}",
            what.0, what.1
        );
        let _ = writeln!(text, "  \\begin{{tabular}}{{r{}}}\n    \\toprule", "r".repeat(titles.len()));
        let _ = writeln!(text, "    Bag size & {} \\\\\n    \\midrule", titles.join(" & "));
        for size in sizes {
            let cell = |approach: &Approach| {
                let group = groups.iter().find(|group| group.bag_size == size && group.approach == *approach);
                let chosen = group.and_then(|group| group.chosen.as_ref());
                let chosen = chosen.filter(|chosen| measure.of_candidate(chosen).is_some());
                chosen.map_or_else(
                    || "--".to_owned(),
                    |chosen| format!("${}$", measure.text(chosen).replace('±', "\\pm")),
                )
            };
            let entries: Vec<_> = approaches.iter().map(cell).collect();
            let size = size_in_words(&groups, size);
            let _ = writeln!(text, "    {size} & {} \\\\", entries.join(" & "));
        }
        let _ = writeln!(text, "    \\bottomrule\n  \\end{{tabular}}\n\\end{{table}}");
    }
    text
}

/// A character of a name, with a backslash where LaTeX needs one. (Names have no other characters of its own.)
fn escaped(c: char) -> impl Iterator<Item = char> {
    (c == '_').then_some('\\').into_iter().chain([c])
}

fn entry(group: &Group, measure: Measure) -> String {
    let Some(chosen) = &group.chosen else { return group.without_choice().to_owned() };
    let value = measure.text(chosen);
    let star = if group.n_eligible < group.n_candidates { "\\*" } else { "" };
    let settings = match (chosen.config.rate(), chosen.config.loss.alpha) {
        (Some(rate), Some(alpha)) => format!("{rate}, {alpha}{}", group.others_in_words(&chosen.config)),
        _ => group.settings_in_words(&chosen.config),
    };
    format!("{value} ({settings}){star}")
}

/// Mean and spread of a fraction, in percent.
pub(crate) fn percent(accuracy: Spread) -> String {
    let mean = 100.0 * accuracy.mean;
    accuracy.sd.map_or_else(|| format!("{mean:.1}"), |sd| format!("{mean:.1} ± {:.1}", 100.0 * sd))
}

/// How many seeds there are and what is not there, in a sentence or two.
pub(crate) fn notes(groups: &[Group]) -> String {
    let seeds: BTreeSet<usize> =
        groups.iter().filter_map(|group| Some(group.chosen.as_ref()?.n_seeds())).collect();
    let sum = |pick: fn(&Group) -> usize| groups.iter().map(pick).sum::<usize>();
    let (runs, diverged, missing) =
        (sum(|group| group.n_runs), sum(|group| group.n_diverged), sum(|group| group.n_missing));
    let seeds = match (seeds.first(), seeds.last()) {
        (Some(1), Some(1)) => "One seed".to_owned(),
        (Some(fewest), Some(most)) if fewest == most => format!("{most} seeds"),
        (Some(fewest), Some(most)) => format!("{fewest} to {most} seeds"),
        _ => "Nothing was chosen".to_owned(),
    };
    let gaps = match (diverged, missing) {
        (0, 0) => String::new(),
        (diverged, 0) => format!(", {diverged} diverged"),
        (0, missing) => format!(", {missing} not finished"),
        (diverged, missing) => format!(", {diverged} diverged and {missing} not finished"),
    };
    let folds = groups.iter().filter_map(|group| Some(group.chosen.as_ref()?.n_folds)).max();
    let folds = folds.filter(|n| *n > 1).map_or_else(String::new, |n| format!(" with {n} folds each"));
    format!("{seeds}{folds}; {runs} runs{gaps}.")
}

//! How the shares that a network predicts for its bags fit the known ones, and which bags fit worst.

use maud::{Markup, PreEscaped, html};

use super::super::insight::{BagFit, Insight, Part};
use super::super::{inline, scatter};
use super::scrolled;

/// Classes with a panel of their own: those with the largest residuals.
const N_PANELS: usize = 12;
/// Bags in the table of those that fit worst.
const N_WORST: usize = 12;
/// A residual beyond this many deviations is worth a second look at the bag.
const FAR: f64 = 3.0;

pub(super) fn section(insight: &Insight) -> Markup {
    let bags: Vec<&BagFit> = insight.bags.iter().collect();
    let parts: Vec<Part> = [Part::HeldOut, Part::Training]
        .into_iter()
        .filter(|part| insight.of_part(*part).next().is_some())
        .collect();
    let classes = panel_classes(insight);
    html! {
        p {
            "The predicted share of a class in a bag is the mean of its probability over the instances of the bag. "
            "Points on the line are right; a class whose points lie flat is not distinguished from the others."
        }
        ul { @for &part in &parts { li { (in_words(insight, part)) } } }
        @if classes.len() < insight.class_names.len() {
            p.note {
                "The " (classes.len()) " of " (insight.class_names.len())
                " classes with the largest mean distance of predicted and known shares."
            }
        }
        (drawn(&scatter::legend(&parts), "Colors of the parts"))
        figure.curves {
            figcaption { "Predicted over known shares" }
            @for &class in &classes {
                @let name = &insight.class_names[class];
                (drawn(&scatter::shares(name, &bags, class), &format!("Predicted over known shares of {name}")))
            }
        }
        h3 { "Bags that fit worst" }
        (worst_table(insight))
        p.note {
            "Divergence: the KL loss of the bag less its least possible value, in nats, by which the rows are ordered; "
            "distance: the L1 distance of the shares, from 0 to 2. The class is the one with the largest residual; "
            "deviation: one standard deviation of its share if labels are drawn from the predicted probabilities. "
            "A residual of more than " (FAR) " deviations says that the network is sure of something wrong, or that the "
            "share is: look at such a bag first. "
            "Training bags have been seen, so that they fit better."
        }
    }
}

fn drawn(drawing: &super::super::drawing::Drawing, in_words: &str) -> Markup {
    html! { (PreEscaped(inline::svg(drawing, in_words))) }
}

/// The classes that get a panel, in their order.
fn panel_classes(insight: &Insight) -> Vec<usize> {
    let size = |class: usize| {
        let residuals = insight.bags.iter().filter_map(|bag| bag.residual(class)).map(f64::abs);
        let (sum, n) = residuals.fold((0.0, 0.0), |(sum, n), residual| (sum + residual, n + 1.0));
        if n > 0.0 { sum / n } else { 0.0 }
    };
    let mut classes: Vec<usize> = (0..insight.class_names.len()).collect();
    classes.sort_by(|a, b| size(*b).total_cmp(&size(*a)).then(a.cmp(b)));
    classes.truncate(N_PANELS);
    classes.sort_unstable();
    classes
}

/// How many bags of a part there are, and how far they are off.
fn in_words(insight: &Insight, part: Part) -> Markup {
    let mut distances: Vec<f64> = insight.of_part(part).map(BagFit::distance).collect();
    distances.sort_by(f64::total_cmp);
    let n = distances.len();
    let all = insight.n_bags[usize::from(part == Part::Training)];
    let at = |fraction: f64| distances[((n - 1) as f64 * fraction).round() as usize];
    html! {
        (n) " " (part.as_str()) " bags"
        @if n < all { " of " (all) ", evenly spaced" }
        ": L1 distance of the shares " (format!("{:.3}", at(0.5))) " in the middle, at most "
        (format!("{:.3}", at(0.9))) " for nine of ten, " (format!("{:.3}", at(1.0))) " at most."
    }
}

fn worst_table(insight: &Insight) -> Markup {
    let mut bags: Vec<(f64, &BagFit)> = insight.bags.iter().map(|bag| (bag.divergence(), bag)).collect();
    bags.sort_by(|a, b| b.0.total_cmp(&a.0));
    bags.truncate(N_WORST);
    let table = html! {
        table {
            caption.hidden { "Bags that fit worst" }
            thead {
                tr {
                    th scope="col" { "Bag" }
                    th.words scope="col" { "Part" }
                    @for heading in ["Instances", "Divergence", "Distance"] { th scope="col" { (heading) } }
                    th.words scope="col" { "Class" }
                    @for heading in ["Known", "Predicted", "Deviation"] { th scope="col" { (heading) } }
                }
            }
            tbody {
                @for (divergence, bag) in bags {
                    tr {
                        th scope="row" { code { (bag.name) } }
                        td.words { (bag.part.as_str()) }
                        td { (bag.n_instances) }
                        td { (format!("{divergence:.4}")) }
                        td { (format!("{:.4}", bag.distance())) }
                        @if let Some(class) = bag.worst_class() { (residual(insight, bag, class)) }
                        @else { td.words { "–" } td {} td {} td {} }
                    }
                }
            }
        }
    };
    scrolled("Bags that fit worst", &table)
}

/// The cells about the class that is furthest off.
fn residual(insight: &Insight, bag: &BagFit, class: usize) -> Markup {
    let is_far = bag.standardized(class).is_some_and(|residual| residual.abs() > FAR);
    html! {
        td.words { (insight.class_names[class]) }
        td { (format!("{:.4}", bag.known[class].unwrap_or_default())) }
        td { (format!("{:.4}", bag.predicted[class])) }
        td class=[is_far.then_some("far")] { (format!("{:.4}", bag.deviation[class])) }
    }
}

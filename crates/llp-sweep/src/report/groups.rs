//! The page of an ecological inference: how each group divides into classes, and what the bags show of it.

use std::path::Path;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::axis::Axis;
use super::color::{Color, definitions};
use super::drawing::{Anchor, Drawing, Marker, Position, Stroke, text_width};
use super::inline;
use super::panel::{Panel, SMALL, thinned};
use crate::atomic::write_atomically;
use crate::config::quoted;
use crate::error::SweepError;

const STYLE: &str = include_str!("page/style.css");

/// Panels of each kind on the page at most.
const N_PANELS: usize = 24;
/// Bars of a histogram.
const N_BARS: usize = 20;

/// From and to.
type Interval = (f64, f64);

/// The share of a class in a group.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GroupShare {
    /// The estimate.
    pub estimate: f64,
    /// The interval of the posterior distribution.
    pub interval: Interval,
    /// The interval of the bootstrap over bags.
    pub bootstrap: Interval,
    /// What is possible at all.
    pub bounds: Interval,
}

/// A bag.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupBag {
    /// The part of each group, `[group]`.
    pub parts: Vec<f64>,
    /// The known share of each class, `[class]`.
    pub shares: Vec<f64>,
    /// The estimated share of each class in each group, `[group, class]`; `None` for a group that is not in the bag.
    pub estimates: Vec<Option<f64>>,
}

/// What the page shows.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupReport {
    /// Names of the groups.
    pub groups: Vec<String>,
    /// Names of the classes.
    pub classes: Vec<String>,
    /// Members of each group in all bags, `[group]`.
    pub members: Vec<u64>,
    /// `[group, class]`
    pub shares: Vec<GroupShare>,
    /// `[bag]`
    pub bags: Vec<GroupBag>,
    /// The probability that intervals are to cover.
    pub coverage: f64,
    /// What the reader should know before believing the numbers.
    pub warnings: Vec<String>,
    /// The command that made the page, word by word.
    pub command: Vec<String>,
}

/// Writes the page, one file that needs no other.
///
/// # Errors
/// [`SweepError::Io`].
pub fn write_groups(path: &Path, report: &GroupReport) -> Result<(), SweepError> {
    Ok(write_atomically(path, page(report).as_bytes())?)
}

fn page(report: &GroupReport) -> String {
    let title = "Ecological inference: how the groups divide into classes";
    let (light, dark) = (definitions(1, false), definitions(1, true));
    let style =
        format!("{STYLE}:root{{{light}}}@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}");
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                link rel="icon" href="data:,";
                title { (title) }
                style { (PreEscaped(style)) }
            }
            body {
                header { h1 { (title) } }
                main {
                    section id="shares" { h2 { "Shares" } (shares(report)) }
                    section id="intervals" { h2 { "Estimates and intervals" } (intervals(report)) }
                    section id="bags" { h2 { "What the bags show" } (bags(report)) }
                    section id="densities" { h2 { "Estimates by bag" } (densities(report)) }
                    section id="command" { h2 { "Command" } div.commands { code { (command(&report.command)) } } }
                }
            }
        }
    };
    page.into_string()
}

fn command(words: &[String]) -> String {
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

fn percent(share: f64) -> String {
    format!("{:.1}", 100.0 * share)
}

fn range((low, high): Interval) -> String {
    format!("{}–{}", percent(low), percent(high))
}

/// The table of groups by classes.
fn shares(report: &GroupReport) -> Markup {
    let k = report.classes.len();
    html! {
        @for warning in &report.warnings { p { strong { "Warning: " } (warning) } }
        div.scroll tabindex="0" role="region" aria-label="Shares of the classes in the groups" {
            table {
                caption { "Share of each class among the members of a group, in percent, over " (report.bags.len()) " bags" }
                thead { tr {
                    th scope="col" { "Group" }
                    th scope="col" { "Members" }
                    @for class in &report.classes { th scope="col" { (class) } }
                } }
                tbody {
                    @for (group, name) in report.groups.iter().enumerate() {
                        tr {
                            th scope="row" { (name) }
                            td { (report.members[group]) }
                            @for share in &report.shares[group * k..(group + 1) * k] {
                                td { (percent(share.estimate)) " " small { (range(share.interval)) } }
                            }
                        }
                    }
                }
            }
        }
        p.note {
            "Small: the interval that has " (format!("{:.0}", 100.0 * report.coverage)) " % of the posterior probability, if "
            "the model is right: that the shares of a group are drawn from one distribution in all bags, whatever the "
            "group's part of the bag."
        }
    }
}

fn intervals(report: &GroupReport) -> Markup {
    let k = report.classes.len();
    html! {
        figure.curves {
            figcaption { "Point: estimate. Thick: interval of the posterior. Middle: bootstrap over bags. Thin: what the "
                "counts permit whatever the model." }
            @for (class, name) in report.classes.iter().enumerate().take(N_PANELS) {
                @let of_class: Vec<GroupShare> = report.shares.iter().skip(class).step_by(k).copied().collect();
                (drawn(&whiskers(name, &report.groups, &of_class), &format!("Estimates and intervals of {name}")))
            }
        }
    }
}

/// A row for each group: its estimate, intervals and bounds for one class.
fn whiskers(class: &str, groups: &[String], shares: &[GroupShare]) -> Drawing {
    const ROW: f64 = 26.0;
    const WIDTH: f64 = 340.0;
    let left = groups.iter().map(|group| text_width(group, SMALL)).fold(20.0, f64::max).min(140.0) + 14.0;
    let height = 46.0 + ROW * groups.len() as f64;
    let at = |share: f64| left + (WIDTH - left - 24.0) * share;
    let mut drawing = Drawing::new(WIDTH, height);
    drawing.text((left, 13.0), class, SMALL, Anchor::Start, Color::Text);
    for tick in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let stroke = Stroke { color: Color::Rule, width: 1.0 };
        drawing.line(&[(at(tick), 20.0), (at(tick), height - 22.0)], stroke);
        let label = format!("{:.0} %", 100.0 * tick);
        drawing.text((at(tick), height - 8.0), &label, SMALL, Anchor::Middle, Color::Muted);
    }
    for (row, (group, share)) in groups.iter().zip(shares).enumerate() {
        let y = 32.0 + ROW * row as f64;
        drawing.text((left - 8.0, y + 4.0), group, SMALL, Anchor::End, Color::Text);
        for ((low, high), width, color) in [
            (share.bounds, 1.0, Color::Muted),
            (share.bootstrap, 3.0, Color::Category(4)),
            (share.interval, 6.0, Color::Category(0)),
        ] {
            drawing.line(&[(at(low), y), (at(high), y)], Stroke { color, width });
        }
        drawing.marker(Marker::Circle, (at(share.estimate), y), 3.5, Color::Page, Color::Text);
    }
    drawing
}

fn bags(report: &GroupReport) -> Markup {
    let k = report.classes.len();
    html! {
        p {
            "Each point is a bag: the part of the group in it, and the share of the class. Circles at 1 are the estimates: "
            "what bags of this group alone would show. Where points spread over a small part of the width, the estimate "
            "rests on the model more than on the bags."
        }
        figure.curves {
            figcaption { "Share of the class over the part of the group" }
            @for cell in (0..report.shares.len()).take(N_PANELS) {
                @let (group, class) = (cell / k, cell % k);
                @let title = format!("{}, {}", report.groups[group], report.classes[class]);
                (drawn(&cloud(report, &title, group, class), &title))
            }
        }
    }
}

fn cloud(report: &GroupReport, title: &str, group: usize, class: usize) -> Drawing {
    let axis = Axis::from_zero(1.0);
    let mut panel = Panel::new(title, "part of the group", axis.clone(), axis);
    let points: Vec<Position> = report.bags.iter().map(|bag| (bag.parts[group], bag.shares[class])).collect();
    panel.dots(thinned(points).into_iter(), 1.6, Color::Category(0));
    let share = report.shares[group * report.classes.len() + class];
    panel.line(&[(1.0, share.interval.0), (1.0, share.interval.1)], Color::Category(1), 3.0);
    let at = panel.at((1.0, share.estimate));
    panel.drawing.marker(Marker::Circle, at, 4.0, Color::Page, Color::Category(1));
    panel.drawing
}

fn densities(report: &GroupReport) -> Markup {
    let k = report.classes.len();
    html! {
        p { "How often the estimated share of a class in a group has each size, over the bags that the group is in." }
        figure.curves {
            figcaption { "Bags" }
            @for cell in (0..report.shares.len()).take(N_PANELS) {
                @let title = format!("{}, {}", report.groups[cell / k], report.classes[cell % k]);
                (drawn(&histogram(report, &title, cell), &title))
            }
        }
    }
}

fn histogram(report: &GroupReport, title: &str, cell: usize) -> Drawing {
    let mut counts = [0.0_f64; N_BARS];
    for share in report.bags.iter().filter_map(|bag| bag.estimates[cell]) {
        counts[((share * N_BARS as f64) as usize).min(N_BARS - 1)] += 1.0;
    }
    let most = counts.iter().copied().fold(1.0, f64::max);
    let mut panel = Panel::new(title, "share of the class", Axis::from_zero(1.0), Axis::from_zero(most));
    for (place, count) in counts.into_iter().enumerate() {
        let edge = |place: usize| place as f64 / N_BARS as f64;
        panel.bar([edge(place), edge(place + 1)], count, Color::Category(0));
    }
    let estimate = report.shares[cell].estimate;
    panel.line(&[(estimate, 0.0), (estimate, most)], Color::Text, 1.5);
    panel.drawing
}

fn drawn(drawing: &Drawing, in_words: &str) -> Markup {
    html! { (PreEscaped(inline::svg(drawing, in_words))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The page says every share and every warning, has the figures of each cell, and names that are markup stay text.
    #[test]
    fn the_page_shows_what_it_is_given() {
        let share = |estimate| GroupShare {
            estimate,
            interval: (estimate - 0.05, estimate + 0.05),
            bootstrap: (estimate - 0.1, estimate + 0.1),
            bounds: (0.0, 1.0),
        };
        let bag = GroupBag {
            parts: vec![0.25, 0.75],
            shares: vec![0.4, 0.6],
            estimates: vec![Some(0.3), Some(0.7), None, None],
        };
        let report = GroupReport {
            groups: vec!["<young>".to_owned(), "old".to_owned()],
            classes: vec!["yes".to_owned(), "no".to_owned()],
            members: vec![100, 300],
            shares: [0.31, 0.69, 0.42, 0.58].map(share).to_vec(),
            bags: vec![bag; 3],
            coverage: 0.9,
            warnings: vec!["look twice".to_owned()],
            command: ["llp", "ei", "my groups.csv"].map(str::to_owned).to_vec(),
        };
        let page = page(&report);
        for part in
            ["31.0", "26.0–36.0", "58.0", "look twice", "&lt;young&gt;", "llp ei 'my groups.csv'", "90 %"]
        {
            assert!(page.contains(part), "{part}");
        }
        assert!(!page.contains("<young>"));
        assert_eq!(page.matches("<svg").count(), 2 + 4 + 4);
    }
}

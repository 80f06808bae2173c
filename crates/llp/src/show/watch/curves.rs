//! The curves of `llp watch`, with their axes and their legend.

use llp_sweep::record::EpochRecord;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style};
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Block, Chart, Dataset, GraphType, Paragraph};

use super::snapshot::{Seen, Snapshot};

/// Colors of the curves, each a basic one that every terminal has.
const COLORS: [Color; 6] =
    [Color::Cyan, Color::Yellow, Color::Green, Color::Magenta, Color::Blue, Color::Red];

/// More digits than these behind the point cannot be distinguished by eye.
const MAX_DIGITS: usize = 6;

/// The color of the curve of this place among those that are shown.
pub(super) fn color(place: usize) -> Color {
    COLORS[place % COLORS.len()]
}

/// Two charts side by side, and below them what each color means.
pub(super) fn draw(snapshot: &Snapshot, frame: &mut Frame<'_>, area: Rect) {
    let [charts, below] = Layout::vertical([Constraint::Fill(1), Constraint::Length(1)]).areas(area);
    let [left, right] = Layout::horizontal([Constraint::Fill(1); 2]).spacing(1).areas(charts);
    draw_chart(snapshot, frame, left, "Training loss", |record| Some(record.train_loss));
    let is_labelled =
        snapshot.shown().flat_map(|run| &run.records).any(|record| record.test_accuracy.is_some());
    if is_labelled {
        draw_chart(snapshot, frame, right, "Test accuracy, %", |record| Some(100.0 * record.test_accuracy?));
    } else {
        draw_chart(snapshot, frame, right, "Held-out KL, nats", |record| record.held_out_kl);
    }
    frame.render_widget(legend(snapshot, usize::from(below.width)), below);
}

/// What each color means, as far as there is room.
fn legend(snapshot: &Snapshot, width: usize) -> Line<'static> {
    let mut spans: Vec<Span<'_>> = Vec::new();
    let mut used = 0;
    let n_shown = snapshot.shown().count();
    for (place, run) in snapshot.shown().enumerate() {
        let text = format!("━━ {}  ", run.label);
        let n_left = n_shown - place;
        let more = format!("and {n_left} more");
        let needed = text.chars().count() + if n_left > 1 { more.len() } else { 0 };
        if place > 0 && used + needed > width {
            spans.push(Span::raw(more));
            break;
        }
        used += text.chars().count();
        spans.push(Span::styled(text, Style::new().fg(color(place))));
    }
    Line::from(spans)
}

fn draw_chart(
    snapshot: &Snapshot,
    frame: &mut Frame<'_>,
    area: Rect,
    title: &str,
    pick: fn(&EpochRecord) -> Option<f64>,
) {
    let curve = |run: &Seen| -> Vec<(f64, f64)> {
        run.records.iter().filter_map(|record| Some((record.epoch as f64, pick(record)?))).collect()
    };
    let curves: Vec<_> = snapshot.shown().map(curve).collect();
    let points = || curves.iter().flatten();
    let block = Block::new().title(title.to_owned());
    if points().next().is_none() {
        let why =
            if snapshot.shown().any(|run| !run.records.is_empty()) { "not known" } else { "no epoch yet" };
        return frame.render_widget(Paragraph::new(why).block(block), area);
    }
    let last_epoch = points().map(|point| point.0).fold(1.0, f64::max);
    let (range, labels) = axis(points().map(|point| point.1));
    let datasets = curves.iter().enumerate().map(|(place, points)| {
        // A single point is no line.
        let kind = if points.len() == 1 { GraphType::Scatter } else { GraphType::Line };
        let style = Style::new().fg(color(place));
        Dataset::default().marker(Marker::Braille).graph_type(kind).style(style).data(points)
    });
    let epochs = if last_epoch > 1.0 { format!("{last_epoch:.0}") } else { String::new() };
    let chart = Chart::new(datasets.collect())
        .block(block)
        .x_axis(Axis::default().bounds([1.0, last_epoch.max(2.0)]).labels(["epoch 1".to_owned(), epochs]))
        .y_axis(Axis::default().bounds(range).labels(labels));
    frame.render_widget(chart, area);
}

/// The ends of an axis for these values, and its three labels: with as many digits as distinguish them.
fn axis(values: impl Iterator<Item = f64> + Clone) -> ([f64; 2], [String; 3]) {
    let low = values.clone().fold(f64::INFINITY, f64::min);
    let high = values.fold(f64::NEG_INFINITY, f64::max);
    // Values that are equal, but for what can be shown, have no extent of their own.
    let least = low.abs().max(high.abs()).max(1.0) * 10.0_f64.powi(2 - MAX_DIGITS as i32);
    let (low, high) = if high - low < least { (low - least, high + least) } else { (low, high) };
    let digits = (1.0 - (high - low).log10().floor()).clamp(0.0, MAX_DIGITS as f64) as usize;
    let label = |value: f64| format!("{value:.digits$}");
    ([low, high], [low, f64::midpoint(low, high), high].map(label))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The labels of an axis are in order and differ, however near or far its values are.
    #[test]
    fn labels_differ() {
        for values in
            [[-0.4132, -0.4127], [0.5, 0.5], [12.0, 3e5], [0.0, 0.0], [2.292_581, 2.292_585], [97.0, 98.0]]
        {
            let (range, labels) = axis(values.into_iter());
            assert!(range[0] <= values[0] && values[1] <= range[1] && range[0] < range[1]);
            let numbers: Vec<f64> = labels.iter().map(|label| label.parse().unwrap()).collect();
            assert!(numbers.is_sorted_by(|a, b| a < b), "{values:?}: {labels:?}");
            assert!(labels.iter().all(|label| label.len() < 10), "{labels:?}");
        }
    }
}

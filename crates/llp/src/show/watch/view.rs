//! What the screen of `llp watch` shows.

use llp_sweep::record::EpochRecord;
use llp_sweep::run_dir::RunState;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::Marker;
use ratatui::text::Line;
use ratatui::widgets::{Axis, Block, Chart, Dataset, Gauge, GraphType, Paragraph, Row, Table, TableState};

use super::look::{Look, Seen, left};
use crate::train::progress::describe;

/// The order of the table: what needs a look comes first.
const ORDER: [RunState; RunState::ALL.len()] = [
    RunState::Running,
    RunState::Failed,
    RunState::Parked,
    RunState::Interrupted,
    RunState::Cancelled,
    RunState::Diverged,
    RunState::Pruned,
    RunState::Complete,
    RunState::Pending,
];

/// Colors of the curves, each a basic one that every terminal has.
const COLORS: [Color; 6] =
    [Color::Cyan, Color::Yellow, Color::Green, Color::Magenta, Color::Blue, Color::Red];

/// The last look, and how far the table is scrolled.
pub(super) struct View {
    look: Look,
    table: TableState,
}

impl View {
    pub(super) fn new(look: Look) -> Self {
        let mut view = Self { look, table: TableState::new() };
        view.sort();
        view
    }

    pub(super) fn look(&mut self, look: Look) {
        self.look = look;
        self.sort();
    }

    /// Moves the table by so many lines, as far as there are some.
    pub(super) fn scroll(&mut self, lines: isize) {
        let last = self.look.runs.len().saturating_sub(1);
        *self.table.offset_mut() = self.table.offset().saturating_add_signed(lines).min(last);
    }

    fn sort(&mut self) {
        let rank = |run: &Seen| ORDER.iter().position(|state| *state == run.state);
        self.look.runs.sort_by_key(rank);
    }

    pub(super) fn draw(&mut self, frame: &mut Frame<'_>) {
        let n_failures = self.failures().count().min(4) as u16;
        let rows = [
            Constraint::Length(1),
            Constraint::Length(1),
            Constraint::Fill(2),
            Constraint::Fill(3),
            Constraint::Length(if n_failures > 0 { n_failures + 1 } else { 0 }),
            Constraint::Length(1),
        ];
        let [head, bar, curves, table, failures, foot] = Layout::vertical(rows).areas(frame.area());
        frame.render_widget(Line::from(self.look.line()), head);
        let fraction = self.look.n_over() as f64 / self.look.runs.len().max(1) as f64;
        frame.render_widget(
            Gauge::default().ratio(fraction).label(format!("{}: {:.0} %", self.look.name, 100.0 * fraction)),
            bar,
        );
        self.draw_curves(frame, curves);
        self.draw_table(frame, table);
        let lines: Vec<_> = self.failures().take(4).map(Line::from).collect();
        let title = Block::new().title("Failures");
        frame.render_widget(Paragraph::new(lines).block(title), failures);
        frame.render_widget(Line::from("q ends, arrows scroll").style(Style::new().dim()), foot);
    }

    fn failures(&self) -> impl Iterator<Item = String> {
        let failed =
            self.look.runs.iter().filter(|run| matches!(run.state, RunState::Failed | RunState::Parked));
        failed.map(|run| format!("{}: {}", run.run, run.reason.as_deref().unwrap_or("no reason recorded")))
    }

    fn draw_curves(&self, frame: &mut Frame<'_>, area: Rect) {
        let [left, right] = Layout::horizontal([Constraint::Fill(1); 2]).areas(area);
        self.draw_chart(frame, left, "Training loss", |record| Some(record.train_loss));
        let is_labelled = self.look.running().flat_map(|run| &run.records).any(|r| r.test_accuracy.is_some());
        if is_labelled {
            self.draw_chart(frame, right, "Test accuracy, %", |record| Some(100.0 * record.test_accuracy?));
        } else {
            self.draw_chart(frame, right, "Held-out KL, nats", |record| record.held_out_kl);
        }
    }

    fn draw_chart(
        &self,
        frame: &mut Frame<'_>,
        area: Rect,
        title: &str,
        pick: fn(&EpochRecord) -> Option<f64>,
    ) {
        let curve = |run: &Seen| -> Vec<(f64, f64)> {
            run.records.iter().filter_map(|record| Some((record.epoch as f64, pick(record)?))).collect()
        };
        let curves: Vec<_> = self.look.running().map(curve).collect();
        let points = || curves.iter().flatten();
        let n_epochs = points().map(|point| point.0).fold(1.0, f64::max);
        let low = points().map(|point| point.1).fold(f64::INFINITY, f64::min);
        let high = points().map(|point| point.1).fold(f64::NEG_INFINITY, f64::max);
        let block = Block::new().title(title.to_owned());
        if low > high {
            return frame.render_widget(Paragraph::new("no epoch of a running cell yet").block(block), area);
        }
        let high = if high > low { high } else { low + 1.0 };
        let datasets = curves.iter().enumerate().map(|(index, points)| {
            let style = Style::new().fg(COLORS[index % COLORS.len()]);
            Dataset::default().marker(Marker::Braille).graph_type(GraphType::Line).style(style).data(points)
        });
        let ends =
            |low: f64, high: f64, digits: usize| [format!("{low:.digits$}"), format!("{high:.digits$}")];
        let chart = Chart::new(datasets.collect())
            .block(block)
            .x_axis(Axis::default().bounds([1.0, n_epochs.max(2.0)]).labels(ends(1.0, n_epochs, 0)))
            .y_axis(Axis::default().bounds([low, high]).labels(ends(low, high, 2)));
        frame.render_widget(chart, area);
    }

    fn draw_table(&mut self, frame: &mut Frame<'_>, area: Rect) {
        // Running cells come first, in the order and the colors of the curves.
        let rows = self.look.runs.iter().enumerate().map(|(index, run)| {
            let (done, all) = run.epochs;
            let numbers = run.records.last().map(describe).into_iter().chain(run.seconds_left().map(left));
            let numbers = numbers.collect::<Vec<_>>().join("  ");
            Row::new([run.run.clone(), run.state.as_str().to_owned(), format!("{done}/{all}"), numbers])
                .style(style(run.state, index))
        });
        let longest = self.look.runs.iter().map(|run| run.run.len()).max().unwrap_or(0) as u16;
        let widths =
            [Constraint::Length(longest), Constraint::Length(11), Constraint::Length(9), Constraint::Fill(1)];
        let head = Row::new(["Cell", "State", "Epoch", ""]).style(Style::new().add_modifier(Modifier::BOLD));
        let table = Table::new(rows, widths).header(head);
        frame.render_stateful_widget(table, area, &mut self.table);
    }
}

fn style(state: RunState, index: usize) -> Style {
    match state {
        RunState::Running => Style::new().fg(COLORS[index % COLORS.len()]),
        RunState::Failed | RunState::Parked => Style::new().fg(Color::Red),
        RunState::Diverged | RunState::Interrupted => Style::new().fg(Color::Yellow),
        RunState::Complete => Style::new().fg(Color::Green),
        RunState::Pending | RunState::Cancelled | RunState::Pruned => Style::new().dim(),
    }
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;

    fn record(epoch: usize) -> EpochRecord {
        EpochRecord {
            epoch,
            lr: 0.1,
            train_loss: 2.0 / epoch as f64,
            held_out_loss: None,
            held_out_kl: None,
            held_out_l1: None,
            held_out_count_l1: None,
            held_out_count_nll: None,
            test_accuracy: Some(1.0 - 0.5 / epoch as f64),
            images_per_s: 1000.0,
            elapsed_s: 2.0 * epoch as f64,
        }
    }

    fn run(name: &str, state: RunState, done: usize) -> Seen {
        let first = if state == RunState::Running { 1 } else { done };
        let records = (first.max(1)..=done).map(record).collect();
        let reason = (state == RunState::Failed).then(|| "no space left".to_owned());
        Seen { run: name.to_owned(), state, epochs: (done, 4), reason, records }
    }

    fn screen(view: &mut View) -> Vec<String> {
        let mut terminal = Terminal::new(TestBackend::new(90, 24)).unwrap();
        terminal.draw(|frame| view.draw(frame)).unwrap();
        let buffer = terminal.backend().buffer();
        let line =
            |y: u16| (0..90).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
        (0..24).map(line).collect()
    }

    fn sweep() -> View {
        View::new(Look::new(
            "mine".to_owned(),
            vec![
                run("run-a", RunState::Complete, 4),
                run("run-b", RunState::Pending, 0),
                run("run-c", RunState::Failed, 1),
                run("run-d", RunState::Running, 2),
            ],
        ))
    }

    /// The head counts; what runs and what failed comes first in the table; failures have their reasons. Two seconds
    /// an epoch, six epochs left, one run at a time: twelve seconds, of which the running one takes four.
    #[test]
    fn the_screen_tells_where_it_stands() {
        let lines = screen(&mut sweep());
        let head = "2 of 4 done: 1 pending, 1 running, 1 failed, 1 complete; 1000 images/s; about 12s left";
        assert_eq!(lines[0], head);
        assert!(lines[1].contains("mine: 50 %"));
        let table: Vec<_> = lines.iter().skip_while(|line| !line.starts_with("Cell")).take(5).collect();
        assert_eq!(
            table[1],
            "run-d running     2/4       loss 1.0000  test 75.0 %  1000 images/s  about 4s left"
        );
        assert_eq!(table[2], "run-c failed      1/4       loss 2.0000  test 50.0 %  1000 images/s");
        assert!(
            table[3].starts_with("run-a complete    4/4") && table[4].starts_with("run-b pending     0/4")
        );
        assert!(lines.contains(&"run-c: no space left".to_owned()), "{lines:#?}");
        let charts = &lines[2];
        assert!(charts.starts_with("Training loss") && charts.contains("Test accuracy, %"));
        assert!(lines[3..10].iter().any(|line| line.chars().any(|c| ('⠁'..='⣿').contains(&c))), "{lines:#?}");
    }

    /// Scrolling stops at both ends.
    #[test]
    fn the_table_scrolls() {
        let mut view = sweep();
        view.scroll(-3);
        assert_eq!(screen(&mut view), screen(&mut sweep()));
        view.scroll(100);
        let lines = screen(&mut view);
        assert!(lines.iter().any(|line| line.starts_with("run-b pending")));
    }

    /// A sweep without a cell under way, and one without any epoch, can be shown.
    #[test]
    fn nothing_yet() {
        let lines =
            screen(&mut View::new(Look::new("x".to_owned(), vec![run("run-a", RunState::Pending, 0)])));
        assert_eq!(lines[0], "0 of 1 done: 1 pending");
        assert!(lines.iter().any(|line| line.contains("no epoch of a running cell yet")));
    }
}

//! What the screen of `llp watch` shows.

use llp_sweep::run_dir::RunState;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Block, Gauge, Paragraph, Row, Table, TableState};

use super::curves::color;
use super::snapshot::{Seen, Snapshot, left};
use crate::train::progress::{GAP, describe};

/// The order of the table: what needs attention comes first.
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

/// Widths of columns.
const STATE: u16 = 11;
const EPOCH: u16 = 9;

/// The last snapshot, and how far the table is scrolled.
pub(super) struct View {
    snapshot: Snapshot,
    table: TableState,
}

impl View {
    pub(super) fn new(snapshot: Snapshot) -> Self {
        let mut view = Self { snapshot, table: TableState::new() };
        view.sort();
        view
    }

    pub(super) fn update(&mut self, snapshot: Snapshot) {
        self.snapshot = snapshot;
        self.sort();
    }

    /// Moves the table by this many lines, as far as there are some.
    pub(super) fn scroll(&mut self, lines: isize) {
        let last = self.snapshot.runs.len().saturating_sub(1);
        *self.table.offset_mut() = self.table.offset().saturating_add_signed(lines).min(last);
    }

    fn sort(&mut self) {
        let rank = |run: &Seen| ORDER.iter().position(|state| *state == run.state);
        self.snapshot.runs.sort_by_key(rank);
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
        frame.render_widget(Line::from(self.snapshot.line()), head);
        let fraction = self.snapshot.n_over() as f64 / self.snapshot.runs.len().max(1) as f64;
        frame.render_widget(
            Gauge::default().ratio(fraction).label(format!(
                "{}: {:.0} %",
                self.snapshot.name,
                100.0 * fraction
            )),
            bar,
        );
        super::curves::draw(&self.snapshot, frame, curves);
        self.draw_table(frame, table);
        let lines: Vec<_> = self.failures().take(4).map(Line::from).collect();
        let title = Block::new().title("Failures");
        frame.render_widget(Paragraph::new(lines).block(title), failures);
        frame.render_widget(Line::from("q ends, arrows scroll").style(Style::new().dim()), foot);
    }

    fn failures(&self) -> impl Iterator<Item = String> {
        let failed =
            self.snapshot.runs.iter().filter(|run| matches!(run.state, RunState::Failed | RunState::Parked));
        failed.map(|run| format!("{}: {}", run.run, run.reason.as_deref().unwrap_or("no reason recorded")))
    }

    fn draw_table(&mut self, frame: &mut Frame<'_>, area: Rect) {
        let longest = self.snapshot.runs.iter().map(|run| run.label.chars().count()).max().unwrap_or(0);
        // What is too long for half of the line is cut off, with a sign.
        let widest = longest.min(usize::from(area.width) / 2).max(4);
        let taken = widest + usize::from(STATE + EPOCH) + 3;
        let room = usize::from(area.width).saturating_sub(taken);
        let mut places = 0..;
        let rows = self.snapshot.runs.iter().map(|run| {
            let (done, all) = run.epochs;
            let place = if run.is_shown { places.next() } else { None };
            let cells = [cut(&run.label, widest), run.state.as_str().to_owned(), format!("{done}/{all}")];
            Row::new(cells.into_iter().chain([numbers(run, room)])).style(style(run.state, place))
        });
        let widths = [
            Constraint::Length(widest as u16),
            Constraint::Length(STATE),
            Constraint::Length(EPOCH),
            Constraint::Fill(1),
        ];
        let head = Row::new(["Cell", "State", "Epoch", ""]).style(Style::new().add_modifier(Modifier::BOLD));
        let table = Table::new(rows.collect::<Vec<_>>(), widths).header(head);
        frame.render_stateful_widget(table, area, &mut self.table);
    }
}

/// A text of at most this many characters.
fn cut(text: &str, n_max: usize) -> String {
    if text.chars().count() <= n_max {
        return text.to_owned();
    }
    text.chars().take(n_max.saturating_sub(1)).chain(['…']).collect()
}

/// The numbers of the last epoch and the time that is left: as many as there is room for, none of them in part. The pace
/// goes first, then what is before it.
fn numbers(run: &Seen, room: usize) -> String {
    let mut parts = run.records.last().map(|record| describe(record, "instances")).unwrap_or_default();
    let end = run.seconds_left().map(left);
    loop {
        let line = parts.iter().cloned().chain(end.clone()).collect::<Vec<_>>().join(GAP);
        if line.chars().count() <= room {
            return line;
        }
        if parts.pop().is_none() {
            return String::new();
        }
    }
}

/// A shown run has the color of its curve, `place` among those that are shown.
fn style(state: RunState, place: Option<usize>) -> Style {
    match (state, place) {
        (_, Some(place)) => Style::new().fg(color(place)),
        (RunState::Failed | RunState::Parked, _) => Style::new().fg(Color::Red),
        (RunState::Diverged | RunState::Interrupted, _) => Style::new().fg(Color::Yellow),
        (RunState::Complete, _) => Style::new().fg(Color::Green),
        _ => Style::new().dim(),
    }
}

#[cfg(test)]
mod tests {
    use llp_sweep::record::EpochRecord;
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
        let is_shown = state == RunState::Running;
        let (run, label) = (name.to_owned(), name.to_owned());
        Seen { run, label, is_shown, state, epochs: (done, 4), reason, records }
    }

    fn screen(view: &mut View) -> Vec<String> {
        screen_of(view, 90)
    }

    fn screen_of(view: &mut View, width: u16) -> Vec<String> {
        let mut terminal = Terminal::new(TestBackend::new(width, 24)).unwrap();
        terminal.draw(|frame| view.draw(frame)).unwrap();
        let buffer = terminal.backend().buffer();
        let line =
            |y: u16| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
        (0..24).map(line).collect()
    }

    fn sweep() -> View {
        View::new(Snapshot::new(
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
        let head =
            "2 of 4 done: 1 pending, 1 running, 1 failed, 1 complete; 1000 instances/s; about 12s left";
        assert_eq!(lines[0], head);
        assert!(lines[1].contains("mine: 50 %"));
        let table: Vec<_> = lines.iter().skip_while(|line| !line.starts_with("Cell")).take(5).collect();
        assert_eq!(
            table[1],
            "run-d running     2/4       loss 1.0000  test 75.0 %  1000 instances/s  about 4s left"
        );
        assert_eq!(table[2], "run-c failed      1/4       loss 2.0000  test 50.0 %  1000 instances/s");
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
            screen(&mut View::new(Snapshot::new("x".to_owned(), vec![run("run-a", RunState::Pending, 0)])));
        assert_eq!(lines[0], "0 of 1 done: 1 pending");
        assert!(lines.iter().any(|line| line.contains("no epoch yet")));
    }

    /// Each curve has its name below the charts, and the axes have ends that differ.
    #[test]
    fn curves_are_named() {
        let mut runs = vec![run("run-a", RunState::Running, 3), run("run-b", RunState::Running, 2)];
        (runs[0].label, runs[1].label) = ("lr 0.1".to_owned(), "lr 0.03".to_owned());
        let lines = screen(&mut View::new(Snapshot::new("mine".to_owned(), runs)));
        assert!(lines.contains(&"━━ lr 0.1  ━━ lr 0.03".to_owned()), "{lines:#?}");
        let charts = lines[2..10].concat();
        for label in ["2.0", "0.7", "epoch 1", "50", "83"] {
            assert!(charts.contains(label), "{label}: {lines:#?}");
        }
    }

    /// While nothing is trained, the curves are those of the run that is shown, here one that has ended.
    #[test]
    fn what_has_ended_is_shown() {
        let mut ended = run("run-a", RunState::Complete, 4);
        (ended.is_shown, ended.records) = (true, (1..=4).map(record).collect());
        let lines = screen(&mut View::new(Snapshot::new("mine".to_owned(), vec![ended])));
        assert!(lines[3..10].iter().any(|line| line.chars().any(|c| ('⠁'..='⣿').contains(&c))), "{lines:#?}");
        assert!(lines.contains(&"━━ run-a".to_owned()), "{lines:#?}");
    }

    /// No number is cut in the middle: what there is no room for is left out.
    #[test]
    fn numbers_are_whole() {
        let whole = ["loss 1.0000", "test 75.0 %", "1000 instances/s", "about 4s left"];
        for width in 30..100 {
            let lines = screen_of(&mut sweep(), width);
            let row = lines.iter().find(|line| line.starts_with("run-d")).unwrap();
            let parts: Vec<&str> = row.split("  ").map(str::trim).filter(|part| !part.is_empty()).collect();
            assert!(parts[2..].iter().all(|part| whole.contains(part)), "{width}: {row}");
        }
    }
}

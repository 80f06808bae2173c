//! Progress on standard error: a bar on a terminal, a line per event elsewhere.

use std::io::IsTerminal as _;
use std::time::Instant;

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};
use llp_bags::InstanceShape;
use llp_sweep::config::{Approach, RunConfig};
use llp_sweep::record::EpochRecord;
use llp_train::{Position, TrainingPlan};
use terminal_size::{Width, terminal_size_of};

use crate::Global;
use crate::environment::tell;

/// How progress is shown.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Style {
    /// A bar on a terminal, lines elsewhere.
    Auto,
    /// The same as auto.
    Bar,
    /// One line per event.
    Lines,
    /// Nothing.
    None,
}

impl Style {
    /// What `auto` means here; `--quiet` means nothing.
    pub(crate) fn resolve(global: Global) -> Self {
        match global.progress {
            _ if global.quiet => Self::None,
            Self::Auto | Self::Bar if std::io::stderr().is_terminal() && can_move_cursor() => Self::Bar,
            Self::Auto | Self::Bar => Self::Lines,
            style => style,
        }
    }
}

/// Whether the terminal can draw over what it has drawn.
pub(crate) fn can_move_cursor() -> bool {
    std::env::var_os("TERM").is_none_or(|terminal| terminal != "dumb")
}

/// The bar that every command draws.
pub(crate) fn bar_style() -> ProgressStyle {
    let template = "{prefix} {wide_bar} {msg} [{elapsed} < {eta}]";
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// The numbers of an epoch in words, the most important ones first; `unit` is what an instance is.
pub(crate) fn describe(record: &EpochRecord, unit: &str) -> Vec<String> {
    let parts = [
        Some(format!("loss {:.4}", record.train_loss)),
        record.test_accuracy.map(|accuracy| format!("test {:.1} %", 100.0 * accuracy)),
        record.held_out_kl.map(|kl| format!("held-out KL {kl:.4}")),
        Some(format!("{:.0} {unit}/s", record.images_per_s)),
    ];
    parts.into_iter().flatten().collect()
}

/// What separates the numbers of an epoch.
pub(crate) const GAP: &str = "  ";

/// As many of the first parts as fit beside a bar on this terminal.
pub(crate) fn beside_bar(parts: &[String]) -> String {
    let columns = terminal_size_of(std::io::stderr()).map_or(80, |(Width(columns), _)| usize::from(columns));
    let room = columns.saturating_sub(BESIDE_MESSAGE);
    let n_fitting = (1..=parts.len()).take_while(|&n| parts[..n].join(GAP).len() <= room).count();
    parts[..n_fitting].join(GAP)
}

/// Columns of everything but the message: prefix, a short bar, two times.
const BESIDE_MESSAGE: usize = 36;

/// Seconds between two lines of a training, at least.
const LINE_S: u64 = 3;

/// Seconds without a line, at least, before one within an epoch.
const STEP_LINE_S: u64 = 10;

/// The progress of one training.
pub(crate) struct Epochs {
    style: Style,
    bar: Option<ProgressBar>,
    /// Epochs in all, and steps of each.
    planned: (usize, usize),
    unit: &'static str,
    /// The numbers of the last epoch.
    numbers: Vec<String>,
    last_line: Option<Instant>,
    /// Of the lines that have the numbers of an epoch.
    last_numbers: Option<Instant>,
}

impl Epochs {
    pub(crate) fn new(style: Style) -> Self {
        Self {
            style,
            bar: None,
            planned: (0, 0),
            unit: "instances",
            numbers: vec![],
            last_line: None,
            last_numbers: None,
        }
    }

    /// Says what is read, which may take a while.
    pub(crate) fn reading(&self, config: &RunConfig) {
        if self.style != Style::None {
            tell(&format!("reading {}", config.data.path.as_ref().unwrap_or(&config.data.name)));
        }
    }

    /// Says what the training is made of, before its first step.
    pub(crate) fn begin(&mut self, config: &RunConfig, plan: &TrainingPlan) {
        self.planned = (plan.epochs, plan.steps_per_epoch);
        self.unit = unit(plan);
        self.last_line = Some(Instant::now());
        self.last_numbers = self.last_line;
        if self.style == Style::None {
            return;
        }
        for line in head(config, plan) {
            tell(&line);
        }
        if self.style == Style::Bar {
            let n_steps = (plan.epochs * plan.steps_per_epoch) as u64;
            let bar = ProgressBar::new(n_steps).with_style(bar_style());
            self.bar = Some(bar.with_prefix(config.approach().title()));
            self.show(0, 0);
        }
    }

    /// A step ended.
    pub(crate) fn step(&mut self, position: &Position) {
        self.show(position.epoch, position.step);
        if self.is_due(self.last_line, STEP_LINE_S) {
            self.last_line = Some(Instant::now());
            tell(&self.place(position.epoch, position.step));
        }
    }

    /// An epoch ended.
    pub(crate) fn epoch(&mut self, record: &EpochRecord) {
        self.numbers = describe(record, self.unit);
        self.show(record.epoch, 0);
        let (epoch, epochs) = (record.epoch, self.planned.0);
        let always = epoch == 1 || epoch == epochs;
        // A line of a step just before does not take the place of this one.
        if self.is_due(self.last_numbers, if always { 0 } else { LINE_S }) {
            self.last_line = Some(Instant::now());
            self.last_numbers = self.last_line;
            let numbers = self.numbers.join(GAP);
            match record.lr {
                // Only a method has no rate of steps.
                0.0 => tell(&numbers),
                lr => tell(&format!("epoch {epoch}/{epochs}  lr {}  {numbers}", short(lr))),
            }
        }
    }

    /// Whether a line is to be printed, if one like it was printed at least so many seconds ago.
    fn is_due(&self, last: Option<Instant>, seconds: u64) -> bool {
        self.style == Style::Lines && last.is_none_or(|last| last.elapsed().as_secs() >= seconds)
    }

    /// Moves the bar to a step of the epoch after `epoch` others.
    fn show(&self, epoch: usize, step: usize) {
        let Some(bar) = &self.bar else { return };
        bar.set_position((epoch * self.planned.1 + step) as u64);
        let parts: Vec<String> = [self.place(epoch, step)].into_iter().chain(self.numbers.clone()).collect();
        bar.set_message(beside_bar(&parts));
    }

    fn place(&self, epoch: usize, step: usize) -> String {
        let (epochs, steps) = self.planned;
        if epoch == epochs {
            format!("epoch {epoch}/{epochs}")
        } else {
            format!("epoch {}/{epochs} step {step}/{steps}", epoch + 1)
        }
    }

    pub(crate) fn warn(&self, message: &str) {
        match &self.bar {
            Some(bar) => bar.println(format!("warning: {message}")),
            None => tell(&format!("warning: {message}")),
        }
    }
}

/// A number with three digits that count, without zeros at its end.
fn short(x: f64) -> String {
    if x == 0.0 {
        return "0".to_owned();
    }
    let digits = (2 - x.abs().log10().floor() as i32).clamp(0, 12) as usize;
    let text = format!("{x:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// What a training is made of, in two lines.
fn head(config: &RunConfig, plan: &TrainingPlan) -> [String; 2] {
    let held_out = match plan.n_held_out_bags {
        0 => "no bags held out".to_owned(),
        n => format!("{n} bags held out"),
    };
    let data = [
        format!("{} {} in {} bags of {}", plan.n_instances, plan.shape, plan.n_bags, sizes(plan)),
        (if plan.n_left_over > 0 { format!("{} left over", plan.n_left_over) } else { String::new() }),
        held_out,
        format!("{} classes", plan.n_classes),
        (if plan.n_test > 0 { format!("{} labelled for testing", plan.n_test) } else { String::new() }),
    ];
    let unit = unit(plan);
    let (steps, epochs) = (plan.steps_per_epoch, plan.epochs);
    let network = format!("{} with {} parameters", config.network.name.as_str(), plan.n_parameters);
    let training = match config.approach() {
        Approach::Method(method) => vec![network, format!("{} on all bags at once", method.title())],
        Approach::Loss(loss) => vec![
            network,
            format!("{} loss", loss.title()),
            format!(
                "{} steps: {epochs} epochs of {steps}, of up to {} {unit}",
                steps * epochs,
                config.optim.images_per_step.max(plan.largest_bag)
            ),
        ],
    };
    let line = |parts: &[String]| {
        let said: Vec<&str> = parts.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
        said.join(", ")
    };
    [line(&data), line(&training)]
}

/// What an instance is.
fn unit(plan: &TrainingPlan) -> &'static str {
    if matches!(plan.shape, InstanceShape::Image(_)) { "images" } else { "rows" }
}

/// The sizes of the bags.
fn sizes(plan: &TrainingPlan) -> String {
    let (smallest, largest) = (plan.smallest_bag, plan.largest_bag);
    if smallest == largest { largest.to_string() } else { format!("{smallest} to {largest}") }
}

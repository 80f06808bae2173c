//! Progress on standard error: a bar on a terminal, a line per event elsewhere.

use std::io::IsTerminal as _;
use std::time::Instant;

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};
use llp_bags::InstanceShape;
use llp_sweep::config::RunConfig;
use llp_sweep::record::EpochRecord;
use llp_train::TrainingPlan;

use crate::Global;
use crate::environment::tell;

/// How progress is shown.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Style {
    /// A bar on a terminal, lines elsewhere.
    Auto,
    /// A bar.
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
            Self::Auto if std::io::stderr().is_terminal() && can_move_cursor() => Self::Bar,
            Self::Auto => Self::Lines,
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
    let template = "{prefix} {wide_bar} {pos}/{len} {msg} [{elapsed} < {eta}]";
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// The numbers of an epoch in words.
pub(crate) fn describe(record: &EpochRecord) -> String {
    let parts = [
        Some(format!("loss {:.4}", record.train_loss)),
        record.held_out_kl.map(|kl| format!("held-out KL {kl:.4}")),
        record.test_accuracy.map(|accuracy| format!("test {:.1} %", 100.0 * accuracy)),
        Some(format!("{:.0} images/s", record.images_per_s)),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("  ")
}

/// Seconds between two lines of a training, at least.
const LINE_S: u64 = 3;

/// The progress of one training.
pub(crate) struct Epochs {
    style: Style,
    bar: Option<ProgressBar>,
    planned: usize,
    last_line: Option<Instant>,
}

impl Epochs {
    pub(crate) fn new(style: Style) -> Self {
        Self { style, bar: None, planned: 0, last_line: None }
    }

    /// Says what the training is made of, before its first step.
    pub(crate) fn begin(&mut self, config: &RunConfig, plan: &TrainingPlan) {
        self.planned = plan.epochs;
        if self.style == Style::None {
            return;
        }
        for line in head(config, plan) {
            tell(&line);
        }
        if self.style == Style::Bar {
            let bar = ProgressBar::new(plan.epochs as u64).with_style(bar_style());
            self.bar = Some(bar.with_prefix(config.loss.name.title()));
        }
    }

    pub(crate) fn epoch(&mut self, record: &EpochRecord) {
        if let Some(bar) = &self.bar {
            bar.set_position(record.epoch as u64);
            bar.set_message(describe(record));
        }
        let is_due = self.last_line.is_none_or(|last| last.elapsed().as_secs() >= LINE_S);
        if self.style == Style::Lines && (is_due || record.epoch == self.planned) {
            self.last_line = Some(Instant::now());
            let (epoch, epochs, lr) = (record.epoch, self.planned, short(record.lr));
            tell(&format!("epoch {epoch}/{epochs}  lr {lr}  {}", describe(record)));
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
    let is_image = matches!(plan.shape, InstanceShape::Image(_));
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
    let unit = if is_image { "images" } else { "rows" };
    let (steps, epochs) = (plan.steps_per_epoch, plan.epochs);
    let training = [
        format!("{} with {} parameters", config.network.name.as_str(), plan.n_parameters),
        format!("{} loss", config.loss.name.title()),
        format!(
            "{} steps: {epochs} epochs of {steps}, of up to {} {unit}",
            steps * epochs,
            config.optim.images_per_step.max(plan.largest_bag)
        ),
    ];
    let line = |parts: &[String]| {
        let said: Vec<&str> = parts.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
        said.join(", ")
    };
    [line(&data), line(&training)]
}

/// The sizes of the bags.
fn sizes(plan: &TrainingPlan) -> String {
    let (smallest, largest) = (plan.smallest_bag, plan.largest_bag);
    if smallest == largest { largest.to_string() } else { format!("{smallest} to {largest}") }
}

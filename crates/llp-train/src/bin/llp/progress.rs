//! Progress on standard error: a bar on a terminal, a line per event elsewhere.

use std::io::IsTerminal as _;

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};
use llp_sweep::config::RunConfig;
use llp_sweep::record::EpochRecord;

use crate::Global;
use crate::world::tell;

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

/// The progress of one training.
pub(crate) struct Epochs {
    style: Style,
    bar: Option<ProgressBar>,
}

impl Epochs {
    pub(crate) fn new(style: Style) -> Self {
        Self { style, bar: None }
    }

    pub(crate) fn epoch(&mut self, config: &RunConfig, record: &EpochRecord) {
        let epochs = config.optim.epochs;
        match self.style {
            Style::Bar => {
                let bar = self.bar.get_or_insert_with(|| {
                    ProgressBar::new(epochs as u64)
                        .with_style(bar_style())
                        .with_prefix(config.loss.name.title())
                });
                bar.set_position(record.epoch as u64);
                bar.set_message(describe(record));
            }
            Style::Lines | Style::Auto => {
                tell(&format!("epoch {}/{epochs}  lr {}  {}", record.epoch, record.lr, describe(record)));
            }
            Style::None => {}
        }
    }

    pub(crate) fn warn(&self, message: &str) {
        match &self.bar {
            Some(bar) => bar.println(format!("warning: {message}")),
            None => tell(&format!("warning: {message}")),
        }
    }
}

//! The list of every configuration key: its type, its range, and whether it is part of a run's identity.
//!
//! One table serves files, environment, arguments and grids, so that a value is judged the same way wherever it
//! is written. A test holds the table against the fields of [`RunConfig`](super::RunConfig).

use strum::VariantNames;
use toml::Value;

use super::augment::{Edge, Views};
use super::consistency::{Confidence, ConsistencyName};
use super::loss::{LossName, Solver};
use super::method::MethodName;
use super::network::{Architecture, Freeze, Stem};
use super::optimizer::{LrSchedule, OptimizerName};
use super::precision::Precision;
use super::{Impute, added_losses, nearest, noise};
use crate::criterion::Criterion;

/// A key of the configuration.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a property of its own, set by its name in the table"
)]
pub(crate) struct Key {
    /// Dotted name.
    pub(crate) name: &'static str,
    kind: Kind,
    /// Whether the key is part of the hash that names a run.
    pub(crate) hashed: bool,
    /// Whether a configuration may do without the key.
    pub(crate) optional: bool,
    /// The argument of `llp train` that sets it, beside `--set`.
    pub(crate) flag: Option<&'static str>,
    /// Whether every command names it, whatever the preset has: it distinguishes the points of a figure.
    pub(crate) is_always_shown: bool,
    /// Whether every table of results has a column for it, even if all runs are alike.
    pub(crate) is_column: bool,
    /// Whether the time that an epoch takes depends on it.
    pub(crate) costs_time: bool,
    /// The file that decides it, if the configuration names one.
    pub(crate) decided_by: Option<Decider>,
    /// What cannot do without it.
    pub(crate) needed_by: Option<User>,
}

/// A file that a configuration may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decider {
    Bags,
    Weights,
}

/// A part of a configuration that has keys of its own.
#[derive(Debug, Clone, Copy)]
pub(crate) enum User {
    Network(Architecture),
    Loss(LossName),
    Solver(Solver),
}

#[derive(Debug)]
enum Kind {
    /// Part of a run's folder name: letters, digits, `-`, `_` and `.`.
    Name,
    /// Any text.
    Text,
    /// `true` or `false`.
    Flag,
    /// An integer of at least `min`.
    Count { min: i64 },
    /// An integer from 1 to `max`.
    Extent { max: i64 },
    /// A finite number in a range.
    Number { expected: &'static str, accepts: fn(f64) -> bool },
    /// A [`BagNoise`](noise::BagNoise), accepted in its one spelling.
    Noise,
    /// Three [`Widths`](super::Widths), accepted in their one spelling.
    Widths,
    /// [`AddedLosses`](added_losses::AddedLosses), accepted in their one spelling.
    Losses,
    /// One of a list of words.
    Choice(&'static [&'static str]),
}

/// A value that a key does not accept.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Rejected {
    pub(crate) expected: String,
    pub(crate) got: String,
    pub(crate) nearest: Option<String>,
}

const fn key(name: &'static str, kind: Kind) -> Key {
    Key {
        name,
        kind,
        hashed: true,
        optional: false,
        flag: None,
        is_always_shown: false,
        is_column: false,
        costs_time: true,
        decided_by: None,
        needed_by: None,
    }
}

/// The names of an enum.
const fn names<T: VariantNames>() -> Kind {
    Kind::Choice(T::VARIANTS)
}

const POSITIVE: Kind = Kind::Number { expected: "a finite number above 0", accepts: |x| x > 0.0 };
const NOT_NEGATIVE: Kind = Kind::Number { expected: "a finite number of at least 0", accepts: |x| x >= 0.0 };
const BELOW_ONE: Kind = Kind::Number { expected: "a number in [0, 1)", accepts: |x| (0.0..1.0).contains(&x) };
const WEIGHT: Kind = Kind::Number { expected: "a number in (0, 1]", accepts: |x| x > 0.0 && x <= 1.0 };
/// The range in which the transport can be solved to the precision of the numbers.
const ENTROPY_WEIGHT: Kind =
    Kind::Number { expected: "a number in [1e-6, 1e6]", accepts: |x| (1e-6..=1e6).contains(&x) };
const SOME: Kind = Kind::Count { min: 1 };
/// Far beyond any use, far below what overflows memory sizes.
const EXTENT: Kind = Kind::Extent { max: 4096 };
const ANY: Kind = Kind::Count { min: 0 };

const BAGS: Decider = Decider::Bags;
const WEIGHTS: Decider = Decider::Weights;
const RESNET: User = User::Network(Architecture::Resnet18);
const AIRBENCH: User = User::Network(Architecture::Airbench);
const MLP: User = User::Network(Architecture::Mlp);
const ROT: User = User::Loss(LossName::Rot);
const SINKHORN: User = User::Solver(Solver::Sinkhorn);

/// Every key, in the order in which grids nest: the first varies slowest, so that a sweep finishes one seed first.
pub(crate) const KEYS: &[Key] = &[
    key("schema", SOME),
    key("preset", Kind::Name).unhashed(),
    key("seed", ANY).flag("--seed").always_shown().column().free(),
    key("data.name", Kind::Name).column(),
    key("data.path", Kind::Text).optional().unhashed(),
    key("data.proportions", Kind::Text).optional().unhashed(),
    key("data.image_size", EXTENT).optional(),
    key("data.impute", names::<Impute>()).optional().flag("--impute"),
    key("data.train_limit", SOME).optional().decided_by(BAGS),
    key("data.held_out", BELOW_ONE).decided_by(BAGS),
    key("data.split_seed", ANY).decided_by(BAGS).free(),
    key("data.folds", Kind::Count { min: 2 }).optional(),
    key("data.fold", ANY).optional(),
    key("bags.size", SOME).flag("--bag-size").always_shown().decided_by(BAGS).column(),
    key("bags.seed", ANY).flag("--bag-seed").decided_by(BAGS).free(),
    key("bags.manifest", Kind::Text).optional().unhashed(),
    key("bags.hash", Kind::Name).optional().decided_by(BAGS).free(),
    key("bags.noise", Kind::Noise).optional(),
    key("method.name", names::<MethodName>()).optional().flag("--method"),
    key("method.l2", POSITIVE).optional(),
    key("method.gamma", POSITIVE).optional(),
    key("network.name", names::<Architecture>()),
    key("network.stem", names::<Stem>()).decided_by(WEIGHTS).needed_by(RESNET),
    key("network.width", EXTENT).flag("--width").decided_by(WEIGHTS).needed_by(RESNET),
    key("network.widths", Kind::Widths).needed_by(AIRBENCH),
    key("network.hidden", EXTENT).needed_by(MLP),
    key("network.depth", Kind::Extent { max: 64 }).needed_by(MLP),
    key("network.init", Kind::Text).optional().unhashed(),
    key("network.init_hash", Kind::Name).optional().decided_by(WEIGHTS),
    key("network.freeze", names::<Freeze>()).optional(),
    key("loss.name", names::<LossName>()).flag("--loss").always_shown().column(),
    key("loss.alpha", WEIGHT).flag("--alpha").needed_by(ROT).column().free(),
    key("loss.epsilon", ENTROPY_WEIGHT).flag("--epsilon").needed_by(ROT).free(),
    key("loss.solver", names::<Solver>()).needed_by(ROT),
    key("loss.sweeps", SOME).needed_by(SINKHORN),
    key("loss.order", Kind::Extent { max: 8 }).optional(),
    key("loss.add", Kind::Losses).optional(),
    key("consistency.name", names::<ConsistencyName>()).optional().flag("--consistency"),
    key("consistency.confidence", names::<Confidence>()).optional(),
    key("consistency.threshold", BELOW_ONE).optional(),
    key("consistency.distance", POSITIVE).optional(),
    key("consistency.weight", POSITIVE).optional(),
    key("consistency.ramp_up", BELOW_ONE).optional(),
    key("optim.name", names::<OptimizerName>()).optional(),
    key("optim.lr", POSITIVE).flag("--lr").always_shown().column().free(),
    key("optim.momentum", BELOW_ONE).free(),
    key("optim.weight_decay", NOT_NEGATIVE).free(),
    key("optim.decay_batch_norm", Kind::Flag).free(),
    key("optim.epochs", SOME).flag("--epochs").free(),
    key("optim.min_steps", SOME).optional(),
    key("optim.schedule", names::<LrSchedule>()).optional(),
    key("optim.warmup", BELOW_ONE).optional(),
    key("optim.lr_end", BELOW_ONE).optional(),
    key("optim.lr_drop_at", WEIGHT).free(),
    key("optim.lr_drop_factor", POSITIVE).free(),
    key("optim.nesterov", Kind::Flag).optional(),
    key("optim.norm_bias_lr", POSITIVE).optional(),
    key("optim.lookahead", Kind::Flag).optional(),
    key("optim.images_per_step", SOME),
    key("optim.images_per_chunk", Kind::Count { min: 2 }).optional(),
    key("optim.precision", names::<Precision>()).optional().flag("--precision"),
    key("augment.shift", ANY),
    key("augment.mirror", Kind::Flag),
    key("augment.alternate", Kind::Flag).optional(),
    key("augment.edge", names::<Edge>()).optional(),
    key("augment.mix_bags", WEIGHT).optional(),
    key("evaluate.views", names::<Views>()).optional(),
    key("checkpoint.every_epochs", SOME).unhashed(),
    key("checkpoint.chosen_by", names::<Criterion>()).optional(),
];

/// The key of this name.
pub(crate) fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

impl Key {
    const fn optional(self) -> Self {
        Self { optional: true, ..self }
    }

    const fn unhashed(self) -> Self {
        Self { hashed: false, ..self }
    }

    const fn flag(self, flag: &'static str) -> Self {
        Self { flag: Some(flag), ..self }
    }

    const fn always_shown(self) -> Self {
        Self { is_always_shown: true, ..self }
    }

    const fn column(self) -> Self {
        Self { is_column: true, ..self }
    }

    const fn free(self) -> Self {
        Self { costs_time: false, ..self }
    }

    const fn decided_by(self, decider: Decider) -> Self {
        Self { decided_by: Some(decider), ..self }
    }

    /// May be left out elsewhere.
    const fn needed_by(self, user: User) -> Self {
        Self { optional: true, needed_by: Some(user), ..self }
    }

    /// Accepts a TOML value, with whole numbers taken as numbers where a number is wanted.
    pub(crate) fn accept(&self, value: &Value) -> Result<Value, Rejected> {
        let accepted = match (&self.kind, value) {
            (Kind::Name, Value::String(text)) if is_name(text) => Some(value.clone()),
            (Kind::Text, Value::String(_)) | (Kind::Flag, Value::Boolean(_)) => Some(value.clone()),
            (Kind::Count { min }, Value::Integer(n)) if n >= min => Some(value.clone()),
            (Kind::Extent { max }, Value::Integer(n)) if (1..=*max).contains(n) => Some(value.clone()),
            (Kind::Number { accepts, .. }, Value::Integer(n)) if accepts(*n as f64) => {
                Some(Value::Float(*n as f64))
            }
            (Kind::Number { accepts, .. }, Value::Float(x)) if x.is_finite() && accepts(*x) => {
                Some(value.clone())
            }
            (Kind::Noise, Value::String(text)) => {
                text.parse().ok().map(|noise: noise::BagNoise| Value::String(noise.to_string()))
            }
            (Kind::Widths, Value::String(text)) => {
                text.parse().ok().map(|widths: super::Widths| Value::String(widths.to_string()))
            }
            (Kind::Losses, Value::String(text)) => {
                text.parse().ok().map(|losses: added_losses::AddedLosses| Value::String(losses.to_string()))
            }
            (Kind::Choice(words), Value::String(text)) if words.contains(&text.as_str()) => {
                Some(value.clone())
            }
            _ => None,
        };
        accepted.ok_or_else(|| self.reject(value))
    }

    /// Accepts the text of an argument or a variable, where strings are not quoted.
    pub(crate) fn accept_text(&self, text: &str) -> Result<Value, Rejected> {
        let text = text.trim();
        let parsed = match self.kind {
            Kind::Flag => text.parse().ok().map(Value::Boolean),
            Kind::Count { .. } | Kind::Extent { .. } => text.parse().ok().map(Value::Integer),
            Kind::Number { .. } => text.parse().ok().map(Value::Float),
            Kind::Name | Kind::Text | Kind::Noise | Kind::Widths | Kind::Losses | Kind::Choice(_) => None,
        };
        self.accept(&parsed.unwrap_or_else(|| Value::String(text.to_owned())))
    }

    fn reject(&self, value: &Value) -> Rejected {
        let expected = match &self.kind {
            Kind::Name => "a name of letters, digits, `-`, `_` and `.`".to_owned(),
            Kind::Text => "a string".to_owned(),
            Kind::Flag => "true or false".to_owned(),
            Kind::Count { min } => format!("an integer of at least {min}"),
            Kind::Extent { max } => format!("an integer from 1 to {max}"),
            Kind::Number { expected, .. } => (*expected).to_owned(),
            Kind::Noise => noise::EXPECTED.to_owned(),
            Kind::Widths => super::network::WIDTHS_EXPECTED.to_owned(),
            Kind::Losses => added_losses::EXPECTED.to_owned(),
            Kind::Choice(words) => format!("one of {}", words.join(", ")),
        };
        let nearest = match (&self.kind, value) {
            (Kind::Choice(words), Value::String(text)) => nearest(text, words.iter().copied()),
            _ => None,
        };
        Rejected { expected, got: value.to_string(), nearest }
    }
}

fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !text.is_empty() && !text.starts_with('.') && text.chars().all(plain)
}

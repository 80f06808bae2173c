//! The list of every configuration key: its type, its range, and whether it is part of a run's identity.
//!
//! One table serves files, environment, arguments and grids, so that a value is judged the same way wherever it
//! is written. A test holds the table against the fields of [`RunConfig`](super::RunConfig).

use toml::Value;

use super::{nearest, noise};
use crate::criterion::Criterion;

/// A key of the configuration.
#[derive(Debug)]
pub(crate) struct Key {
    /// Dotted name.
    pub(crate) name: &'static str,
    kind: Kind,
    /// Whether the key is part of the hash that names a run.
    pub(crate) hashed: bool,
    /// Whether a configuration may do without the key.
    pub(crate) optional: bool,
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
    Key { name, kind, hashed: true, optional: false }
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

/// Every key, in the order in which grids nest: the first varies slowest, so that a sweep finishes one seed first.
pub(crate) const KEYS: &[Key] = &[
    key("schema", SOME),
    key("preset", Kind::Name).unhashed(),
    key("seed", ANY),
    key("data.name", Kind::Name),
    key("data.path", Kind::Text).optional().unhashed(),
    key("data.proportions", Kind::Text).optional().unhashed(),
    key("data.image_size", EXTENT).optional(),
    key("data.impute", Kind::Choice(&["mean", "median"])).optional(),
    key("data.train_limit", SOME).optional(),
    key("data.held_out", BELOW_ONE),
    key("data.split_seed", ANY),
    key("data.folds", Kind::Count { min: 2 }).optional(),
    key("data.fold", ANY).optional(),
    key("bags.size", SOME),
    key("bags.seed", ANY),
    key("bags.manifest", Kind::Text).optional().unhashed(),
    key("bags.hash", Kind::Name).optional(),
    key("bags.noise", Kind::Noise).optional(),
    key(
        "method.name",
        Kind::Choice(&["none", "mean-map", "lmm", "amm", "inv-cal", "linear-kl", "em", "alter-svm"]),
    )
    .optional(),
    key("method.l2", POSITIVE).optional(),
    key("method.gamma", POSITIVE).optional(),
    key("network.name", Kind::Choice(&["resnet18", "airbench", "mlp", "linear"])),
    key("network.stem", Kind::Choice(&["cifar", "imagenet"])).optional(),
    key("network.width", EXTENT).optional(),
    key("network.widths", Kind::Widths).optional(),
    key("network.hidden", EXTENT).optional(),
    key("network.depth", Kind::Extent { max: 64 }).optional(),
    key("network.init", Kind::Text).optional().unhashed(),
    key("network.init_hash", Kind::Name).optional(),
    key("network.freeze", Kind::Choice(&["none", "stem", "layer1", "layer2", "layer3", "layer4"])).optional(),
    key(
        "loss.name",
        Kind::Choice(&[
            "kl",
            "rot",
            "avg-kl",
            "l1",
            "l2",
            "interval",
            "marginal",
            "saddlepoint",
            "gaussian",
            "multinomial",
            "moments",
        ]),
    ),
    key("loss.alpha", WEIGHT).optional(),
    key("loss.epsilon", ENTROPY_WEIGHT).optional(),
    key("loss.solver", Kind::Choice(&["newton", "sinkhorn"])).optional(),
    key("loss.sweeps", SOME).optional(),
    key("loss.order", Kind::Extent { max: 8 }).optional(),
    key("optim.name", Kind::Choice(&["sgd", "adamw"])).optional(),
    key("optim.lr", POSITIVE),
    key("optim.momentum", BELOW_ONE),
    key("optim.weight_decay", NOT_NEGATIVE),
    key("optim.decay_batch_norm", Kind::Flag),
    key("optim.epochs", SOME),
    key("optim.min_steps", SOME).optional(),
    key("optim.schedule", Kind::Choice(&["step", "cosine", "triangle"])).optional(),
    key("optim.warmup", BELOW_ONE).optional(),
    key("optim.lr_end", BELOW_ONE).optional(),
    key("optim.lr_drop_at", WEIGHT),
    key("optim.lr_drop_factor", POSITIVE),
    key("optim.nesterov", Kind::Flag).optional(),
    key("optim.norm_bias_lr", POSITIVE).optional(),
    key("optim.lookahead", Kind::Flag).optional(),
    key("optim.images_per_step", SOME),
    key("optim.images_per_chunk", Kind::Count { min: 2 }).optional(),
    key("optim.precision", Kind::Choice(&["float32", "tf32", "bfloat16"])).optional(),
    key("augment.shift", ANY),
    key("augment.mirror", Kind::Flag),
    key("augment.alternate", Kind::Flag).optional(),
    key("augment.edge", Kind::Choice(&["repeat", "reflect"])).optional(),
    key("evaluate.views", Kind::Choice(&["one", "mirror", "mirror-shift"])).optional(),
    key("checkpoint.every_epochs", SOME).unhashed(),
    key("checkpoint.chosen_by", Kind::Choice(&Criterion::NAMES)).optional(),
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
            Kind::Name | Kind::Text | Kind::Noise | Kind::Widths | Kind::Choice(_) => None,
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

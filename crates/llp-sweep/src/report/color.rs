//! The colors of figures and pages, each with its number on paper and its name in a style sheet.
//!
//! Files are drawn for white paper. Figures inside a page name a variable instead, which the page's style sheet defines
//! for light and dark.

use std::fmt::Write as _;

use super::drawing::Marker;

pub(super) type Rgb = (u8, u8, u8);

/// What a line, an area or a text is drawn with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Color {
    /// Text and axes.
    Text,
    /// What is less important than that.
    Muted,
    /// Lines of a grid.
    Rule,
    /// The background, for what is hollow.
    Page,
    /// One of a few things without an order.
    Category(usize),
    /// One of `of` things with an order, from dark to light on paper.
    Ordered {
        /// Its place, from 0.
        rank: usize,
        /// How many there are.
        of: usize,
    },
}

/// Okabe and Ito's colors, which stay apart for the color-blind, each with a lighter one for dark pages.
const CATEGORIES: [(Rgb, Rgb); 7] = [
    ((0x00, 0x72, 0xb2), (0x56, 0xb4, 0xe9)),
    ((0xd5, 0x5e, 0x00), (0xf0, 0x8a, 0x45)),
    ((0x00, 0x9e, 0x73), (0x2f, 0xc3, 0x9a)),
    ((0xcc, 0x79, 0xa7), (0xe2, 0x9a, 0xc6)),
    ((0x56, 0xb4, 0xe9), (0xa5, 0xd8, 0xf7)),
    ((0xe6, 0x9f, 0x00), (0xf5, 0xc2, 0x5b)),
    ((0x33, 0x33, 0x33), (0xd0, 0xd0, 0xd0)),
];

/// The markers of categories. Their number has no divisor in common with that of the colors, so that 35 categories differ
/// in one or the other.
const MARKERS: [Marker; 5] =
    [Marker::Circle, Marker::Square, Marker::Triangle, Marker::Diamond, Marker::TriangleDown];

/// Five equidistant colors of Viridis up to where it becomes too light for a white page.
const ORDERED: [Rgb; 5] =
    [(0x44, 0x01, 0x54), (0x41, 0x44, 0x87), (0x2a, 0x78, 0x8e), (0x22, 0xa8, 0x84), (0x7a, 0xd1, 0x51)];

/// The same from where it is light enough for a dark page up to its end.
const ORDERED_ON_DARK: [Rgb; 5] =
    [(0x7e, 0x7c, 0xd8), (0x3f, 0x96, 0xb3), (0x2f, 0xb4, 0x8c), (0x7a, 0xd1, 0x51), (0xfd, 0xe7, 0x25)];

impl Color {
    /// The color on paper.
    pub(super) fn rgb(self) -> Rgb {
        match self {
            Self::Text => (0x1a, 0x1a, 0x1a),
            Self::Muted => (0x5c, 0x5c, 0x5c),
            Self::Rule => (0xe4, 0xe4, 0xe4),
            Self::Page => (0xff, 0xff, 0xff),
            Self::Category(index) => CATEGORIES[index % CATEGORIES.len()].0,
            Self::Ordered { rank, of } => between(&ORDERED, rank, of),
        }
    }

    /// The color in a page, a value of CSS.
    pub(super) fn css(self) -> String {
        match self {
            Self::Text => "var(--text)".to_owned(),
            Self::Muted => "var(--muted)".to_owned(),
            Self::Rule => "var(--rule)".to_owned(),
            Self::Page => "var(--page)".to_owned(),
            Self::Category(index) => format!("var(--category-{})", index % CATEGORIES.len()),
            Self::Ordered { rank, of } => format!("var(--ordered-{rank}-{of})"),
        }
    }

    /// The marker that goes with it, if it has one of its own.
    pub(super) fn marker(self) -> Option<Marker> {
        match self {
            Self::Category(index) => Some(MARKERS[index % MARKERS.len()]),
            _ => None,
        }
    }
}

/// The style sheet's definitions of categories and of orders of `of` things, on dark pages or on light ones.
pub(super) fn definitions(of: usize, is_dark: bool) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    for (index, (light, dark)) in CATEGORIES.into_iter().enumerate() {
        let _ = write!(text, "--category-{index}:{};", hex(if is_dark { dark } else { light }));
    }
    let scale = if is_dark { &ORDERED_ON_DARK } else { &ORDERED };
    for rank in 0..of {
        let _ = write!(text, "--ordered-{rank}-{of}:{};", hex(between(scale, rank, of)));
    }
    text
}

fn hex((r, g, b): Rgb) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// The color of the `rank`-th of `of` things on a scale.
fn between(scale: &[Rgb; 5], rank: usize, of: usize) -> Rgb {
    let span = of.max(2) - 1;
    let place = rank.min(span) * (scale.len() - 1);
    let (index, rest) = (place / span, place % span);
    let (a, b) = (scale[index], scale[(index + 1).min(scale.len() - 1)]);
    let mix = |a: u8, b: u8| ((usize::from(a) * (span - rest) + usize::from(b) * rest) / span) as u8;
    (mix(a.0, b.0), mix(a.1, b.1), mix(a.2, b.2))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No two of the losses and methods look alike in a figure.
    #[test]
    fn categories_differ() {
        let looks = |index: usize| (Color::Category(index).rgb(), Color::Category(index).marker());
        for index in 0..CATEGORIES.len() * MARKERS.len() {
            assert!((0..index).all(|other| looks(other) != looks(index)), "{index}");
        }
    }
}

//! Instances that a network is sure of, doubts, or has certainly wrong.

use std::fmt::Write as _;

use maud::{Markup, html};

use super::super::insight::{Insight, Part, Pick};
use super::scrolled;

pub(super) fn section(insight: &Insight) -> Markup {
    let n_wrong = insight.n_wrong;
    let share = 100.0 * n_wrong as f64 / insight.n_instances.max(1) as f64;
    html! {
        p {
            "Of " (insight.n_instances) " instances of " (insight.part.as_str()) " bags"
            @if insight.part == Part::HeldOut { ", which training did not see" }
            ". No label is used."
        }
        h3 { "Surest of each class" }
        (shown(insight, "Surest of each class", &insight.confident))
        h3 { "Between two classes" }
        (shown(insight, "Between two classes", &insight.doubtful))
        h3 { "Certainly wrong" }
        p {
            (n_wrong) " of " (insight.n_instances) " instances (" (format!("{share:.1}"))
            " %) have a most probable class of which their bag has none. The proportions alone show that these are wrong, and "
            "there are others that they cannot show."
            @if n_wrong > insight.wrong.len() { " The surest of them:" }
        }
        @if n_wrong > 0 { (shown(insight, "Certainly wrong", &insight.wrong)) }
    }
}

/// Pictures with their classes where there are any, else a table.
fn shown(insight: &Insight, label: &str, picks: &[Pick]) -> Markup {
    if picks.iter().any(|pick| pick.picture.is_some()) {
        return html! { div.pictures { @for pick in picks { (pictured(insight, pick)) } } };
    }
    scrolled(label, &table(insight, label, picks))
}

fn pictured(insight: &Insight, pick: &Pick) -> Markup {
    let words = in_words(insight, pick);
    html! {
        figure.picture {
            @if let Some(picture) = &pick.picture {
                img src={ "data:image/png;base64," (base64(picture)) } alt={ (pick.name) ": " (words) } title=(pick.name);
            }
            figcaption {
                @for (class, probability) in &pick.classes {
                    span { (insight.class_names[*class]) " " (format!("{probability:.2}")) } br;
                }
                span { (pick.name) ", bag " (pick.bag) }
            }
        }
    }
}

fn in_words(insight: &Insight, pick: &Pick) -> String {
    let of =
        |(class, probability): &(usize, f64)| format!("{} {probability:.2}", insight.class_names[*class]);
    pick.classes.iter().map(of).collect::<Vec<_>>().join(", ")
}

fn table(insight: &Insight, label: &str, picks: &[Pick]) -> Markup {
    html! {
        table {
            caption.hidden { (label) }
            thead {
                tr {
                    th scope="col" { "Instance" }
                    th.words scope="col" { "Bag" }
                    th.words scope="col" { "Class" }
                    th scope="col" { "Probability" }
                    th.words scope="col" { "Second class" }
                    th scope="col" { "Probability" }
                }
            }
            tbody {
                @for pick in picks {
                    tr {
                        th scope="row" { code { (pick.name) } }
                        td.words { (pick.bag) }
                        @for rank in 0..2 {
                            @if let Some((class, probability)) = pick.classes.get(rank) {
                                td.words { (insight.class_names[*class]) }
                                td { (format!("{probability:.4}")) }
                            } @else { td.words { "–" } td {} }
                        }
                    }
                }
            }
        }
    }
}

/// Bytes in the alphabet of data addresses.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits =
            group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for place in 0..4 {
            let letter = ALPHABET[(bits >> (18 - 6 * place)) as usize & 63];
            // Writing to a string cannot fail.
            let _ = text.write_char(if place <= group.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test vectors of RFC 4648.
    #[test]
    fn base64_is_that_of_the_standard() {
        let texts = [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")];
        for (plain, encoded) in texts {
            assert_eq!(base64(plain.as_bytes()), encoded);
        }
        assert_eq!(base64(&[0xfb, 0xff, 0x00]), "+/8A");
    }
}

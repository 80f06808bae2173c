//! A drawing as a part of a page: SVG whose colors are those of the page's style sheet.

use std::fmt::Write as _;

use super::drawing::{Anchor, Drawing, Position, Shape, Stroke};

/// The drawing as an `svg` element that says in words, to those who cannot see it, what it shows.
pub(super) fn svg(drawing: &Drawing, in_words: &str) -> String {
    let (width, height) = (drawing.width, drawing.height);
    let words = escaped(in_words);
    let mut text = format!(
        "<svg viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" height=\"{height:.0}\" role=\"img\" \
         aria-label=\"{words}\"><title>{words}</title>"
    );
    // Writing to a string cannot fail.
    for shape in &drawing.shapes {
        let _ = match shape {
            Shape::Line { points, stroke } => write!(
                text,
                "<polyline points=\"{}\" style=\"fill:none;{}\"/>",
                places(points),
                outline(Some(*stroke))
            ),
            Shape::Polygon { corners, fill, opacity, stroke } => write!(
                text,
                "<polygon points=\"{}\" style=\"fill:{};opacity:{opacity};{}\"/>",
                places(corners),
                fill.css(),
                outline(*stroke)
            ),
            Shape::Circle { center: (x, y), r, fill, stroke } => write!(
                text,
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{r}\" style=\"fill:{};{}\"/>",
                fill.css(),
                outline(Some(*stroke))
            ),
            // Lines of no length with round ends: a tenth of the bytes of as many circles.
            Shape::Dots { centers, r, color } => write!(
                text,
                "<path d=\"{}\" style=\"fill:none;stroke-linecap:round;stroke:{};stroke-width:{}\"/>",
                centers.iter().map(|(x, y)| format!("M{x:.1} {y:.1}h0")).collect::<Vec<_>>().concat(),
                color.css(),
                2.0 * r
            ),
            Shape::Text { at: (x, y), content, size, anchor, color } => write!(
                text,
                "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{size}\" text-anchor=\"{}\" style=\"fill:{}\">{}</text>",
                position(*anchor),
                color.css(),
                escaped(content)
            ),
        };
    }
    text += "</svg>";
    text
}

fn outline(stroke: Option<Stroke>) -> String {
    stroke.map_or_else(String::new, |Stroke { color, width }| {
        format!("stroke:{};stroke-width:{width}", color.css())
    })
}

fn places(points: &[Position]) -> String {
    let places: Vec<_> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    places.join(" ")
}

fn position(anchor: Anchor) -> &'static str {
    match anchor {
        Anchor::Start => "start",
        Anchor::Middle => "middle",
        Anchor::End => "end",
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

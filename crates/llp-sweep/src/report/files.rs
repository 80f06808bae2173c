//! A drawing as files: the only module that names the drawing library (kuva).
//!
//! Its own plots and axes are not used, only its scene and its two back ends, which agree with each other and bring
//! their font along.

use kuva::backend::raster::RasterBackend;
use kuva::backend::svg::SvgBackend;
use kuva::render::color::Color as KuvaColor;
use kuva::render::render::{PathData, Primitive, Scene, TextAnchor};

use super::color::Color;
use super::drawing::{Anchor, Drawing, Position, Shape, Stroke};

/// PNG pixels per unit: sharp in print at the width of a column.
const PNG_SCALE: f32 = 3.0;

/// A finished drawing in both formats.
#[derive(Debug)]
pub(super) struct Rendered {
    pub(super) svg: String,
    pub(super) png: Vec<u8>,
}

/// The drawing as SVG and PNG.
pub(super) fn draw(drawing: &Drawing) -> Result<Rendered, String> {
    let mut scene = Scene::new(drawing.width, drawing.height);
    scene.font_family = Some("DejaVu Sans, Verdana, Helvetica, Arial, sans-serif".to_owned());
    drawing.shapes.iter().flat_map(primitives).for_each(|primitive| scene.add(primitive));
    // The back end gives width and height only; a page that shows the file smaller needs the view box to scale it.
    let view_box = format!("<svg viewBox=\"0 0 {} {}\" ", scene.width, scene.height);
    let svg = SvgBackend::default().render_scene(&scene).replacen("<svg ", &view_box, 1);
    let png = RasterBackend::new().with_scale(PNG_SCALE).render_scene(&scene)?;
    Ok(Rendered { svg, png })
}

fn primitives(shape: &Shape) -> Vec<Primitive> {
    let one = match shape {
        Shape::Line { points, stroke } => Primitive::PolyLine {
            points: points.clone(),
            stroke: to_kuva(stroke.color),
            stroke_width: stroke.width,
            stroke_dasharray: None,
        },
        Shape::Polygon { corners, fill, opacity, stroke } => {
            let corners: Vec<_> = corners.iter().map(|(x, y)| format!("{x:.2} {y:.2}")).collect();
            Primitive::Path(Box::new(PathData {
                d: format!("M {} Z", corners.join(" L ")),
                fill: Some(to_kuva(*fill)),
                stroke: stroke.map_or(KuvaColor::None, |stroke| to_kuva(stroke.color)),
                stroke_width: stroke.map_or(0.0, |stroke| stroke.width),
                opacity: (*opacity < 1.0).then_some(*opacity),
                stroke_dasharray: None,
            }))
        }
        Shape::Circle { center, r, fill, stroke } => circle(*center, *r, *fill, Some(*stroke)),
        Shape::Dots { centers, r, color } => {
            return centers.iter().map(|center| circle(*center, *r, *color, None)).collect();
        }
        Shape::Text { at: (x, y), content, size, anchor, color } => Primitive::Text {
            x: *x,
            y: *y,
            content: content.clone(),
            size: *size,
            anchor: match anchor {
                Anchor::Start => TextAnchor::Start,
                Anchor::Middle => TextAnchor::Middle,
                Anchor::End => TextAnchor::End,
            },
            rotate: None,
            bold: false,
            color: Some(to_kuva(*color)),
        },
    };
    vec![one]
}

fn circle((cx, cy): Position, r: f64, fill: Color, stroke: Option<Stroke>) -> Primitive {
    Primitive::Circle {
        cx,
        cy,
        r,
        fill: to_kuva(fill),
        fill_opacity: None,
        stroke: stroke.map(|stroke| to_kuva(stroke.color)),
        stroke_width: stroke.map(|stroke| stroke.width),
    }
}

fn to_kuva(color: Color) -> KuvaColor {
    let (r, g, b) = color.rgb();
    KuvaColor::Rgb(r, g, b)
}

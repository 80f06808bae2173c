//! Views of images whose logits are averaged in evaluation.

use candle_core::{Device, Result, Tensor};
use llp_sweep::config::Views;

/// A view of some images, and the weight of its logits.
#[derive(Debug)]
pub(crate) struct View {
    /// `[image, height, width, channel]`, or `[instance, column]` where there is one view only.
    pub(crate) images: Tensor,
    pub(crate) weight: f64,
}

/// How far a shifted view is moved, in pixels.
const SHIFT: isize = 1;

/// The views of instances as a network sees them; their weights add up to 1.
pub(crate) fn views_of(views: Views, x: &Tensor) -> Result<Vec<View>> {
    let mirror = |x: &Tensor| -> Result<Tensor> {
        let width = x.dim(2)?;
        gather(x, 2, (0..width).rev())
    };
    let both = |x: Tensor, weight: f64| -> Result<[View; 2]> {
        Ok([View { images: mirror(&x)?, weight }, View { images: x, weight }])
    };
    Ok(match views {
        Views::One => vec![View { images: x.clone(), weight: 1.0 }],
        Views::Mirror => both(x.clone(), 0.5)?.into(),
        Views::MirrorShift => {
            let [plain, up_left, down_right] =
                [both(x.clone(), 0.25)?, both(shifted(x, SHIFT)?, 0.125)?, both(shifted(x, -SHIFT)?, 0.125)?];
            plain.into_iter().chain(up_left).chain(down_right).collect()
        }
    })
}

/// Images moved by `by` pixels down and right, reflected at their edges.
fn shifted(x: &Tensor, by: isize) -> Result<Tensor> {
    let along = |x: &Tensor, dim: usize| -> Result<Tensor> {
        let len = x.dim(dim)? as isize;
        let last = len - 1;
        gather(x, dim, (0..len).map(|place| (last - (last - (place - by).abs()).abs()) as usize))
    };
    along(&along(x, 1)?, 2)
}

fn gather(x: &Tensor, dim: usize, places: impl Iterator<Item = usize>) -> Result<Tensor> {
    let places: Vec<u32> = places.map(|place| place as u32).collect();
    let places = Tensor::new(places, &Device::Cpu)?.to_device(x.device())?;
    x.contiguous()?.index_select(&places, dim)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One image of a row of four pixels: each view, and weights that add up to 1.
    #[test]
    fn views_are_mirrored_and_shifted() {
        let x = Tensor::new(
            &[[[[1.0_f32], [2.0], [3.0]], [[4.0], [5.0], [6.0]], [[7.0], [8.0], [9.0]]]],
            &Device::Cpu,
        );
        let x = x.unwrap();
        let flat = |view: &View| view.images.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let all = views_of(Views::MirrorShift, &x).unwrap();
        assert_eq!(all.iter().map(|view| view.weight).sum::<f64>(), 1.0);
        assert_eq!(flat(&all[0]), [3.0, 2.0, 1.0, 6.0, 5.0, 4.0, 9.0, 8.0, 7.0]);
        assert_eq!(flat(&all[1]), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]);
        assert_eq!(flat(&all[3]), [5.0, 4.0, 5.0, 2.0, 1.0, 2.0, 5.0, 4.0, 5.0], "down and right");
        assert_eq!(flat(&all[5]), [5.0, 6.0, 5.0, 8.0, 9.0, 8.0, 5.0, 6.0, 5.0], "up and left");
        assert_eq!(views_of(Views::Mirror, &x).unwrap().len(), 2);
        assert_eq!(flat(&views_of(Views::One, &x).unwrap()[0]), flat(&all[1]));
    }
}

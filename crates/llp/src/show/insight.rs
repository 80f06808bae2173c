//! The bags and instances of a run for its report: its network is applied to its data once more.

use std::io::Cursor;
use std::path::Path;

use image::{ImageFormat, imageops};
use llp_bags::Images;
use llp_sweep::report::insight::Insight;
use llp_sweep::run_dir::RunDir;
use llp_train::insight;

use crate::Global;
use crate::args::device::DeviceArg;
use crate::args::epoch::EpochArg;
use crate::data::{contact_sheet, hub};
use crate::environment::tell;
use crate::failure::{Failure, message};
use crate::predict::trained_run::{PlaceArgs, TrainedRun};
use crate::train::progress::Style;

/// Pictures have at most so many pixels in each direction.
const SIDE_MAX: u32 = 48;

/// Looks at a run, or says why that cannot be done: a report is written without it.
pub(crate) fn look(
    global: Global,
    run: &Path,
    places: &PlaceArgs,
    device: DeviceArg,
) -> Result<Insight, String> {
    if let Some(name) = data_to_fetch(run, places) {
        return Err(format!("the data set {name} is not on this machine; llp data fetch {name} fetches it"));
    }
    try_look(global, run, places, device).map_err(|failure| message(&failure.error))
}

/// The name of the run's data set if that would have to be fetched, which a report does not do.
fn data_to_fetch(run: &Path, places: &PlaceArgs) -> Option<String> {
    let (_, config) = RunDir::open(run).ok()?;
    let has_path = places.data.is_some() || config.data.path.is_some();
    (!has_path && hub::is_to_fetch(&config.data.name)).then_some(config.data.name)
}

fn try_look(global: Global, run: &Path, places: &PlaceArgs, device: DeviceArg) -> Result<Insight, Failure> {
    if Style::resolve(global) != Style::None {
        tell("reading the data of the run and applying its network");
    }
    let TrainedRun { predictor, data, .. } = TrainedRun::open(global, run, places, EpochArg::Last, device)?;
    let mut insight = insight(&predictor, &data)?;
    if let Some(images) = data.bags.data().as_images() {
        for pick in insight.picks_mut() {
            pick.picture = picture(images, pick.instance);
        }
    }
    Ok(insight)
}

/// An image as a small PNG file.
fn picture(images: &Images, instance: u32) -> Option<Vec<u8>> {
    let full = contact_sheet::picture(images, instance);
    let (width, height) = full.dimensions();
    let small = if width.max(height) > SIDE_MAX {
        let scale = |side: u32| (side * SIDE_MAX / width.max(height)).max(1);
        imageops::thumbnail(&full, scale(width), scale(height))
    } else {
        full
    };
    let mut bytes = Cursor::new(Vec::new());
    small.write_to(&mut bytes, ImageFormat::Png).ok()?;
    Some(bytes.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Small images keep every pixel, large ones keep their proportions.
    #[test]
    fn pictures_are_small() {
        let of = |height: usize, width: usize| {
            let pixels = (0..height * width).map(|at| at as u8).collect();
            let images = Images::new(height, width, 1, pixels).unwrap();
            image::load_from_memory(&picture(&images, 0).unwrap()).unwrap().to_rgb8()
        };
        let small = of(2, 3);
        assert_eq!((small.dimensions(), small.get_pixel(2, 1).0), ((3, 2), [5; 3]));
        assert_eq!(of(100, 200).dimensions(), (SIDE_MAX, SIDE_MAX / 2));
    }
}

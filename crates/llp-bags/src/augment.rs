//! From stored bytes to the values that a network sees: augmentation and normalization.

mod operation;
mod strong;

use llp_data::DataError;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::check::{check_buffer, check_channels, check_instances};
use crate::rng::{self, Purpose};
use crate::{Images, Normalization};

pub use operation::Operation;

/// Random changes of a training image that keep its class.
///
/// Source: [dulac-arnold:19] section 4.1, "Architecture and training": "each of its images is randomly shifted by one
/// pixel, and randomly flipped on the vertical axis with a probability 0.5". Read as: both offsets are uniform on
/// `{-shift, ..., shift}` with `shift = 1`, and the mirror axis is vertical (left and right change places). Deviation:
/// the paper does not say what a shift moves in; [`Edge`] does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Augmentation {
    /// The largest shift in each direction, in pixels.
    pub shift: u8,
    /// What a shift moves in.
    pub edge: Edge,
    /// Which images are mirrored left to right.
    pub mirror: Mirror,
}

/// What a shift moves in at the edge of an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Edge {
    /// The pixels at the edge, repeated.
    #[default]
    Repeat,
    /// The image reflected at the pixels of its edge, which are not repeated.
    Reflect,
}

/// Which images are mirrored left to right in an epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mirror {
    /// None.
    #[default]
    Never,
    /// Each with probability one half.
    Random,
    /// A random half in the first epoch, then in turn the other half and the same, so that two epochs in a row show both
    /// sides of each image \[jordan:24\].
    Alternate,
}

impl Augmentation {
    /// The draws of one epoch.
    pub fn epoch(&self, seed: u64, epoch: u64) -> EpochAugmentation {
        EpochAugmentation {
            augmentation: *self,
            rng: rng::stream(seed, Purpose::Augment, epoch),
            // Epochs count from 1.
            first_mirrors: rng::stream(seed, Purpose::Augment, 0),
            is_even: epoch.is_multiple_of(2),
            is_strong: false,
        }
    }

    /// The draws of one epoch for a strong view of each image: another shift, then two [`Operation`]s, drawn uniformly
    /// from fourteen with uniform strengths, and a gray square with a side of up to half of the image's.
    pub fn strong_epoch(&self, seed: u64, epoch: u64) -> EpochAugmentation {
        let rng = rng::stream(seed, Purpose::StrongAugment, epoch);
        EpochAugmentation { rng, is_strong: true, ..self.epoch(seed, epoch) }
    }
}

/// An [`Augmentation`] in one epoch. Each instance has its own draw, whatever batch or thread it is prepared in.
#[derive(Clone, Debug)]
pub struct EpochAugmentation {
    augmentation: Augmentation,
    rng: ChaCha8Rng,
    first_mirrors: ChaCha8Rng,
    is_even: bool,
    is_strong: bool,
}

impl EpochAugmentation {
    /// Whether it does more than shift and mirror.
    pub fn is_strong(&self) -> bool {
        self.is_strong
    }

    /// How each of some instances is shifted and mirrored, packed as `down + 256 right + 65536 mirror`; shifts are counted from the
    /// farthest to the top and left. For callers that prepare images in another place than [`crate::prepare`].
    pub fn packed(&self, instances: &[u32]) -> Vec<u32> {
        let pack = |&instance: &u32| {
            let Change { down, right, mirror } = self.draw(instance).0;
            down as u32 | (right as u32) << 8 | u32::from(mirror) << 16
        };
        instances.par_iter().with_min_len(256).map(pack).collect()
    }

    /// The largest shift.
    pub fn shift(&self) -> usize {
        usize::from(self.augmentation.shift)
    }

    /// What a shift moves in.
    pub fn edge(&self) -> Edge {
        self.augmentation.edge
    }

    /// The change of an image, and the random numbers that its draw has left.
    fn draw(&self, instance: u32) -> (Change, ChaCha8Rng) {
        let of_instance = |rng: &ChaCha8Rng| {
            let mut rng = rng.clone();
            rng.set_stream(u64::from(instance));
            rng
        };
        let mut rng = of_instance(&self.rng);
        let n_shifts = 2 * u32::from(self.augmentation.shift) + 1;
        let (down, right) =
            (rng::below(&mut rng, n_shifts) as usize, rng::below(&mut rng, n_shifts) as usize);
        let mirror = match self.augmentation.mirror {
            Mirror::Never => false,
            Mirror::Random => rng::below(&mut rng, 2) == 1,
            Mirror::Alternate => (rng::below(&mut of_instance(&self.first_mirrors), 2) == 1) != self.is_even,
        };
        (Change { down, right, mirror }, rng)
    }
}

/// How one image is shifted and mirrored. Shifts are counted from the farthest to the top and left: `0` is `-shift`.
#[derive(Clone, Copy, Default)]
struct Change {
    down: usize,
    right: usize,
    mirror: bool,
}

const UNCHANGED: Augmentation = Augmentation { shift: 0, edge: Edge::Repeat, mirror: Mirror::Never };

/// [`crate::prepare`] for images.
pub(crate) fn prepare_images(
    images: &Images,
    instances: &[u32],
    augmentation: Option<&EpochAugmentation>,
    normalization: &Normalization,
    out: &mut [f32],
) -> Result<(), DataError> {
    let image_len = images.image_len();
    check_instances(instances, images.len())?;
    check_buffer(out.len(), instances.len(), image_len)?;
    images.will_need(instances);
    let rows = Rows::new(images, augmentation.map(|epoch| epoch.augmentation), normalization)?;
    out.par_chunks_exact_mut(image_len)
        .zip(instances)
        .with_min_len(32) // a task takes long enough to be worth handing to another thread
        .for_each(|(out, &instance)| {
            let image = images.image(instance);
            match augmentation.map(|epoch| (epoch.draw(instance), epoch.is_strong)) {
                None => rows.write(image, Change::default(), out),
                Some(((change, _), false)) => rows.write(image, change, out),
                Some(((change, mut rng), true)) => rows.write_strong(image, change, &mut rng, out),
            }
        });
    Ok(())
}

/// What all images of a call share: where the values of a row come from, and how a byte becomes a value.
struct Rows<'a> {
    images: &'a Images,
    shift: usize,
    edge: Edge,
    sources: Vec<Vec<u32>>, // [mirrored, horizontal shift][width * channel]: positions in the row of the image
    scale: Vec<f32>,        // [width * channel]
    offset: Vec<f32>,       // [width * channel]
}

impl<'a> Rows<'a> {
    fn new(
        images: &'a Images,
        augmentation: Option<Augmentation>,
        normalization: &Normalization,
    ) -> Result<Self, DataError> {
        let [_, width, channels] = images.shape();
        check_channels(channels, normalization.mean().len())?;
        let (scale, offset) = normalization.of_bytes();
        let Augmentation { shift, edge, mirror } = augmentation.unwrap_or(UNCHANGED);
        let shift = usize::from(shift);
        let mirrors: &[bool] = if mirror == Mirror::Never { &[false] } else { &[false, true] };
        let changes = mirrors.iter().flat_map(|&mirror| (0..=2 * shift).map(move |right| (mirror, right)));
        Ok(Self {
            images,
            shift,
            edge,
            sources: changes
                .map(|(mirror, right)| {
                    sources([width, channels], mirror, |x| unshifted(x, right, shift, width, edge))
                })
                .collect(),
            scale: scale.repeat(width),
            offset: offset.repeat(width),
        })
    }

    /// Writes one image: `image` and `out` are `[height, width, channel]`.
    fn write(&self, image: &[u8], change: Change, out: &mut [f32]) {
        for (row, out, sources) in self.of_change(image, change, out) {
            let values = sources.iter().zip(&self.scale).zip(&self.offset);
            for (out, ((&source, scale), offset)) in out.iter_mut().zip(values) {
                *out = f32::from(row[source as usize]) * scale + offset;
            }
        }
    }

    /// Writes the strong view of an image whose operations come from `rng`.
    fn write_strong(&self, image: &[u8], change: Change, rng: &mut ChaCha8Rng, out: &mut [f32]) {
        let shape @ [height, width, _] = self.images.shape();
        let mut bytes = vec![0; image.len()];
        for (row, out, sources) in self.of_change(image, change, &mut bytes) {
            out.iter_mut().zip(sources).for_each(|(out, &source)| *out = row[source as usize]);
        }
        for operation in strong::draw(rng, [height, width]) {
            operation.apply(&mut bytes, shape);
        }
        for (out, bytes) in out.chunks_exact_mut(self.scale.len()).zip(bytes.chunks_exact(self.scale.len())) {
            let values = bytes.iter().zip(&self.scale).zip(&self.offset);
            for (out, ((&byte, scale), offset)) in out.iter_mut().zip(values) {
                *out = f32::from(byte) * scale + offset;
            }
        }
    }

    /// For each row of `out` the row of the image that it comes from, and the source of each of its values there.
    fn of_change<'b, T>(
        &'b self,
        image: &'b [u8],
        change: Change,
        out: &'b mut [T],
    ) -> impl Iterator<Item = (&'b [u8], &'b mut [T], &'b [u32])> {
        let height = self.images.shape()[0];
        let row_len = self.scale.len();
        let n_shifts = 2 * self.shift + 1;
        let sources = &self.sources[usize::from(change.mirror) * n_shifts + change.right][..];
        out.chunks_exact_mut(row_len).enumerate().map(move |(y, out)| {
            let row = &image[unshifted(y, change.down, self.shift, height, self.edge) * row_len..][..row_len];
            (row, out, sources)
        })
    }
}

/// The position of each value of a changed row in the row of the image, `[width * channel]`.
fn sources([width, channels]: [usize; 2], mirror: bool, unshifted: impl Fn(usize) -> usize) -> Vec<u32> {
    let columns = (0..width).map(|x| if mirror { width - 1 - x } else { x });
    let columns = columns.map(unshifted);
    columns.flat_map(|x| (0..channels).map(move |channel| (x * channels + channel) as u32)).collect()
}

/// The position that comes to `position` when shifted by `by - shift`, which is smaller than `len`.
fn unshifted(position: usize, by: usize, shift: usize, len: usize, edge: Edge) -> usize {
    let (place, last) = (position + shift, len - 1);
    match edge {
        Edge::Repeat => place.saturating_sub(by).min(last),
        Edge::Reflect => {
            let inside = place.abs_diff(by);
            if place >= by && inside > last { (2 * last).saturating_sub(inside) } else { inside.min(last) }
        }
    }
}

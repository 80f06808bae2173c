//! Images that are stored on a GPU as bytes, and are augmented and normalized there.

use candle_core::{DType, Device, Result, Tensor, bail};

/// Images `[image, height, width, channel]` on a GPU, one byte for each value.
pub struct ImageStore {
    n_images: usize,
    shape: [usize; 3],
    #[cfg(feature = "cuda")]
    images: crate::cuda::images::CudaImages,
}

/// Which images, and what happens to them.
#[derive(Clone, Copy, Debug)]
pub struct Changes<'a> {
    /// Positions of the images.
    pub instances: &'a [u32],
    /// For each of them `down + 256 right + 65536 mirror`: shifts counted from the farthest to the top and left, and
    /// whether left and right change places.
    pub packed: &'a [u32],
    /// The largest shift; pixels at the edge are repeated.
    pub shift: usize,
    /// A byte `b` of channel `c` becomes `b scale[c] + offset[c]`.
    pub scale: &'a [f32],
    /// `[channel]`.
    pub offset: &'a [f32],
}

impl ImageStore {
    /// Copies images to a GPU. Returns `None` for another device.
    ///
    /// # Errors
    /// When the bytes are not those of images of this shape, or the GPU has no room for them.
    pub fn new(bytes: &[u8], shape: [usize; 3], device: &Device) -> Result<Option<Self>> {
        let image_len: usize = shape.iter().product();
        if image_len == 0 || !bytes.len().is_multiple_of(image_len) {
            bail!("{} bytes are not images of shape {shape:?}", bytes.len());
        }
        match device {
            #[cfg(feature = "cuda")]
            Device::Cuda(device) => {
                let images = crate::cuda::images::CudaImages::new(bytes, shape, device)?;
                Ok(Some(Self { n_images: bytes.len() / image_len, shape, images }))
            }
            _ => Ok(None),
        }
    }

    /// Images as a network sees them, `[instance, height, width, channel]` in `f32` or `bf16`.
    ///
    /// # Errors
    /// When there is no such image, the arguments do not fit each other, or the GPU refuses.
    pub fn prepare(&self, changes: &Changes<'_>, dtype: DType) -> Result<Tensor> {
        let [.., channels] = self.shape;
        if changes.packed.len() != changes.instances.len()
            || [changes.scale.len(), changes.offset.len()] != [channels; 2]
        {
            bail!("images of shape {:?} need a change for each, and a scale for each channel", self.shape);
        }
        if let Some(instance) = changes.instances.iter().find(|&&instance| instance as usize >= self.n_images)
        {
            bail!("there is no image {instance} among {}", self.n_images);
        }
        self.on_gpu(changes, dtype)
    }

    #[cfg(feature = "cuda")]
    fn on_gpu(&self, changes: &Changes<'_>, dtype: DType) -> Result<Tensor> {
        self.images.prepare(changes, dtype)
    }

    #[cfg(not(feature = "cuda"))]
    #[expect(clippy::unused_self, reason = "without CUDA there is no such store")]
    fn on_gpu(&self, _: &Changes<'_>, _: DType) -> Result<Tensor> {
        bail!("this program was built without CUDA")
    }
}

impl std::fmt::Debug for ImageStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ImageStore")
            .field("n_images", &self.n_images)
            .field("shape", &self.shape)
            .finish_non_exhaustive()
    }
}

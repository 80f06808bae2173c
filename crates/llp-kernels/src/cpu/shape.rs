//! The extents of a convolution.

use candle_core::{Result, bail};

/// The extents of a convolution over NHWC images, all at least 1 but the padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConvShape {
    /// Images.
    pub images: usize,
    /// Rows of an input image.
    pub height: usize,
    /// Columns of an input image.
    pub width: usize,
    /// Channels of an input pixel.
    pub c_in: usize,
    /// Channels of an output pixel.
    pub c_out: usize,
    /// Rows of the kernel.
    pub kernel_height: usize,
    /// Columns of the kernel.
    pub kernel_width: usize,
    /// Distance of neighbouring output pixels in the input.
    pub stride: usize,
    /// Rows and columns of zeros on every side of the input.
    pub padding: usize,
}

impl ConvShape {
    /// Whether there is such a convolution.
    ///
    /// # Errors
    /// When an extent is zero or the kernel does not fit the padded image.
    pub fn check(&self) -> Result<()> {
        let Self { images, height, width, c_in, c_out, kernel_height, kernel_width, stride, padding } = *self;
        if [images, height, width, c_in, c_out, kernel_height, kernel_width, stride].contains(&0) {
            bail!("conv2d: no extent may be zero, got {self:?}");
        }
        if height + 2 * padding < kernel_height || width + 2 * padding < kernel_width {
            bail!(
                "conv2d: a {kernel_height}x{kernel_width} kernel does not fit {height}x{width} with padding {padding}"
            );
        }
        Ok(())
    }

    /// Rows of an output image.
    pub fn out_height(&self) -> usize {
        (self.height + 2 * self.padding - self.kernel_height) / self.stride + 1
    }

    /// Columns of an output image.
    pub fn out_width(&self) -> usize {
        (self.width + 2 * self.padding - self.kernel_width) / self.stride + 1
    }

    /// Output pixels of one image.
    pub fn out_pixels(&self) -> usize {
        self.out_height() * self.out_width()
    }

    /// Numbers of one input image.
    pub fn in_len(&self) -> usize {
        self.height * self.width * self.c_in
    }

    /// Numbers of one output image.
    pub fn out_len(&self) -> usize {
        self.out_pixels() * self.c_out
    }

    /// Numbers of the weight.
    pub fn weight_len(&self) -> usize {
        self.c_out * self.c_in * self.kernel_height * self.kernel_width
    }
}

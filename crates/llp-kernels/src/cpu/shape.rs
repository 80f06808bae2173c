//! The extents of a convolution.

/// The extents of one convolution. Images are NHWC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvShape {
    pub images: usize,
    pub height: usize,
    pub width: usize,
    pub c_in: usize,
    pub c_out: usize,
    pub kernel_height: usize,
    pub kernel_width: usize,
    pub stride: usize,
    pub padding: usize,
}

impl ConvShape {
    pub fn out_height(&self) -> usize {
        (self.height + 2 * self.padding - self.kernel_height) / self.stride + 1
    }

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

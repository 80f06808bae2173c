//! The patch matrix of a convolution ("im2col") in NHWC, and its adjoint.

use std::ops::Range;

/// The extents of one convolution. Images are NHWC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ConvShape {
    pub(crate) images: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) c_in: usize,
    pub(crate) c_out: usize,
    pub(crate) kernel_height: usize,
    pub(crate) kernel_width: usize,
    pub(crate) stride: usize,
    pub(crate) padding: usize,
}

impl ConvShape {
    pub(crate) fn out_height(&self) -> usize {
        (self.height + 2 * self.padding - self.kernel_height) / self.stride + 1
    }

    pub(crate) fn out_width(&self) -> usize {
        (self.width + 2 * self.padding - self.kernel_width) / self.stride + 1
    }

    /// Output pixels of one image.
    pub(crate) fn out_pixels(&self) -> usize {
        self.out_height() * self.out_width()
    }

    /// Numbers of one input image.
    pub(crate) fn in_len(&self) -> usize {
        self.height * self.width * self.c_in
    }

    /// Length of one patch, in the order kernel row, kernel column, channel.
    pub(crate) fn patch_len(&self) -> usize {
        self.kernel_height * self.kernel_width * self.c_in
    }

    /// True where the patch matrix is the input itself.
    pub(crate) fn is_pointwise(&self) -> bool {
        self.kernel_height == 1 && self.kernel_width == 1 && self.stride == 1 && self.padding == 0
    }

    /// Visits the pieces of the patches of output pixels `pixels` (counted over the images of `x`), in the
    /// patch matrix's order: `visit(patch offset, input offset, length)`, with no input where padding lies.
    fn for_each_piece(&self, pixels: Range<usize>, mut visit: impl FnMut(usize, Option<usize>, usize)) {
        let row_len = self.kernel_width * self.c_in;
        let (out_width, out_pixels) = (self.out_width(), self.out_pixels());
        let mut patch = 0;
        for pixel in pixels {
            let (image, within) = (pixel / out_pixels, pixel % out_pixels);
            let top = (within / out_width * self.stride) as isize - self.padding as isize;
            let left = (within % out_width * self.stride) as isize - self.padding as isize;
            // The columns of the kernel that fall inside the image are the same for every kernel row.
            let skip = (-left).clamp(0, self.kernel_width as isize) as usize;
            let inside =
                (self.width as isize - left).clamp(skip as isize, self.kernel_width as isize) as usize;
            for kernel_row in 0..self.kernel_height {
                let y = top + kernel_row as isize;
                if y < 0 || y >= self.height as isize || inside == skip {
                    visit(patch, None, row_len);
                } else {
                    let x = (left + skip as isize) as usize;
                    let input = ((image * self.height + y as usize) * self.width + x) * self.c_in;
                    if skip > 0 {
                        visit(patch, None, skip * self.c_in);
                    }
                    visit(patch + skip * self.c_in, Some(input), (inside - skip) * self.c_in);
                    if inside < self.kernel_width {
                        visit(patch + inside * self.c_in, None, (self.kernel_width - inside) * self.c_in);
                    }
                }
                patch += row_len;
            }
        }
    }

    /// Writes the patches of `pixels` into `patches`, row-major `[pixel, patch]`; `x` holds whole images.
    pub(crate) fn gather(&self, x: &[f32], pixels: Range<usize>, patches: &mut [f32]) {
        self.for_each_piece(pixels, |patch, input, len| match input {
            Some(input) => patches[patch..patch + len].copy_from_slice(&x[input..input + len]),
            None => patches[patch..patch + len].fill(0.0),
        });
    }

    /// The adjoint of [`ConvShape::gather`]: adds every patch to the pixels that it was taken from.
    pub(crate) fn scatter_add(&self, patches: &[f32], pixels: Range<usize>, x: &mut [f32]) {
        self.for_each_piece(pixels, |patch, input, len| {
            if let Some(input) = input {
                for (x, value) in x[input..input + len].iter_mut().zip(&patches[patch..patch + len]) {
                    *x += value;
                }
            }
        });
    }
}

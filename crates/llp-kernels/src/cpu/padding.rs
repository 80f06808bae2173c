//! Images with a border of zeros.

/// Extents of NHWC images and of the border around each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Border {
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) channels: usize,
    pub(crate) top: usize,
    pub(crate) left: usize,
    pub(crate) bottom: usize,
    pub(crate) right: usize,
}

impl Border {
    pub(crate) fn padded_height(&self) -> usize {
        self.top + self.height + self.bottom
    }

    pub(crate) fn padded_width(&self) -> usize {
        self.left + self.width + self.right
    }

    /// Numbers of one image with its border.
    pub(crate) fn padded_len(&self) -> usize {
        self.padded_height() * self.padded_width() * self.channels
    }

    /// Distance of neighbouring rows with their borders.
    pub(crate) fn row_stride(&self) -> usize {
        self.padded_width() * self.channels
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.top + self.left + self.bottom + self.right == 0
    }

    /// Writes images and borders into `padded`.
    pub(crate) fn pad(&self, images: &[f32], padded: &mut [f32]) {
        let row_len = self.width * self.channels;
        let (left, above) = (self.left * self.channels, self.top * self.row_stride());
        for (image, padded) in
            images.chunks_exact(self.height * row_len).zip(padded.chunks_exact_mut(self.padded_len()))
        {
            let (border, padded) = padded.split_at_mut(above);
            border.fill(0.0);
            let (rows, border) = padded.split_at_mut(self.height * self.row_stride());
            border.fill(0.0);
            for (row, padded) in image.chunks_exact(row_len).zip(rows.chunks_exact_mut(self.row_stride())) {
                padded[..left].fill(0.0);
                padded[left..left + row_len].copy_from_slice(row);
                padded[left + row_len..].fill(0.0);
            }
        }
    }
}

//! Loops over NHWC data that treat every channel alike.
//!
//! With few channels the natural inner loop is too short to vectorize, so a channel vector is repeated until
//! it spans at least [`MIN_WIDTH`] numbers and the data is walked in rows of that width.

const MIN_WIDTH: usize = 64;

/// Numbers per parallel piece of work: 64 KiB, which stays in the caches between two passes.
const CHUNK_LEN: usize = 16_384;

/// How the channels repeat along a row.
#[derive(Clone, Copy)]
pub(crate) struct Lanes {
    channels: usize,
    width: usize,
}

impl Lanes {
    pub(crate) fn new(channels: usize) -> Self {
        Self { channels, width: channels * MIN_WIDTH.div_ceil(channels) }
    }

    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// Length of one parallel chunk, a multiple of the width.
    pub(crate) fn chunk_len(&self) -> usize {
        self.width * (CHUNK_LEN / self.width).max(1)
    }

    /// One value per channel, repeated along the width.
    pub(crate) fn repeat(&self, per_channel: &[f32]) -> Vec<f32> {
        assert_eq!(per_channel.len(), self.channels, "one value per channel");
        per_channel.iter().copied().cycle().take(self.width).collect()
    }

    /// Sums a row of partial sums into one value per channel.
    pub(crate) fn fold(&self, row: &[f32]) -> Vec<f64> {
        let mut sums = vec![0.0; self.channels];
        for lane in row.chunks_exact(self.channels) {
            for (sum, value) in sums.iter_mut().zip(lane) {
                *sum += f64::from(*value);
            }
        }
        sums
    }
}

//! The types of activations.

/// The type of the numbers of an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// Single precision.
    F32,
    /// The upper half of it.
    Bf16,
}

impl Kind {
    /// Both kinds.
    #[cfg(test)]
    pub(super) const ALL: [Self; 2] = [Self::F32, Self::Bf16];

    /// Bytes of a number.
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::Bf16 => 2,
        }
    }

    /// The end of the names of its kernels.
    pub(super) fn suffix(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
        }
    }
}

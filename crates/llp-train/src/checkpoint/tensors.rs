//! A file of tensors, looked at before any of it is believed.

use safetensors::{Dtype, SafeTensorError, SafeTensors};

/// What can be wrong with a file of tensors.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TensorFault {
    /// Lengths, offsets and shapes in the header do not fit each other or the file.
    #[error("{0}")]
    Header(#[from] SafeTensorError),
    /// Numbers of a type that no checkpoint has.
    #[error("the tensor {name:?} has type {got:?}, expected F32, or I64 for a counter")]
    Type {
        /// The tensor.
        name: String,
        /// Its type.
        got: Dtype,
    },
}

/// The tensors of a file, each inside it, and as many bytes as its shape says.
///
/// # Errors
/// [`TensorFault`]; nothing is allocated beyond the size of the header.
pub(crate) fn open(bytes: &[u8]) -> Result<SafeTensors<'_>, TensorFault> {
    let file = SafeTensors::deserialize(bytes)?;
    let is_ours = |dtype| matches!(dtype, Dtype::F32 | Dtype::I64);
    let mut other: Vec<_> = file.iter().filter(|(_, view)| !is_ours(view.dtype())).collect();
    other.sort_by_key(|(name, _)| *name);
    match other.first() {
        None => Ok(file),
        Some((name, view)) => Err(TensorFault::Type { name: (*name).to_owned(), got: view.dtype() }),
    }
}

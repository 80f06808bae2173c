//! The machine and the shell that `llp` runs in.

pub(crate) mod completions;
pub(crate) mod doctor;

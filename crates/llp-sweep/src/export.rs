//! Finished runs in the formats of other programs.

pub mod card;
pub mod protobuf;
pub mod tensorboard;

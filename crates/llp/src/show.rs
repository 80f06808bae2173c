//! What has been trained, for people and for other programs.

pub(crate) mod export;
mod insight;
pub(crate) mod report;
pub(crate) mod upload;
pub(crate) mod watch;

//! Arguments that several commands share.

pub(crate) mod bag_column;
pub(crate) mod config;
pub(crate) mod device;
pub(crate) mod epoch;

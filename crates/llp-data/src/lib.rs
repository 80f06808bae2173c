//! From files to typed columns and pixels. Nothing here knows of bags.
//!
//! - [`table`] reads CSV, Parquet and NumPy files by one interface: batches of typed columns, with a bitmap of the cells
//!   that are missing; and writes tables.
//! - [`Pictures`] decodes images, in files or in cells, and puts them on top of each other; [`cache`] keeps them decoded.
//! - [`shards`] (the layout of the Hugging Face hub), [`npz`] and [`cifar`] read whole data sets of labelled images, an
//!   [`ImageSet`].
//! - [`hub`] fetches such data sets, and weights of networks, into the cache that the hub's own tools share.
//!
//! Every failure is a [`DataError`]: where in which file, what is wrong, and what helps.
//!
//! The feature `table` adds what needs other crates than those of archives, the feature `hub` the hub.

#[cfg(feature = "table")]
pub mod cache;
pub mod cifar;
mod error;
#[cfg(feature = "table")]
pub mod files;
#[cfg(feature = "hub")]
pub mod hub;
mod image_set;
mod images;
mod labels;
#[cfg(feature = "table")]
mod memory;
mod note;
#[cfg(feature = "table")]
mod npy_header;
#[cfg(feature = "table")]
pub mod npz;
#[cfg(feature = "table")]
mod open;
#[cfg(feature = "table")]
mod picture;
#[cfg(feature = "table")]
pub mod shards;
mod shared;
#[cfg(feature = "table")]
mod spill;
#[cfg(feature = "table")]
pub mod table;

pub use error::{Cause, DataError, Place, is_mistake, listed};
pub use image_set::{ImageSet, LabeledImages, is_sign};
pub use images::Images;
pub use labels::Labels;
#[cfg(feature = "table")]
pub use memory::{reserve, set_available_memory};
pub use note::DataNote;
#[cfg(feature = "table")]
pub use picture::{Encoded, Fit, PictureFacts, Pictures, ReadImages};
pub use shared::Shared;
#[cfg(feature = "table")]
pub use spill::{Block, Sequence, Spill};

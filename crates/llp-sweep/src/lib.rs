//! Grids of training runs on disk: configuration, run directories, executors, results and figures.
//!
//! A *run* is one training with one complete [`RunConfig`](config::RunConfig); a *sweep* is the grid of runs that a
//! [`Sweep`](grid::Sweep) file describes. This crate knows everything about them except how to train: it never
//! sees an image, a network or a tensor.
//!
//! The design in three sentences. Each run has a directory whose name contains a hash of its configuration, and the
//! files in it are the only truth about the run: no index, no database, no server. Every file is complete or absent
//! ([`write_atomically`]), so any process may be killed at any moment, and the same command goes on from where the
//! files are. Everything above single runs (state counts, tables, figures) is derived from the directories and can be
//! deleted.
//!
//! From bottom to top:
//!
//! - [`config`]: presets, layers of settings, errors that name file and line, the hash;
//! - [`record`], [`run_dir`], [`claim`]: what a run writes, and the right of one process to write it;
//! - [`grid`], [`sweep_dir`]: from a sweep file to a plan of cells;
//! - [`filter`], [`control`]: choosing cells, and cancelling them or trying them again;
//! - [`executor`]: runs the cells of a plan in child processes;
//! - [`prune`]: holding back runs that are behind;
//! - [`forecast`]: what a sweep will cost;
//! - [`estimate`], [`status`], [`collect`], [`select`], [`report`]: what came out of it; [`export`]: the same for other
//!   programs.
//!
//! Host, process number, environment and arguments are received as values, so that tests can supply their own.

mod atomic;
pub mod bag_sizes;
pub mod claim;
pub mod collect;
pub mod config;
pub mod control;
pub mod criterion;
pub mod differences;
mod error;
pub mod estimate;
pub mod executor;
pub mod export;
pub mod filter;
pub mod forecast;
pub mod grid;
pub mod prune;
pub mod record;
pub mod report;
pub mod run_dir;
pub mod select;
pub mod status;
pub mod sweep_dir;

pub use atomic::{AtomicFile, sync_folder, write_atomically};
pub use error::SweepError;

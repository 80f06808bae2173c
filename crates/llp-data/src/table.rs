//! Tables from other programs, read in batches of typed columns; and tables for them.
//!
//! The ending of the file's name says what it is:
//!
//! | ending | content |
//! |---|---|
//! | `.csv`, `.tsv` | a header line, then a line per row; cells between commas, else semicolons or tabs; quotes as in RFC 4180 |
//! | `.parquet` | a flat schema: text, booleans, integers, floating point numbers, decimals; lists of numbers of one length are as many columns, `NAME[0]`, `NAME[1]` and so on |
//! | `.npy` | a one-dimensional structured array with named fields (those of several numbers are as many columns), or a plain matrix `[row, column]` whose first columns are the identifying ones and whose others have no names |
//!
//! Identifiers are text, unchanged except for spaces around it. Numbers become text: those of Parquet and NumPy files
//! that are whole become their decimal digits, so 3 and 3.0 name the same thing as the text `3`.

mod batch;
mod csv;
mod error;
mod half;
mod head;
mod matrix;
pub mod names;
pub(crate) mod npy;
mod parquet;
mod reader;
mod write;

pub use batch::{Batch, Cell, Column, Exact, Lines};
pub use head::{ColumnHead, Format, Head, Kind};
pub use matrix::Table;
pub use parquet::is_guarded;
pub use reader::{Batches, TableReader};
pub use write::{CellType, Cells, TableFormat, TableWriter, encode};

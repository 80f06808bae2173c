//! Tables written row by row, or as a whole.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use ::csv::Writer;
use ::parquet::basic::{Compression, LogicalType, Repetition, Type as PhysicalType};
use ::parquet::data_type::{ByteArray, ByteArrayType, DoubleType};
use ::parquet::errors::ParquetError;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::schema::types::Type;

use crate::DataError;

/// The cells of a column.
#[derive(Debug, Clone, PartialEq)]
pub enum Cells {
    /// Text.
    Text(Vec<String>),
    /// Numbers.
    Numbers(Vec<f64>),
}

/// What the cells of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellType {
    /// Text.
    Text,
    /// Numbers.
    Numbers,
}

impl Cells {
    /// What they are.
    pub(crate) fn cell_type(&self) -> CellType {
        match self {
            Self::Text(_) => CellType::Text,
            Self::Numbers(_) => CellType::Numbers,
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Text(cells) => cells.len(),
            Self::Numbers(cells) => cells.len(),
        }
    }
}

/// A format that tables are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableFormat {
    /// A header line, then a line per row; numbers have the fewest digits that read back to the same bits.
    Csv,
    /// An object per row, on a line of its own; infinities and NaN become `null`.
    JsonLines,
    /// Snappy-compressed, a row group for every call of [`TableWriter::write`].
    Parquet,
}

impl TableFormat {
    /// The format that the ending of a file's name asks for: `.csv`, `.jsonl` or `.parquet`.
    ///
    /// # Errors
    /// Another ending.
    pub fn of(path: &Path) -> Result<Self, DataError> {
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("csv") => Ok(Self::Csv),
            Some("jsonl") => Ok(Self::JsonLines),
            Some("parquet") => Ok(Self::Parquet),
            _ => Err(DataError::of(
                path,
                "cannot be written, expected a name that ends with .csv, .jsonl or .parquet",
            )),
        }
    }
}

/// A table that grows by some rows at a time, which need not stay in memory.
///
/// ```
/// use llp_data::table::{CellType, Cells, TableFormat, TableWriter};
///
/// let columns = [("name".to_owned(), CellType::Text), ("p".to_owned(), CellType::Numbers)];
/// let mut table = TableWriter::new(Vec::new(), TableFormat::Csv, &columns)?;
/// table.write(&[Cells::Text(vec!["a".to_owned()]), Cells::Numbers(vec![0.5])])?;
/// assert_eq!(table.finish()?, b"name,p\na,0.5\n");
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct TableWriter<W: Write + Send> {
    names: Vec<String>,
    sink: Sink<W>,
}

enum Sink<W: Write + Send> {
    Csv(Box<Writer<W>>),
    JsonLines(W),
    Parquet(Box<SerializedFileWriter<W>>),
}

impl<W: Write + Send> TableWriter<W> {
    /// A table without rows.
    ///
    /// # Errors
    /// Whatever writing to `out` answers.
    pub fn new(out: W, format: TableFormat, columns: &[(String, CellType)]) -> io::Result<Self> {
        let names: Vec<String> = columns.iter().map(|(name, _)| name.clone()).collect();
        let sink = match format {
            TableFormat::Csv => {
                let mut writer = Writer::from_writer(out);
                writer.write_record(&names).map_err(csv_error)?;
                Sink::Csv(Box::new(writer))
            }
            TableFormat::JsonLines => Sink::JsonLines(out),
            TableFormat::Parquet => {
                let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
                let schema = schema(columns).map_err(io_error)?;
                let writer = SerializedFileWriter::new(out, schema, Arc::new(properties));
                Sink::Parquet(Box::new(writer.map_err(io_error)?))
            }
        };
        Ok(Self { names, sink })
    }

    /// Adds rows: `columns` are of equal length and of the types given to [`new`](Self::new), in their order.
    ///
    /// # Errors
    /// Whatever the sink answers, and in Parquet columns of another type.
    pub fn write(&mut self, columns: &[Cells]) -> io::Result<()> {
        match &mut self.sink {
            Sink::Csv(writer) => write_csv(writer, columns).map_err(csv_error),
            Sink::JsonLines(out) => write_json(out, &self.names, columns),
            Sink::Parquet(writer) => write_parquet(writer, columns).map_err(io_error),
        }
    }

    /// Ends the table and gives back what it was written to, flushed.
    ///
    /// # Errors
    /// Whatever the sink answers.
    pub fn finish(self) -> io::Result<W> {
        let mut out = match self.sink {
            Sink::Csv(writer) => writer.into_inner().map_err(::csv::IntoInnerError::into_error)?,
            Sink::JsonLines(out) => out,
            Sink::Parquet(writer) => writer.into_inner().map_err(io_error)?,
        };
        out.flush()?;
        Ok(out)
    }
}

/// The bytes of a table with these named columns of equal length, as the file that the ending of `path` asks for
/// ([`TableFormat::of`]). Nothing is written.
///
/// # Errors
/// Another ending; whatever the format cannot hold.
pub fn encode(path: &Path, columns: &[(String, Cells)]) -> Result<Vec<u8>, DataError> {
    let format = TableFormat::of(path)?;
    let whole = || -> io::Result<Vec<u8>> {
        let types: Vec<_> = columns.iter().map(|(name, cells)| (name.clone(), cells.cell_type())).collect();
        let mut writer = TableWriter::new(Vec::new(), format, &types)?;
        let cells: Vec<Cells> = columns.iter().map(|(_, cells)| cells.clone()).collect();
        writer.write(&cells)?;
        writer.finish()
    };
    whole().map_err(|error| DataError::of(path, error.to_string()))
}

fn n_rows(columns: &[Cells]) -> usize {
    columns.first().map_or(0, Cells::len)
}

fn write_csv(writer: &mut Writer<impl Write>, columns: &[Cells]) -> Result<(), ::csv::Error> {
    for row in 0..n_rows(columns) {
        for cells in columns {
            match cells {
                Cells::Text(cells) => writer.write_field(&cells[row])?,
                Cells::Numbers(cells) => writer.write_field(shortest(cells[row]))?,
            }
        }
        writer.write_record(None::<&[u8]>)?;
    }
    writer.flush().map_err(Into::into)
}

/// Whole numbers without a fraction, tiny and huge ones with an exponent.
fn shortest(number: f64) -> String {
    if number.fract() == 0.0 && number.abs() < 1e15 { number.to_string() } else { format!("{number:?}") }
}

fn write_json(out: &mut impl Write, names: &[String], columns: &[Cells]) -> io::Result<()> {
    for row in 0..n_rows(columns) {
        for (place, (name, cells)) in names.iter().zip(columns).enumerate() {
            out.write_all(if place == 0 { b"{" } else { b"," })?;
            serde_json::to_writer(&mut *out, name)?;
            out.write_all(b":")?;
            match cells {
                Cells::Text(cells) => serde_json::to_writer(&mut *out, &cells[row])?,
                Cells::Numbers(cells) => serde_json::to_writer(&mut *out, &cells[row])?,
            }
        }
        out.write_all(b"}\n")?;
    }
    Ok(())
}

fn write_parquet(
    writer: &mut SerializedFileWriter<impl Write + Send>,
    columns: &[Cells],
) -> Result<(), ParquetError> {
    let mut group = writer.next_row_group()?;
    for cells in columns {
        let Some(mut column) = group.next_column()? else { break };
        match cells {
            Cells::Text(cells) => {
                let cells: Vec<ByteArray> = cells.iter().map(|cell| cell.as_str().into()).collect();
                column.typed::<ByteArrayType>().write_batch(&cells, None, None)?;
            }
            Cells::Numbers(cells) => {
                column.typed::<DoubleType>().write_batch(cells, None, None)?;
            }
        }
        column.close()?;
    }
    group.close()?;
    Ok(())
}

fn schema(columns: &[(String, CellType)]) -> Result<Arc<Type>, ParquetError> {
    let fields = columns.iter().map(|(name, cell_type)| Ok(Arc::new(field(name, *cell_type)?)));
    let fields = fields.collect::<Result<_, ParquetError>>()?;
    Ok(Arc::new(Type::group_type_builder("table").with_fields(fields).build()?))
}

fn field(name: &str, cell_type: CellType) -> Result<Type, ParquetError> {
    let (physical, logical) = match cell_type {
        CellType::Text => (PhysicalType::BYTE_ARRAY, Some(LogicalType::String)),
        CellType::Numbers => (PhysicalType::DOUBLE, None),
    };
    Type::primitive_type_builder(name, physical)
        .with_logical_type(logical)
        .with_repetition(Repetition::REQUIRED)
        .build()
}

/// The error of the sink, if it was one.
fn csv_error(error: ::csv::Error) -> io::Error {
    match error.into_kind() {
        ::csv::ErrorKind::Io(error) => error,
        kind => io::Error::other(format!("{kind:?}")),
    }
}

/// The error of the sink, if it was one.
fn io_error(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(source) => match source.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(source) => io::Error::other(source),
        },
        error => io::Error::other(error),
    }
}

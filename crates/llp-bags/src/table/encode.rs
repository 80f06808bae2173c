//! Tables as bytes of a CSV or Parquet file.

use std::path::Path;
use std::sync::Arc;

use ::csv::Writer;
use ::parquet::basic::{Compression, LogicalType, Repetition, Type as PhysicalType};
use ::parquet::data_type::{ByteArray, ByteArrayType, DoubleType};
use ::parquet::errors::ParquetError;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::schema::types::Type;

use super::TableError;

/// The cells of a column.
#[derive(Debug, Clone, PartialEq)]
pub enum Cells {
    /// Text.
    Text(Vec<String>),
    /// Numbers.
    Numbers(Vec<f64>),
}

/// The bytes of a table with these named columns of equal length, as the file that the ending of `path` asks for
/// (`.csv`, `.parquet`). Nothing is written.
///
/// In CSV, numbers have the fewest digits that read back to the same bits.
///
/// # Errors
/// Another ending; whatever the format cannot hold.
pub fn encode(path: &Path, columns: &[(String, Cells)]) -> Result<Vec<u8>, TableError> {
    let refused = |message: String| TableError::Format { path: path.to_owned(), message };
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("csv") => csv(columns).map_err(|error| refused(error.to_string())),
        Some("parquet") => parquet(columns).map_err(|error| refused(error.to_string())),
        _ => Err(TableError::OutputEnding { path: path.to_owned() }),
    }
}

fn csv(columns: &[(String, Cells)]) -> Result<Vec<u8>, ::csv::Error> {
    let mut writer = Writer::from_writer(Vec::new());
    writer.write_record(columns.iter().map(|(name, _)| name))?;
    let n_rows = columns.first().map_or(0, |(_, cells)| cells.len());
    for row in 0..n_rows {
        for (_, cells) in columns {
            match cells {
                Cells::Text(cells) => writer.write_field(&cells[row])?,
                Cells::Numbers(cells) => writer.write_field(shortest(cells[row]))?,
            }
        }
        writer.write_record(None::<&[u8]>)?;
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}

/// Whole numbers without a fraction, tiny and huge ones with an exponent.
fn shortest(number: f64) -> String {
    if number.fract() == 0.0 && number.abs() < 1e15 { number.to_string() } else { format!("{number:?}") }
}

fn parquet(columns: &[(String, Cells)]) -> Result<Vec<u8>, ParquetError> {
    let fields = columns.iter().map(|(name, cells)| Ok(Arc::new(field(name, cells)?)));
    let fields = fields.collect::<Result<_, ParquetError>>()?;
    let schema = Arc::new(Type::group_type_builder("table").with_fields(fields).build()?);
    let properties = Arc::new(WriterProperties::builder().set_compression(Compression::SNAPPY).build());
    let mut bytes = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut bytes, schema, properties)?;
    let mut group = writer.next_row_group()?;
    for (_, cells) in columns {
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
    writer.close()?;
    Ok(bytes)
}

fn field(name: &str, cells: &Cells) -> Result<Type, ParquetError> {
    let (physical, logical) = match cells {
        Cells::Text(_) => (PhysicalType::BYTE_ARRAY, Some(LogicalType::String)),
        Cells::Numbers(_) => (PhysicalType::DOUBLE, None),
    };
    Type::primitive_type_builder(name, physical)
        .with_logical_type(logical)
        .with_repetition(Repetition::REQUIRED)
        .build()
}

impl Cells {
    fn len(&self) -> usize {
        match self {
            Self::Text(cells) => cells.len(),
            Self::Numbers(cells) => cells.len(),
        }
    }
}

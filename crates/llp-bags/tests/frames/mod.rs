//! Tables of typed columns, as data frames write them.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DoubleType, FixedLenByteArray, FixedLenByteArrayType, Int32Type,
    Int64Type,
};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::parser::parse_message_type;

/// A column with its Parquet type, such as `int64` or `int32` with `(INTEGER(32,false))`.
#[derive(Debug, Clone)]
pub(crate) enum Column {
    Integers(Vec<i64>),
    /// Without a sign, of 32 bits.
    Unsigned(Vec<u32>),
    Reals(Vec<Option<f64>>),
    Truths(Vec<bool>),
    Texts(Vec<String>),
    /// Integers that count hundredths.
    Hundredths(Vec<i64>),
    /// The bits of floating point numbers of 16 bits.
    Halves(Vec<u16>),
    /// Days since 1970.
    Days(Vec<i32>),
    /// Lists of numbers.
    Lists(Vec<Vec<f64>>),
}

pub(crate) type Frame = Vec<(&'static str, Column)>;

impl Column {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Integers(cells) | Self::Hundredths(cells) => cells.len(),
            Self::Unsigned(cells) => cells.len(),
            Self::Reals(cells) => cells.len(),
            Self::Truths(cells) => cells.len(),
            Self::Texts(cells) => cells.len(),
            Self::Halves(cells) => cells.len(),
            Self::Days(cells) => cells.len(),
            Self::Lists(cells) => cells.len(),
        }
    }

    fn parquet_type(&self, name: &str) -> String {
        match self {
            Self::Integers(_) => format!("optional int64 {name};"),
            Self::Unsigned(_) => format!("optional int32 {name} (INTEGER(32,false));"),
            Self::Reals(_) => format!("optional double {name};"),
            Self::Truths(_) => format!("optional boolean {name};"),
            Self::Texts(_) => format!("optional binary {name} (STRING);"),
            Self::Hundredths(_) => format!("optional int64 {name} (DECIMAL(18,2));"),
            Self::Halves(_) => format!("optional fixed_len_byte_array(2) {name} (FLOAT16);"),
            Self::Days(_) => format!("optional int32 {name} (DATE);"),
            Self::Lists(_) => {
                format!(
                    "optional group {name} (LIST) {{ repeated group list {{ optional double element; }} }}"
                )
            }
        }
    }

    fn write(&self, mut column: SerializedColumnWriter<'_>) {
        let all = vec![1; self.len()];
        match self {
            Self::Integers(cells) | Self::Hundredths(cells) => {
                column.typed::<Int64Type>().write_batch(cells, Some(&all), None)
            }
            Self::Unsigned(cells) => {
                let cells: Vec<i32> = cells.iter().map(|&cell| cell.cast_signed()).collect();
                column.typed::<Int32Type>().write_batch(&cells, Some(&all), None)
            }
            Self::Reals(cells) => {
                let levels: Vec<i16> = cells.iter().map(|cell| i16::from(cell.is_some())).collect();
                let cells: Vec<f64> = cells.iter().flatten().copied().collect();
                column.typed::<DoubleType>().write_batch(&cells, Some(&levels), None)
            }
            Self::Truths(cells) => column.typed::<BoolType>().write_batch(cells, Some(&all), None),
            Self::Texts(cells) => {
                let cells: Vec<ByteArray> = cells.iter().map(|cell| cell.as_str().into()).collect();
                column.typed::<ByteArrayType>().write_batch(&cells, Some(&all), None)
            }
            Self::Halves(cells) => {
                let cell = |cell: &u16| FixedLenByteArray::from(cell.to_le_bytes().to_vec());
                let cells: Vec<FixedLenByteArray> = cells.iter().map(cell).collect();
                column.typed::<FixedLenByteArrayType>().write_batch(&cells, Some(&all), None)
            }
            Self::Days(cells) => column.typed::<Int32Type>().write_batch(cells, Some(&all), None),
            Self::Lists(cells) => {
                let starts = |row: &Vec<f64>| (0..row.len()).map(|at| i16::from(at > 0)).collect::<Vec<_>>();
                let repetitions: Vec<i16> = cells.iter().flat_map(starts).collect();
                let levels = vec![3; repetitions.len()];
                column.typed::<DoubleType>().write_batch(&cells.concat(), Some(&levels), Some(&repetitions))
            }
        }
        .unwrap();
        column.close().unwrap();
    }

    fn csv_cell(&self, row: usize) -> String {
        match self {
            Self::Integers(cells) => cells[row].to_string(),
            Self::Unsigned(cells) => cells[row].to_string(),
            Self::Reals(cells) => cells[row].map_or_else(String::new, |cell| format!("{cell:?}")),
            Self::Truths(cells) => (if cells[row] { "True" } else { "False" }).to_owned(),
            Self::Texts(cells) => cells[row].clone(),
            Self::Hundredths(cells) => {
                let (sign, size) = (if cells[row] < 0 { "-" } else { "" }, cells[row].unsigned_abs());
                format!("{sign}{}.{:02}", size / 100, size % 100)
            }
            Self::Halves(_) | Self::Days(_) | Self::Lists(_) => unreachable!("no test writes it as text"),
        }
    }

    fn npy_type(&self) -> String {
        match self {
            Self::Integers(_) => "'<i8'".to_owned(),
            Self::Unsigned(_) => "'>u4'".to_owned(),
            Self::Reals(_) => "'<f8'".to_owned(),
            Self::Truths(_) => "'|b1'".to_owned(),
            Self::Texts(cells) => {
                format!("'<U{}'", cells.iter().map(|cell| cell.chars().count()).max().unwrap_or(0).max(1))
            }
            Self::Halves(_) => "'<f2'".to_owned(),
            Self::Lists(cells) => format!("'<f8', ({},)", cells[0].len()),
            Self::Days(_) => "'<M8[D]'".to_owned(),
            Self::Hundredths(_) => unreachable!("NumPy has no decimals"),
        }
    }

    fn npy_cell(&self, row: usize, bytes: &mut Vec<u8>) {
        match self {
            Self::Integers(cells) | Self::Hundredths(cells) => bytes.extend(cells[row].to_le_bytes()),
            Self::Unsigned(cells) => bytes.extend(cells[row].to_be_bytes()),
            Self::Reals(cells) => bytes.extend(cells[row].unwrap_or(f64::NAN).to_le_bytes()),
            Self::Truths(cells) => bytes.push(u8::from(cells[row])),
            Self::Texts(cells) => {
                let width = cells.iter().map(|cell| cell.chars().count()).max().unwrap_or(0).max(1);
                let letters = cells[row].chars().map(u32::from).chain(std::iter::repeat(0)).take(width);
                letters.for_each(|letter| bytes.extend(letter.to_le_bytes()));
            }
            Self::Halves(cells) => bytes.extend(cells[row].to_le_bytes()),
            Self::Lists(cells) => cells[row].iter().for_each(|number| bytes.extend(number.to_le_bytes())),
            Self::Days(cells) => bytes.extend(i64::from(cells[row]).to_le_bytes()),
        }
    }
}

/// Writes a frame as the ending of `path` says; `index` is a column of row numbers, as pandas writes one into Parquet.
pub(crate) fn write(path: &Path, frame: &Frame, index: Option<&str>) {
    let n_rows = frame[0].1.len();
    match path.extension().unwrap().to_str().unwrap() {
        "parquet" => {
            let rows = index.map(|name| (name, Column::Integers((0..n_rows as i64).rev().collect())));
            let columns: Vec<(&str, &Column)> = frame.iter().map(|(name, column)| (*name, column)).collect();
            let columns: Vec<_> =
                columns.into_iter().chain(rows.iter().map(|(name, column)| (*name, column))).collect();
            write_parquet(path, &columns, index);
        }
        "npy" => write_npy(path, frame, n_rows),
        _ => {
            let mut text = frame.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(",") + "\n";
            for row in 0..n_rows {
                let cells: Vec<String> = frame.iter().map(|(_, column)| column.csv_cell(row)).collect();
                writeln!(text, "{}", cells.join(",")).unwrap();
            }
            fs_err::write(path, text).unwrap();
        }
    }
}

fn write_parquet(path: &Path, columns: &[(&str, &Column)], index: Option<&str>) {
    let types: String = columns.iter().map(|(name, column)| column.parquet_type(name)).collect();
    let schema = Arc::new(parse_message_type(&format!("message schema {{ {types} }}")).unwrap());
    let pandas = index.map(|name| {
        vec![KeyValue::new("pandas".to_owned(), format!(r#"{{"index_columns": ["{name}"], "columns": []}}"#))]
    });
    let properties = WriterProperties::builder().set_key_value_metadata(pandas).build();
    let file = fs_err::File::create(path).unwrap();
    let mut writer = SerializedFileWriter::new(file, schema, Arc::new(properties)).unwrap();
    let mut group = writer.next_row_group().unwrap();
    for (_, column) in columns {
        column.write(group.next_column().unwrap().unwrap());
    }
    group.close().unwrap();
    writer.close().unwrap();
}

fn write_npy(path: &Path, frame: &Frame, n_rows: usize) {
    let fields: Vec<String> =
        frame.iter().map(|(name, column)| format!("('{name}', {})", column.npy_type())).collect();
    let header =
        format!("{{'descr': [{}], 'fortran_order': False, 'shape': ({n_rows},), }}\n", fields.join(", "));
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    for row in 0..n_rows {
        for (_, column) in frame {
            column.npy_cell(row, &mut bytes);
        }
    }
    fs_err::write(path, bytes).unwrap();
}

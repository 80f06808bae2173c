//! Which columns of a CSV file are numbers: a look at all cells before they are kept, or at the first ones.

use std::path::Path;

use llp_data::table::{Cell, Kind, TableReader};
use llp_data::{DataError, Place};

use super::roles::{Role, roles};

/// The kind of each column of the file: text if no format declares otherwise and most cells are no numbers; cells that
/// stand for an unknown number do not count.
///
/// # Errors
/// The first cell that is no number in a column whose cells mostly are.
pub(super) fn kinds(path: &Path) -> Result<Vec<Kind>, DataError> {
    let (reader, mut kinds, open) = undeclared(path)?;
    let names = reader.head().names();
    let mut counts = vec![Counts::default(); open.len()];
    for batch in reader.batches(&open)? {
        let batch = batch?;
        for (counts, column) in counts.iter_mut().zip(batch.columns()) {
            column.cells().enumerate().for_each(|(row, cell)| counts.add(cell, || batch.place(row)));
        }
    }
    for (column, counts) in open.into_iter().zip(counts) {
        kinds[column] = counts.kind();
        if let (Kind::Reals, Some((place, got))) = (&kinds[column], counts.first_text) {
            let problem = format!("is {got:?}, but {} of its cells are numbers", counts.n_numbers);
            let error = DataError::at(place.clone(), problem).in_column(&names[column]);
            return Err(
                error.remedy("write a number, or drop the row; categories must not look like numbers")
            );
        }
    }
    Ok(kinds)
}

/// An open table, the kinds that it declares, and the columns of features of which it declares none.
fn undeclared(path: &Path) -> Result<(TableReader, Vec<Kind>, Vec<usize>), DataError> {
    let reader = TableReader::open(path)?;
    let roles = roles(path, reader.head())?;
    let kinds: Vec<Kind> = reader.head().columns.iter().map(|column| column.kind.clone()).collect();
    let is_open = |column: &usize| roles[*column] == Role::Feature && kinds[*column] == Kind::Undeclared;
    let open = (0..kinds.len()).filter(is_open).collect();
    Ok((reader, kinds, open))
}

/// The kinds that the first rows suggest, if they are clear: every column has numbers or texts alone, and none that stand
/// for something unknown. Whether later rows agree is to be seen: [`is_text`].
///
/// # Errors
/// The file cannot be read.
pub(super) fn likely_kinds(path: &Path) -> Result<Option<Vec<Kind>>, DataError> {
    let (reader, mut kinds, open) = undeclared(path)?;
    let Some(batch) = reader.batches(&open)?.next().transpose()? else { return Ok(None) };
    for (column, at) in batch.columns().iter().zip(open) {
        let mut counts = Counts::default();
        column.cells().enumerate().for_each(|(row, cell)| counts.add(cell, || batch.place(row)));
        kinds[at] = match (counts.n_numbers > 0, counts.n_texts > 0, counts.n_truths + counts.n_unknown) {
            (true, false, 0) => Kind::Reals,
            (false, true, 0) => Kind::Text,
            _ => return Ok(None),
        };
    }
    Ok(Some(kinds))
}

/// Whether a text can be nothing but the text of a category.
pub(super) fn is_text(text: &str) -> bool {
    let cell = Cell::Text(text);
    cell.exact(true).is_none() && !cell.stands_for_missing()
}

#[derive(Default, Clone)]
struct Counts {
    n_numbers: usize,
    n_truths: usize,
    n_texts: usize,
    n_unknown: usize,
    first_text: Option<(Place, String)>,
}

impl Counts {
    fn add(&mut self, cell: Cell<'_>, place: impl Fn() -> Place) {
        if cell.stands_for_missing() {
            self.n_unknown += 1;
        } else if cell.number().is_some() {
            self.n_numbers += 1;
        } else if cell != Cell::Empty {
            let count = if cell.truth().is_some() { &mut self.n_truths } else { &mut self.n_texts };
            *count += 1;
            self.first_text.get_or_insert_with(|| (place(), cell.shown()));
        }
    }

    /// Truth values alone are whole numbers, 0 and 1, as in other formats; else the majority decides.
    fn kind(&self) -> Kind {
        let n_others = self.n_texts + self.n_truths;
        let has_texts_alone =
            self.n_numbers == 0 && (self.n_texts > 0 || (n_others == 0 && self.n_unknown > 0));
        if has_texts_alone || (self.n_numbers > 0 && n_others > self.n_numbers) {
            Kind::Text
        } else if self.n_numbers == 0 && self.n_truths > 0 {
            Kind::Integers
        } else {
            Kind::Reals
        }
    }
}

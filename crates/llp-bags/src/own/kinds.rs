//! Which columns of a CSV file are numbers: a look at all cells before they are kept.

use std::path::Path;

use super::OwnError;
use super::roles::{Role, roles};
use crate::table::Place;
use crate::table::scan::{Cell, Head, Kind, Sink, scan};

/// The kind of each column of the file: text if no format declares otherwise and most cells are no numbers; cells that
/// stand for an unknown number do not count.
///
/// # Errors
/// [`OwnError::Mixed`] with the first cell that is no number in a column whose cells mostly are.
pub(super) fn kinds(path: &Path) -> Result<Vec<Kind>, OwnError> {
    let mut scanned = KindCounts { path, names: vec![], kinds: vec![], counts: vec![] };
    scan(path, &mut scanned)?;
    scanned.decide()
}

struct KindCounts<'a> {
    path: &'a Path,
    names: Vec<String>,
    kinds: Vec<Kind>,
    counts: Vec<Counts>, // [column]
}

#[derive(Default, Clone)]
struct Counts {
    n_numbers: usize,
    n_truths: usize,
    n_texts: usize,
    n_unknown: usize,
    first_text: Option<(usize, String)>, // its row
}

impl Sink for KindCounts<'_> {
    type Error = OwnError;

    fn head(&mut self, head: &Head) -> Result<Vec<usize>, OwnError> {
        self.names = head.names();
        self.kinds = head.columns.iter().map(|column| column.kind.clone()).collect();
        self.counts = vec![Counts::default(); self.names.len()];
        let roles = roles(self.path, head)?;
        let is_open =
            |column: &usize| roles[*column] == Role::Feature && self.kinds[*column] == Kind::Undeclared;
        Ok((0..self.names.len()).filter(is_open).collect())
    }

    fn cell(&mut self, column: usize, row: usize, cell: Cell<'_>) -> Result<(), OwnError> {
        let counts = &mut self.counts[column];
        if cell.stands_for_missing() {
            counts.n_unknown += 1;
        } else if cell.number().is_some() {
            counts.n_numbers += 1;
        } else if cell != Cell::Empty {
            let count = if cell.truth().is_some() { &mut counts.n_truths } else { &mut counts.n_texts };
            *count += 1;
            counts.first_text.get_or_insert_with(|| (row, cell.shown()));
        }
        Ok(())
    }
}

impl Counts {
    /// Truth values alone are numbers, 0 and 1, as in other formats; else the majority decides.
    fn kind(&self) -> Kind {
        let n_others = self.n_texts + self.n_truths;
        let has_texts_alone =
            self.n_numbers == 0 && (self.n_texts > 0 || (n_others == 0 && self.n_unknown > 0));
        if has_texts_alone || (self.n_numbers > 0 && n_others > self.n_numbers) {
            Kind::Text
        } else {
            Kind::Numbers
        }
    }
}

impl KindCounts<'_> {
    fn decide(self) -> Result<Vec<Kind>, OwnError> {
        let mut kinds = self.kinds;
        for (column, counts) in self.counts.into_iter().enumerate() {
            if kinds[column] != Kind::Undeclared {
                continue;
            }
            kinds[column] = counts.kind();
            let are_truths = counts.n_numbers == 0 && counts.n_texts == 0;
            if let (Kind::Numbers, false, Some((row, got))) = (&kinds[column], are_truths, counts.first_text)
            {
                let place = Place { path: self.path.to_owned(), row: row as u64 + 1 };
                let (column, n_numbers) = (self.names[column].clone(), counts.n_numbers);
                return Err(OwnError::Mixed { place, column, got, n_numbers });
            }
        }
        Ok(kinds)
    }
}

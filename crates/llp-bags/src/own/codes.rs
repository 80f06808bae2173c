//! Columns of text as numbers: every text is kept once.

use std::collections::HashMap;

use llp_data::table::names::whole_numbers;

/// The texts of a column, `[row]`, as places in a list of different texts.
#[derive(Debug, Default)]
pub(super) struct Codes {
    texts: Vec<String>, // in the order of their first rows
    places: HashMap<String, u32>,
    of_rows: Vec<u32>,
}

/// The code of an empty cell.
const EMPTY: u32 = u32::MAX;

impl Codes {
    pub(super) fn push(&mut self, text: Option<&str>) {
        let code = match text {
            None => EMPTY,
            Some(text) => match self.places.get(text) {
                Some(&code) => code,
                None => self.add(text),
            },
        };
        self.of_rows.push(code);
    }

    fn add(&mut self, text: &str) -> u32 {
        let code = self.texts.len() as u32;
        self.texts.push(text.to_owned());
        self.places.insert(text.to_owned(), code);
        code
    }

    /// The same texts, but that whole numbers have no fraction: see [`whole_numbers`].
    pub(super) fn with_whole_numbers(self) -> Self {
        let mut texts = self.texts.clone();
        whole_numbers(&mut texts);
        if texts == self.texts {
            return self;
        }
        let mut codes = Self::default();
        for &code in &self.of_rows {
            codes.push((code != EMPTY).then(|| texts[code as usize].as_str()));
        }
        codes
    }

    /// The different texts.
    pub(super) fn texts(&self) -> &[String] {
        &self.texts
    }

    /// The index of a row's text in [`texts`](Self::texts). Returns `None` if the cell is empty.
    pub(super) fn code(&self, row: usize) -> Option<usize> {
        let code = self.of_rows[row];
        (code != EMPTY).then_some(code as usize)
    }

    /// The text of a row.
    pub(super) fn text(&self, row: usize) -> Option<&str> {
        self.code(row).map(|code| self.texts[code].as_str())
    }

    pub(super) fn len(&self) -> usize {
        self.of_rows.len()
    }
}

//! A column of words of 64 bits, in memory, or in a file where memory does not hold them.

use std::sync::Arc;

use llp_data::{Block, DataError, Spill};

/// Rows that are taken together, at most.
pub(super) const BLOCK_LEN: usize = 1 << 12;
/// Values of all columns together that are taken at once, if one row has no more.
const N_VALUES_AT_ONCE: usize = 1 << 22;

/// Where the columns of a table keep their words.
#[derive(Clone)]
pub(super) struct Storage {
    spill: Option<Arc<Spill>>, // in memory without
    block_len: usize,
}

/// Words, `[row]`.
pub(super) struct Words {
    full: Vec<Block<u64>>,
    last: Vec<u64>,
    storage: Storage,
}

/// Rows of `n_values` that are taken at once: a power of two.
pub(super) fn rows_at_once(n_values: usize) -> usize {
    (N_VALUES_AT_ONCE / n_values.max(1)).clamp(1, BLOCK_LEN).next_power_of_two()
}

impl Storage {
    /// For tables that are in memory already.
    pub(super) fn in_memory() -> Self {
        Self { spill: None, block_len: BLOCK_LEN }
    }

    /// For a table of so many columns: in memory, or in a file if that takes too much of it.
    pub(super) fn of_table(n_columns: usize) -> Self {
        Self { spill: Some(Spill::new()), block_len: rows_at_once(n_columns) }
    }
}

impl Words {
    pub(super) fn new(storage: &Storage) -> Self {
        Self { full: vec![], last: vec![], storage: storage.clone() }
    }

    pub(super) fn len(&self) -> usize {
        self.full.len() * self.storage.block_len + self.last.len()
    }

    /// # Errors
    /// Memory, or the disk, is too short.
    pub(super) fn push(&mut self, word: u64) -> Result<(), DataError> {
        self.last.push(word);
        if self.last.len() == self.storage.block_len {
            let block = std::mem::take(&mut self.last);
            self.full.push(match &self.storage.spill {
                Some(spill) => spill.put(block)?,
                None => Block::Memory(block),
            });
        }
        Ok(())
    }

    /// The words of some rows, which are ascending.
    ///
    /// # Errors
    /// The file cannot be read.
    ///
    /// # Panics
    /// If there is no such row, as for a slice.
    pub(super) fn of_rows(&self, rows: &[u32]) -> Result<Vec<u64>, DataError> {
        debug_assert!(rows.is_sorted(), "a block is read once");
        let Storage { spill, block_len } = &self.storage;
        let mut words = Vec::with_capacity(rows.len());
        let (block_of, place) = (|row: u32| row as usize / block_len, |row: u32| row as usize % block_len);
        for rows in rows.chunk_by(|&one, &next| block_of(one) == block_of(next)) {
            let places = rows.iter().map(|&row| place(row));
            match (self.full.get(block_of(rows[0])), spill) {
                (Some(&Block::File(start)), Some(spill)) => {
                    let (first, last) = (place(rows[0]), place(rows[rows.len() - 1]));
                    let mut read = vec![0; last - first + 1];
                    spill.read(start, first, &mut read)?;
                    words.extend(places.map(|place| read[place - first]));
                }
                (Some(Block::Memory(block)), _) => words.extend(places.map(|place| block[place])),
                _ => words.extend(places.map(|place| self.last[place])),
            }
        }
        Ok(words)
    }
}

impl std::fmt::Debug for Words {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Words({})", self.len())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Any rows come back, in blocks of any length, in memory and in a file.
        #[test]
        fn rows_come_back(
            words in prop::collection::vec(any::<u64>(), 1..200),
            picked in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
            block_len in 1_usize..20,
            limit in 0..400_u64,
        ) {
            let folder = tempfile::tempdir().unwrap();
            let spill = Spill::within(limit, folder.path().to_owned());
            let storage = Storage { spill: Some(Arc::new(spill)), block_len };
            let mut column = Words::new(&storage);
            for &word in &words {
                column.push(word).unwrap();
            }
            prop_assert_eq!(column.len(), words.len());
            let mut rows: Vec<u32> = picked.iter().map(|index| index.index(words.len()) as u32).collect();
            rows.sort_unstable();
            let expected: Vec<u64> = rows.iter().map(|&row| words[row as usize]).collect();
            prop_assert_eq!(column.of_rows(&rows).unwrap(), expected);
        }
    }
}

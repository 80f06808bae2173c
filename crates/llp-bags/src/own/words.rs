//! A column of words of 64 bits, in memory, or in a file where memory does not hold them.

use std::sync::Arc;

use llp_data::{Block, DataError, Spill};

/// Words of a block. So many rows of all columns are in memory at least.
pub(super) const BLOCK_LEN: usize = 1 << 12;

/// Words, `[row]`.
pub(super) struct Words {
    full: Vec<Block<u64>>,
    last: Vec<u64>,
    spill: Option<Arc<Spill>>, // in memory without
}

impl Words {
    pub(super) fn new(spill: Option<&Arc<Spill>>) -> Self {
        Self { full: vec![], last: vec![], spill: spill.cloned() }
    }

    pub(super) fn len(&self) -> usize {
        self.full.len() * BLOCK_LEN + self.last.len()
    }

    /// # Errors
    /// Memory, or the disk, is too short.
    pub(super) fn push(&mut self, word: u64) -> Result<(), DataError> {
        self.last.push(word);
        if self.last.len() == BLOCK_LEN {
            let block = std::mem::take(&mut self.last);
            self.full.push(match &self.spill {
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
        let mut words = Vec::with_capacity(rows.len());
        let block_of = |row: u32| row as usize / BLOCK_LEN;
        for rows in rows.chunk_by(|&one, &next| block_of(one) == block_of(next)) {
            let block = block_of(rows[0]);
            let places = rows.iter().map(|&row| row as usize % BLOCK_LEN);
            match (self.full.get(block), &self.spill) {
                (Some(&Block::File(start)), Some(spill)) => {
                    let (first, last) =
                        (rows[0] as usize % BLOCK_LEN, rows[rows.len() - 1] as usize % BLOCK_LEN);
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

//! Numbers that memory does not hold, in a file.

use std::fs::File;
use std::io::{BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytemuck::Pod;

use crate::cache::{self, Cache, CacheEvent};
use crate::error::Cause;
use crate::{DataError, Shared, memory};

/// Decides for blocks of numbers, one after the other, whether they stay in memory, and writes the others to a file.
///
/// A quarter of the memory that there is stays for them. The file has no name, so it is gone when the program ends. It is
/// in the folder of the cache; without one, everything stays in memory, and more than there is gets refused.
pub struct Spill {
    folder: Option<PathBuf>,
    in_memory: u64, // bytes at most
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    n_bytes: u64, // that stay in memory
    file: Option<File>,
    len: u64, // of the file
}

/// Where a block is.
#[derive(Debug, Clone)]
pub enum Block<T> {
    /// In memory.
    Memory(Vec<T>),
    /// In the file, from this byte on.
    File(u64),
}

impl Spill {
    /// A quarter of memory, and the folder of the cache.
    pub fn new() -> Arc<Self> {
        let folder = cache::current().map(|cache| cache.folder().to_owned());
        Arc::new(Self::within(memory::available() / 4, folder))
    }

    /// So many bytes in memory, and all others in a file in `folder`.
    pub fn within(in_memory: u64, folder: Option<PathBuf>) -> Self {
        Self { folder, in_memory, state: Mutex::default() }
    }

    /// Takes a block.
    ///
    /// # Errors
    /// There is neither memory for it nor a file, or the file cannot be written.
    pub fn put<T: Pod>(&self, values: Vec<T>) -> Result<Block<T>, DataError> {
        let n_bytes = size_of_val(values.as_slice()) as u64;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = self.folder.as_ref().filter(|_| state.n_bytes + n_bytes > self.in_memory);
        if let Some(folder) = folder {
            return state.write(folder, &values).map(Block::File).map_err(|error| failed(folder, error));
        }
        if state.n_bytes + n_bytes > memory::available() {
            return Err(too_large());
        }
        state.n_bytes += n_bytes;
        Ok(Block::Memory(values))
    }

    /// Fills `out` with values of a block in the file, from the value `first` of the block on.
    ///
    /// # Errors
    /// The file cannot be read, or has no such values.
    pub fn read<T: Pod>(&self, start: u64, first: usize, out: &mut [T]) -> Result<(), DataError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (Some(file), Some(folder)) = (&mut state.file, &self.folder) else { return Ok(()) };
        let from = start + (first * size_of::<T>()) as u64;
        let read =
            file.seek(SeekFrom::Start(from)).and_then(|_| file.read_exact(bytemuck::cast_slice_mut(out)));
        read.map_err(|error| failed(folder, error))
    }
}

impl State {
    /// Writes values to the end of the file, and says where they begin.
    fn write<T: Pod>(&mut self, folder: &Path, values: &[T]) -> std::io::Result<u64> {
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                if let Some(cache) = cache::current() {
                    cache.tell(&CacheEvent::Spilling { folder });
                }
                none.insert(create(folder)?)
            }
        };
        let start = file.seek(SeekFrom::Start(self.len))?;
        file.write_all(bytemuck::cast_slice(values))?;
        self.len += size_of_val(values) as u64;
        Ok(start)
    }
}

/// Values one after the other, in memory, or in a file if they take more than a quarter of it.
pub struct Sequence<T>(Store<T>);

enum Store<T> {
    Memory(Vec<T>),
    File(BufWriter<File>, PathBuf),
}

impl<T: Pod> Sequence<T> {
    /// No value so far, and so many expected.
    ///
    /// # Errors
    /// There is neither memory for them nor a file.
    pub fn new(n_values: usize) -> Result<Self, DataError> {
        let n_bytes = (n_values * size_of::<T>()) as u64;
        let folder = cache::current().map(Cache::folder).filter(|_| n_bytes > memory::available() / 4);
        if let Some(folder) = folder {
            let file = create(folder).map_err(|error| failed(folder, error))?;
            return Ok(Self(Store::File(BufWriter::with_capacity(1 << 20, file), folder.to_owned())));
        }
        let mut values = vec![];
        let is_room = n_bytes <= memory::available() && values.try_reserve_exact(n_values).is_ok();
        if is_room { Ok(Self(Store::Memory(values))) } else { Err(too_large()) }
    }

    /// Takes the next values.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn extend(&mut self, values: &[T]) -> Result<(), DataError> {
        match &mut self.0 {
            Store::Memory(all) => {
                all.extend_from_slice(values);
                Ok(())
            }
            Store::File(file, folder) => {
                file.write_all(bytemuck::cast_slice(values)).map_err(|error| failed(folder, error))
            }
        }
    }

    /// All of them.
    ///
    /// # Errors
    /// They cannot be written, or the file cannot be mapped.
    pub fn finish(self) -> Result<Shared<T>, DataError> {
        match self.0 {
            Store::Memory(values) => Ok(values.into()),
            Store::File(file, folder) => {
                let file = file.into_inner().map_err(std::io::IntoInnerError::into_error);
                file.and_then(|file| Shared::map(&file)).map_err(|error| failed(&folder, error))
            }
        }
    }
}

fn create(folder: &Path) -> std::io::Result<File> {
    fs_err::create_dir_all(folder)?;
    tempfile::tempfile_in(folder)
}

fn failed(folder: &Path, error: std::io::Error) -> DataError {
    let problem = format!("numbers that memory does not hold cannot be kept here: {error}");
    DataError::of(folder, problem)
        .remedy("free some space, or choose another folder with --cache DIR")
        .because(Cause::Io(error))
}

fn too_large() -> DataError {
    let available = memory::shown(memory::available().into());
    DataError::new(format!("the table takes more memory than the {available} that are available"))
        .remedy("allow a file for what memory does not hold (--cache DIR), or use a machine with more memory")
        .because(Cause::Memory)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Blocks come back as they were, wherever they are, and those in memory stay within the limit as long as the file
        /// takes others.
        #[test]
        fn blocks_come_back(blocks in prop::collection::vec(prop::collection::vec(any::<u64>(), 1..9), 0..20), limit in 0..500_u64) {
            let folder = tempfile::tempdir().unwrap();
            let spill = Spill::within(limit, Some(folder.path().to_owned()));
            let put: Vec<_> = blocks.iter().map(|block| spill.put(block.clone()).unwrap()).collect();
            let mut in_memory = 0;
            for (block, put) in blocks.iter().zip(&put) {
                match put {
                    Block::Memory(values) => {
                        prop_assert_eq!(values, block);
                        in_memory += 8 * block.len() as u64;
                    }
                    Block::File(start) => for first in 0..block.len() {
                        let mut read = vec![0; block.len() - first];
                        spill.read(*start, first, &mut read).unwrap();
                        prop_assert_eq!(&read, &block[first..]);
                    },
                }
            }
            prop_assert!(in_memory <= limit);
        }
    }

    #[test]
    fn a_folder_of_no_use_is_named() {
        let folder = tempfile::tempdir().unwrap();
        fs_err::write(folder.path().join("file"), "").unwrap();
        let spill = Spill::within(0, Some(folder.path().join("file/below")));
        let message = spill.put(vec![1_u64]).unwrap_err().to_string();
        assert!(message.contains("file/below") && message.contains("--cache DIR"), "{message}");
    }
}

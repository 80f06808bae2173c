//! Numbers that memory does not hold, in files without a name.

use std::fs::File;
use std::io::{BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use bytemuck::Pod;

use crate::cache::{self, CacheEvent};
use crate::error::Cause;
use crate::memory::{self, Held};
use crate::{DataError, Shared};

/// Decides for blocks of numbers, one after the other, whether they stay in memory, and writes the others to a file.
///
/// A quarter of the memory that there is stays for them. The file has no name, so it is gone when the program ends. It is
/// in the folder of the cache; without one, everything stays in memory, and more than there is gets refused.
pub struct Spill {
    in_memory: u64, // bytes at most, as long as a file takes the others
    state: Mutex<State>,
}

struct State {
    folder: Option<Folder>,
    is_full: bool, // or of no use
    held: Held,
    n_bytes: u64, // that are held
    file: Option<File>,
    len: u64, // of the file
    is_synced: bool,
}

/// Where files without a name are.
#[derive(Clone)]
struct Folder {
    path: PathBuf,
    is_required: bool, // else memory takes its place
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
        Arc::new(Self::of(memory::available() / 4, Folder::of_cache()))
    }

    /// So many bytes in memory, and all others in a file in `folder`.
    pub fn within(in_memory: u64, folder: PathBuf) -> Self {
        Self::of(in_memory, Some(Folder { path: folder, is_required: true }))
    }

    fn of(in_memory: u64, folder: Option<Folder>) -> Self {
        let state = State {
            folder,
            is_full: false,
            held: Held::default(),
            n_bytes: 0,
            file: None,
            len: 0,
            is_synced: true,
        };
        Self { in_memory, state: Mutex::new(state) }
    }

    /// Takes a block.
    ///
    /// # Errors
    /// There is neither memory for it nor a file, or the file cannot be written.
    pub fn put<T: Pod>(&self, values: Vec<T>) -> Result<Block<T>, DataError> {
        let n_bytes = size_of_val(values.as_slice()) as u64;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let is_for_file = !state.is_full && state.n_bytes + n_bytes > self.in_memory;
        let folder = state.folder.clone().filter(|_| is_for_file);
        if let Some(folder) = folder {
            match state.write(&folder, &values) {
                Ok(start) => return Ok(Block::File(start)),
                Err(error) => folder.or_memory(error)?,
            }
            state.is_full = true;
        }
        if !state.held.grow(n_bytes) {
            return Err(memory::table_too_large());
        }
        state.n_bytes += n_bytes;
        Ok(Block::Memory(values))
    }

    /// Fills `out` with values of a block that begins at the byte `start` of the file, from the value `first` on.
    ///
    /// # Errors
    /// The file cannot be read, or has no such values.
    pub fn read<T: Pod>(&self, start: u64, first: usize, out: &mut [T]) -> Result<(), DataError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let from = start + (first * size_of::<T>()) as u64;
        let read = state.read(from, bytemuck::cast_slice_mut(out));
        read.map_err(|error| match &state.folder {
            Some(folder) => folder.failed(error),
            None => error.into(),
        })
    }
}

impl State {
    /// Writes values to the end of the file, and says where they begin.
    fn write<T: Pod>(&mut self, folder: &Folder, values: &[T]) -> Result<u64, DataError> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(folder.create()?),
        };
        let written = file.seek(SeekFrom::Start(self.len)).and_then(|start| {
            file.write_all(bytemuck::cast_slice(values))?;
            Ok(start)
        });
        let start = written.map_err(|error| folder.failed(error))?;
        self.len += size_of_val(values) as u64;
        self.is_synced = false;
        Ok(start)
    }

    fn read(&mut self, from: u64, out: &mut [u8]) -> std::io::Result<()> {
        let file = self.file.as_mut().ok_or(std::io::ErrorKind::NotFound)?;
        if !self.is_synced {
            // Some systems say only now that there was no space.
            file.sync_data()?;
            self.is_synced = true;
        }
        file.seek(SeekFrom::Start(from))?;
        file.read_exact(out)
    }
}

/// Values one after the other, in memory, or in a file if they take more than a quarter of it.
pub struct Sequence<T>(Store<T>);

enum Store<T> {
    Memory(Vec<T>, Held),
    File(BufWriter<File>, Folder),
}

impl<T: Pod> Sequence<T> {
    /// No value so far, and so many expected.
    ///
    /// # Errors
    /// There is neither memory for them nor a file.
    pub fn new(n_values: usize) -> Result<Self, DataError> {
        let n_bytes = (n_values * size_of::<T>()) as u64;
        let folder = Folder::of_cache().filter(|_| n_bytes > memory::available() / 4);
        if let Some(folder) = folder {
            match folder.create() {
                Ok(file) => return Ok(Self(Store::File(BufWriter::with_capacity(1 << 20, file), folder))),
                Err(error) => folder.or_memory(error)?,
            }
        }
        let (mut values, mut held) = (vec![], Held::default());
        let is_room = held.grow(n_bytes) && values.try_reserve_exact(n_values).is_ok();
        if is_room { Ok(Self(Store::Memory(values, held))) } else { Err(memory::table_too_large()) }
    }

    /// Takes the next values.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn extend(&mut self, values: &[T]) -> Result<(), DataError> {
        match &mut self.0 {
            Store::Memory(all, _) => {
                all.extend_from_slice(values);
                Ok(())
            }
            Store::File(file, folder) => {
                file.write_all(bytemuck::cast_slice(values)).map_err(|error| folder.failed(error))
            }
        }
    }

    /// All of them.
    ///
    /// # Errors
    /// They cannot be written, or the file cannot be mapped.
    pub fn finish(self) -> Result<Shared<T>, DataError> {
        match self.0 {
            Store::Memory(values, held) => Ok(Shared::holding(values, held)),
            Store::File(file, folder) => {
                let file = file.into_inner().map_err(std::io::IntoInnerError::into_error);
                let mapped = file.and_then(|file| {
                    file.sync_data()?;
                    Shared::map(&file)
                });
                mapped.map_err(|error| folder.failed(error))
            }
        }
    }
}

impl Folder {
    /// That of the cache, which must do if the user chose it.
    fn of_cache() -> Option<Self> {
        let cache = cache::current()?;
        Some(Self { path: cache.folder().to_owned(), is_required: cache.is_required() })
    }

    /// A new file there.
    fn create(&self) -> Result<File, DataError> {
        let path = self.path.as_path();
        let created = fs_err::create_dir_all(path).and_then(|()| tempfile::tempfile_in(path));
        let file = created.map_err(|error| self.failed(error))?;
        cache::tell(&CacheEvent::Spilling { folder: path });
        Ok(file)
    }

    /// Goes on in memory, with a warning, unless the folder must do.
    fn or_memory(&self, error: DataError) -> Result<(), DataError> {
        if self.is_required {
            return Err(error);
        }
        cache::tell(&CacheEvent::NotSpilling(&error));
        Ok(())
    }

    fn failed(&self, error: std::io::Error) -> DataError {
        let problem = format!("numbers of the table cannot be kept here: {error}");
        DataError::of(&self.path, problem)
            .remedy("free some space, or choose another folder with --cache DIR")
            .because(Cause::Io(error))
    }
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
            let spill = Spill::within(limit, folder.path().to_owned());
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
        let spill = Spill::within(0, folder.path().join("file/below"));
        let message = spill.put(vec![1_u64]).unwrap_err().to_string();
        assert!(message.contains("file/below") && message.contains("--cache DIR"), "{message}");
    }
}

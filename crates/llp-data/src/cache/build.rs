//! An entry in the making.

use std::fs::TryLockError;
use std::io::{BufWriter, Read as _, Write as _};
use std::path::Path;

use fs_err as fs;
use fs_err::File;

use super::entry::{self, Paths};
use super::{Cache, CacheEvent, Entry, Index, Key, Slot, failed};
use crate::error::Cause;
use crate::{DataError, Images, PictureFacts, memory};

/// Bytes that are written, or read again, at once; a multiple of every number of channels.
const BUFFER_LEN: usize = 3 << 18;

/// Takes the pixels of images one after the other, and makes an entry of them. Nothing is left of one that is dropped.
#[derive(Debug)]
pub(crate) struct Builder {
    cache: Cache,
    paths: Paths,
    source: String,
    _lock: File, // until the end: the system gives it back even if the program is killed
    file: Option<BufWriter<File>>,
    hasher: blake3::Hasher,
    n_bytes: u64,
    n_images: usize,
    n_expected: usize,
    is_of_tables: bool,
    is_kept: bool,
}

impl Builder {
    /// Waits until no other program makes the entry, which may have been made then.
    pub(super) fn start(cache: &Cache, key: &Key) -> Result<Slot, DataError> {
        let paths = Paths::of(&cache.folder, &key.name());
        let lock = lock(&paths.lock, || (cache.report)(&CacheEvent::Waiting)).map_err(failed)?;
        if let Some(entry) = Entry::open(&cache.folder, key, cache.report)? {
            return Ok(Slot::Found(entry));
        }
        let file = File::create(&paths.unfinished).map_err(failed)?;
        Ok(Slot::Empty(Box::new(Self {
            cache: cache.clone(),
            source: key.source().to_owned(),
            _lock: lock,
            file: Some(BufWriter::with_capacity(BUFFER_LEN, file)),
            hasher: blake3::Hasher::new(),
            n_bytes: 0,
            n_images: 0,
            n_expected: 0,
            is_of_tables: key.is_of_tables(),
            is_kept: true,
            paths,
        })))
    }

    /// Says how many images will come, before the first.
    ///
    /// # Errors
    /// There is too little space for them.
    pub(crate) fn expect(&mut self, n_images: usize, shape: [usize; 3]) -> Result<(), DataError> {
        self.n_expected = n_images;
        let n_bytes = u64::try_from(memory::needed(n_images, shape)).unwrap_or(u64::MAX);
        let path = self.paths.pixels.as_path();
        (self.cache.report)(&CacheEvent::Building { path, n_images, n_bytes });
        let free = free_space(&self.cache.folder).unwrap_or(u64::MAX);
        if n_bytes > free { Err(too_little_space(path, n_bytes, free)) } else { Ok(()) }
    }

    /// Takes the pixels of the next image.
    ///
    /// # Errors
    /// They cannot be written.
    pub(crate) fn push(&mut self, pixels: &[u8]) -> Result<(), DataError> {
        self.write(pixels).map_err(failed)?;
        self.n_images += 1;
        if self.n_images.is_multiple_of(256) {
            let (n_images, n_expected) = (self.n_images, self.n_expected);
            (self.cache.report)(&CacheEvent::Decoded { n_images, n_expected });
        }
        Ok(())
    }

    fn write(&mut self, pixels: &[u8]) -> std::io::Result<()> {
        self.hasher.update(pixels);
        self.n_bytes += pixels.len() as u64;
        self.file.as_mut().map_or(Ok(()), |file| file.write_all(pixels))
    }

    /// Says that some images are in files. If only tables name the entry, it is not kept.
    pub(crate) fn has_files(&mut self) {
        self.is_kept &= !self.is_of_tables;
    }

    /// The bytes so far.
    pub(crate) fn len(&self) -> usize {
        self.n_bytes as usize
    }

    /// Replaces all pixels so far by what `wide` makes of them, part by part.
    ///
    /// # Errors
    /// They cannot be read or written.
    pub(crate) fn widen(&mut self, wide: impl Fn(&[u8]) -> Vec<u8>) -> Result<(), DataError> {
        self.rewrite(wide).map_err(failed)
    }

    fn rewrite(&mut self, wide: impl Fn(&[u8]) -> Vec<u8>) -> std::io::Result<()> {
        let Some(file) = self.file.take() else { return Ok(()) };
        drop(file.into_inner().map_err(std::io::IntoInnerError::into_error)?);
        let mut narrow = File::open(&self.paths.unfinished)?;
        let file = File::create(&self.paths.wide)?;
        self.file = Some(BufWriter::with_capacity(BUFFER_LEN, file));
        let mut left = std::mem::take(&mut self.n_bytes);
        self.hasher.reset();
        let mut buffer = vec![0; BUFFER_LEN];
        while left > 0 {
            let part = &mut buffer[..BUFFER_LEN.min(left as usize)];
            narrow.read_exact(part)?;
            self.write(&wide(part))?;
            left -= part.len() as u64;
        }
        drop(narrow);
        fs::rename(&self.paths.wide, &self.paths.unfinished)?;
        Ok(())
    }

    /// The images, from the file.
    ///
    /// # Errors
    /// The entry cannot be written.
    pub(crate) fn finish(mut self, shape: [usize; 3], facts: PictureFacts) -> Result<Images, DataError> {
        let Some(file) = self.file.take() else { return Images::new(shape[0], shape[1], shape[2], vec![]) };
        let hash = self.hasher.finalize().to_hex().to_string();
        let image_len: usize = shape.iter().product();
        let n_images = self.len() / image_len;
        let index = Index { source: self.source.clone(), n_images, shape, hash, facts };
        let paths = &self.paths;
        let path = if self.is_kept { &paths.pixels } else { &paths.unfinished };
        let file = file.into_inner().map_err(std::io::IntoInnerError::into_error);
        let published =
            file.and_then(|file| if self.is_kept { publish(file, paths, &index) } else { Ok(()) });
        published.map_err(failed)?;
        entry::map(path, &index).ok_or_else(|| {
            DataError::of(path, "does not hold what was written")
                .remedy("look after the disk, or choose another folder with --cache DIR")
        })
    }
}

/// Nothing half-written is left, unless the program is killed: then the next one to make the entry writes over it.
impl Drop for Builder {
    fn drop(&mut self) {
        drop(self.file.take());
        for path in [&self.paths.unfinished, &self.paths.wide] {
            let _ = fs::remove_file(path);
        }
    }
}

/// Gives the pixels their name, and then the index, all of it on the disk.
fn publish(file: File, paths: &Paths, index: &Index) -> std::io::Result<()> {
    file.sync_all()?;
    drop(file);
    fs::rename(&paths.unfinished, &paths.pixels)?;
    let mut file = File::create(&paths.unfinished)?;
    file.write_all(&serde_json::to_vec(index)?)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&paths.unfinished, &paths.index)
}

/// Holds the file at `path` alone; `waits` is called if another program has it.
fn lock(path: &Path, waits: impl FnOnce()) -> std::io::Result<File> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let file = fs::OpenOptions::new().create(true).append(true).open(path)?;
    match file.file().try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            waits();
            file.file().lock()?;
        }
        Err(TryLockError::Error(error)) => return Err(error),
    }
    Ok(file)
}

/// Bytes that this program may still write to a folder. Returns `None` where the system does not say.
#[cfg(unix)]
fn free_space(folder: &Path) -> Option<u64> {
    let facts = rustix::fs::statvfs(folder).ok()?;
    Some(facts.f_bavail.saturating_mul(facts.f_frsize))
}

#[cfg(not(unix))]
fn free_space(_: &Path) -> Option<u64> {
    None
}

fn too_little_space(path: &Path, n_bytes: u64, free: u64) -> DataError {
    let (n_bytes, free) = (memory::shown(n_bytes.into()), memory::shown(free.into()));
    DataError::of(path, format!("decoded images take {n_bytes} here, but {free} are free"))
        .remedy("free some, use smaller images (--image-size), or choose another folder with --cache DIR")
        .because(Cause::Memory)
}

//! Files that are complete or absent, whatever happens while they are written.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Writes a file so that a reader sees the old content or the new, never a part of it, also after a power cut.
///
/// The bytes go to a temporary file in the same folder, which is synced, renamed over `path`, and made to last by
/// syncing the folder.
///
/// # Errors
/// Whatever the file system answers; then the old file is untouched and the temporary one removed.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = folder_of(path);
    write_aside(path, bytes)?.persist(path).map_err(|error| named(path, &error.error))?;
    sync_folder(folder)
}

/// As [`write_atomically`], but leaves a file that exists alone; whether there was none. Of several processes that do
/// this at once, one succeeds.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    match write_aside(path, bytes)?.persist_noclobber(path) {
        Ok(_) => sync_folder(folder_of(path)).map(|()| true),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(named(path, &error.error)),
    }
}

/// A file that grows aside and gets its name when it is whole; dropped before, nothing of it is left.
#[derive(Debug)]
pub struct AtomicFile {
    path: PathBuf,
    aside: tempfile::NamedTempFile,
}

impl AtomicFile {
    /// An empty file in the folder of `path`.
    ///
    /// # Errors
    /// Whatever the file system answers.
    pub fn create(path: &Path) -> io::Result<Self> {
        let aside = create_aside(path).map_err(|error| named(path, &error))?;
        Ok(Self { path: path.to_owned(), aside })
    }

    /// Gives the file its name, in place of what had it, and makes it last.
    ///
    /// # Errors
    /// Whatever the file system answers; then an old file is untouched.
    pub fn commit(self) -> io::Result<()> {
        let Self { path, aside } = self;
        aside.as_file().sync_all().map_err(|error| named(&path, &error))?;
        aside.persist(&path).map_err(|error| named(&path, &error.error))?;
        sync_folder(folder_of(&path))
    }
}

impl io::Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.aside.write(bytes).map_err(|error| named(&self.path, &error))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.aside.flush().map_err(|error| named(&self.path, &error))
    }
}

/// The bytes in a temporary file in the folder of `path`, synced.
fn write_aside(path: &Path, bytes: &[u8]) -> io::Result<tempfile::NamedTempFile> {
    let write = || {
        let mut file = create_aside(path)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        Ok(file)
    };
    write().map_err(|error: io::Error| named(path, &error))
}

fn create_aside(path: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".writing-");
    #[cfg(unix)]
    {
        // Without this only the owner could read the file; the process's umask still applies.
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder_of(path))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The error with the path that was meant: the name of the temporary file says nothing to anybody.
fn named(path: &Path, error: &io::Error) -> io::Error {
    let text = error.to_string();
    let cause = text.split(" at path ").next().unwrap_or_default();
    io::Error::new(error.kind(), format!("cannot write {}: {cause}", path.display()))
}

/// Makes renames and new files inside a folder last. Nothing to do where folders cannot be synced.
///
/// # Errors
/// The folder cannot be opened or synced.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { fs_err::File::open(folder)?.sync_all() } else { Ok(()) }
}

//! Files that are complete or absent, whatever happens while they are written.

use std::io::{self, Write as _};
use std::path::Path;

/// Writes a file so that a reader sees the old content or the new, never a part of it, also after a power cut.
///
/// The bytes go to a temporary file in the same folder, which is synced, renamed over `path`, and made to last by
/// syncing the folder.
///
/// # Errors
/// Whatever the file system answers; then the old file is untouched and the temporary one removed.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let named = |error: io::Error| {
        // The name of the temporary file says nothing to anybody.
        let text = error.to_string();
        let cause = text.split(" at path ").next().unwrap_or_default();
        io::Error::new(error.kind(), format!("cannot write {}: {cause}", path.display()))
    };

    let mut builder = tempfile::Builder::new();
    builder.prefix(".writing-");
    #[cfg(unix)]
    {
        // Without this only the owner could read the file; the process's umask still applies.
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(folder).map_err(named)?;
    file.write_all(bytes).map_err(named)?;
    file.as_file().sync_all().map_err(named)?;
    file.persist(path).map_err(|error| named(error.error))?;
    sync_folder(folder)
}

/// Makes renames and new files inside a folder last. Nothing to do where folders cannot be synced.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { fs_err::File::open(folder)?.sync_all() } else { Ok(()) }
}

//! `metrics.jsonl`: one line an epoch, whose last may be unfinished where a process was killed.

use std::io::{ErrorKind, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;

use super::RunDir;
use crate::atomic::write_atomically;
use crate::error::SweepError;
use crate::record::{self, EpochRecord};

impl RunDir {
    /// Adds an epoch to `metrics.jsonl` and makes it last.
    ///
    /// An unfinished line that a killed process left at the end is cut off first.
    ///
    /// # Errors
    /// The field, if a number is not finite.
    pub fn append_metrics(&self, record: &EpochRecord) -> Result<(), SweepError> {
        let line = record::to_json(record)? + "\n";
        let path = self.metrics_path();
        let mut file = fs_err::OpenOptions::new().write(true).create(true).truncate(false).open(&path)?;
        let complete = complete_lines(&fs_err::read(&path)?).len() as u64;
        file.set_len(complete)?;
        file.seek(SeekFrom::Start(complete))?;
        file.write_all(line.as_bytes())?;
        Ok(())
    }

    /// Makes the epochs so far last through a power cut; before a checkpoint, which counts on them. Waits for the disk.
    ///
    /// # Errors
    /// [`SweepError::Io`].
    pub fn sync_metrics(&self) -> Result<(), SweepError> {
        let path = self.metrics_path();
        if path.exists() {
            fs_err::OpenOptions::new().write(true).open(&path)?.sync_data()?;
        }
        Ok(())
    }

    /// Cuts `metrics.jsonl` back to the epochs up to `epoch`: those of the checkpoint that is resumed from.
    ///
    /// # Errors
    /// As [`RunDir::read_metrics`].
    pub fn truncate_metrics(&self, epoch: usize) -> Result<(), SweepError> {
        let mut kept = String::new();
        for record in self.read_metrics()?.iter().filter(|record| record.epoch <= epoch) {
            kept += &record::to_json(record)?;
            kept.push('\n');
        }
        Ok(write_atomically(&self.metrics_path(), kept.as_bytes())?)
    }

    /// The epochs so far. An unfinished last line, of a process that was killed, does not count.
    ///
    /// # Errors
    /// Any other line that is not a record.
    pub fn read_metrics(&self) -> Result<Vec<EpochRecord>, SweepError> {
        let path = self.metrics_path();
        let bytes = match fs_err::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            bytes => bytes?,
        };
        let lines = complete_lines(&bytes).split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let parse = |(index, line): (usize, &[u8])| {
            serde_json::from_slice(line).map_err(|error| SweepError::json(&path, index + 1, &error))
        };
        lines.enumerate().map(parse).collect()
    }

    /// Length of `metrics.jsonl`: changes with every epoch, and is cheap to look at.
    pub(crate) fn metrics_bytes(&self) -> u64 {
        fs_err::metadata(self.metrics_path()).map_or(0, |metadata| metadata.len())
    }

    /// When the last epoch was written, as the file system records it. Returns `None` before the first.
    pub fn last_epoch_at(&self) -> Option<std::time::SystemTime> {
        fs_err::metadata(self.metrics_path()).ok()?.modified().ok()
    }

    pub(super) fn metrics_path(&self) -> PathBuf {
        self.path.join("metrics.jsonl")
    }
}

/// The bytes up to and with the last line end.
fn complete_lines(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    &bytes[..end]
}

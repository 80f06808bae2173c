//! The cache of decoded images: where it is, what it tells, and `llp data cache`.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::Subcommand;
use llp_data::cache::{Cache, CacheEvent, Index, set_cache};
use llp_train::TrainError;

use crate::data::DataCommand;
use crate::environment::{cache_argument, print, print_json, set_cache_argument, tell};
use crate::failure::{Failure, code, usage};
use crate::train::progress::Style;
use crate::{Command, Global, Output};

/// Time between two lines on how far decoding is.
const LINE: Duration = Duration::from_secs(5);

/// When the last such line was written.
static LAST_LINE: Mutex<Option<Instant>> = Mutex::new(None);

/// Whether it was said that numbers go to a file: there may be one for columns, and others for rows.
static IS_SPILLING: AtomicBool = AtomicBool::new(false);

#[derive(Subcommand)]
pub(crate) enum CacheCommand {
    /// What is kept, the largest first, and where.
    List,
    /// Remove all of it.
    Clear,
}

/// The folder of the user's choice, else the usual one. Returns `None` if nothing is to be kept.
fn folder(chosen: Option<&Path>) -> Option<PathBuf> {
    match chosen {
        Some(folder) if folder == Path::new("none") => None,
        Some(folder) => Some(folder.to_owned()),
        None => dirs::cache_dir().map(|folder| folder.join("llp").join("images")),
    }
}

fn cache(global: Global, chosen: Option<&Path>) -> Option<Cache> {
    let is_silent = global.quiet || matches!(global.progress, Style::None);
    let report = if is_silent { |_: &CacheEvent<'_>| {} } else { report };
    let folder = folder(chosen)?;
    Some(if chosen.is_some() {
        Cache::for_all(folder, report)
    } else {
        Cache::for_large_data(folder, report)
    })
}

/// Sets the cache for this command and for programs that it starts. `llp data verify` reads the images themselves.
pub(crate) fn set(global: Global, chosen: Option<&Path>, command: &Command) {
    set_cache_argument(chosen);
    let Some(cache) = cache(global, chosen) else { return };
    let looks_itself = matches!(command, Command::Data { command: DataCommand::Verify(_) });
    set_cache(if looks_itself { cache.without_images() } else { cache });
}

fn report(event: &CacheEvent<'_>) {
    match event {
        CacheEvent::Found(index) => tell(&format!("{} from the cache", described(index))),
        CacheEvent::Waiting => tell("waiting for another program that decodes the same images"),
        CacheEvent::Building { path, n_images, n_bytes } => {
            tell(&format!("decoding {n_images} images into {}: {}", path.display(), mebibytes(*n_bytes)));
        }
        CacheEvent::Decoded { n_images, n_expected } if is_due() => {
            tell(&format!("decoded {n_images} of {n_expected} images"));
        }
        CacheEvent::Damaged(path) => {
            tell(&format!("warning: {} is damaged; its images are decoded again", path.display()));
        }
        CacheEvent::Spilling { folder } if !IS_SPILLING.swap(true, Ordering::Relaxed) => tell(&format!(
            "numbers of the table go to a file in {}: they take more than a quarter of memory",
            folder.display()
        )),
        CacheEvent::NotSpilling(error) => tell(&format!("warning: {error}; they stay in memory")),
        CacheEvent::Unused(error) => tell(&format!("warning: {error}; images are read into memory")),
        _ => {}
    }
}

fn is_due() -> bool {
    let Ok(mut last) = LAST_LINE.lock() else { return false };
    let is_due = last.get_or_insert_with(Instant::now).elapsed() >= LINE;
    if is_due {
        *last = Some(Instant::now());
    }
    is_due
}

fn described(index: &Index) -> String {
    let [height, width, channels] = index.shape;
    format!("{} images of {height}x{width}x{channels}", index.n_images)
}

fn mebibytes(n_bytes: u64) -> String {
    format!("{:.1} MiB", n_bytes as f64 / f64::from(1 << 20))
}

/// `llp data cache`.
pub(crate) fn run(global: Global, command: &CacheCommand) -> Result<u8, Failure> {
    let cache = cache(global, cache_argument()).ok_or_else(|| {
        usage("there is no cache: --cache is none, or the system names no folder for it".to_owned())
    })?;
    match (command, global.output) {
        (CacheCommand::List, Output::Json) => print_json(&cache.entries().map_err(TrainError::from)?)?,
        (CacheCommand::List, Output::Human) => {
            let entries = cache.entries().map_err(TrainError::from)?;
            for index in &entries {
                let size = mebibytes(index.n_bytes());
                print(&format!("{size:>12}  {} of {}", described(index), index.source))?;
            }
            let n_bytes = entries.iter().map(Index::n_bytes).sum();
            print(&format!("{:>12}  in {}", mebibytes(n_bytes), cache.folder().display()))?;
        }
        (CacheCommand::Clear, _) => {
            print(&format!(
                "removed {} from {}",
                mebibytes(cache.clear().map_err(TrainError::from)?),
                cache.folder().display()
            ))?;
        }
    }
    Ok(code::SUCCESS)
}

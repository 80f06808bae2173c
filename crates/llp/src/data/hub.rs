//! The Hugging Face hub: the environment says where it is, the terminal shows the progress.

use std::cell::RefCell;
use std::path::PathBuf;

use indicatif::{ProgressBar, ProgressStyle};
use llp_data::DataError;
use llp_data::hub::{ENDPOINT, FileProgress, Hub, HubDataset, UploadFile};
use llp_train::TrainError;

use crate::Global;
use crate::environment::tell;
use crate::train::progress::Style;

/// The hub as `HF_HOME`, `HF_HUB_CACHE`, `HF_ENDPOINT`, `HF_TOKEN` and `HF_HUB_OFFLINE` describe it.
pub(crate) fn from_environment() -> Result<Hub, DataError> {
    let value = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let folder = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = || folder("HF_HOME").or_else(|| Some(folder("HOME")?.join(".cache/huggingface")));
    let cache = folder("HF_HUB_CACHE").or_else(|| Some(home()?.join("hub")));
    let is_true = |value: String| matches!(&*value.to_uppercase(), "1" | "ON" | "YES" | "TRUE");
    Ok(Hub {
        endpoint: value("HF_ENDPOINT").unwrap_or(ENDPOINT.to_owned()).trim_end_matches('/').to_owned(),
        cache: cache.ok_or_else(Hub::no_cache)?,
        token: value("HF_TOKEN"),
        is_offline: value("HF_HUB_OFFLINE").is_some_and(is_true),
    })
}

/// The location of a data set or a network of the hub, fetched now if the cache does not have it. Returns `None` for
/// other names.
pub(crate) fn locate(global: Global, name: &str) -> Result<Option<PathBuf>, TrainError> {
    if let Some(dataset) = HubDataset::named(name) {
        return Ok(Some(locate_dataset(global, &dataset)?));
    }
    if is_repo(name) { Ok(Some(locate_model(global, name)?)) } else { Ok(None) }
}

/// Whether a data set is one of the hub that the cache does not have.
pub(crate) fn is_to_fetch(name: &str) -> bool {
    let is_there = |dataset: &HubDataset| from_environment().is_ok_and(|hub| hub.locate(dataset).is_some());
    let name = name.strip_suffix("-coarse").unwrap_or(name);
    HubDataset::named(name).is_some_and(|dataset| !is_there(&dataset))
}

/// Whether a name has the form OWNER/NAME of the hub, and not that of a file.
pub(crate) fn is_repo(name: &str) -> bool {
    let is_plain = |part: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        part.starts_with(|c: char| c.is_ascii_alphanumeric()) && part.chars().all(plain)
    };
    let is_file = [".safetensors", ".pth", ".pt", ".bin"].iter().any(|end| name.ends_with(end));
    !is_file && name.split_once('/').is_some_and(|(owner, name)| is_plain(owner) && is_plain(name))
}

fn locate_dataset(global: Global, dataset: &HubDataset) -> Result<PathBuf, DataError> {
    let hub = from_environment()?;
    if let Some(folder) = hub.locate(dataset) {
        return Ok(folder);
    }
    fetch(global, &hub, dataset.name, dataset.repo, |progress| hub.fetch(dataset, progress))
}

fn locate_model(global: Global, repo: &str) -> Result<PathBuf, DataError> {
    let hub = from_environment()?;
    if let Some(file) = hub.locate_model(repo) {
        return Ok(file);
    }
    fetch(global, &hub, repo, repo, |progress| hub.fetch_model(repo, progress))
}

/// Commits files to a repository, with bars or lines for them, and returns the address of the commit.
pub(crate) fn upload(
    global: Global,
    repo: &str,
    files: &[UploadFile],
    summary: &str,
) -> Result<String, TrainError> {
    let hub = from_environment()?;
    let mut shown = Files { verb: "sending", style: Style::resolve(global), shown: None, bar: None };
    let commit = hub.upload(repo, files, summary, &mut |progress| shown.show(progress));
    shown.clear();
    Ok(commit?)
}

/// Fetches with a line about it and bars or lines for its files.
fn fetch(
    global: Global,
    hub: &Hub,
    name: &str,
    repo: &str,
    fetch: impl FnOnce(&mut dyn FnMut(FileProgress<'_>)) -> Result<PathBuf, DataError>,
) -> Result<PathBuf, DataError> {
    let style = Style::resolve(global);
    if !hub.is_offline && style != Style::None {
        tell(&format!("{name} is not in {}: fetching {repo} from {}", hub.cache.display(), hub.endpoint));
    }
    let files = RefCell::new(Files { verb: "fetching", style, shown: None, bar: None });
    let place = fetch(&mut |progress| files.borrow_mut().show(progress));
    files.borrow().clear();
    place
}

/// A bar for the file that comes or goes, or a line as it begins.
struct Files {
    verb: &'static str,
    style: Style,
    shown: Option<String>,
    bar: Option<ProgressBar>,
}

impl Files {
    fn show(&mut self, FileProgress { file, done, len }: FileProgress<'_>) {
        let is_new = self.shown.as_deref() != Some(file);
        if is_new {
            self.clear();
            self.shown = Some(file.to_owned());
        }
        match self.style {
            Style::Bar => {
                let new_bar = || ProgressBar::new(len).with_style(bytes_style()).with_prefix(file.to_owned());
                self.bar = self.bar.take().filter(|_| !is_new).or_else(|| Some(new_bar()));
                self.bar.iter().for_each(|bar| bar.set_position(done));
            }
            Style::Lines | Style::Auto if is_new => {
                let verb = self.verb;
                tell(&format!("{verb} {file} ({len} bytes)"));
            }
            _ => {}
        }
    }

    fn clear(&self) {
        self.bar.iter().for_each(ProgressBar::finish_and_clear);
    }
}

fn bytes_style() -> ProgressStyle {
    let template = "{prefix} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} [{elapsed} < {eta}]";
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

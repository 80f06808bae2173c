//! The Hugging Face hub: where it is says the environment, how far it is says the terminal.

use std::cell::RefCell;
use std::path::PathBuf;

use indicatif::{ProgressBar, ProgressStyle};
use llp_bags::BagError;
use llp_bags::source::hub::{ENDPOINT, FileProgress, Hub, HubDataset, HubError};
use llp_train::TrainError;

use crate::Global;
use crate::progress::Style;
use crate::world::tell;

/// The hub as `HF_HOME`, `HF_HUB_CACHE`, `HF_ENDPOINT`, `HF_TOKEN` and `HF_HUB_OFFLINE` describe it.
pub(crate) fn from_environment() -> Result<Hub, BagError> {
    let value = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let folder = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = || folder("HF_HOME").or_else(|| Some(folder("HOME")?.join(".cache/huggingface")));
    let cache = folder("HF_HUB_CACHE").or_else(|| Some(home()?.join("hub")));
    let is_true = |value: String| matches!(&*value.to_uppercase(), "1" | "ON" | "YES" | "TRUE");
    Ok(Hub {
        endpoint: value("HF_ENDPOINT").unwrap_or(ENDPOINT.to_owned()).trim_end_matches('/').to_owned(),
        cache: cache.ok_or(HubError::NoCache)?,
        token: value("HF_TOKEN"),
        is_offline: value("HF_HUB_OFFLINE").is_some_and(is_true),
    })
}

/// The folder of a data set that the hub has, fetched now if the cache does not have it; none for other names.
pub(crate) fn locate(global: Global, name: &str) -> Result<Option<PathBuf>, TrainError> {
    let Some(dataset) = HubDataset::named(name) else { return Ok(None) };
    let hub = from_environment()?;
    if let Some(folder) = hub.locate(&dataset) {
        return Ok(Some(folder));
    }
    Ok(Some(fetch(global, &hub, &dataset)?))
}

fn fetch(global: Global, hub: &Hub, dataset: &HubDataset) -> Result<PathBuf, BagError> {
    let style = Style::resolve(global);
    if !hub.is_offline && style != Style::None {
        let HubDataset { name, repo, .. } = dataset;
        tell(&format!("{name} is not in {}: fetching {repo} from {}", hub.cache.display(), hub.endpoint));
    }
    let files = RefCell::new(Files { style, shown: None, bar: None });
    let folder = hub.fetch(dataset, &mut |progress| files.borrow_mut().show(progress));
    files.borrow().clear();
    folder
}

/// A bar for the file that comes, or a line as it begins.
struct Files {
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
            Style::Lines | Style::Auto if is_new => tell(&format!("fetching {file} ({len} bytes)")),
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

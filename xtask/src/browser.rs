//! `cargo xtask browser`: the page of a report, as a browser shows it.
//!
//! A small sweep is trained on the embedded digits, and `fixtures/browser/report_test.py` drives the browser.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::process::{cargo, output, root, run as run_command};
use crate::sweep::executable;

/// Where a Chromium may be found, by the names that its packages give it.
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

const SWEEP: &str = "xtask/browser.toml";
const SCRIPT: &str = "fixtures/browser/report_test.py";

/// Checks `page`, or the page of a small sweep, in `program`, or in the first browser that is found.
pub(crate) fn run(program: Option<PathBuf>, shots: Option<PathBuf>, page: Option<PathBuf>) -> Result<()> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let Some(browser) = program.or_else(|| find(&BROWSERS, &folders)) else {
        eprintln!("skipped: there is no browser; looked for {}", BROWSERS.join(", "));
        return Ok(());
    };
    let page = page.map_or_else(small_page, Ok)?;
    let mut command = Command::new("python3");
    command.arg(root()?.join(SCRIPT)).arg(browser).arg(page);
    if let Some(folder) = shots {
        command.arg("--shots").arg(folder);
    }
    run_command(command)
}

fn find(names: &[&str], folders: &[PathBuf]) -> Option<PathBuf> {
    let paths = names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    paths.into_iter().find(|path| path.is_file())
}

/// Trains the small sweep, unless that was done before, and writes its report.
fn small_page() -> Result<PathBuf> {
    // With the features that the tests select, so that nothing is compiled again after them.
    let build =
        ["test", "--workspace", "--no-run", "--locked", "--message-format", "json-render-diagnostics"];
    let llp = executable(&output(cargo(build)?)?, "llp")?;
    let sweep = llp.parent().unwrap_or(Path::new(".")).join("browser-sweep");
    let mut train = Command::new(llp);
    train.args(["sweep", "run"]).arg(root()?.join(SWEEP)).arg("--out").arg(&sweep);
    run_command(train)?;
    Ok(sweep.join("report/index.html"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first name that some folder has. Returns `None` if none has it.
    #[test]
    fn browsers_are_found_by_name() {
        let here = std::env::current_dir().unwrap();
        let folders = [here.join("none"), here.join("src")];
        assert_eq!(find(&["no.rs", "browser.rs", "ci.rs"], &folders), Some(here.join("src/browser.rs")));
        assert_eq!(find(&["no.rs"], &folders), None);
    }
}

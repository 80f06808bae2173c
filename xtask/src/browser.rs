//! `cargo xtask browser`: pages of reports, as a browser shows them.
//!
//! A small sweep and a table of rows are trained, a thousand runs are made up, and `fixtures/browser/report_test.py` drives
//! the browser.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::bench::status;
use crate::process::{cargo, output, root, run as run_command};
use crate::sweep::executable;

/// Where a Chromium may be found, by the names that its packages give it.
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

const SWEEP: &str = "xtask/browser.toml";
const SCRIPT: &str = "fixtures/browser/report_test.py";

/// Checks `page`, or pages of several kinds, in `program`, or in the first browser that is found.
pub(crate) fn run(program: Option<PathBuf>, shots: Option<PathBuf>, page: Option<PathBuf>) -> Result<()> {
    let Some(browser) = program.or_else(installed) else {
        eprintln!("skipped: there is no browser; looked for {}", BROWSERS.join(", "));
        return Ok(());
    };
    let pages = page.map_or_else(all_pages, |page| Ok(vec![page]))?;
    let mut command = Command::new("python3");
    command.arg(root()?.join(SCRIPT)).arg(browser).args(pages);
    if let Some(folder) = shots {
        command.arg("--shots").arg(folder);
    }
    run_command(command)
}

/// The first browser that is found.
pub(crate) fn installed() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    find(&BROWSERS, &folders)
}

fn find(names: &[&str], folders: &[PathBuf]) -> Option<PathBuf> {
    let paths = names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    paths.into_iter().find(|path| path.is_file())
}

/// The program as the tests build it, with the features that they select, so that nothing is compiled again after them.
pub(crate) fn test_llp() -> Result<PathBuf> {
    let build =
        ["test", "--workspace", "--no-run", "--locked", "--message-format", "json-render-diagnostics"];
    executable(&output(cargo(build)?)?, "llp")
}

/// Pages with everything that a report can show: a sweep, a run on images with labels, a run of one epoch on a table
/// without labels whose names are markup, a thousand runs.
fn all_pages() -> Result<Vec<PathBuf>> {
    let llp = test_llp()?;
    let folder = llp.parent().unwrap_or(Path::new(".")).join("browser-pages");
    fs_err::create_dir_all(&folder)?;
    let sweep = folder.join("sweep");
    // What is trained already is not trained again.
    start(&llp, &["sweep", "run"], &[&root()?.join(SWEEP)], &sweep)?;
    let run = a_run(&sweep)?;
    let images = folder.join("images.html");
    start(&llp, &["report"], &[&run], &images)?;
    let (table, trained) = (folder.join("table"), folder.join("table-run"));
    write_table(&table)?;
    start(&llp, &["train", "--epochs", "1", "--set", "optim.min_steps=1", "--data"], &[&table], &trained)?;
    let rows = folder.join("rows.html");
    start(&llp, &["report"], &[&trained], &rows)?;
    let thousand = folder.join("thousand");
    if !thousand.join("plan.jsonl").exists() {
        status::make(&llp, &folder, &thousand)?;
    }
    let many = folder.join("many.html");
    start(&llp, &["report"], &[&thousand], &many)?;
    Ok(vec![sweep.join("report/index.html"), images, rows, many])
}

fn start(llp: &Path, command: &[&str], paths: &[&Path], out: &Path) -> Result<()> {
    let mut program = Command::new(llp);
    program.args(command).args(paths).arg("--out").arg(out).stdout(Stdio::null());
    run_command(program)
}

/// The first run of a sweep that came to its end with a network.
fn a_run(sweep: &Path) -> Result<PathBuf> {
    let mut runs: Vec<PathBuf> =
        fs_err::read_dir(sweep.join("runs"))?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    runs.sort();
    let is_complete = |run: &PathBuf| {
        fs_err::read_to_string(run.join("result.json"))
            .is_ok_and(|result| result.contains("\"outcome\":\"complete\""))
    };
    runs.into_iter().find(is_complete).context("no run of the sweep is complete")
}

/// A table of rows in bags, without labels, whose bags and classes have names that a page must not take for markup.
fn write_table(folder: &Path) -> Result<()> {
    fs_err::create_dir_all(folder)?;
    let mut instances = "bag,x,y\n".to_owned();
    let mut proportions = "bag,<b>bold</b>,\"a & \"\"b\"\"\",<script>alert(1)</script>\n".to_owned();
    for bag in 0..30_usize {
        let name = format!("<i>bag {bag}</i>");
        let mut counts = [0; 3];
        for row in 0..8 + bag % 5 {
            let x = (bag * 37 + row * 61) % 100;
            counts[x * 3 / 100] += 1;
            writeln!(instances, "{name},{x},{}", (bag * 13 + row * 29) % 50)?;
        }
        writeln!(proportions, "{name},{},{},{}", counts[0], counts[1], counts[2])?;
    }
    fs_err::write(folder.join("instances.csv"), instances)?;
    Ok(fs_err::write(folder.join("proportions.csv"), proportions)?)
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

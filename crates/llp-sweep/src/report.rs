//! Figures, tables and the page that shows them, derived from run directories.

mod axis;
mod chart;
mod color;
mod curves;
mod data;
mod drawing;
mod figures;
mod files;
pub mod groups;
mod inline;
pub mod insight;
mod measure;
mod page;
mod panel;
pub mod regret;
mod runs;
mod scatter;
pub mod table;

use std::path::Path;

pub use data::ReportData;

use crate::atomic::write_atomically;
use crate::error::SweepError;
use crate::sweep_dir::SweepDir;

/// Draws `figures/figure1.{svg,png}` and `figures/figure2.{svg,png}` and writes `results.md`, `selection.csv` (the choice
/// of each criterion) and the page `report/index.html` with its tables into the sweep's directory.
///
/// Figure 1: test accuracy, or the criterion on held-out bags where there are no labels, over epochs at the chosen hyper-parameters, mean over seeds, one line per bag size, one
/// panel per data set and loss. Figure 2: the same after the last epoch over bag size with one standard deviation, one line per
/// loss, one panel per data set. Where hyper-parameters
/// diverged or did not finish, points are hollow, and crosses where all did.
///
/// # Errors
/// Files that cannot be written, or a figure that cannot be drawn.
pub fn write(sweep: &SweepDir, report_data: &ReportData) -> Result<(), SweepError> {
    let folder = sweep.path().join("figures");
    fs_err::create_dir_all(&folder)?;
    let figures = [
        ("figure1", figures::over_epochs(&report_data.curves, &report_data.groups)),
        ("figure2", figures::over_bag_sizes(&report_data.groups)),
    ];
    for (name, figure) in figures {
        let drawing = files::draw(&chart::draw(&figure))
            .map_err(|reason| SweepError::Invalid(format!("cannot draw {name}: {reason}")))?;
        write_atomically(&folder.join(format!("{name}.svg")), drawing.svg.as_bytes())?;
        write_atomically(&folder.join(format!("{name}.png")), &drawing.png)?;
    }
    write_atomically(&sweep.path().join("results.md"), table::markdown(&report_data.groups).as_bytes())?;
    let choices = regret::csv(&report_data.choices)?;
    write_atomically(&sweep.path().join("selection.csv"), choices.as_bytes())?;
    write_page(&sweep.path().join("report").join("index.html"), report_data)
}

/// Writes the page, one file that needs no other, and its main table beside it: `index.html` comes with
/// `index-table.md`, `index-table.csv` and `index-table.tex`.
///
/// # Errors
/// [`SweepError::Io`].
pub fn write_page(path: &Path, report_data: &ReportData) -> Result<(), SweepError> {
    if let Some(folder) = path.parent() {
        fs_err::create_dir_all(folder)?;
    }
    let groups = &report_data.groups;
    let tables = page::Tables {
        markdown: table::markdown(groups),
        csv: table::csv(groups)?,
        latex: table::latex(groups),
    };
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    for (extension, text) in [("md", &tables.markdown), ("csv", &tables.csv), ("tex", &tables.latex)] {
        write_atomically(&path.with_file_name(format!("{stem}-table.{extension}")), text.as_bytes())?;
    }
    Ok(write_atomically(path, page::html(report_data, &tables).as_bytes())?)
}

/// A Markdown table with one row for each run: its settings, as far as they differ, and its own numbers.
pub fn runs_markdown(report_data: &ReportData) -> String {
    runs::markdown(report_data)
}

//! Figures and tables of a sweep, derived from its run directories.

mod canvas;
mod chart;
mod figures;
pub mod table;

use crate::atomic::write_atomically;
use crate::collect::Row;
use crate::error::SweepError;
use crate::select::Group;
use crate::sweep_dir::SweepDir;

/// Draws `figures/figure1.{svg,png}` and `figures/figure2.{svg,png}` and writes `results.md` into the sweep's
/// directory.
///
/// Figure 1: test accuracy over epochs at the chosen hyper-parameters, mean over seeds, one line per bag size, one
/// panel per data set and loss. Figure 2: final test accuracy over bag size with one standard deviation, one line per
/// loss, one panel per data set. Where hyper-parameters
/// diverged or did not finish, points are hollow, and crosses where all did.
///
/// `rows` and `groups` are those of [`collect`](crate::collect::collect) and [`select`](crate::select::select).
///
/// # Errors
/// [`SweepError::Io`], [`SweepError::Json`] for unreadable metrics, or [`SweepError::Figure`].
pub fn write(sweep: &SweepDir, rows: &[Row], groups: &[Group]) -> Result<(), SweepError> {
    let folder = sweep.path().join("figures");
    fs_err::create_dir_all(&folder)?;
    let figures = [
        ("figure1", figures::over_epochs(sweep, rows, groups)?),
        ("figure2", figures::over_bag_sizes(groups)),
    ];
    for (name, figure) in figures {
        let drawing = chart::draw(&figure).map_err(|reason| SweepError::Figure { figure: name, reason })?;
        write_atomically(&folder.join(format!("{name}.svg")), drawing.svg.as_bytes())?;
        write_atomically(&folder.join(format!("{name}.png")), &drawing.png)?;
    }
    Ok(write_atomically(&sweep.path().join("results.md"), table::markdown(groups).as_bytes())?)
}

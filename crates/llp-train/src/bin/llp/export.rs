//! `llp export`: a run in the formats of other programs.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use llp_sweep::export::{card, tensorboard};
use llp_sweep::run_dir::RunDir;
use llp_sweep::write_atomically;

use crate::failure::{Failure, usage};
use crate::world::print;

/// `llp export`.
#[derive(Args)]
pub(crate) struct ExportArgs {
    /// The run's directory.
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// What to write.
    #[arg(long, value_name = "FORMAT")]
    format: Format,
    /// The folder to write into; by default `export` in the run's directory.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// The epochs as an event file of TensorBoard.
    Tensorboard,
    /// A model card, README.md with the metadata of the Hugging Face hub.
    Card,
}

pub(crate) fn export(args: &ExportArgs) -> Result<ExitCode, Failure> {
    let (run, config) = RunDir::open(&args.run)?;
    let (name, content) = match args.format {
        Format::Tensorboard => (tensorboard::FILE_NAME, tensorboard::events(&run.read_metrics()?)),
        Format::Card => {
            let Some(result) = run.result()? else {
                let run = args.run.display();
                return Err(usage(format!(
                    "{run} has no result yet, which a card tells: go on with llp resume {run}"
                )));
            };
            ("README.md", card::card(&config, &result).into_bytes())
        }
    };
    let folder = args.out.clone().unwrap_or_else(|| args.run.join("export"));
    fs_err::create_dir_all(&folder)?;
    let file = folder.join(name);
    write_atomically(&file, &content)?;
    print(&file.display().to_string())?;
    Ok(ExitCode::SUCCESS)
}

//! `llp export`: a run in the formats of other programs.

use std::path::{Path, PathBuf};

use candle_core::Device;
use clap::{Args, ValueEnum};
use llp_sweep::export::{card, tensorboard};
use llp_sweep::run_dir::RunDir;
use llp_sweep::write_atomically;
use llp_train::Predictor;
use llp_train::export::{onnx, torchvision};

use crate::Global;
use crate::environment::print_list;
use crate::failure::{Failure, code, usage};

/// `llp export`.
#[derive(Args)]
pub(crate) struct ExportArgs {
    /// The run's directory; for onnx and torchvision also one of its checkpoints.
    #[arg(value_name = "RUN|CHECKPOINT")]
    run: PathBuf,
    /// What to write.
    #[arg(long, value_name = "FORMAT")]
    format: Format,
    /// The folder to write into; by default `export` in the run's directory. For onnx also a file that ends in .onnx.
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// The newest network with its normalization, model.onnx: pixels in, logits out.
    Onnx,
    /// The newest network for PyTorch: model.safetensors with torchvision's names, and what it takes to use them in
    /// model.json.
    #[value(alias = "pytorch")]
    Torchvision,
    /// The epochs as an event file of TensorBoard.
    Tensorboard,
    /// A model card, README.md with the metadata of the Hugging Face hub.
    Card,
}

/// A file's name and its content.
type File = (&'static str, Vec<u8>);

pub(crate) fn export(global: Global, args: &ExportArgs) -> Result<u8, Failure> {
    let files = match args.format {
        Format::Onnx => vec![("model.onnx", onnx::onnx(&Predictor::open(&args.run, &Device::Cpu)?)?)],
        Format::Torchvision => torchvision::files(&Predictor::open(&args.run, &Device::Cpu)?)?.into(),
        Format::Tensorboard => vec![events(&args.run)?],
        Format::Card => vec![model_card(&args.run)?],
    };
    let (folder, name) = args.place()?;
    fs_err::create_dir_all(&folder)?;
    let mut written = Vec::new();
    for (default_name, content) in files {
        let file = folder.join(name.as_deref().unwrap_or(Path::new(default_name)));
        write_atomically(&file, &content)?;
        written.push(file.display().to_string());
    }
    print_list(global, &written)?;
    Ok(code::SUCCESS)
}

impl ExportArgs {
    /// The folder to write into, and the name of the file if the arguments give it.
    fn place(&self) -> Result<(PathBuf, Option<PathBuf>), Failure> {
        let Some(out) = &self.out else {
            if !RunDir::at(&self.run).checkpoints_dir().exists() {
                let run = self.run.display();
                return Err(usage(format!(
                    "{run} is a single checkpoint: say where to write with --out PATH"
                )));
            }
            return Ok((self.run.join("export"), None));
        };
        match (self.format, out.parent(), out.file_name()) {
            (Format::Onnx, Some(folder), Some(name)) if out.extension().is_some_and(|it| it == "onnx") => {
                Ok((folder.to_owned(), Some(name.into())))
            }
            _ => Ok((out.clone(), None)),
        }
    }
}

fn events(run: &Path) -> Result<File, Failure> {
    let (run, _) = RunDir::open(run)?;
    Ok((tensorboard::FILE_NAME, tensorboard::events(&run.read_metrics()?)))
}

fn model_card(path: &Path) -> Result<File, Failure> {
    let (run, config) = RunDir::open(path)?;
    let Some(result) = run.result()? else {
        let run = path.display();
        return Err(usage(format!(
            "{run} has no result yet, which a card tells: go on with llp resume {run}"
        )));
    };
    Ok(("README.md", card::card(&config, &result).into_bytes()))
}

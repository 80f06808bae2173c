//! `llp upload`: a finished run as a repository of the Hugging Face hub.

use std::path::PathBuf;

use candle_core::Device;
use clap::Args;
use llp_data::hub::UploadFile;
use llp_sweep::export::card;
use llp_sweep::run_dir::RunDir;
use llp_train::export::torchvision;
use llp_train::{Checkpoint, Predictor};
use serde::Serialize;

use crate::data::hub;
use crate::environment::{print, print_json};
use crate::failure::{Failure, code, usage};
use crate::{Global, Output};

/// `llp upload`.
#[derive(Args)]
pub(crate) struct UploadArgs {
    /// The run's directory.
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// The repository to write to; made, and private, if it does not exist.
    #[arg(long, value_name = "OWNER/NAME")]
    repo: String,
    /// List the files, and send nothing.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Serialize)]
struct Uploaded<'a> {
    repo: &'a str,
    /// Address of the commit; `None` if none was made.
    commit: Option<String>,
    files: Vec<Listed<'a>>,
}

#[derive(Serialize)]
struct Listed<'a> {
    name: &'a str,
    bytes: usize,
}

pub(crate) fn upload(global: Global, args: &UploadArgs) -> Result<u8, Failure> {
    if !hub::is_repo(&args.repo) {
        return Err(usage(format!("--repo must be OWNER/NAME, got {}", args.repo)));
    }
    let (run, files) = args.files()?;
    let commit = if args.dry_run { None } else { Some(hub::upload(global, &args.repo, &files, &run)?) };
    let listed = files.iter().map(|file| Listed { name: &file.name, bytes: file.bytes.len() }).collect();
    let uploaded = Uploaded { repo: &args.repo, commit, files: listed };
    match (global.output, &uploaded.commit) {
        (Output::Json, _) => print_json(&uploaded)?,
        (Output::Human, Some(commit)) => print(commit)?,
        (Output::Human, None) => {
            for Listed { name, bytes } in &uploaded.files {
                print(&format!("{name:<20} {bytes:>12} bytes"))?;
            }
        }
    }
    Ok(code::SUCCESS)
}

impl UploadArgs {
    /// The name of the run and its files: the newest checkpoint, which `llp` and PyTorch can use, what the run was asked
    /// for and came to, and the card. Paths of this machine are left out.
    fn files(&self) -> Result<(String, Vec<UploadFile>), Failure> {
        let (dir, mut config) = RunDir::open(&self.run)?;
        let Some(result) = dir.result()? else {
            let run = self.run.display();
            return Err(usage(format!("{run} has no result yet: go on with llp resume {run}")));
        };
        (config.data.path, config.data.proportions) = (None, None);
        (config.network.init, config.bags.manifest) = (None, None);
        let place = Checkpoint::locate(&self.run)?;
        let mut files: Vec<_> = torchvision::files(&Predictor::open(&place, &Device::Cpu)?)?.into();
        files.extend([
            ("state.json", fs_err::read(place.join("state.json"))?),
            ("config.toml", config.to_toml().into_bytes()),
            ("metrics.jsonl", fs_err::read(self.run.join("metrics.jsonl"))?),
            ("result.json", fs_err::read(self.run.join("result.json"))?),
            ("README.md", card::card(&config, &result).into_bytes()),
        ]);
        let file = |(name, bytes): (&str, Vec<u8>)| UploadFile { name: name.to_owned(), bytes };
        Ok((config.run_name(), files.into_iter().map(file).collect()))
    }
}

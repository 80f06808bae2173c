//! `llp completions` and `llp man`: what shells and `man` want to know of the command line.

use std::io;
use std::path::PathBuf;

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;
use llp_sweep::write_atomically;

use crate::Cli;
use crate::environment::print;
use crate::failure::{Failure, code};

/// `llp completions`.
#[derive(Args)]
pub(crate) struct CompletionsArgs {
    /// The shell that the script is for.
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// `llp man`.
#[derive(Args)]
pub(crate) struct ManArgs {
    /// The folder to write one page for each command into; made if it does not exist.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

pub(crate) fn completions(args: &CompletionsArgs) -> Result<u8, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "llp", &mut script);
    print(String::from_utf8_lossy(&script).trim_end())?;
    Ok(code::SUCCESS)
}

pub(crate) fn man(args: &ManArgs) -> Result<u8, Failure> {
    fs_err::create_dir_all(&args.folder)?;
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    write_pages(&command, &args.folder)?;
    Ok(code::SUCCESS)
}

/// The page of a command, and those of the commands below it.
fn write_pages(command: &clap::Command, folder: &std::path::Path) -> io::Result<()> {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned();
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    write_atomically(&folder.join(format!("{name}.1")), &page)?;
    command.get_subcommands().try_for_each(|command| write_pages(command, folder))
}

//! `cargo xtask dist`: the program in an archive, as a release has it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::fixtures::checksum;
use crate::process::{cargo, output, root, run as run_command};
use crate::sweep::executable;

/// Shells with the names of their completion scripts.
const SHELLS: [(&str, &str); 5] = [
    ("bash", "llp.bash"),
    ("zsh", "_llp"),
    ("fish", "llp.fish"),
    ("powershell", "llp.ps1"),
    ("elvish", "llp.elv"),
];
/// What else is in an archive.
const TEXTS: [&str; 5] = ["README.md", "CHANGELOG.md", "CITATION.cff", "LICENSE-APACHE", "LICENSE-MIT"];

/// Builds `llp` for a target that this machine can run, packs it with its manual pages and completions, and trains with
/// what it unpacks again.
pub(crate) fn run(target: &str, out: &Path) -> Result<()> {
    let llp = build(target)?;
    let version = String::from_utf8(output(with(&llp, &["--version"]))?)?;
    let version = version.split_whitespace().last().context("llp has no version")?;
    let name = format!("llp-{version}-{target}");
    let work = tempfile::tempdir()?;
    fill(&work.path().join(&name), &llp)?;
    fs_err::create_dir_all(out)?;
    let archive = out.join(name.clone() + if target.contains("windows") { ".zip" } else { ".tar.gz" });
    pack(work.path(), &name, &archive)?;
    try_out(&archive, &name)?;
    let bytes = fs_err::read(&archive)?;
    let sum = checksum(&bytes);
    let file = archive.file_name().unwrap_or_default().display().to_string();
    fs_err::write(out.join(format!("{file}.sha256")), format!("{sum}  {file}\n"))?;
    eprintln!("ok: {}, {:.1} MB", archive.display(), bytes.len() as f64 / 1e6);
    Ok(())
}

fn build(target: &str) -> Result<PathBuf> {
    let build = ["build", "--release", "--package", "llp", "--bin", "llp", "--locked", "--target", target];
    let mut command = cargo(build.into_iter().chain(["--message-format", "json-render-diagnostics"]))?;
    if target.contains("windows") || target.contains("musl") {
        // No library of the C compiler has to be on the machine that the program runs on.
        command.env("RUSTFLAGS", "-C target-feature=+crt-static");
    }
    executable(&output(command)?, "llp")
}

fn with(program: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments);
    command
}

/// Writes everything that an archive holds.
fn fill(folder: &Path, llp: &Path) -> Result<()> {
    let completions = folder.join("completions");
    fs_err::create_dir_all(&completions)?;
    fs_err::copy(llp, folder.join(llp.file_name().context("the program has no name")?))?;
    for text in TEXTS {
        fs_err::copy(root()?.join(text), folder.join(text))?;
    }
    for (shell, file) in SHELLS {
        fs_err::write(completions.join(file), output(with(llp, &["completions", shell]))?)?;
    }
    let mut man = with(llp, &["man"]);
    man.arg(folder.join("man").join("man1"));
    run_command(man)
}

/// The `tar` of every system writes the format that the name of the archive asks for.
fn pack(folder: &Path, name: &str, archive: &Path) -> Result<()> {
    let mut tar = Command::new("tar");
    tar.args(["-a", "-c", "-f"]).arg(std::path::absolute(archive)?).arg("-C").arg(folder).arg(name);
    run_command(tar)
}

/// Unpacks an archive elsewhere, and trains for an epoch with the program in it.
fn try_out(archive: &Path, name: &str) -> Result<()> {
    let work = tempfile::tempdir()?;
    let mut tar = Command::new("tar");
    run_command({
        tar.arg("-x").arg("-f").arg(std::path::absolute(archive)?).arg("-C").arg(work.path());
        tar
    })?;
    let folder = work.path().join(name);
    let mut train = Command::new(folder.join(if cfg!(windows) { "llp.exe" } else { "llp" }));
    train
        .args(["train", "--preset", "digits-mlp", "--epochs", "1", "--quiet", "--out"])
        .arg(work.path().join("run"));
    train.stdout(Stdio::null());
    run_command(train)?;
    for file in ["completions/llp.bash", "man/man1/llp.1", "man/man1/llp-train.1"] {
        if fs_err::metadata(folder.join(file))?.len() == 0 {
            bail!("{file} is empty");
        }
    }
    Ok(())
}

//! The page of a report.

use std::collections::BTreeSet;
use std::path::Path;

use llp_sweep::config::{Layers, RunConfig};
use llp_sweep::grid::Sweep;
use llp_sweep::record::{Activity, Outcome, Status};
use llp_sweep::report::{self, ReportData};
use llp_sweep::run_dir::RunDir;
use llp_sweep::sweep_dir::SweepDir;
use proptest::prelude::*;

use crate::fake::{config, host, record, result};

/// KL and ROT at two bag sizes, three learning rates and two alphas, two seeds; the largest learning rate diverges,
/// and one run of bag size 16 failed with a reason that a page must not take for markup.
fn sweep(folder: &Path) -> SweepDir {
    let text = "schema = 1\nname = \"page\"\n[base]\npreset = \"digits\"\noptim.epochs = 3\n[grid]\nseed = [0, 1]\n\
                bags.size = [4, 16]\nloss.name = [\"kl\", \"rot\"]\nloss.alpha = [0.1, 0.5]\noptim.lr = [0.01, 0.1, 9]\n";
    let sweep = SweepDir::open_or_create(folder, &Sweep::parse("page.toml", text).unwrap()).unwrap();
    let mut has_failed = false;
    for cell in sweep.cells() {
        let run = RunDir::open_or_create(sweep.run_dir(cell).path(), &cell.config).unwrap();
        let epochs = if cell.config.optim.lr == 9.0 { 1 } else { 3 };
        let lines: Vec<_> = (1..=epochs).map(|epoch| record(&cell.config, epoch)).collect();
        let text = lines.iter().map(|line| serde_json::to_string(line).unwrap() + "\n").collect::<String>();
        fs_err::write(run.path().join("metrics.jsonl"), text).unwrap();
        if !has_failed && cell.config.bags.size == 16 {
            has_failed = true;
            let reason = Some("<b>no space & no time</b>".to_owned());
            let (state, attempt, fails_again) = (Activity::Failed, 3, false);
            run.write_status(&Status { state, epoch: 1, epochs: 3, attempt, reason, fails_again, deaths: 0 })
                .unwrap();
            continue;
        }
        let outcome = if epochs == 1 { Outcome::Diverged } else { Outcome::Complete };
        run.finish(&result(&cell.config, lines.last().cloned(), outcome)).unwrap();
    }
    sweep
}

fn page_of(sweep: &SweepDir) -> String {
    report::write(sweep, &ReportData::of_sweep(sweep, &host("0")).unwrap()).unwrap();
    fs_err::read_to_string(sweep.path().join("report/index.html")).unwrap()
}

/// Everything between `start` and `end`, for each `start`.
fn between<'a>(text: &'a str, start: &str, end: &str) -> Vec<&'a str> {
    text.split(start).skip(1).filter_map(|rest| Some(rest.split_once(end)?.0)).collect()
}

/// The page needs nothing from elsewhere: every address in it is a place on the page or the data itself; there is no
/// script, and every anchor that is linked to exists once.
#[test]
fn the_page_stands_alone() {
    let folder = tempfile::tempdir().unwrap();
    let page = page_of(&sweep(folder.path()));
    let targets = between(&page, "href=\"", "\"");
    assert!(
        targets.len() > 8
            && targets.iter().all(|target| target.starts_with('#') || target.starts_with("data:"))
    );
    for foreign in ["<script", "src=", "url(", "@import", "http://", "https://", "NaN", "inf\""] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    let ids = between(&page, " id=\"", "\"");
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
    for anchor in targets.iter().filter_map(|target| target.strip_prefix('#')) {
        assert!(ids.contains(&anchor), "{anchor}");
    }
}

/// Each variable that is used has a value, for light pages and for dark ones.
#[test]
fn colors_are_defined_twice() {
    let folder = tempfile::tempdir().unwrap();
    let page = page_of(&sweep(folder.path()));
    let used: BTreeSet<&str> =
        between(&page, "var(--", ")").into_iter().filter(|name| !name.contains(',')).collect();
    assert!(used.len() > 8, "{used:?}");
    for name in used {
        assert_eq!(page.matches(&format!("--{name}:")).count(), 2, "{name}");
    }
}

/// Runs that diverged or failed are listed with their reasons, as text; the page of the same runs is the same.
#[test]
fn gaps_are_shown() {
    let folder = tempfile::tempdir().unwrap();
    let sweep = sweep(folder.path());
    let page = page_of(&sweep);
    assert!(page.contains("&lt;b&gt;no space &amp; no time&lt;/b&gt;") && !page.contains("<b>no space"));
    let diverged = sweep.cells().iter().filter(|cell| cell.config.optim.lr == 9.0);
    for run in diverged.map(|cell| &cell.run) {
        assert!(page.contains(&format!("<code>{run}</code></th><td class=\"words\">diverged</td>")), "{run}");
    }
    assert!(page.contains("diverged 2 of 2") && page.contains("failed 1 of 2"));
    assert_eq!(page_of(&sweep), page);
}

/// The tables beside the page are those that can be taken from it.
#[test]
fn tables_agree() {
    let folder = tempfile::tempdir().unwrap();
    let page = page_of(&sweep(folder.path()));
    for (name, extension) in [("Markdown", "md"), ("CSV", "csv"), ("LaTeX", "tex")] {
        let link = between(&page, "utf-8,", &format!("\">{name}</a>")).into_iter().next_back().unwrap();
        let link = link.rsplit_once("utf-8,").map_or(link, |(_, last)| last);
        let mut bytes = Vec::new();
        let mut rest = link.as_bytes();
        while let Some((&first, tail)) = rest.split_first() {
            let is_code = first == b'%';
            bytes.push(if is_code {
                u8::from_str_radix(std::str::from_utf8(&tail[..2]).unwrap(), 16).unwrap()
            } else {
                first
            });
            rest = if is_code { &tail[2..] } else { tail };
        }
        let file =
            fs_err::read(folder.path().join("report").join(format!("index-table.{extension}"))).unwrap();
        assert!(file.len() > 100 && bytes == file, "{name}");
    }
    let latex = fs_err::read_to_string(folder.path().join("report/index-table.tex")).unwrap();
    assert!(latex.contains("\\toprule") && latex.contains("\\pm") && !latex.contains('±'));
}

/// Single runs and whole sweeps make one page, in which each run counts once.
#[test]
fn runs_and_sweeps_mix() {
    let folder = tempfile::tempdir().unwrap();
    let sweep = sweep(&folder.path().join("sweep"));
    let run = |index: usize| sweep.run_dir(&sweep.cells()[index]).path().to_owned();
    let report_data = ReportData::of_directories(&[run(0), run(1), run(0)], &host("0")).unwrap();
    assert_eq!(report_data.rows.len(), 2);
    let both = ReportData::of_directories(&[run(0), sweep.path().to_owned()], &host("0")).unwrap();
    assert_eq!(both.rows.len(), sweep.cells().len());
    report::write_page(&folder.path().join("some/where.html"), &report_data).unwrap();
    assert!(folder.path().join("some/where-table.csv").exists());
    assert!(ReportData::of_directories(&[folder.path().join("none")], &host("0")).is_err());
}

/// A configuration that any preset leads to.
fn any_config() -> impl Strategy<Value = RunConfig> {
    let preset = prop::sample::select(vec!["digits", "cifar10-cpu", "table", "paper"]);
    let loss = prop::sample::select(vec!["kl", "rot", "avg-kl", "l1", "l2"]);
    (preset, loss, 1..200_usize, 1e-4..1.0_f64, 0..9_u64, 0.01..1.0_f64, any::<bool>()).prop_map(
        |(preset, loss, size, lr, seed, alpha, mirror)| {
            let mut layers = Layers::new();
            for setting in [
                format!("loss.name={loss}"),
                format!("bags.size={size}"),
                format!("optim.lr={lr:?}"),
                format!("seed={seed}"),
                format!("loss.alpha={alpha:?}"),
                format!("augment.mirror={mirror}"),
            ] {
                layers.assignment("--set", &setting).unwrap();
            }
            layers.resolve(preset).unwrap()
        },
    )
}

proptest! {
    /// The command of a configuration leads back to it. (The tests of `llp` show what each named argument sets.)
    #[test]
    fn commands_lead_back(config in any_config()) {
        let command = config.train_command("out");
        let mut words = command.split(' ').skip(2);
        let (mut layers, mut preset) = (Layers::new(), String::new());
        while let (Some(argument), Some(value)) = (words.next(), words.next()) {
            let key = match argument {
                "--out" => continue,
                "--preset" => { preset = value.to_owned(); continue }
                "--set" => { layers.assignment("--set", value).unwrap(); continue }
                "--bag-size" => "bags.size",
                "--loss" => "loss.name",
                "--lr" => "optim.lr",
                "--alpha" => "loss.alpha",
                "--epsilon" => "loss.epsilon",
                "--seed" => "seed",
                other => panic!("{other}"),
            };
            layers.argument(argument, key, value).unwrap();
        }
        prop_assert_eq!(layers.resolve(&preset).unwrap(), config);
    }
}

/// Words that a shell would take apart are quoted, and a file of bags replaces the way bags are drawn.
#[test]
fn commands_are_quoted() {
    let mut config = config();
    config.data.path = Some("my data/it's here".to_owned());
    assert!(config.train_command("a b").contains(r"--set 'data.path=my data/it'\''s here' "));
    assert!(config.train_command("a b").ends_with("--out 'a b'"));
    config.bags.manifest = Some("bags.json".to_owned());
    config.bags.hash = Some("00".to_owned());
    let command = config.canonical().train_command("out");
    assert!(
        command.contains("--bags bags.json")
            && !command.contains("--bag-size")
            && !command.contains("held_out")
    );
}

//! `llp ei`.

use std::path::{Path, PathBuf};

use clap::Args;
use llp_bags::own::GroupColumns;
use llp_data::table::{Cells, encode};
use llp_sweep::report::groups::{GroupBag, GroupReport, GroupShare, write_groups};
use llp_sweep::write_atomically;
use llp_train::ecological::{COVERAGE, EcologicalConfig, EcologicalFit, GroupsAndClasses, Interval, Share};
use serde::Serialize;

use crate::environment::{print, print_json, tell};
use crate::failure::{Failure, code};
use crate::{Global, Output};

/// Where standard errors without the model are larger than this, estimates rest on the model.
const VAGUE: f64 = 0.1;
/// A chance below this makes the model doubtful.
const DOUBTFUL: f64 = 0.01;

/// `llp ei`.
#[derive(Args)]
pub(crate) struct EiArgs {
    /// How many instances of each group are in each bag (CSV, Parquet or NumPy): columns `bag`, `group` and `weight`, a
    /// row for each instance without `weight`, or `bag` and a column for each group.
    #[arg(value_name = "GROUPS")]
    groups: PathBuf,
    /// Shares or counts of the classes: columns `bag` and one per class.
    #[arg(long, value_name = "FILE")]
    proportions: PathBuf,
    /// The column of groups, if it is not called `group`.
    #[arg(long, value_name = "COLUMN")]
    group: Option<String>,
    /// The column of numbers of instances, if it is not called `weight`.
    #[arg(long, value_name = "COLUMN")]
    weight: Option<String>,
    /// Where to write shares.csv, bags.csv and the page report.html.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Seed of the samples: another one shows how much of a digit is chance.
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

#[derive(Serialize)]
struct Summary<'a> {
    bags: usize,
    instances: u64,
    coverage: f64,
    groups: Vec<GroupSummary<'a>>,
    dependence_p: f64,
    converged: bool,
    warnings: Vec<String>,
}

#[derive(Serialize)]
struct GroupSummary<'a> {
    group: &'a str,
    members: u64,
    classes: Vec<ClassSummary<'a>>,
}

#[derive(Serialize)]
struct ClassSummary<'a> {
    class: &'a str,
    share: f64,
    interval: Interval,
    bootstrap: Interval,
    bounds: Interval,
}

pub(crate) fn ei(global: Global, args: &EiArgs) -> Result<u8, Failure> {
    let columns = GroupColumns { group: args.group.clone(), weight: args.weight.clone() };
    let input = GroupsAndClasses::read(&args.groups, &args.proportions, &columns)?;
    if let Some(folder) = &args.out {
        fs_err::create_dir_all(folder)?;
    }
    let fit = input.infer(&EcologicalConfig { seed: args.seed, ..EcologicalConfig::default() })?;
    let summary = summary(&input, &fit);
    for warning in &summary.warnings {
        tell(&format!("warning: {warning}"));
    }
    if let Some(folder) = &args.out {
        write(folder, args, &input, &fit, &summary.warnings)?;
    }
    if global.output == Output::Json {
        print_json(&summary)?;
    } else {
        show(&summary, &input.classes)?;
    }
    Ok(code::SUCCESS)
}

fn summary<'a>(input: &'a GroupsAndClasses, fit: &EcologicalFit) -> Summary<'a> {
    let members = input.tables.group_totals();
    let k = input.classes.len();
    let class = |(class, share): (&'a String, &Share)| ClassSummary {
        class,
        share: share.estimate,
        interval: share.interval,
        bootstrap: share.bootstrap,
        bounds: share.bounds,
    };
    let groups = input.groups.iter().zip(&members).zip(fit.shares.chunks_exact(k));
    Summary {
        bags: input.bags.len(),
        instances: members.iter().sum(),
        coverage: COVERAGE,
        groups: groups
            .map(|((group, &members), shares)| {
                let classes = input.classes.iter().zip(shares).map(class).collect();
                GroupSummary { group, members, classes }
            })
            .collect(),
        dependence_p: fit.dependence.p,
        converged: fit.converged,
        warnings: warnings(input, fit),
    }
}

/// What is not as in most tables, or makes the estimates doubtful.
fn warnings(input: &GroupsAndClasses, fit: &EcologicalFit) -> Vec<String> {
    let mut warnings = Vec::new();
    if input.is_one_per_row {
        warnings.push("there is no column \"weight\": each row is taken for one instance".to_owned());
    }
    if !input.other_columns.is_empty() {
        warnings.push(format!("columns that are not used: {}", llp_data::listed(&input.other_columns)));
    }
    if input.n_empty > 0 {
        warnings.push(format!("{} bags without an instance are left out", input.n_empty));
    }
    if input.n_guessed > 0 {
        warnings.push(format!(
            "the proportions of {} bags are not exact: the best guess within what is known is used",
            input.n_guessed
        ));
    }
    let k = input.classes.len();
    for (group, errors) in input.groups.iter().zip(fit.regression_errors.chunks_exact(k)) {
        if errors.iter().any(|&error| error > VAGUE) {
            warnings.push(format!(
                "the bags hardly tell how group {group:?} divides, since its part is much the same in all of them, or small: \
                 estimates and intervals rest on the model's prior"
            ));
        }
    }
    if fit.dependence.p < DOUBTFUL {
        warnings.push(format!(
            "the shares of the groups seem to depend on their part of the bag (score test, p = {:.1e}), which the model \
             excludes: the truth may lie outside the intervals",
            fit.dependence.p
        ));
    }
    if !fit.converged {
        warnings.push("the search for the parameters did not come to rest: try another --seed".to_owned());
    }
    warnings
}

fn show(summary: &Summary<'_>, classes: &[String]) -> std::io::Result<()> {
    print(&format!(
        "{} bags, {} groups, {} classes, {} instances",
        summary.bags,
        summary.groups.len(),
        classes.len(),
        summary.instances
    ))?;
    print(&format!(
        "share of each class among the members of a group in percent, and where it lies with {:.0} % probability",
        100.0 * COVERAGE
    ))?;
    let cell = |class: &ClassSummary<'_>| {
        let (low, high) = class.interval;
        format!("{:.1} ({:.1}-{:.1})", 100.0 * class.share, 100.0 * low, 100.0 * high)
    };
    let heads: Vec<String> = std::iter::once(String::new()).chain(classes.iter().cloned()).collect();
    let rows = summary.groups.iter().map(|group| {
        std::iter::once(group.group.to_owned()).chain(group.classes.iter().map(cell)).collect::<Vec<_>>()
    });
    let rows: Vec<Vec<String>> = std::iter::once(heads).chain(rows).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..=classes.len()).map(width).collect();
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}"));
        print(cells.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    Ok(())
}

/// Writes both tables and the page.
fn write(
    folder: &Path,
    args: &EiArgs,
    input: &GroupsAndClasses,
    fit: &EcologicalFit,
    warnings: &[String],
) -> Result<(), Failure> {
    for (name, columns) in [("shares.csv", share_columns(input, fit)), ("bags.csv", bag_columns(input, fit))]
    {
        let path = folder.join(name);
        write_atomically(&path, &encode(&path, &columns)?)?;
    }
    write_groups(&folder.join("report.html"), &report(args, input, fit, warnings))?;
    Ok(())
}

/// A row for each group and class.
fn share_columns(input: &GroupsAndClasses, fit: &EcologicalFit) -> Vec<(String, Cells)> {
    let k = input.classes.len();
    let members = input.tables.group_totals();
    let of_group = |cell: usize| input.groups[cell / k].clone();
    let cells = 0..fit.shares.len();
    let number = |name: &str, get: fn(&Share) -> f64| {
        (name.to_owned(), Cells::Numbers(fit.shares.iter().map(get).collect()))
    };
    vec![
        ("group".to_owned(), Cells::Text(cells.clone().map(of_group).collect())),
        (
            "class".to_owned(),
            Cells::Text(cells.clone().map(|cell| input.classes[cell % k].clone()).collect()),
        ),
        ("members".to_owned(), Cells::Numbers(cells.map(|cell| members[cell / k] as f64).collect())),
        number("share", |share| share.estimate),
        number("low", |share| share.interval.0),
        number("high", |share| share.interval.1),
        number("bootstrap_low", |share| share.bootstrap.0),
        number("bootstrap_high", |share| share.bootstrap.1),
        number("bound_low", |share| share.bounds.0),
        number("bound_high", |share| share.bounds.1),
    ]
}

/// A row for each bag, group and class: the expected number of instances.
fn bag_columns(input: &GroupsAndClasses, fit: &EcologicalFit) -> Vec<(String, Cells)> {
    let (k, cells) = (input.classes.len(), fit.shares.len());
    let text = |name: &dyn Fn(usize) -> String| Cells::Text((0..fit.counts.len()).map(name).collect());
    vec![
        ("bag".to_owned(), text(&|row| input.bags[row / cells].clone())),
        ("group".to_owned(), text(&|row| input.groups[row % cells / k].clone())),
        ("class".to_owned(), text(&|row| input.classes[row % k].clone())),
        ("expected".to_owned(), Cells::Numbers(fit.counts.clone())),
    ]
}

fn report(args: &EiArgs, input: &GroupsAndClasses, fit: &EcologicalFit, warnings: &[String]) -> GroupReport {
    let (k, cells) = (input.classes.len(), fit.shares.len());
    let shares = fit.shares.iter().map(|share| GroupShare {
        estimate: share.estimate,
        interval: share.interval,
        bootstrap: share.bootstrap,
        bounds: share.bounds,
    });
    let bag = |bag: usize| {
        let (groups, classes) = (input.tables.groups(bag), input.tables.classes(bag));
        let n: f64 = groups.iter().map(|&count| f64::from(count)).sum();
        let part = |&count: &u32| f64::from(count) / n;
        let counts = &fit.counts[bag * cells..(bag + 1) * cells];
        let estimate = |(cell, count): (usize, &f64)| {
            let members = f64::from(groups[cell / k]);
            (members > 0.0).then(|| count / members)
        };
        GroupBag {
            parts: groups.iter().map(part).collect(),
            shares: classes.iter().map(part).collect(),
            estimates: counts.iter().enumerate().map(estimate).collect(),
        }
    };
    GroupReport {
        groups: input.groups.clone(),
        classes: input.classes.clone(),
        members: input.tables.group_totals(),
        shares: shares.collect(),
        bags: (0..input.bags.len()).map(bag).collect(),
        coverage: COVERAGE,
        warnings: warnings.to_vec(),
        command: command(args),
    }
}

/// The command line, without what does not matter for the page.
fn command(args: &EiArgs) -> Vec<String> {
    let mut words = vec!["llp".to_owned(), "ei".to_owned(), args.groups.display().to_string()];
    words.extend(["--proportions".to_owned(), args.proportions.display().to_string()]);
    for (flag, value) in [("--group", &args.group), ("--weight", &args.weight)] {
        words.extend(value.iter().flat_map(|value| [flag.to_owned(), value.clone()]));
    }
    if args.seed != 0 {
        words.extend(["--seed".to_owned(), args.seed.to_string()]);
    }
    words
}

//! The page about a single run with its bags and instances.

use llp_sweep::config::Layers;
use llp_sweep::record::Outcome;
use llp_sweep::report::insight::{
    BagFit, Calibration, Confidence, Insight, Part, Pick, Reliability, spread_ratio,
};
use llp_sweep::report::{self, ReportData};
use llp_sweep::run_dir::RunDir;

use crate::fake::{host, record, result};

/// Names that a page must not take for markup.
const CLASSES: [&str; 3] = ["<b>bold</b>", "a & \"b\"", "plain"];

/// The page about a run of one epoch, with or without labels.
fn page(insight: Result<Insight, String>, accuracy: Option<f64>) -> String {
    let folder = tempfile::tempdir().unwrap();
    let mut layers = Layers::new();
    layers.assignment("--set", "optim.epochs=1").unwrap();
    let config = layers.resolve("digits").unwrap();
    let run = RunDir::open_or_create(folder.path(), &config).unwrap();
    let mut epoch = record(&config, 1);
    (epoch.held_out_kl, epoch.test_accuracy) = (Some(0.5), accuracy);
    run.append_metrics(&epoch).unwrap();
    run.finish(&result(&config, Some(epoch), Outcome::Complete)).unwrap();
    let mut report_data = ReportData::of_directories(&[folder.path()], &host("0")).unwrap();
    report_data.insight = Some(insight);
    let path = folder.path().join("page/index.html");
    report::write_page(&path, &report_data).unwrap();
    fs_err::read_to_string(path).unwrap()
}

/// Bags whose first class is predicted a tenth too rarely in bag 3 and right in all others.
fn insight(n_bags: usize) -> Insight {
    let bag = |index: usize| {
        let share = 0.1 + 0.6 * (index % 7) as f64 / 7.0;
        let known = [share, 0.9 - share, 0.1];
        let off = if index == 3 { 0.1 } else { 0.0 };
        let rows = [known[0] - off, known[1] + off / 2.0, known[2] + off / 2.0].repeat(10);
        let known = known.map(Some).to_vec();
        let part = if index < n_bags / 2 { Part::HeldOut } else { Part::Training };
        BagFit::new(format!("<i>{index}</i>"), part, known, &rows)
    };
    let pick = |name: &str, picture: Option<Vec<u8>>| Pick {
        name: name.to_owned(),
        bag: "<i>3</i>".to_owned(),
        instance: 0,
        classes: vec![(0, 0.75), (1, 0.2)],
        picture,
    };
    Insight {
        class_names: CLASSES.map(str::to_owned).to_vec(),
        bags: (0..n_bags).map(bag).collect(),
        n_bags: [n_bags / 2, 5000],
        part: Part::HeldOut,
        n_instances: 40,
        confident: vec![pick("<u>sure</u>", None)],
        doubtful: vec![pick("doubtful.png", Some(vec![1, 2, 3]))],
        wrong: vec![pick("wrong", None)],
        n_wrong: 4,
        calibration: Calibration { temperature: Some(1.5), reliability: None },
    }
}

/// The text between two others, which occur.
fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    text.split_once(start).unwrap().1.split_once(end).unwrap().0
}

/// Names are text, whatever they hold; nothing comes from elsewhere, and no number is missing.
#[test]
fn names_are_no_markup() {
    let page = page(Ok(insight(8)), None);
    for foreign in ["<script", "<b>", "<i>", "<u>", "url(", "http://", "https://", "NaN", "inf<", ">inf"] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    assert!(page.contains("&lt;b&gt;bold&lt;/b&gt;") && page.contains("a &amp; &quot;b&quot;"));
    let sources: Vec<&str> = page.split("src=\"").skip(1).collect();
    assert!(sources.len() == 1 && sources[0].starts_with("data:image/png;base64,AQID\""));
}

/// The bag that is off comes first in its table, with its part, divergence, distance and worst class as its shares give
/// them; the numbers of parts that were thinned out are said.
#[test]
fn the_worst_bag_comes_first() {
    let insight = insight(8);
    let page = page(Ok(insight.clone()), None);
    let table = between(&page, "Bags that fit worst</caption>", "</table>");
    let first = between(table, "<tbody><tr>", "</tr>");
    let (bag, share) = (&insight.bags[3], 0.1 + 0.6 * 3.0 / 7.0);
    let pairs: [(f64, f64); 3] = [(share, share - 0.1), (0.9 - share, 0.95 - share), (0.1, 0.15)];
    let expected: f64 = pairs.iter().map(|(known, predicted)| known * (known / predicted).ln()).sum();
    let cells = format!(
        "<td class=\"words\">held-out</td><td>10</td><td>{expected:.4}</td><td>0.2000</td>\
         <td class=\"words\">&lt;b&gt;bold&lt;/b&gt;</td><td>{share:.4}</td><td>{:.4}</td><td>{:.4}</td>",
        share - 0.1,
        bag.deviation[0]
    );
    assert!(first.contains("&lt;i&gt;3&lt;/i&gt;") && first.contains(&cells), "{first}\n{cells}");
    assert!(page.contains("4 held-out bags: L1 distance of the shares 0.000 in the middle"));
    assert!(page.contains("4 training bags of 5000, evenly spaced"));
    let ratio = spread_ratio(insight.of_part(Part::HeldOut)).unwrap();
    assert!(page.contains(&format!("<strong>{ratio:.2}</strong> times as large")));
    assert!(page.contains("<strong>1.50</strong>") && page.contains("4 of 40 instances (10.0 %)"));
}

/// Accuracy over confidence is shown where there are labels only.
#[test]
fn reliability_needs_labels() {
    let mut labelled = insight(4);
    let bin = |confidence, accuracy| Confidence { confidence, accuracy, n_instances: 10 };
    labelled.calibration.reliability =
        Some(Reliability { bins: vec![bin(0.4, 0.5), bin(0.9, 0.6)], ece: 0.2 });
    let with = page(Ok(labelled), Some(0.5));
    assert!(with.contains("Accuracy over confidence") && with.contains("<strong>0.200</strong>"));
    let without = page(Ok(insight(4)), None);
    assert!(!without.contains("Accuracy over confidence") && !without.contains("ccuracy of test"));
}

/// Where bags and instances cannot be looked at, the page says why and has everything else.
#[test]
fn a_page_without_insight_says_why() {
    let page = page(Err("no folder <here>".to_owned()), None);
    assert!(page.contains("Bags and instances are not shown: no folder &lt;here&gt;."));
    assert!(!page.contains("id=\"bags\"") && page.contains("id=\"learning\""));
}

/// The page of a run with very many bags stays small: points are thinned out.
#[test]
fn many_bags_make_no_large_page() {
    let of = |n_bags| page(Ok(insight(n_bags)), None).len();
    let (few, many) = (of(100), of(50_000));
    assert!(many < few + 200_000, "{few} {many}");
}

//! A trained network in use: `llp predict`, `llp evaluate --calibrate`, `llp privacy`.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../llp-bags/tests/messages/mod.rs"]
mod messages;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Output};

use llp_bags::source::digits::digits;
use llp_data::table::Table;
use llp_sweep::run_dir::RunDir;
use llp_train::predict::Columns;
use llp_train::{TrainingData, load_dataset};
use messages::Messages;
use serde_json::Value;
use tempfile::{TempDir, tempdir};

/// Runs in `folder`, so that relative paths are the same everywhere.
fn llp(folder: &Path, command: &[&str]) -> Output {
    let mut llp = Command::new(env!("CARGO_BIN_EXE_llp"));
    llp.args(command).current_dir(folder).env_remove("RUST_BACKTRACE").output().unwrap()
}

/// What a command prints that must not fail.
fn printed(folder: &Path, command: &[&str]) -> String {
    let end = llp(folder, command);
    assert!(end.status.success(), "{command:?}: {}", String::from_utf8_lossy(&end.stderr));
    String::from_utf8(end.stdout).unwrap()
}

/// A folder with a run of a narrow network on some digits, in `run`.
fn trained() -> TempDir {
    let folder = tempdir().unwrap();
    train(folder.path(), "run", "--bag-size=8");
    folder
}

fn train(folder: &Path, run: &str, bag_size: &str) {
    let small = ["--width=2", "--epochs=3", "--set=data.train_limit=240", "-q"];
    printed(folder, &[&["train", "--out", run, bag_size], &small[..]].concat());
}

/// The cells of a CSV table, by the names of the columns.
fn rows(csv: &str) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    reader.deserialize().collect::<Result<_, _>>().unwrap()
}

fn number(row: &BTreeMap<String, String>, column: &str) -> f64 {
    row[column].parse().unwrap()
}

/// Every test instance has a row in its place; the label is the most probable class, and probabilities add up to 1.
#[test]
fn a_split_is_predicted() {
    let folder = trained();
    let out = printed(folder.path(), &["predict", "run", "--split=test", "--probabilities"]);
    assert!(out.starts_with("instance,label,probability,p_0,p_1,"), "{out}");
    let rows = rows(&out);
    assert_eq!(rows.len(), digits().test.instances.len());
    for (place, row) in rows.iter().enumerate() {
        assert_eq!(row["instance"], place.to_string());
        let of_classes: Vec<f64> = (0..10).map(|class| number(row, &format!("p_{class}"))).collect();
        assert!((of_classes.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        let best = number(row, &format!("p_{}", row["label"]));
        assert_eq!(best, number(row, "probability"));
        assert!(of_classes.iter().all(|p| *p <= best));
    }
}

/// Images in files are predicted as the same images of the data set, from a run as from its checkpoint; a folder's are
/// sorted, other files beside them are not changed.
#[test]
fn files_are_what_the_data_set_is() {
    let folder = trained();
    let data = digits();
    let images = data.test.instances.as_images().unwrap();
    fs_err::create_dir_all(folder.path().join("images/b")).unwrap();
    for instance in 0..12 {
        let name = if instance < 6 { format!("a{instance}.png") } else { format!("b/{instance:02}.PNG") };
        let image = image::GrayImage::from_raw(8, 8, images.image(instance).to_vec()).unwrap();
        let path = folder.path().join("images").join(name);
        image.save_with_format(path, image::ImageFormat::Png).unwrap();
    }
    fs_err::write(folder.path().join("images/notes.txt"), "no image").unwrap();
    let checkpoint = fs_err::read_dir(folder.path().join("run/checkpoints")).unwrap().next().unwrap();
    let checkpoint = checkpoint.unwrap().path().display().to_string();
    let from_run = printed(folder.path(), &["predict", "run", "images"]);
    assert_eq!(printed(folder.path(), &["predict", &checkpoint, "images"]), from_run);
    let of_split = rows(&printed(folder.path(), &["predict", "run", "--split=test"]));
    let of_files = rows(&from_run);
    assert_eq!((of_files.len(), &*of_files[11]["instance"]), (12, "images/b/11.PNG"));
    for (file, instance) in of_files.iter().zip(&of_split) {
        assert_eq!(file["label"], instance["label"]);
        // Sums in single precision may be taken in another order where fewer images are in the network at once.
        assert!((number(file, "probability") - number(instance, "probability")).abs() < 1e-5);
    }
    let named = printed(folder.path(), &["predict", "run", "images/b/07.PNG", "images/a0.png"]);
    let names: Vec<String> = rows(&named).into_iter().map(|row| row["instance"].clone()).collect();
    assert_eq!(names, ["images/b/07.PNG", "images/a0.png"]);
}

/// The shares of bags are the means of the probabilities of their instances, in the order of the bags.
#[test]
fn bags_have_shares() {
    let folder = trained();
    let of_instances = rows(&printed(folder.path(), &["predict", "run", "--split=train", "--probabilities"]));
    let out = printed(folder.path(), &["predict", "run", "--split=train", "--by-bag"]);
    assert!(out.starts_with("bag,instances,share_0,low_0,high_0,share_1,"), "{out}");
    let of_bags = rows(&out);
    assert_eq!(of_bags.len(), 24); // a fifth of 240 instances is in held-out bags
    for (row, instances) in of_bags.iter().zip(of_instances.chunks(8)) {
        assert!(
            instances.iter().all(|instance| instance["bag"] == row["bag"]) && number(row, "instances") == 8.0
        );
        for class in 0..10 {
            let mean = instances.iter().map(|row| number(row, &format!("p_{class}"))).sum::<f64>() / 8.0;
            let [share, low, high] =
                ["share", "low", "high"].map(|what| number(row, &format!("{what}_{class}")));
            assert!((share - mean).abs() < 1e-12 && low <= share && share <= high);
        }
    }
    printed(folder.path(), &["predict", "run", "--split=train", "--by-bag", "--out=bags.parquet"]);
    let table = Table::read(&folder.path().join("bags.parquet"), &["bag"]).unwrap();
    assert_eq!((table.n_rows(), table.row(0)[1]), (24, number(&of_bags[0], "share_0")));
}

/// Several runs are averaged: a run with itself is itself, with full agreement, and two runs are the mean of both, in any
/// order; the agreement is the share of the runs that have the label of the mean.
#[test]
fn runs_are_averaged() {
    let folder = trained();
    printed(
        folder.path(),
        &[
            "train",
            "--out=other",
            "--bag-size=8",
            "--width=2",
            "--epochs=3",
            "--seed=1",
            "--set=data.train_limit=240",
            "-q",
        ],
    );
    let predict = |runs: &[&str]| {
        rows(&printed(folder.path(), &[&["predict"], runs, &["--split=test", "--probabilities"]].concat()))
    };
    let (one, other, both, swapped) =
        (predict(&["run"]), predict(&["other"]), predict(&["run", "other"]), predict(&["other", "run"]));
    let same = predict(&["run", "run"]);
    assert!(!one[0].contains_key("agreement"));
    for place in 0..one.len() {
        assert_eq!((&same[place]["label"], number(&same[place], "agreement")), (&one[place]["label"], 1.0));
        let labels = [&one[place]["label"], &other[place]["label"]];
        let n_agreeing = labels.iter().filter(|label| ***label == both[place]["label"]).count();
        assert_eq!(number(&both[place], "agreement"), n_agreeing as f64 / 2.0);
        for class in (0..10).map(|class| format!("p_{class}")) {
            let mean = f64::midpoint(number(&one[place], &class), number(&other[place], &class));
            assert!((number(&both[place], &class) - mean).abs() < 1e-12);
            assert!((number(&swapped[place], &class) - mean).abs() < 1e-12);
        }
    }
    assert!((0..one.len()).any(|place| number(&both[place], "agreement") < 1.0));
}

/// The same table in every format; to standard output as lines of JSON for programs.
#[test]
fn formats_agree() {
    let folder = trained();
    let predict = |more: &[&str]| {
        printed(folder.path(), &[&["predict", "run", "--split=test", "--probabilities"], more].concat())
    };
    let csv = rows(&predict(&[]));
    let summary: Value = serde_json::from_str(&predict(&["--out=p.parquet", "--output=json"])).unwrap();
    assert_eq!(summary["instances"].as_u64(), Some(csv.len() as u64));
    let table = Table::read(&folder.path().join("p.parquet"), &["instance", "label"]).unwrap();
    assert!(predict(&["--out=p.jsonl"]).contains("instances: p.jsonl"));
    let json = fs_err::read_to_string(folder.path().join("p.jsonl")).unwrap();
    assert_eq!(predict(&["--output=json"]), json);
    assert!(json.starts_with(r#"{"instance":"0","label":""#));
    for (place, (row, line)) in csv.iter().zip(json.lines()).enumerate() {
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["label"], row["label"]);
        assert_eq!(table.ids(1)[place], row["label"]);
        assert_eq!(line["p_7"].as_f64(), Some(number(row, "p_7")));
        assert_eq!(table.row(place)[8], number(row, "p_7"));
    }
}

/// With the proportions of the bags: at `alpha = 0` the posterior has exactly them, and the labels the exact counts; the
/// order of the classes in the table means nothing.
#[test]
fn proportions_correct_the_labels() {
    let folder = trained();
    let (_, config) = RunDir::open(folder.path().join("run")).unwrap();
    let data = TrainingData::new(load_dataset(&config.data, &|_| Ok(None)).unwrap(), &config).unwrap();
    let bags = &data.bags;
    let counts =
        |bag: usize| bags.proportions(bag).largest_remainder_counts(bags.instances(bag).len() as u32);
    let mut table = "bag,9,8,7,6,5,4,3,2,1,0\n".to_owned();
    for bag in 0..bags.len() {
        let counts: Vec<String> = counts(bag).iter().rev().map(ToString::to_string).collect();
        writeln!(table, "{bag},{}", counts.join(",")).unwrap();
    }
    fs_err::write(folder.path().join("z.csv"), table).unwrap();
    let out = printed(
        folder.path(),
        &["predict", "run", "--split=train", "--proportions=z.csv", "--alpha=0", "--probabilities"],
    );
    let rows = rows(&out);
    assert_eq!(rows.len(), bags.n_instances());
    for bag in 0..bags.len() {
        let of_bag: Vec<_> = rows.iter().filter(|row| row["bag"] == bag.to_string()).collect();
        for (class, count) in counts(bag).into_iter().enumerate() {
            let name = class.to_string();
            let labeled = of_bag.iter().filter(|row| row["count_label"] == name).count();
            assert_eq!(labeled, count as usize, "bag {bag}, class {class}");
            let share: f64 = of_bag.iter().map(|row| number(row, &format!("posterior_{class}"))).sum();
            assert!((share - f64::from(count)).abs() < 1e-6, "bag {bag}, class {class}: {share}");
        }
        for row in of_bag {
            let best = number(row, &format!("posterior_{}", row["posterior_label"]));
            assert_eq!(best, number(row, "posterior_probability"));
        }
    }
}

/// A table of own features, without any label, comes out row by row with its names and bags; files of images that a table
/// names are what these files are by themselves.
#[test]
fn tables_are_predicted() {
    let folder = tempdir().unwrap();
    let write = |name: &str, content: &str| fs_err::write(folder.path().join(name), content).unwrap();
    let (mut rows_of_table, mut proportions) =
        ("instance,bag,x,color\n".to_owned(), "bag,no,yes\n".to_owned());
    for bag in 0..12 {
        for place in 0..4 {
            let is_yes = place <= bag % 4;
            let (x, color) = if is_yes { (1.0, "red") } else { (-1.0, "blue") };
            writeln!(rows_of_table, "i{bag}-{place},b{bag},{},{color}", x + 0.1 * f64::from(place)).unwrap();
        }
        writeln!(proportions, "b{bag},{},{}", 3 - bag % 4, 1 + bag % 4).unwrap();
    }
    write("instances.csv", &rows_of_table);
    write("proportions.csv", &proportions);
    let train = ["train", "--data=instances.csv", "--out=run", "--epochs=300", "--lr=0.03", "-q"];
    let linear = ["--set=network.name=linear", "--set=augment.shift=0", "--set=augment.mirror=false"];
    printed(folder.path(), &[&train[..], &linear].concat());
    let out = printed(folder.path(), &["predict", "run", "instances.csv", "--proportions=proportions.csv"]);
    let predicted = rows(&out);
    assert_eq!((predicted.len(), &*predicted[5]["instance"], &*predicted[5]["bag"]), (48, "i1-1", "b1"));
    let n_right = |column: &str| {
        let is_right = |(place, row): &(usize, &BTreeMap<String, String>)| {
            (row[column] == "yes") == (place % 4 <= place / 4 % 4)
        };
        predicted.iter().enumerate().filter(is_right).count()
    };
    assert_eq!((n_right("label"), n_right("count_label")), (48, 48));

    let own = printed(folder.path(), &["predict", "run", "--split=train", "--proportions=proportions.csv"]);
    for row in rows(&own) {
        assert!(row["instance"].starts_with(&row["bag"].replace('b', "i")), "{row:?}");
        assert_eq!(row["count_label"] == "yes", row["label"] == "yes");
    }

    write("some.csv", &format!("{rows_of_table}test-1,,1.2,red\ntest-2,other,1.2,red\n"));
    let end = llp(folder.path(), &["predict", "run", "some.csv", "--proportions=proportions.csv"]);
    let stderr = "warning: 1 instances have no bag: they are left as the network sees them\n\
                warning: 1 instances are of bags without proportions in proportions.csv, such as \"other\": they are left as \
                the network sees them\n";
    assert_eq!(String::from_utf8(end.stderr).unwrap(), stderr);
    let left = rows(&String::from_utf8(end.stdout).unwrap());
    assert_eq!((&*left[48]["posterior_label"], &*left[49]["count_label"]), ("yes", "yes"));
    assert_eq!(left[48]["probability"], left[48]["posterior_probability"]);
    assert_eq!(left[5], predicted[5]);

    write("new.csv", "x,color\n1.2,green\n");
    let end = llp(folder.path(), &["predict", "run", "new.csv"]);
    let warning =
        "warning: new.csv: 1 cells of column \"color\" hold a category that no training instance had\n";
    assert_eq!(String::from_utf8(end.stderr).unwrap(), warning);
    assert!(String::from_utf8(end.stdout).unwrap().starts_with("instance,label,probability\n1,yes,"));

    let images = trained();
    let image = image::RgbImage::from_fn(11, 7, |x, y| image::Rgb([(20 * x) as u8, (30 * y) as u8, 99]));
    fs_err::create_dir(images.path().join("own")).unwrap();
    image.save(images.path().join("own/a.png")).unwrap();
    fs_err::write(images.path().join("own/instances.csv"), "path,bag\na.png,north\n").unwrap();
    let of_table = rows(&printed(images.path(), &["predict", "run", "own"]));
    let of_file = rows(&printed(images.path(), &["predict", "run", "own/a.png"]));
    assert_eq!((&*of_table[0]["instance"], &*of_table[0]["bag"]), ("a.png", "north"));
    assert_eq!(of_table[0]["probability"], of_file[0]["probability"]);
}

/// Classes of which two columns would have one name are refused before any work.
#[test]
fn classes_named_like_columns_are_refused() {
    let columns = |class: &str| Columns {
        class_names: vec!["cat".to_owned(), class.to_owned()],
        has_agreement: false,
        has_bags: true,
        has_probabilities: true,
        has_posterior: true,
    };
    assert!(columns("dog").check().is_ok());
    for class in ["label", "probability"] {
        let error = columns(class).check().unwrap_err().to_string();
        assert!(error.contains(&format!("two columns \"posterior_{class}\"")), "{error}");
    }
}

/// A temperature changes no label; the one that is fitted makes the counts more likely, and `predict` uses and prints
/// it.
#[test]
fn a_temperature_is_fitted_to_counts() {
    let folder = trained();
    let evaluation = printed(folder.path(), &["evaluate", "run", "--calibrate", "--output=json"]);
    let evaluation: Value = serde_json::from_str(&evaluation).unwrap();
    let (test, calibrated) = (&evaluation["test"], &evaluation["calibration"]);
    assert_eq!(calibrated["bags"], "held-out");
    assert!(calibrated["loss"].as_f64() <= calibrated["loss_before"].as_f64());
    assert_eq!(calibrated["test"]["confusion"], test["confusion"]);
    assert_eq!(test["accuracy"], evaluation["test_accuracy"]);
    assert_eq!((test["bins"].as_array().unwrap().len(), test["classes"].as_array().unwrap().len()), (15, 10));
    let n_confused: u64 = test["confusion"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|row| row.as_array().unwrap())
        .map(|count| count.as_u64().unwrap())
        .sum();
    assert_eq!(Some(n_confused), test["n_instances"].as_u64());

    let end = llp(folder.path(), &["predict", "run", "--split=test", "--calibrate"]);
    let stderr = String::from_utf8(end.stderr).unwrap();
    let temperature = calibrated["temperature"].as_f64().unwrap();
    assert!(stderr.starts_with(&format!("temperature {temperature:.3} from ")), "{stderr}");
    let given = format!("--temperature={temperature}");
    let given = printed(folder.path(), &["predict", "run", "--split=test", &given]);
    assert_eq!(given, String::from_utf8(end.stdout).unwrap());
    let human = printed(folder.path(), &["evaluate", "run", "--calibrate"]);
    for words in
        ["macro-F1", "NLL (nats)", "Brier score", "15 bins", "temperature ", "precision", "confusion"]
    {
        assert!(human.contains(words), "{words}: {human}");
    }
}

/// Bags of one hide nothing; the network alone cannot beat exact knowledge; runs of one bag size are one row.
#[test]
fn recovery_is_measured() {
    let folder = trained();
    train(folder.path(), "singles", "--bag-size=1");
    let report = printed(folder.path(), &["privacy", "run", "singles", "run", "--output=json"]);
    let report: Value = serde_json::from_str(&report).unwrap();
    let groups = report["groups"].as_array().unwrap();
    let sizes: Vec<_> =
        groups.iter().map(|group| (group["bag_size_mean"].as_f64(), group["n_runs"].as_u64())).collect();
    assert_eq!(sizes, [(Some(1.0), Some(1)), (Some(8.0), Some(2))]);
    let mean = |group: usize, way: &str| groups[group]["accuracy"][way]["mean"].as_f64().unwrap();
    for way in ["proportions", "most_frequent", "exact_counts"] {
        assert_eq!(mean(0, way), 1.0, "{way}");
    }
    assert!(mean(1, "proportions") <= mean(1, "most_frequent"));
    assert_eq!(groups[1]["accuracy"]["network"]["sd"].as_f64(), Some(0.0));
    let table = printed(folder.path(), &["privacy", "run", "singles"]);
    assert!(table.contains("| digits | kl | 8 | 1 |"), "{table}");
}

/// Every mistake has exit code 2, a message that says where and what, and leaves no file; the messages are those of
/// `tests/messages/predict.json`.
#[test]
fn mistakes_are_named() {
    let folder = trained();
    let mut messages =
        Messages::new(env!("CARGO_MANIFEST_DIR"), "predict", "Use of a trained network (`llp predict`)");
    let write = |name: &str, content: &str| fs_err::write(folder.path().join(name), content).unwrap();
    write("text.png", "no image");
    write("z.csv", "bag,0,1,2,3,4,5,6,7,8,9\nnorth,1,0,0,0,0,0,0,0,0,0\n");
    write("classes.csv", "bag,cat,dog\n0,0.5,0.5\n");
    fs_err::create_dir(folder.path().join("empty")).unwrap();
    fs_err::create_dir(folder.path().join("new")).unwrap();
    fs_err::create_dir(folder.path().join("table")).unwrap();
    let bags = 0..4;
    let rows = bags.clone().map(|bag| format!("{bag},{bag}.5\n{bag},{}.5\n", bag * 2));
    let shares = bags.map(|bag| format!("{bag},{},{}\n", bag % 3, 2 - bag % 3));
    write("table/instances.csv", &format!("bag,x\n{}", rows.collect::<Vec<_>>().concat()));
    write("table/proportions.csv", &format!("bag,cat,dog\n{}", shares.collect::<Vec<_>>().concat()));
    let short = ["--epochs=1", "--set=optim.min_steps=1", "--anyway", "-q"];
    printed(folder.path(), &[&["train", "--data=table", "--out=pairs"], &short[..]].concat());
    let mut refuse = |input: &str, command: &[&str]| {
        let end = llp(folder.path(), &[&["predict"], command].concat());
        assert_eq!(end.status.code(), Some(2), "{input}: {}", String::from_utf8_lossy(&end.stderr));
        assert!(!folder.path().join("out.csv").exists(), "{input}");
        messages.ended(input, &end);
    };
    refuse("a run that is not there", &["none", "text.png"]);
    refuse("runs and nothing to predict", &["run", "run"]);
    refuse("bags of several runs", &["run", "run", "--split=train", "--by-bag"]);
    refuse("instances of the data and others", &["run", "text.png", "--split=test"]);
    refuse("networks of other classes", &["run", "pairs", "text.png"]);
    refuse("a folder that is no run", &["empty", "text.png"]);
    refuse("an image that is not there", &["run", "none.png", "--out=out.csv"]);
    refuse("a file that is no image", &["run", "text.png", "--out=out.csv"]);
    refuse("a folder without images", &["run", "empty"]);
    write("features.csv", "x,y\n1,2\n");
    refuse("a table of features for a network of images", &["run", "features.csv"]);
    write("paths.csv", "path,bag\ntext.png,north\n");
    refuse("instances with and without bags", &["run", "paths.csv", "text.png"]);
    refuse("an output of no known format", &["run", "text.png", "--out=out.txt"]);
    refuse("an output in a folder that is not there", &["run", "text.png", "--out=none/out.csv"]);
    refuse("proportions of instances without bags", &["run", "--split=test", "--proportions=z.csv"]);
    refuse("a bag without proportions", &["run", "--split=train", "--proportions=z.csv", "--out=out.csv"]);
    refuse("proportions of other classes", &["run", "--split=train", "--proportions=classes.csv"]);
    let checkpoint = fs_err::read_dir(folder.path().join("run/checkpoints")).unwrap().next().unwrap();
    let checkpoint = format!("run/checkpoints/{}", checkpoint.unwrap().file_name().display());
    refuse("a temperature of a checkpoint", &[&checkpoint, "text.png", "--calibrate"]);
    refuse("shares of bags where there are none", &["run", "--split=test", "--by-bag"]);
    messages.compare();
}

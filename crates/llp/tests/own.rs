//! Training on one's own bags: tables and image files without any label for training, by the command as users give it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../llp-train/tests/common/mod.rs"]
mod common;

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Output};

use common::weights;
use llp_bags::rng::{Purpose, below, stream, uniform};
use llp_sweep::sweep_dir::SweepDir;
use llp_train::Checkpoint;
use serde_json::Value;
use tempfile::{TempDir, tempdir};

const CLASSES: [&str; 2] = ["low", "high"];

fn llp_with(folder: &Path, command: &[&str], threads: &str) -> Output {
    let mut llp = Command::new(env!("CARGO_BIN_EXE_llp"));
    llp.args(command).current_dir(folder).env("RAYON_NUM_THREADS", threads).output().unwrap()
}

/// Runs in `folder`, to success; returns what it printed.
fn llp(folder: &Path, command: &[&str]) -> String {
    let end = llp_with(folder, command, "2");
    assert!(end.status.success(), "{command:?}: {}", String::from_utf8_lossy(&end.stderr));
    String::from_utf8(end.stdout).unwrap()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// A table of two numbers and a category in bags of 1 to 30 rows, each leaning to one class; the class is `high` where
/// the numbers add up to more than 0. Labels, if any, are those of the test rows.
fn write_table(folder: &Path, with_test: bool) {
    let mut rng = stream(1, Purpose::Bags, 0);
    let (mut instances, mut proportions) = (String::new(), format!("bag,{}\n", CLASSES.join(",")));
    let head = if with_test { "bag,x,y,color,split,label\n" } else { "bag,x,y,color\n" };
    instances.push_str(head);
    let mut row = |bag: &str, center: f64, end: &dyn Fn(&str) -> String| {
        let (x, y) = (center + uniform(&mut rng) - 0.5, uniform(&mut rng) - 0.5);
        let class = usize::from(x + y > 0.0);
        let color = ["red", "green", "blue"][below(&mut rng, 3) as usize];
        let _ = writeln!(instances, "{bag},{x},{y},{color}{}", end(CLASSES[class]));
        class
    };
    for bag in 0..60 {
        let (size, center) = (1 + (bag * 7) % 30, f64::from(bag % 5) / 4.0 - 0.5);
        let mut counts = [0; 2];
        for _ in 0..size {
            let end = if with_test { ",train," } else { "" };
            counts[row(&format!("b{bag}"), center, &|_| end.to_owned())] += 1;
        }
        let _ = writeln!(proportions, "b{bag},{},{}", counts[0], counts[1]);
    }
    if with_test {
        for _ in 0..500 {
            row("", 0.0, &|class| format!(",test,{class}"));
        }
    }
    fs_err::write(folder.join("instances.csv"), instances).unwrap();
    fs_err::write(folder.join("proportions.csv"), proportions).unwrap();
}

fn table(with_test: bool) -> TempDir {
    let folder = tempdir().unwrap();
    fs_err::create_dir(folder.path().join("data")).unwrap();
    write_table(&folder.path().join("data"), with_test);
    folder
}

fn result(folder: &Path, run: &str) -> Value {
    json(&fs_err::read_to_string(folder.join(run).join("result.json")).unwrap())
}

/// Data without a single label trains, by the folder or by its two files, to the same weights; held-out bags are set
/// aside, and no accuracy is reported.
#[test]
fn no_label_is_needed() {
    let folder = table(false);
    let train = |out: &str, data: &[&str]| {
        let settings = ["train", "--epochs=3", "--set=data.held_out=0.2", out, "-q"];
        llp(folder.path(), &[&settings[..], data].concat());
    };
    train("--out=a", &["--data=data"]);
    let files = ["--data=data/instances.csv", "--proportions=data/proportions.csv", "--set=data.name=data"];
    train("--out=b", &files);
    assert_eq!(weights(&folder.path().join("a")), weights(&folder.path().join("b")));
    let result = result(folder.path(), "a");
    assert_eq!((&result["n_bags"], &result["n_held_out_bags"]), (&48.into(), &12.into()));
    assert_eq!((&result["bag_size"], &result["last"]["test_accuracy"]), (&30.into(), &Value::Null));
    assert!(result["last"]["held_out_kl"].as_f64().unwrap() > 0.0);
    let evaluation = json(&llp(folder.path(), &["evaluate", "a", "--output=json"]));
    assert_eq!(evaluation["held_out_kl"], result["last"]["held_out_kl"]);
}

/// Bags that cannot teach the classes, and columns that cannot be meant so, are refused before the first step unless
/// asked for; a loss that needs what the table does not say names bag and class.
#[test]
fn what_cannot_work_is_refused() {
    let folder = table(false);
    let data = folder.path().join("data");
    let train = |more: &[&str]| {
        llp_with(folder.path(), &[&["train", "--data=data", "--epochs=1"][..], more].concat(), "2")
    };
    let said = |end: &Output| String::from_utf8_lossy(&end.stderr).into_owned();
    let proportions = fs_err::read_to_string(data.join("proportions.csv")).unwrap();
    let bags: Vec<&str> = proportions.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
    let equal: Vec<String> = bags.iter().map(|bag| format!("{bag},0.5,0.5")).collect();
    let head = proportions.lines().next().unwrap();
    fs_err::write(data.join("proportions.csv"), format!("{head}\n{}\n", equal.join("\n"))).unwrap();
    let end = train(&["--out=equal", "-q"]);
    assert_eq!(end.status.code(), Some(2), "{}", said(&end));
    assert!(
        said(&end).contains("training cannot work as it is: all bags have the same proportions"),
        "{}",
        said(&end)
    );
    let end = train(&["--out=equal", "--anyway", "--progress=none"]);
    assert_eq!(end.status.code(), Some(0), "{}", said(&end));
    assert!(said(&end).contains("warning: training cannot work as it is"), "{}", said(&end));
    let bounds: Vec<String> = bags.iter().map(|bag| format!("{bag},0.5,0,1,0.5,0,1")).collect();
    let head = "bag,low,low_low,low_high,high,high_low,high_high";
    fs_err::write(data.join("proportions.csv"), format!("{head}\n{}\n", bounds.join("\n"))).unwrap();
    let end = train(&["--out=bounds", "--loss=rot", "-q"]);
    assert!(
        said(&end).contains("that of \"low\" in bag \"b0\" is unknown in data/proportions.csv"),
        "{}",
        said(&end)
    );
}

/// A loss that does not use the bounds of shares says so; one that does, and bounds that say nothing, need no word.
#[test]
fn unused_bounds_are_named() {
    let folder = table(false);
    let path = folder.path().join("data/proportions.csv");
    let text = fs_err::read_to_string(&path).unwrap();
    let warning = |width: f64, loss: &str| {
        let row = |line: &str| {
            let cells: Vec<&str> = line.split(',').collect();
            let counts: Vec<f64> = cells[1..].iter().map(|cell| cell.parse().unwrap()).collect();
            let share = counts[0] / (counts[0] + counts[1]);
            let (least, most) = ((share - width).max(0.0), (share + width).min(1.0));
            format!("{},{share},{least},{most},{}\n", cells[0], 1.0 - share)
        };
        let rows: String = text.lines().skip(1).map(row).collect();
        fs_err::write(&path, format!("bag,low,low_low,low_high,high\n{rows}")).unwrap();
        let out = format!("--out={loss}-{width}");
        let train = ["train", "--data=data", "--epochs=1", "--set=optim.min_steps=1", &out, "--loss", loss];
        let end = llp_with(folder.path(), &train, "2");
        assert!(end.status.success(), "{}", String::from_utf8_lossy(&end.stderr));
        String::from_utf8_lossy(&end.stderr)
            .contains("60 bags have bounds or standard errors of their shares, which kl")
    };
    assert!(warning(0.1, "kl"));
    assert!(!warning(0.1, "interval") && !warning(1.0, "kl"));
}

/// Missing numbers are refused unless `--impute` says what stands for them. The run keeps it: a table with missing numbers
/// gets the predictions of the table in which they are written out.
#[test]
fn missing_numbers_are_imputed() {
    let folder = table(false);
    let path = folder.path().join("data/instances.csv");
    let text = fs_err::read_to_string(&path).unwrap();
    let with_x = |x: &str| {
        let line = |(row, line): (usize, &str)| match line.split(',').collect::<Vec<_>>()[..] {
            [bag, _, y, color] if row % 7 == 3 => format!("{bag},{x},{y},{color}\n"),
            _ => format!("{line}\n"),
        };
        text.lines().enumerate().map(line).collect::<String>()
    };
    fs_err::write(&path, with_x("")).unwrap();
    let train = ["train", "--data=data", "--epochs=2", "--set=optim.min_steps=1", "--progress=none"];
    let refused = llp_with(folder.path(), &[&train[..], &["--out=refused"]].concat(), "2");
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--impute mean or median"));
    let end = llp_with(folder.path(), &[&train[..], &["--out=a", "--impute=median"]].concat(), "2");
    let said = String::from_utf8_lossy(&end.stderr).into_owned();
    assert!(end.status.success() && said.contains("become the median of the training rows"), "{said}");
    let newest = Checkpoint::locate(&folder.path().join("a")).unwrap();
    let state = json(&fs_err::read_to_string(newest.join("state.json")).unwrap());
    let columns = state["features"]["columns"].as_array().unwrap();
    let fill = columns.iter().find(|column| column["name"] == "x").unwrap()["fill"].as_f64().unwrap();
    fs_err::write(folder.path().join("missing.csv"), with_x("")).unwrap();
    fs_err::write(folder.path().join("written.csv"), with_x(&fill.to_string())).unwrap();
    let predict = |table: &str| llp(folder.path(), &["predict", "a", table, "--probabilities"]);
    assert_eq!(predict("missing.csv"), predict("written.csv"));
}

/// Proportions teach single instances: from bags of up to 30, each network that can draw the line finds it.
#[test]
fn bags_of_mixed_sizes_teach_instances() {
    let folder = table(true);
    for network in ["mlp", "linear"] {
        let network_setting = format!("--set=network.name={network}");
        let out = format!("--out={network}");
        let command =
            ["train", "--data=data", "--set=optim.images_per_step=64", "-q", &network_setting, &out];
        llp(folder.path(), &command);
        let accuracy = result(folder.path(), network)["last"]["test_accuracy"].as_f64().unwrap();
        assert!(accuracy > 0.9, "{network}: {accuracy}");
    }
}

/// Stopped after any epoch and continued, on any number of threads, a run ends with the same bits; with other proportions
/// it is refused.
#[test]
fn a_run_goes_on_bit_for_bit_and_with_its_own_data_only() {
    let folder = table(true);
    let train = ["train", "--data=data", "--epochs=4", "--set=checkpoint.every_epochs=1", "-q"];
    for (out, threads) in [("--out=one", "1"), ("--out=three", "3")] {
        let end = llp_with(folder.path(), &[&train[..], &[out]].concat(), threads);
        assert!(end.status.success());
    }
    let end = llp_with(folder.path(), &[&train[..], &["--out=cut", "--time-limit=1ms"]].concat(), "2");
    assert_eq!(end.status.code(), Some(75));
    llp(folder.path(), &["resume", "cut", "-q"]);
    let weights = |run: &str| weights(&folder.path().join(run));
    assert_eq!(weights("one"), weights("three"));
    assert_eq!(weights("one"), weights("cut"));

    let other = folder.path().join("other.csv");
    let text = fs_err::read_to_string(folder.path().join("data/proportions.csv")).unwrap();
    fs_err::write(&other, text.replace("b0,0,1\n", "b0,1,0\n").replace("b0,1,0\n", "b0,0.5,0.5\n")).unwrap();
    let end = llp_with(folder.path(), &["evaluate", "one", "--proportions=other.csv"], "2");
    assert_eq!(end.status.code(), Some(2), "{}", String::from_utf8_lossy(&end.stderr));
}

/// Each classical method finds most of the line (those of class means less of it, as a class looks different from bag to
/// bag), and leaves a run that every command takes: the same accuracy when its checkpoint
/// is evaluated, predictions, a page, files for other programs. Threads change no bit, and a run that was stopped starts
/// again and ends as one that was not.
#[test]
fn classical_methods_leave_runs_like_any() {
    let folder = table(true);
    let at = folder.path();
    let methods = [
        ("mean-map", 0.7),
        ("lmm", 0.7),
        ("amm", 0.9),
        ("inv-cal", 0.7),
        ("linear-kl", 0.9),
        ("em", 0.9),
        ("alter-svm", 0.8),
    ];
    for (method, least) in methods {
        let (name, out) = (format!("--method={method}"), format!("--out={method}"));
        llp(at, &["train", "--data=data", "--set=data.held_out=0.2", "-q", &name, &out]);
        let result = result(at, method);
        let accuracy = result["last"]["test_accuracy"].as_f64().unwrap();
        assert!(accuracy > least, "{method}: {accuracy}");
        assert_eq!(result["solution"]["converged"], true, "{method}");
        let folds = if method == "alter-svm" { Value::Null } else { 5.into() };
        assert_eq!(result["solution"]["folds"], folds, "{method}");
        let evaluation = json(&llp(at, &["evaluate", method, "--output=json"]));
        assert_eq!(evaluation["test_accuracy"], result["last"]["test_accuracy"], "{method}");
        assert_eq!(evaluation["held_out_kl"], result["last"]["held_out_kl"], "{method}");
    }
    llp(at, &["predict", "em", "data/instances.csv", "--out=predictions.csv", "-q"]);
    assert!(fs_err::read_to_string(at.join("predictions.csv")).unwrap().contains("high"));
    llp(at, &["report", "em", "-q"]);
    for format in ["onnx", "torchvision", "card", "tensorboard"] {
        llp(at, &["export", "em", &format!("--format={format}"), &format!("--out={format}.out"), "-q"]);
    }
    assert!(fs_err::read_to_string(at.join("card.out/README.md")).unwrap().contains("the method EM"));

    let train = ["train", "--data=data", "--set=data.held_out=0.2", "--method=em", "-q"];
    let end = llp_with(at, &[&train[..], &["--out=one"]].concat(), "1");
    assert!(end.status.success(), "{}", String::from_utf8_lossy(&end.stderr));
    let end = llp_with(at, &[&train[..], &["--out=cut", "--time-limit=1ms"]].concat(), "2");
    assert_eq!(end.status.code(), Some(75), "{}", String::from_utf8_lossy(&end.stderr));
    llp(at, &["resume", "cut", "-q"]);
    assert_eq!(weights(&at.join("one")), weights(&at.join("em")));
    assert_eq!(weights(&at.join("cut")), weights(&at.join("em")));
}

/// A method takes no setting of networks on the command line, and no penalty is chosen where one is given.
#[test]
fn methods_have_their_own_settings() {
    let folder = table(true);
    let train = ["train", "--data=data", "--method=linear-kl", "-q"];
    for other in ["--loss=kl", "--epochs=2", "--lr=0.1", "--alpha=0.5", "--width=3"] {
        let end = llp_with(folder.path(), &[&train[..], &["--out=a", other]].concat(), "2");
        let said = String::from_utf8_lossy(&end.stderr).into_owned();
        assert!(end.status.code() == Some(2) && said.contains("cannot be used with"), "{other}: {said}");
    }
    llp(folder.path(), &[&train[..], &["--out=a", "--set=method.l2=0.25"]].concat());
    let solution = &result(folder.path(), "a")["solution"];
    assert_eq!((&solution["l2"], &solution["folds"]), (&0.25.into(), &Value::Null));
}

/// Methods and losses share a sweep; each is named in the results, and the settings of networks do not multiply methods.
#[test]
fn a_sweep_of_methods_and_losses() {
    let folder = table(true);
    let file = "schema = 1\nname = \"own\"\n[base]\npreset = \"table\"\noptim.epochs = 2\ndata.name = \"own\"\n\
                data.path = \"data\"\ndata.held_out = 0.2\n[grid]\nmethod.name = [\"none\", \"em\", \"amm\"]\n\
                optim.lr = [0.003, 0.01]\n";
    fs_err::write(folder.path().join("own.toml"), file).unwrap();
    llp(folder.path(), &["sweep", "run", "own.toml", "--out=sweep", "-q"]);
    let sweep = SweepDir::open(folder.path().join("sweep")).unwrap();
    assert_eq!(sweep.cells().len(), 4);
    let page = fs_err::read_to_string(folder.path().join("sweep/report/index.html")).unwrap();
    for title in ["Losses and methods", "KL", "EM", "AMM"] {
        assert!(page.contains(title), "{title}");
    }
}

/// A sweep file names one's own data, and all its cells train on it.
#[test]
fn a_sweep_on_own_data() {
    let folder = table(true);
    let file = "schema = 1\nname = \"own\"\n[base]\npreset = \"table\"\noptim.epochs = 2\ndata.name = \"own\"\n\
                data.path = \"data\"\n[grid]\nloss.name = [\"kl\", \"rot\"]\n";
    fs_err::write(folder.path().join("own.toml"), file).unwrap();
    llp(folder.path(), &["sweep", "run", "own.toml", "--out=sweep", "-q"]);
    let sweep = SweepDir::open(folder.path().join("sweep")).unwrap();
    assert_eq!(sweep.cells().len(), 2);
    for cell in sweep.cells() {
        assert_eq!(cell.config.bags.size, 30);
        assert!(sweep.run_dir(cell).result().unwrap().is_some());
    }
}

/// Image files of any size and color train a residual network, and a perceptron as rows of pixels.
#[test]
fn image_files_of_any_size() {
    let folder = tempdir().unwrap();
    let mut instances = "path,bag\n".to_owned();
    for image in 0..24_u32 {
        let (width, height) = (10 + image % 3 * 7, 9 + image % 4 * 5);
        let shade = if image % 2 == 0 { 40 } else { 200 };
        let name = format!("{image}.png");
        if image % 5 == 0 {
            let gray = image::GrayImage::from_pixel(width, height, image::Luma([shade]));
            gray.save(folder.path().join(&name)).unwrap();
        } else {
            let color = image::RgbImage::from_pixel(width, height, image::Rgb([shade, 0, shade]));
            color.save(folder.path().join(&name)).unwrap();
        }
        let _ = writeln!(instances, "{name},b{}", image / 5);
    }
    fs_err::write(folder.path().join("instances.csv"), instances).unwrap();
    let proportions = "bag,dark,light\nb0,0.6,0.4\nb1,0.4,0.6\nb2,0.6,0.4\nb3,0.4,0.6\nb4,0.5,0.5\n";
    fs_err::write(folder.path().join("proportions.csv"), proportions).unwrap();
    let small = ["--set=data.image_size=8", "--set=data.held_out=0.2", "--epochs=1", "-q"];
    llp(folder.path(), &[&["train", "--data=.", "--width=2", "--out=a"][..], &small].concat());
    let perceptron = ["--preset=table", "--set=network.hidden=4", "--set=network.depth=1"];
    llp(folder.path(), &[&["train", "--data=.", "--out=b"][..], &perceptron, &small].concat());
    let n_tensors = |run: &str| weights(&folder.path().join(run)).len();
    assert_eq!((n_tensors("a"), n_tensors("b")), (122, 4));
}

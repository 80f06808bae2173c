//! Malformed tables of own data: each is refused with the file, the row where there is one, and how to fix it.

#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

mod messages;

use std::path::{Path, PathBuf};

use image::{ImageFormat, RgbImage};
use llp_bags::own::{self, FeatureColumn, FeatureSchema, Like};
use llp_data::table::{Cells, encode};
use messages::Messages;
use tempfile::{TempDir, tempdir};

/// A folder of tables, and the messages that they are refused with.
struct Corpus {
    folder: TempDir,
    messages: Messages,
}

/// Two bags of two instances with a number each: nothing is wrong with them.
const INSTANCES: &str = "bag,x\na,1\na,2\nb,3\nb,4\n";
const SHARES: &str = "bag,cat,dog\na,0.5,0.5\nb,0,1\n";

impl Corpus {
    fn new(topic: &str, title: &'static str) -> Self {
        let folder = tempdir().unwrap();
        let mut messages = Messages::new(env!("CARGO_MANIFEST_DIR"), topic, title);
        messages.named(format!("{}/", folder.path().display()), "");
        messages.named(folder.path().display(), "FOLDER");
        Self { folder, messages }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        fs_err::write(self.path(name), content).unwrap();
        self.path(name)
    }

    fn refuse(&mut self, input: &str, instances: &str, proportions: &str) {
        let instances = self.write("instances.csv", instances);
        let proportions = self.write("proportions.csv", proportions);
        self.refuse_files(input, &instances, Some(&proportions));
    }

    fn instances(&mut self, input: &str, instances: impl AsRef<[u8]>) {
        let instances = self.write("instances.csv", instances);
        let proportions = self.write("proportions.csv", SHARES);
        self.refuse_files(input, &instances, Some(&proportions));
    }

    fn proportions(&mut self, input: &str, proportions: &str) {
        self.refuse(input, INSTANCES, proportions);
    }

    fn refuse_files(&mut self, input: &str, instances: &Path, proportions: Option<&Path>) {
        self.messages.refused(input, own::read(instances, proportions, 4));
    }
}

/// The tables that the others differ from are read.
#[test]
fn the_plain_tables_are_accepted() {
    let corpus = Corpus::new("", "");
    let proportions = corpus.write("p.csv", SHARES);
    let data = own::read(&corpus.write("i.csv", INSTANCES), Some(&proportions), 4).unwrap();
    assert_eq!((data.bags.len(), data.data.train.instances.len()), (2, 4));
}

/// Tables of features.
#[test]
fn tables_of_features() {
    let mut corpus = Corpus::new("own-features", "Own tables of features");
    corpus.instances("an empty file", "");
    corpus.instances("a header alone", "bag,x\n");
    corpus.instances("no column of bags", "sack,x\na,1\n");
    corpus.instances("cells between semicolons", "bag;x\na;1\n");
    corpus.instances("no feature", "bag,label\na,cat\nb,dog\n");
    corpus.instances("two columns of one name", "bag,x,x\na,1,2\n");
    corpus.instances("row numbers without a name, as pandas writes them", ",bag,x\n0,a,1\n");
    corpus.instances("a missing cell", "bag,x,y\na,1,2\na,3\n");
    corpus.instances("a cell too many", "bag,x\na,1\na,1,5\n");
    corpus.instances("bytes that are no UTF-8", b"bag,x\na,1\n\xff\xfe,2\n");
    corpus.instances("an empty number", "bag,x\na,1\na,\nb,3\nb,4\n");
    corpus.instances("an empty category", "bag,x\na,red\na,\nb,blue\nb,red\n");
    corpus.instances("a missing number that has a name", "bag,x\na,1\na,2\nb,NA\nb,4\n");
    corpus.instances("a decimal comma", "bag,x\na,\"1,5\"\na,2\nb,3\nb,4\n");
    corpus.instances("a number with a unit", "bag,x\na,1\na,2\nb,3 km\nb,4\n");
    corpus.instances("NaN", "bag,x\na,1\na,NaN\nb,3\nb,4\n");
    corpus.instances("infinity", "bag,x\na,1\na,inf\nb,3\nb,4\n");
    corpus.instances("dates", "bag,x\na,2024-03-01\na,2024-03-09\nb,2024-04-11\nb,2024-03-01\n");
    corpus
        .instances("times", "bag,x\na,1.3.2024 12:30\na,1.3.2024 12:45\nb,2.3.2024 8:00\nb,5.3.2024 9:30\n");
    corpus.instances("decimal commas in every cell", "bag;x\na;1,5\na;2,25\nb;3\nb;4,5\n");
    corpus.instances(
        "thousands separators in every cell",
        "bag,x\na,\"1,500\"\na,\"2,250\"\nb,\"3,000\"\nb,\"1,234.5\"\n",
    );
    corpus.instances("percent signs in every cell", "bag,x\na,15 %\na,20 %\nb,35 %\nb,5.5 %\n");
    let names: Vec<String> = (0..1002).map(|row| format!("a,name{row}\n")).collect();
    corpus.instances("a thousand different texts", format!("bag,who\n{}", names.concat()));
    corpus.instances("an empty bag", "bag,x\na,1\n,2\nb,3\n");
    corpus
        .instances("an unknown split", "bag,split,x\na,train,1\na,train,2\nb,validation,3\nb,validation,4\n");
    corpus.instances("a bag in two splits", "bag,split,x\na,train,1\na,test,2\nb,train,3\nb,train,4\n");
    corpus.instances("test instances alone", "bag,split,x\na,test,1\nb,test,2\n");
    corpus.instances("labels of some instances", "bag,label,x\na,cat,1\na,,2\nb,dog,3\nb,dog,4\n");
    corpus.instances("a label that is no class", "bag,label,x\na,cat,1\na,dog,2\nb,wolf,3\nb,dog,4\n");
    corpus.instances("a bag without proportions", "bag,x\na,1\na,2\nc,3\nb,4\n");
    corpus.messages.compare();
}

/// Tables and folders of image files.
#[test]
fn tables_of_images() {
    let mut corpus = Corpus::new("own-images", "Own tables of images");
    RgbImage::new(3, 2).save_with_format(corpus.path("a.png"), ImageFormat::Png).unwrap();
    let whole = fs_err::read(corpus.path("a.png")).unwrap();
    corpus.write("cut.png", &whole[..whole.len() / 2]);
    corpus.write("text.png", "no image");
    corpus.write("empty.png", "");
    let table = |image: &str| format!("bag,path\na,a.png\nb,{image}\n");
    corpus.instances("an image that is not there", table("b.png"));
    corpus.instances("an empty path", table(""));
    corpus.instances("an image that is listed twice", table("a.png"));
    corpus.instances("an image that is cut short", table("cut.png"));
    corpus.instances("text instead of an image", table("text.png"));
    corpus.instances("an empty image file", table("empty.png"));
    fs_err::create_dir(corpus.path("folder.png")).unwrap();
    corpus.instances("a folder instead of an image", table("folder.png"));
    corpus.instances("an image without a bag", "bag,path\n,a.png\n");
    corpus.instances(
        "image files in a column of another name",
        "bag,scan\na,a.png\na,cut.png\nb,text.png\nb,b.png\n",
    );
    let instances = corpus.write("i.csv", table("cut.png"));
    corpus
        .messages
        .refused("images of no pixels", own::read(&instances, Some(&corpus.path("proportions.csv")), 0));
    corpus.messages.compare();
}

/// Tables of proportions.
#[test]
fn tables_of_proportions() {
    let mut corpus = Corpus::new("own-proportions", "Own tables of proportions");
    corpus.proportions("an empty file", "");
    corpus.proportions("a header alone", "bag,cat,dog\n");
    corpus.proportions("no column of bags", "cat,dog\n0.5,0.5\n");
    corpus.proportions("no class", "bag\na\nb\n");
    corpus.proportions("one class", "bag,cat\na,1\nb,1\n");
    corpus.proportions("two columns of one class", "bag,cat,cat\na,0.5,0.5\nb,0,1\n");
    corpus.proportions("a bag without a name", "bag,cat,dog\na,0.5,0.5\n,0,1\n");
    corpus.proportions("a bag with two rows", "bag,cat,dog\na,0.5,0.5\nb,0,1\na,1,0\n");
    corpus.proportions("a bag without instances", "bag,cat,dog\na,0.5,0.5\nb,0,1\nc,1,0\n");
    corpus.proportions("text for a share", "bag,cat,dog\na,half,0.5\nb,0,1\n");
    corpus.proportions("a percent sign", "bag,cat,dog\na,50%,50%\nb,0%,100%\n");
    corpus.proportions("NaN", "bag,cat,dog\na,NaN,0.5\nb,0,1\n");
    corpus.proportions("infinity", "bag,cat,dog\na,inf,0.5\nb,0,1\n");
    corpus.proportions("a negative share", "bag,cat,dog\na,-0.5,1.5\nb,0,1\n");
    corpus.proportions("shares below 1", "bag,cat,dog\na,0.5,0.3\nb,0,1\n");
    corpus.proportions("shares above 1", "bag,cat,dog\na,0.5,0.7\nb,0,1\n");
    corpus.proportions("a column of sums", "bag,cat,dog,total\na,0.5,0.5,1\nb,0,1,1\n");
    corpus.proportions(
        "bounds by other names",
        "bag,cat,dog,cat_lower,cat_upper\na,0.5,0.5,0.4,0.6\nb,0,1,0,0.1\n",
    );
    corpus.proportions(
        "bounds alone",
        "bag,cat_low,cat_high,dog_low,dog_high\na,0.4,0.6,0.4,0.6\nb,0,0.1,0.9,1\n",
    );
    corpus.proportions(
        "a row for each bag and class",
        "bag,class,share\na,cat,0.5\na,dog,0.5\nb,cat,0\nb,dog,1\n",
    );
    corpus.proportions("text beside the classes", "bag,cat,dog,region\na,0.5,0.5,north\nb,0,1,south\n");
    corpus.proportions("a bag by a similar name", "bag,cat,dog\na,0.5,0.5\nB,0,1\n");
    corpus.proportions("percentages that do not add up", "bag,cat,dog,owl\na,33,33,33.25\nb,0,120.5,0\n");
    let many: Vec<String> = (0..400).map(|class| format!("class{class}")).collect();
    let shares = "0.002".to_owned() + &",0.002".repeat(399);
    let table = format!("bag,{}\na,{shares}\nb,{shares}\n", many.join(","));
    corpus.proportions("shares of many classes that are far from 1", &table);
    corpus.proportions("counts beyond the bag", "bag,cat,dog\na,1,1\nb,0,3\n");
    corpus.proportions("counts that do not fill the bag", "bag,cat,dog\na,1,1\nb,0,1\n");
    corpus.proportions("counts that are no whole numbers", "bag,cat,dog\na,1.5,0.5\nb,0,2\n");
    corpus.proportions("counts of an empty bag", "bag,cat,dog\na,1,1\nb,0,0\n");
    corpus.proportions("shares and counts in one table", "bag,cat,dog\na,0.5,0.5\nb,0,2\n");
    corpus.proportions("a row of empty cells", "bag,cat,dog\na,0.5,0.5\nb,,\n");
    corpus.proportions("known shares above 1, others unknown", "bag,cat,dog,owl\na,0.5,0.7,\nb,0,1,\n");
    corpus.proportions("known counts beyond the bag, others unknown", "bag,cat,dog,owl\na,1,1,0\nb,2,1,\n");
    corpus.proportions("a lower bound without an upper one", "bag,cat,dog,cat_low\na,0.5,0.5,0.4\nb,0,1,0\n");
    corpus
        .proportions("an upper bound without a lower one", "bag,cat,dog,dog_high\na,0.5,0.5,0.4\nb,0,1,0\n");
    corpus.proportions(
        "a cell for one bound only",
        "bag,cat,cat_low,cat_high,dog\na,0.5,0.4,,0.5\nb,0,0,0.1,1\n",
    );
    corpus.proportions(
        "bounds in the wrong order",
        "bag,cat,cat_low,cat_high,dog\na,0.5,0.6,0.4,0.5\nb,0,0,0.1,1\n",
    );
    corpus.proportions(
        "a share outside its bounds",
        "bag,cat,cat_low,cat_high,dog\na,0.5,0.6,0.7,0.5\nb,0,0,0.1,1\n",
    );
    corpus.proportions("a negative bound", "bag,cat,cat_low,cat_high,dog\na,0.5,-0.1,0.7,0.5\nb,0,0,0.1,1\n");
    corpus.proportions(
        "bounds that cannot add up to 1",
        "bag,cat,cat_low,cat_high,dog,dog_low,dog_high\na,,0.5,0.6,,0.1,0.2\nb,0,0,0.1,1,0.9,1\n",
    );
    corpus.proportions(
        "bounds and standard errors",
        "bag,cat,cat_low,cat_high,dog,dog_se\na,0.5,0.4,0.6,0.5,0.1\nb,0,0,0.1,1,0.1\n",
    );
    corpus.proportions(
        "a negative standard error",
        "bag,cat,cat_se,dog,dog_se\na,0.5,-0.1,0.5,0.1\nb,0,0,1,0\n",
    );
    corpus.proportions(
        "a share without its standard error",
        "bag,cat,cat_se,dog,dog_se\na,0.5,,0.5,0.1\nb,0,0,1,0\n",
    );
    corpus.proportions(
        "a standard error without its share",
        "bag,cat,cat_se,dog,dog_se\na,,0.1,0.5,0.1\nb,0,0,1,0\n",
    );
    corpus.proportions(
        "noisy shares far from 1",
        "bag,cat,cat_se,dog,dog_se\na,0.5,0.01,0.9,0.01\nb,0,0.01,1,0.01\n",
    );
    corpus.messages.compare();
}

/// Files that are not there, are of another kind, or are damaged.
#[test]
fn files() {
    let mut corpus = Corpus::new("own-files", "Own files");
    let shares = corpus.write("shares.csv", SHARES);
    let of = |corpus: &mut Corpus, input: &str, name: &str| {
        let path = corpus.path(name);
        corpus.refuse_files(input, &path, Some(&shares));
    };
    of(&mut corpus, "a table that is not there", "none.csv");
    corpus.write("table.xlsx", "PK");
    of(&mut corpus, "a spreadsheet", "table.xlsx");
    corpus.write("text.parquet", INSTANCES);
    of(&mut corpus, "a CSV file named .parquet", "text.parquet");
    corpus.write("text.npy", INSTANCES);
    of(&mut corpus, "a CSV file named .npy", "text.npy");
    let columns =
        [("bag".to_owned(), Cells::Text(vec!["a".into()])), ("x".to_owned(), Cells::Numbers(vec![1.0]))];
    let path = corpus.path("cut.parquet");
    let bytes = encode(&path, &columns).unwrap();
    corpus.write("cut.parquet", &bytes[..bytes.len() - 20]);
    of(&mut corpus, "a Parquet file that is cut short", "cut.parquet");
    fs_err::create_dir(corpus.path("empty")).unwrap();
    of(&mut corpus, "a folder without a table", "empty");
    let instances = corpus.write("instances.csv", INSTANCES);
    corpus.refuse_files("no table of proportions", &instances, None);
    corpus.write("proportions.csv", SHARES);
    corpus.write("proportions.parquet", "");
    corpus.refuse_files("two tables of proportions", &instances, None);
    corpus.write("instances.parquet", "");
    let folder = corpus.path("");
    corpus.refuse_files("two tables of instances", &folder, Some(&shares));
    corpus.messages.compare();
}

/// Tables for prediction must have the columns that the network was trained with.
#[test]
fn tables_for_prediction() {
    let mut corpus = Corpus::new("own-prediction", "Tables for prediction");
    let age = FeatureColumn::Numeric { name: "age".into(), shift: None, fill: None };
    let color =
        FeatureColumn::Categorical { name: "color".into(), levels: vec!["blue".into(), "red".into()] };
    let schema = FeatureSchema { columns: vec![age, color] };
    let mut refuse = |input: &str, table: &str| {
        let path = corpus.write("t.csv", table);
        let read = own::read_instances(&path, Like::Features(&schema));
        corpus.messages.refused(input, read);
    };
    refuse("a column that is missing", "age\n3\n");
    refuse("text where the network had numbers", "age,color\n3,red\nold,red\n");
    refuse("an empty cell", "age,color\n3,red\n,red\n");
    refuse("a number that the network has no place for", "age,color\n3,red\n1e300,red\n");
    refuse("images for a network of features", "path\na.png\n");
    let path = corpus.write("t.csv", "age\n3\n");
    let read = own::read_instances(&path, Like::Images { side: 4, channels: 1 });
    corpus.messages.refused("features for a network of images", read);
    corpus.messages.compare();
}

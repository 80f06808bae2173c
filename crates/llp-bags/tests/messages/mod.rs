//! What the program says to bad input: collected by a test, compared with the file that holds it.
//!
//! Each test that refuses bad input keeps its cases in `tests/messages/TOPIC.json` of its crate, word for word.
//! `cargo xtask errors` makes the table of `docs/errors.md` from these files. `LLP_UPDATE_MESSAGES=1 cargo test`
//! writes them again.

use std::fmt::{Debug, Display};
use std::path::PathBuf;
use std::process::Output;

use serde_json::{Value, json};

/// The cases of one topic, in the order of the test.
pub(crate) struct Messages {
    file: PathBuf,
    title: &'static str,
    names: Vec<(String, &'static str)>,
    cases: Vec<Value>,
}

#[allow(dead_code, reason = "each test uses what it needs")]
impl Messages {
    /// The file `tests/messages/TOPIC.json` below `crate_folder`, which is `env!("CARGO_MANIFEST_DIR")`.
    pub(crate) fn new(crate_folder: &str, topic: &str, title: &'static str) -> Self {
        let file = PathBuf::from(crate_folder).join(format!("tests/messages/{topic}.json"));
        Self { file, title, names: Vec::new(), cases: Vec::new() }
    }

    /// Has `name` stand for what differs from run to run, such as a temporary folder, from here on.
    pub(crate) fn named(&mut self, text: impl Display, name: &'static str) {
        self.names.push((text.to_string(), name));
    }

    /// A library refuses `input`.
    pub(crate) fn refused<T: Debug>(&mut self, input: &str, outcome: Result<T, impl Display>) {
        match outcome {
            Err(error) => self.push(input, &error.to_string(), None),
            Ok(value) => panic!("{input} is accepted: {value:?}"),
        }
    }

    /// The command ends with an error; its last words are the message.
    pub(crate) fn ended(&mut self, input: &str, end: &Output) {
        let (out, err) = (String::from_utf8_lossy(&end.stdout), String::from_utf8_lossy(&end.stderr));
        let err = format!("\n{err}");
        let Some((_, message)) = err.split_once("\nerror: ") else {
            panic!("{input} is no error: {out}{err}")
        };
        assert!(!err.contains("panicked"), "{input}: {err}");
        let code = end.status.code().unwrap_or_else(|| panic!("{input}: {}", end.status));
        self.push(input, message.trim_end(), Some(code));
    }

    /// Something is said without an error: a warning.
    pub(crate) fn warned(&mut self, input: &str, message: &str) {
        self.push(input, message, None);
    }

    fn push(&mut self, input: &str, message: &str, exit: Option<i32>) {
        let message =
            self.names.iter().fold(message.to_owned(), |message, (text, name)| message.replace(text, name));
        self.cases.push(json!({ "input": input, "message": message, "exit": exit }));
    }

    /// All cases are those of the file, word for word.
    pub(crate) fn compare(self) {
        let topic = json!({ "title": self.title, "cases": self.cases });
        let text = serde_json::to_string_pretty(&topic).unwrap() + "\n";
        if std::env::var_os("LLP_UPDATE_MESSAGES").is_some() {
            fs_err::create_dir_all(self.file.parent().unwrap()).unwrap();
            fs_err::write(&self.file, text).unwrap();
            return;
        }
        let written: Value = serde_json::from_slice(&fs_err::read(&self.file).unwrap()).unwrap();
        let cases = written["cases"].as_array().unwrap();
        for (case, expected) in self.cases.iter().zip(cases) {
            assert_eq!(case, expected, "{}", self.file.display());
        }
        assert_eq!(topic, written, "{}", self.file.display());
    }
}

//! `docs/test-index-ot.md` lists every theorem that the tests state, and none that they do not.

use std::fmt::Write as _;

/// Files with theorems, in the order of the index.
const FILES: [&str; 7] = [
    "tests/properties.rs",
    "tests/properties_gradient.rs",
    "tests/properties_exact.rs",
    "tests/golden.rs",
    "tests/fuzz.rs",
    "src/reference.rs",
    "src/combinatorial.rs",
];

#[expect(clippy::disallowed_methods, reason = "the path is part of the message")]
fn read(path: &str) -> String {
    let path = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The names of the tests of a file, with the theorems of their documentation.
fn theorems(source: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut theorem = String::new();
    for line in source.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("///") {
            theorem.push_str(text);
        } else if let Some(rest) = line.strip_prefix("fn ") {
            let name = rest.split('(').next().unwrap_or_default().to_owned();
            if let Some((_, theorem)) = theorem.split_once("Theorem") {
                let stated = theorem.strip_prefix(':').unwrap_or(theorem).trim();
                found.push((name, stated.replace('|', "\\|")));
            }
            theorem.clear();
        } else if !line.starts_with("#[") {
            theorem.clear();
        }
    }
    found
}

#[test]
fn the_index_lists_every_theorem() {
    let mut index = String::from(
        "# Theorems that `llp-ot` tests\n\n\
         Each is a property over random problems, at least 1,000 of them in CI, or a comparison with stored values.\n\
         `cargo test -p llp-ot --test index` compares this list with the tests.\n",
    );
    for file in FILES {
        let _ = write!(index, "\n## `crates/llp-ot/{file}`\n\n| test | theorem |\n|---|---|\n");
        for (name, theorem) in theorems(&read(file)) {
            let _ = writeln!(index, "| `{name}` | {theorem} |");
        }
    }
    assert!(index == read("../../docs/test-index-ot.md"), "docs/test-index-ot.md should be:\n{index}");
}

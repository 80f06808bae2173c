//! Names that programs change on the way into a table.

/// Whether pandas gives this name to a column of row numbers: the index of a frame, or one that an earlier program wrote
/// into a CSV file.
pub fn is_row_numbers(name: &str) -> bool {
    let is_number =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let is_level = |name: &str| name.strip_suffix("__").is_some_and(is_number);
    name.strip_prefix("__index_level_").is_some_and(is_level)
        || name.strip_prefix("Unnamed: ").is_some_and(is_number)
}

/// Takes the fraction from names that are whole numbers, `1.0` to `1`, if all are whole numbers: pandas writes so what
/// was a column of integers with an empty cell.
pub fn whole_numbers(names: &mut [String]) {
    if names.iter().all(|name| name.is_empty() || whole_number(name).is_some()) {
        for name in names {
            if let Some(len) = whole_number(name).map(str::len) {
                name.truncate(len);
            }
        }
    }
}

/// The digits, with a sign, of a whole number that may have a fraction of zeros.
pub(crate) fn whole_number(name: &str) -> Option<&str> {
    let (whole, fraction) =
        name.split_once('.').map_or((name, None), |(whole, fraction)| (whole, Some(fraction)));
    let digits = whole.strip_prefix('-').unwrap_or(whole);
    let is_whole = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let has_no_fraction =
        fraction.is_none_or(|zeros| !zeros.is_empty() && zeros.bytes().all(|byte| byte == b'0'));
    (is_whole && has_no_fraction).then_some(whole)
}

/// Whether two names differ only in how programs write whole numbers and truth values: `1` and `1.0`, `True` and `1`.
pub fn is_same(a: &str, b: &str) -> bool {
    plain(a) == plain(b)
}

fn plain(name: &str) -> &str {
    match name {
        "true" | "True" | "TRUE" => "1",
        "false" | "False" | "FALSE" => "0",
        name => whole_number(name).unwrap_or(name),
    }
}

/// A name of `known` that `name` may have been meant as: equal but for case, spaces, hyphens, underscores and leading zeros.
pub fn similar<'a>(name: &str, mut known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let folded = folded(name);
    known.find(|other| *other != name && self::folded(other) == folded)
}

fn folded(name: &str) -> String {
    let name = plain(name.trim()).to_lowercase();
    let mut folded = String::with_capacity(name.len());
    for letter in name.chars().filter(|letter| !matches!(letter, ' ' | '-' | '_')) {
        let ends_with_digit = folded.chars().next_back().is_some_and(|last: char| last.is_ascii_digit());
        if ends_with_digit && letter.is_ascii_digit() && is_zero_run(&folded) {
            folded.pop();
        }
        folded.push(letter);
    }
    folded
}

/// Whether the number at the end is one zero.
fn is_zero_run(text: &str) -> bool {
    let mut letters = text.chars().rev();
    letters.next() == Some('0') && !letters.next().is_some_and(|letter| letter.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names lose `.0` only if all of them are whole numbers: versions such as 1.0 and 1.1 stay apart.
    #[test]
    fn fractions_of_zeros() {
        let renamed = |names: &[&str]| {
            let mut names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
            whole_numbers(&mut names);
            names.join(" ")
        };
        assert_eq!(renamed(&["1.0", "", "-12.00", "3"]), "1  -12 3");
        assert_eq!(renamed(&["1.0", "1.1"]), "1.0 1.1");
        assert_eq!(renamed(&["1.0", "ward"]), "1.0 ward");
        assert_eq!(renamed(&["1.", ".0"]), "1. .0");
    }

    #[test]
    fn names_of_row_numbers() {
        for name in ["__index_level_0__", "__index_level_12__", "Unnamed: 0", "Unnamed: 0.1"] {
            assert!(is_row_numbers(name), "{name}");
        }
        for name in ["index", "Unnamed: ", "Unnamed: b", "__index_level_x__", "unnamed"] {
            assert!(!is_row_numbers(name), "{name}");
        }
    }

    #[test]
    fn similar_names() {
        let known = ["site-007", "Ward 1", "10"];
        let find = |name| similar(name, known.iter().copied());
        assert_eq!(find("SITE-7"), Some("site-007"));
        assert_eq!(find("ward_01"), Some("Ward 1"));
        assert_eq!(find("010.0"), Some("10"));
        assert_eq!(find("100"), None);
        assert_eq!(find("10"), None);
    }
}

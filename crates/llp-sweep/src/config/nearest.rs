//! "Did you mean": the known word closest to a misspelled one.

/// The candidate at the smallest edit distance, unless more than a third of the word would have to change.
///
/// The first of equally close candidates wins.
pub(crate) fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<String> {
    let (distance, candidate) = candidates.map(|c| (edit_distance(word, c), c)).min_by_key(|(d, _)| *d)?;
    let longest = word.chars().count().max(candidate.chars().count());
    (distance * 3 <= longest).then(|| candidate.to_owned())
}

/// Other names of keys, as other programs call them.
const ALIASES: [(&str, &str); 6] = [
    ("learning_rate", "optim.lr"),
    ("batch_size", "optim.images_per_step"),
    ("optimizer", "optim.name"),
    ("model", "network.name"),
    ("dataset", "data.name"),
    ("bag_size", "bags.size"),
];

/// The key that was probably meant: the nearest of all, one whose last part is nearest to the last part of the word, or
/// one that other programs call so. Of names that belong to several keys, none is.
pub(crate) fn nearest_key<'a>(word: &str, keys: impl Iterator<Item = &'a str> + Clone) -> Option<String> {
    if let Some(key) = nearest(word, keys.clone()) {
        return Some(key);
    }
    let last = |key: &'a str| key.rsplit('.').next().unwrap_or(key);
    let word = word.rsplit('.').next().unwrap_or(word);
    let part = nearest(word, keys.clone().map(last).chain(ALIASES.iter().map(|(alias, _)| *alias)))?;
    if let Some((_, key)) = ALIASES.iter().find(|(alias, _)| *alias == part) {
        return Some((*key).to_owned());
    }
    let mut of_part = keys.filter(|key| last(key) == part);
    of_part.next().filter(|_| of_part.next().is_none()).map(str::to_owned)
}

/// Insertions, deletions, replacements and swaps of neighbors that turn `a` into `b` (optimal string alignment).
fn edit_distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    // rows[i][j] is the distance of the first i characters of a and the first j of b.
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let mut best = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    best = best.min(rows[i - 2][j - 2] + 1);
                }
                best
            };
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A slip of one or two letters is recognized; an unrelated word suggests nothing.
    #[test]
    fn suggests_only_what_is_close() {
        let words = ["optim.lr", "optim.epochs", "bags.size"];
        assert_eq!(nearest("optim.lrr", words.into_iter()).as_deref(), Some("optim.lr"));
        assert_eq!(nearest("bags.szie", words.into_iter()).as_deref(), Some("bags.size"));
        assert_eq!(nearest("temperature", words.into_iter()), None);
        assert_eq!(nearest("", words.into_iter()), None);
    }

    /// A key without its section, with a wrong one, or under the name that other programs have is recognized; a name
    /// that several keys end in suggests none of them.
    #[test]
    fn keys_are_found_by_their_last_part() {
        let keys =
            ["optim.lr", "optim.epochs", "data.name", "loss.name", "bags.size", "optim.images_per_step"];
        for (word, key) in [
            ("lr", Some("optim.lr")),
            ("optim.learning_rate", Some("optim.lr")),
            ("train.epoch", Some("optim.epochs")),
            ("batch_size", Some("optim.images_per_step")),
            ("name", None),
            ("temperature", None),
        ] {
            assert_eq!(nearest_key(word, keys.into_iter()).as_deref(), key, "{word}");
        }
    }
}

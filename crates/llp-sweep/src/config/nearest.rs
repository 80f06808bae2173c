//! "Did you mean": the known word closest to a misspelled one.

/// The candidate at the smallest edit distance, unless more than a third of the word would have to change.
///
/// The first of equally close candidates wins.
pub(crate) fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<String> {
    let (distance, candidate) = candidates.map(|c| (edit_distance(word, c), c)).min_by_key(|(d, _)| *d)?;
    let longest = word.chars().count().max(candidate.chars().count());
    (distance * 3 <= longest).then(|| candidate.to_owned())
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
}

//! The file of a sweep that takes seconds.

/// Four runs, two bag sizes with two losses; `base` and `grid` are lines for the tables of these names.
pub(crate) fn small(base: &str, grid: &str) -> String {
    format!(
        r#"
schema = 1
name = "small"
[base]
preset = "digits"
network.width = 2
data.train_limit = 240
{base}
[grid]
bags.size = [1, 8]
loss.name = ["kl", "rot"]
{grid}
"#
    )
}

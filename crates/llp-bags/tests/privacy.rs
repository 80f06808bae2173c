//! Programs that would reach an instance label do not compile.

/// Each program of `tests/ui` is refused, with the compiler's message pinned.
#[test]
fn labels_cannot_be_reached() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}

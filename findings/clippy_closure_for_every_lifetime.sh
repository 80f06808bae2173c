#!/usr/bin/env bash
# Clippy 1.95.0, lint redundant_closure_for_method_calls: where a callback must work for every lifetime, as
# pyo3::Python::attach asks (F: for<'py> FnOnce(Python<'py>) -> R), it calls the closure |token| token.check()
# redundant and proposes the path Token::check. The proposal does not compile: the path has one lifetime, the closure
# has all of them. Seen: "warning: redundant closure", then "implementation of `FnOnce` is not general enough".
# Needs rustup; fetches the toolchain 1.95.0 with clippy if it is not there.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
rustup toolchain install 1.95.0 --profile minimal --component clippy > "$folder/rustup.log" 2>&1 ||
    rustup run 1.95.0 cargo clippy --version > "$folder/rustup.log"
rustup run 1.95.0 cargo clippy --version

mkdir "$folder/src"
printf '[package]\nname = "callback"\nversion = "0.1.0"\nedition = "2024"\n' > "$folder/Cargo.toml"
cat > "$folder/src/lib.rs" <<'RUST'
use std::marker::PhantomData;

#[derive(Clone, Copy)]
pub struct Token<'a>(PhantomData<&'a ()>);

impl Token<'_> {
    pub fn attach<R>(callback: impl for<'a> FnOnce(Token<'a>) -> R) -> R {
        callback(Token(PhantomData))
    }

    pub fn check(self) -> Result<(), String> {
        Ok(())
    }
}

pub fn look() -> Result<(), String> {
    Token::attach(|token| token.check())
}
RUST
cd "$folder"
export CARGO_TARGET_DIR="$folder/target"
rustup run 1.95.0 cargo clippy --quiet -- -W clippy::redundant_closure_for_method_calls > clippy.log 2>&1
grep -F 'replace the closure with the method itself: `Token::check`' clippy.log

sed -i 's/|token| token.check()/Token::check/' src/lib.rs
if rustup run 1.95.0 cargo check --quiet > check.log 2>&1; then
    echo "changed: the proposal compiles"
    exit 1
fi
grep -m 1 -F 'implementation of `FnOnce` is not general enough' check.log

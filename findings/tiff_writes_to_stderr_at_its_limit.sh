#!/usr/bin/env bash
# tiff 0.11.3 (behind image): a text in a file that is longer than the limit of the decoder is an error, as it should
# be, but the library also writes a line with a path of the machine that compiled it to standard error, in release
# builds too: a `dbg!` was left in. A command line tool that reads TIFF files with a limit and reports the error in its
# own words cannot keep its output clean.
# Seen: "Err(LimitsExceeded)" on standard output, and on standard error one line
# "[.../src/decoder/ifd.rs:723:32] TiffError::LimitsExceeded = LimitsExceeded". With a larger limit: nothing there.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export CARGO_TARGET_DIR="$folder/target"
cargo init --quiet --name look "$folder"
printf 'tiff = "=0.11.3"\n' >> "$folder/Cargo.toml"
cat > "$folder/src/main.rs" <<'RUST'
use std::io::Cursor;

use tiff::decoder::{Decoder, Limits};
use tiff::encoder::{TiffEncoder, colortype::Gray8};
use tiff::tags::Tag;

fn main() {
    let mut file = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut file).expect("a file");
    let mut image = encoder.new_image::<Gray8>(2, 2).expect("an image");
    let text = "a long description ".repeat(100);
    image.encoder().write_tag(Tag::ImageDescription, &text[..]).expect("a text");
    image.write_data(&[1, 2, 3, 4]).expect("pixels");
    let limit: usize = std::env::args().nth(1).expect("a limit").parse().expect("a number");
    let mut limits = Limits::default();
    limits.decoding_buffer_size = limit;
    let mut decoder = Decoder::new(Cursor::new(file.into_inner())).expect("a TIFF").with_limits(limits);
    println!("{:?}", decoder.get_tag_ascii_string(Tag::ImageDescription).map(|text| text.len()));
}
RUST
cd "$folder"
cargo build --quiet --release
for limit in 1000 10000; do
    "$CARGO_TARGET_DIR/release/look" "$limit" > out 2> err
    echo "limit $limit: $(cat out); lines on standard error: $(wc -l < err)"
    sed 's/.*\(ifd.rs\)/  \1/' err
    cp out "out-$limit"
    cp err "err-$limit"
done
grep -q LimitsExceeded out-1000 && grep -q 'ifd.rs.*TiffError::LimitsExceeded = ' err-1000 && ! [ -s err-10000 ] ||
    { echo "changed: the error is no longer also printed"; exit 1; }

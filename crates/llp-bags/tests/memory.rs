//! Images and tables that memory does not hold are refused before they fill it. A process of its own: the limit is one for all.

use std::fmt::Write as _;

use image::RgbImage;
use llp_bags::own;
use llp_data::set_available_memory;
use tempfile::tempdir;

/// The limit is one for all tests.
static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());

/// With a limit below `rows x side^2 x channels` bytes nothing is read, with one above everything is.
#[test]
fn images_beyond_memory_are_refused_in_words() {
    let _alone = ALONE.lock().unwrap();
    let folder = tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let mut table = "bag,path\n".to_owned();
    for image in 0..6 {
        RgbImage::from_pixel(2, 2, image::Rgb([image * 9, 3, 5]))
            .save(path(&format!("{image}.png")))
            .unwrap();
        writeln!(table, "{},{image}.png", image % 2).unwrap();
    }
    fs_err::write(path("instances.csv"), table).unwrap();
    fs_err::write(path("proportions.csv"), "bag,cat,dog\n0,0.5,0.5\n1,0,1\n").unwrap();
    let read = |side| own::read(folder.path(), None, side);
    set_available_memory(6 * 64 * 64 * 3);
    let message = read(65).unwrap_err().to_string();
    assert!(
        message.contains("6 images of 65x65x3 take 74.3 KiB of memory, 72.0 KiB are available"),
        "{message}"
    );
    assert!(message.contains("--image-size"), "{message}");
    assert_eq!(read(64).unwrap().data.train.instances.len(), 6);
    let message = read(1 << 20).unwrap_err().to_string();
    assert!(message.contains("TiB"), "{message}");
}

/// Without a cache, whose folder takes numbers in a file, a table must fit into memory.
#[test]
fn tables_beyond_memory_are_refused_in_words() {
    let _alone = ALONE.lock().unwrap();
    let folder = tempdir().unwrap();
    let mut table = "bag,a,b\n".to_owned();
    (0..9000).for_each(|row| writeln!(table, "{},{row}.5,{}", row % 2, row % 7).unwrap());
    fs_err::write(folder.path().join("instances.csv"), table).unwrap();
    fs_err::write(folder.path().join("proportions.csv"), "bag,cat,dog\n0,0.5,0.5\n1,0,1\n").unwrap();
    let read = || own::read(folder.path(), None, 8);
    set_available_memory(200_000); // 131,072 for full blocks of columns, and 72,000 for rows
    let message = read().unwrap_err().to_string();
    assert!(
        message.contains("the table takes more memory than there is, 195.3 KiB are available"),
        "{message}"
    );
    assert!(message.contains("--cache DIR"), "{message}");
    set_available_memory(210_000);
    assert_eq!(read().unwrap().data.train.instances.len(), 9000);
}

//! Bags of handwritten digits, as training gets them.
//!
//! ```text
//! cargo run --example digit_bags
//! ```

#![expect(clippy::print_stdout, reason = "an example shows its results")]

use llp_bags::source::digits::digits;
use llp_bags::{Augmentation, BagSet, Edge, Mirror, Normalization, hold_out, partition, prepare};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let data = digits();
    let labels = data.train.labels.as_ref().ok_or("the digits have labels")?;
    println!("{} ({})", data.name, &data.fingerprint()[..8]);

    // A tenth of the training images is set aside, to choose hyper-parameters by; bags are made of the others.
    let split = hold_out(&data.train.instances.ids(), 0.1, 0)?;
    let bags =
        BagSet::from_partition(data.train.instances.clone(), &partition(&split.train, 16, 0)?, labels)?;
    println!("{} bags of 16 images, {} images in none", bags.len(), bags.remainder());
    println!("bag 0 is {:?}", bags.instances(0));
    for (name, share) in data.class_names.iter().zip(bags.proportions(0).as_slice()) {
        println!("  class {name}: {share:.4}");
    }

    // What a network sees of this bag in epoch 3: shifted images (a mirrored digit is none), normalized.
    let normalization = Normalization::from_instances(bags.data(), &split.train)?;
    let augmentation = Augmentation { shift: 1, edge: Edge::Repeat, mirror: Mirror::Never }.epoch(0, 3);
    let mut values = vec![0.0; 16 * bags.data().shape().n_values()];
    prepare(bags.data(), bags.instances(0), Some(&augmentation), &normalization, &mut values)?;
    let mean = values.iter().sum::<f32>() / values.len() as f32;
    println!("{} values with mean {mean:.2}", values.len());
    Ok(())
}

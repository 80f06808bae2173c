//! Names of runs that must never change: directories of finished runs are found by them.

use llp_sweep::config::RunConfig;

const CONFIG: &str = r#"
schema = 1
preset = "none"
seed = 3
data = { name = "cifar10", path = "/data", train_limit = 10000, held_out = 0.1, split_seed = 0 }
bags = { size = 64, seed = 1 }
network = { name = "resnet18", stem = "cifar", width = 16 }
loss = { name = "rot", alpha = 0.5, epsilon = 1.0, solver = "sinkhorn", sweeps = 75 }
optim = { lr = 0.1, momentum = 0.9, weight_decay = 5e-7, decay_batch_norm = true, epochs = 400, lr_drop_at = 0.5, lr_drop_factor = 10, images_per_step = 128 }
augment = { shift = 1, mirror = true }
checkpoint = { every_epochs = 10 }
"#;

/// The hash is a function of the hashed keys alone: the same on every machine, in every version of schema 1.
#[test]
fn run_names_are_stable() {
    let rot = RunConfig::from_toml("config.toml", CONFIG).unwrap();
    assert_eq!(rot.run_name(), "cifar10-rot-b0064-lr0.1-a0.5-s3-5d2ea901");
    let kl = RunConfig::from_toml("config.toml", &CONFIG.replace("\"rot\"", "\"kl\"")).unwrap();
    assert_eq!(kl.run_name(), "cifar10-kl-b0064-lr0.1-s3-0d013a57");
}

/// The canonical text that is hashed, checked by a hash of it made here.
#[test]
fn the_hash_is_of_key_value_lines() {
    let kl = RunConfig::from_toml("config.toml", &CONFIG.replace("\"rot\"", "\"kl\"")).unwrap();
    let text = "schema = 1\nseed = 3\ndata.name = \"cifar10\"\ndata.train_limit = 10000\ndata.held_out = 0.1\n\
                data.split_seed = 0\nbags.size = 64\nbags.seed = 1\nnetwork.name = \"resnet18\"\n\
                network.stem = \"cifar\"\nnetwork.width = 16\nloss.name = \"kl\"\noptim.lr = 0.1\noptim.momentum = 0.9\n\
                optim.weight_decay = 5e-7\noptim.decay_batch_norm = true\noptim.epochs = 400\noptim.lr_drop_at = 0.5\n\
                optim.lr_drop_factor = 10.0\noptim.images_per_step = 128\naugment.shift = 1\naugment.mirror = true\n";
    assert_eq!(kl.hash8(), blake3::hash(text.as_bytes()).to_hex()[..8]);
}

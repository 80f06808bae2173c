//! The single source of randomness: every draw comes from `(seed, purpose, index)`.
//!
//! A draw depends on nothing else: not on the thread, the order of calls or other draws. Seeds are published beside
//! results, so everything from the key to the bounded integers is defined here, and golden tests pin the outputs;
//! only the `ChaCha8` block function comes from elsewhere.

pub use rand_chacha::ChaCha8Rng;
pub use rand_chacha::rand_core::Rng;
use rand_chacha::rand_core::SeedableRng;

/// What a stream of random numbers is for. Streams of different purposes are independent, also for equal seeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Purpose {
    /// Choosing a subset of the training instances.
    Subset,
    /// Setting instances aside for held-out bags.
    HeldOut,
    /// Drawing bags; the index is the bag size.
    Bags,
    /// The order in which bags take the instances of a class or a cluster; the index is its number.
    GroupOrder,
    /// The class shares of a bag and the classes drawn from them; the index is the bag.
    BagShares,
    /// The seed of the held-out bags, where it must not be that of the others.
    HeldOutBags,
    /// Which bags are held out in which fold; the index is the number of folds.
    Folds,
    /// The first centers of clusters.
    Clusters,
    /// The order of the bags in an epoch; the index is the epoch.
    BagOrder,
    /// Shifts and mirrorings; the index is the epoch.
    Augment,
    /// Shifts and operations of strong views; the index is the epoch.
    StrongAugment,
    /// Bags that are mixed and what they are mixed of; the index is the number of steps before.
    MixBags,
    /// Directions in which adversarial views are looked for; the index is the number of steps before.
    Adversarial,
    /// Initial weights; the index is the number of the parameter.
    Init,
    /// Permuting labels inside bags, for checks; the index is the bag.
    LabelShuffle,
    /// Noise on the proportions of bags; the index is the bag.
    ProportionNoise,
}

impl Purpose {
    /// The name that enters the key of the stream: part of the published seeds, never to be changed.
    const fn name(self) -> &'static str {
        match self {
            Self::Subset => "subset",
            Self::HeldOut => "held-out",
            Self::Bags => "bags",
            Self::GroupOrder => "group-order",
            Self::BagShares => "bag-shares",
            Self::HeldOutBags => "held-out-bags",
            Self::Folds => "folds",
            Self::Clusters => "clusters",
            Self::BagOrder => "bag-order",
            Self::Augment => "augment",
            Self::StrongAugment => "strong-augment",
            Self::MixBags => "mix-bags",
            Self::Adversarial => "adversarial",
            Self::Init => "init",
            Self::LabelShuffle => "label-shuffle",
            Self::ProportionNoise => "proportion-noise",
        }
    }
}

/// The stream of random numbers of `(seed, purpose, index)`.
///
/// The `ChaCha8` key is BLAKE3's `derive_key` of `seed || index || name of the purpose` (both integers as 8 bytes,
/// little-endian), so streams that differ in any of the three are unrelated.
///
/// ```
/// use llp_bags::rng::{Purpose, Rng, stream};
///
/// let first = stream(7, Purpose::Bags, 16).next_u64();
/// assert_eq!(first, stream(7, Purpose::Bags, 16).next_u64());
/// assert_ne!(first, stream(7, Purpose::Init, 16).next_u64());
/// ```
pub fn stream(seed: u64, purpose: Purpose, index: u64) -> ChaCha8Rng {
    let mut key = blake3::Hasher::new_derive_key("llp-bags random stream, version 1");
    key.update(&seed.to_le_bytes());
    key.update(&index.to_le_bytes());
    key.update(purpose.name().as_bytes());
    ChaCha8Rng::from_seed(*key.finalize().as_bytes())
}

/// A uniform integer in `0..bound`, exactly unbiased (Lemire's multiplication with rejection on 32 bits).
///
/// # Panics
/// If `bound` is 0: there is no such integer.
pub fn below(rng: &mut impl Rng, bound: u32) -> u32 {
    assert!(bound > 0, "a bounded integer needs a positive bound");
    let n_rejected = bound.wrapping_neg() % bound; // 2^32 mod bound
    loop {
        let product = u64::from(rng.next_u32()) * u64::from(bound);
        if product as u32 >= n_rejected {
            return (product >> 32) as u32;
        }
    }
}

/// Permutes `items` uniformly (Fisher-Yates from the back).
///
/// # Panics
/// If there are 2^32 items or more.
pub fn shuffle<T>(items: &mut [T], rng: &mut impl Rng) {
    assert!(u32::try_from(items.len()).is_ok(), "instances are numbered by 32 bits");
    for last in (1..items.len()).rev() {
        items.swap(last, below(rng, last as u32 + 1) as usize);
    }
}

/// A uniform number in `[0, 1)`: a multiple of 2^-53.
pub fn uniform(rng: &mut impl Rng) -> f64 {
    (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

/// A number of the standard normal distribution (Marsaglia's polar method).
///
/// The method yields two numbers; the second is thrown away, so that the stream alone is the whole state. Only `ln`
/// depends on the platform's mathematics library: in its last bit, which rounding to `f32` hides almost always.
pub fn normal(rng: &mut impl Rng) -> f64 {
    loop {
        let x = 2.0 * uniform(rng) - 1.0;
        let y = 2.0 * uniform(rng) - 1.0;
        let square = x * x + y * y;
        if square > 0.0 && square < 1.0 {
            return x * (-2.0 * square.ln() / square).sqrt();
        }
    }
}

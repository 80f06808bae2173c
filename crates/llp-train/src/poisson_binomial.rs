//! The number of heads of coins that differ: the Poisson binomial distribution.

/// Log-odds beyond this are taken as this: far from any that a trained network has, and near enough for doubles to
/// resolve what is added to them.
const LOG_ODDS_MAX: f64 = 1e6;

/// Up to this many coins, the probability is exact.
const N_EXACT_MAX: usize = 512;

/// Bisections of the tilt: beyond these it no longer changes.
const N_BISECTIONS: usize = 100;

/// How far the tilted coins' expectation may be from the count: for the exact formula any distance is good that keeps
/// the count likely; for the approximation, one whose square is nothing beside the variance.
const SLACK_EXACT: f64 = 0.5;
const SLACK_APPROXIMATE: f64 = 0.01;

/// `log P(B_1 + ... + B_n = count)` for independent `B_j` that are 1 with log-odds `log_odds[j]`.
///
/// For any `t`, the probability is `exp(sum_j log(1 - p_j + p_j e^t) - t count)` times that of the same count for coins
/// whose log-odds are larger by `t`. With `t` such that these expect the count, their probability of it is never tiny,
/// and no product of small numbers underflows. Up to 512 coins it is computed exactly, by adding one coin after the
/// other, `O(n count)`; beyond, by `1 / sqrt(1 + 2 pi variance)`, which is the saddlepoint approximation of
/// \[daniels:54\] but for the 1, which is the probability without any variance.
///
/// In nats. More heads than coins have probability 0: negative infinity.
///
/// ```
/// use llp_train::poisson_binomial::log_probability;
///
/// // Two fair coins: one head with probability one half.
/// assert!((log_probability(&[0.0, 0.0], 1) - 0.5_f64.ln()).abs() < 1e-15);
/// ```
pub fn log_probability(log_odds: &[f64], count: usize) -> f64 {
    let n = log_odds.len();
    let log_odds: Vec<f64> = log_odds.iter().map(|odds| odds.clamp(-LOG_ODDS_MAX, LOG_ODDS_MAX)).collect();
    let log_odds = log_odds.as_slice();
    if count > n {
        return f64::NEG_INFINITY;
    }
    if count == 0 {
        return -log_odds.iter().copied().map(softplus).sum::<f64>();
    }
    if count == n {
        return -log_odds.iter().map(|odds| softplus(-odds)).sum::<f64>();
    }
    let tilt = tilt(log_odds, count, if n > N_EXACT_MAX { SLACK_APPROXIMATE } else { SLACK_EXACT });
    let probs: Vec<f64> = log_odds.iter().map(|odds| sigmoid(odds + tilt)).collect();
    let log_tilted = if n > N_EXACT_MAX {
        let variance: f64 = probs.iter().map(|p| p * (1.0 - p)).sum();
        -0.5 * (std::f64::consts::TAU * variance).ln_1p()
    } else {
        exact(&probs, count).ln()
    };
    let log_norm: f64 = log_odds.iter().map(|odds| softplus(odds + tilt) - softplus(*odds)).sum();
    // Of large numbers, rounding can leave a little more than 0.
    (log_norm - tilt * count as f64 + log_tilted).min(0.0)
}

/// What to add to all log-odds so that the expected number of heads is within `slack` of `count`, `0 < count < n`.
fn tilt(log_odds: &[f64], count: usize, slack: f64) -> f64 {
    let excess = |tilt: f64| log_odds.iter().map(|odds| sigmoid(odds + tilt)).sum::<f64>() - count as f64;
    let (least, most) =
        log_odds.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (a.min(*x), b.max(*x)));
    // Coins that were all like the least or the most likely one would need these.
    let even = (count as f64 / (log_odds.len() - count) as f64).ln();
    let (mut low, mut high) = (even - most, even - least);
    let mut tilt = 0.0_f64.clamp(low, high);
    for _ in 0..N_BISECTIONS {
        let excess = excess(tilt);
        if excess.abs() <= slack {
            break;
        }
        if excess < 0.0 {
            low = tilt;
        } else {
            high = tilt;
        }
        tilt = low.midpoint(high);
    }
    tilt
}

/// Adds one coin after the other.
fn exact(probs: &[f64], count: usize) -> f64 {
    let mut chance = vec![0.0; count + 1]; // of each number of heads so far
    chance[0] = 1.0;
    for (n_coins, p) in probs.iter().enumerate() {
        for heads in (1..=count.min(n_coins + 1)).rev() {
            chance[heads] = chance[heads] * (1.0 - p) + chance[heads - 1] * p;
        }
        chance[0] *= 1.0 - p;
    }
    chance[count]
}

/// `log(1 + e^x)`.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 { 1.0 / (1.0 + (-x).exp()) } else { x.exp() / (1.0 + x.exp()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// By hand: coins of 1/2 and 1/4.
    #[test]
    fn two_coins_by_hand() {
        let log_odds = [0.0, -3.0_f64.ln()];
        for (count, chance) in [(0, 3.0 / 8.0), (1, 4.0 / 8.0), (2, 1.0 / 8.0)] {
            assert!((log_probability(&log_odds, count).exp() - chance).abs() < 1e-15, "{count}");
        }
        assert_eq!(log_probability(&log_odds, 3), f64::NEG_INFINITY);
    }

    /// What underflows as a product does not: 64 heads of 100 coins that each fall so once in e^40.
    #[test]
    fn impossible_counts_have_a_finite_logarithm() {
        let ways = (37..=100).map(|i| f64::from(i).ln()).sum::<f64>() // 100! / 36!
            - (1..=64).map(|i| f64::from(i).ln()).sum::<f64>();
        let expected = ways - 64.0 * softplus(40.0) - 36.0 * softplus(-40.0);
        assert!((log_probability(&[-40.0; 100], 64) - expected).abs() < 1e-9 * expected.abs());
    }

    proptest! {
        /// Probabilities of all counts add up to 1; heads and tails are symmetric; the order of the coins is nothing.
        #[test]
        fn probabilities_of_counts(log_odds in prop::collection::vec(-6.0..6.0_f64, 1..30)) {
            let chances: Vec<f64> = (0..=log_odds.len()).map(|count| log_probability(&log_odds, count)).collect();
            let total: f64 = chances.iter().map(|log| log.exp()).sum();
            prop_assert!((total - 1.0).abs() < 1e-11, "{total}");
            let tails: Vec<f64> = log_odds.iter().rev().map(|odds| -odds).collect();
            for (count, chance) in chances.iter().enumerate() {
                let turned = log_probability(&tails, log_odds.len() - count);
                prop_assert!((turned - chance).abs() < 1e-9 * chance.abs().max(1.0));
            }
        }

        /// Where the exact formula ends, the approximation continues it: with one more coin of negligible chance, the
        /// logarithm changes by less than a percent.
        #[test]
        fn the_approximation_joins(spread in 0.1..4.0_f64, shift in -2.0..2.0_f64, share in 0.05..0.95_f64) {
            let coin = |j: usize| shift + spread * (j as f64 / N_EXACT_MAX as f64 - 0.5);
            let mut log_odds: Vec<f64> = (0..N_EXACT_MAX).map(coin).collect();
            let count = (share * N_EXACT_MAX as f64) as usize;
            let exact = log_probability(&log_odds, count);
            log_odds.push(-60.0);
            let approximate = log_probability(&log_odds, count);
            prop_assert!((exact - approximate).abs() < 0.01 * exact.abs().max(1.0), "{exact} {approximate}");
        }
    }
}

//! The distribution of a sum of independent trials with unequal probabilities.

/// Log-odds beyond this are taken as this: far from any that a trained network has, and near enough for doubles to
/// resolve what is added to them.
const LOG_ODDS_MAX: f64 = 1e6;

/// `ln P(K = k)`, in nats, for the number `K` of successes of independent trials, `log_odds[j] = ln(p_j / (1 - p_j))`.
///
/// The probability is that of the Poisson binomial distribution: the coefficient of `z^k` in
/// `prod_j (1 - p_j + p_j z)`. It is found after an exponential tilt, which is exact for every `theta`:
///
/// ```text
/// P(K = k) = exp(-theta k) prod_j (1 - p_j + p_j exp(theta)) P_theta(K = k),    logit p_theta_j = logit p_j + theta
/// ```
///
/// With `theta` such that `k` successes are expected, the last factor is about `1 / sqrt(2 pi variance)` and is computed
/// by adding one trial after the other, in `O(n min(k, n - k))`; nothing under- or overflows, however improbable `k` is.
/// Without trials, `K = 0`. More successes than trials have probability 0: negative infinity.
///
/// Source: the count likelihood of bags in LLP-PVC, as one factor per class. Deviation: there the polynomials are
/// multiplied as they are and the probability is clamped at 1e-30.
///
/// ```
/// use llp_train::poisson_binomial::log_probability;
///
/// // Two fair coins: one head with probability one half.
/// assert!((log_probability(&[0.0, 0.0], 1) - 0.5_f64.ln()).abs() < 1e-15);
/// ```
pub fn log_probability(log_odds: &[f64], k: usize) -> f64 {
    let n = log_odds.len();
    if k > n {
        return f64::NEG_INFINITY;
    }
    // Of successes and failures, the fewer are counted.
    let (sign, k) = if k > n - k { (-1.0, n - k) } else { (1.0, k) };
    let log_odds: Vec<f64> = log_odds.iter().map(|x| (sign * x).clamp(-LOG_ODDS_MAX, LOG_ODDS_MAX)).collect();
    let untilted: f64 = log_odds.iter().map(|&x| softplus(x)).sum();
    if k == 0 {
        return -untilted;
    }
    let theta = tilt(&log_odds, k as f64);
    let tilted: f64 = log_odds.iter().map(|&x| softplus(x + theta)).sum();
    let log_probability = (tilted - untilted - theta * k as f64) + probability(&log_odds, theta, k).ln();
    // Of large numbers, rounding can leave a little more than 0.
    log_probability.min(0.0)
}

/// About the shift of all log-odds at which `k` successes are expected, `0 < k < n`.
fn tilt(log_odds: &[f64], k: f64) -> f64 {
    let (min, max) =
        log_odds.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(min, max), &x| (min.min(x), max.max(x)));
    // Where all trials have at most, and at least, the probability k / n.
    let at_mean = (k / (log_odds.len() as f64 - k)).ln();
    let (mut low, mut high) = (at_mean - max, at_mean - min);
    loop {
        let theta = low + (high - low) / 2.0;
        let excess = log_odds.iter().map(|&x| sigmoid(x + theta)).sum::<f64>() - k;
        if excess.abs() < 0.1 || theta <= low || theta >= high {
            return theta;
        }
        if excess > 0.0 { high = theta } else { low = theta }
    }
}

/// The probability of `k` successes when all log-odds are shifted by `theta`.
fn probability(log_odds: &[f64], theta: f64, k: usize) -> f64 {
    let mut of = vec![0.0; k + 1]; // [successes]
    of[0] = 1.0;
    for (n_before, &x) in log_odds.iter().enumerate() {
        let (success, failure) = (sigmoid(x + theta), sigmoid(-x - theta));
        for successes in (1..=k.min(n_before + 1)).rev() {
            of[successes] = of[successes] * failure + of[successes - 1] * success;
        }
        of[0] *= failure;
    }
    of[k]
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// `ln(1 + exp(x))`.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

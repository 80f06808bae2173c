//! Minimization of smooth functions by L-BFGS.
//!
//! Limited-memory BFGS with ten pairs; a line search that brackets and interpolates until Wolfe's conditions
//! hold, or, where rounding hides differences of values, the approximate ones of \[hager-zhang:05\].

use crate::error::positive;
use crate::kernels::{add_scaled, divide, dot};
use crate::{ClassicError, Stopping};

const PAIRS: usize = 10;
const DECREASE: f64 = 1e-4;
const CURVATURE: f64 = 0.9;
/// Differences of values below this share of the value are rounding.
const ROUNDING: f64 = 1e-14;
const LINE_EVALUATIONS: usize = 40;

/// Where the minimization ended.
#[derive(Debug, Clone)]
pub(crate) struct Minimum {
    pub(crate) x: Vec<f64>,
    pub(crate) value: f64,
    pub(crate) gradient_norm: f64,
    pub(crate) n_evaluations: usize,
    pub(crate) converged: bool,
}

struct Point {
    x: Vec<f64>,
    value: f64,
    gradient: Vec<f64>,
}

struct Pair {
    step: Vec<f64>,
    change: Vec<f64>,
    rho: f64,
}

pub(crate) fn check(stopping: &Stopping) -> Result<(), ClassicError> {
    positive("gradient", stopping.gradient)
}

/// Minimizes `f(x, gradient) -> value` from `start`.
pub(crate) fn minimize(
    mut f: impl FnMut(&[f64], &mut [f64]) -> f64,
    start: Vec<f64>,
    stopping: &Stopping,
) -> Minimum {
    let mut n_evaluations = 0;
    let mut evaluate = |x: Vec<f64>| {
        n_evaluations += 1;
        let mut gradient = vec![0.0; x.len()];
        let value = f(&x, &mut gradient);
        (Point { x, value, gradient }, n_evaluations)
    };
    let (mut point, mut used) = evaluate(start);
    let mut pairs: Vec<Pair> = Vec::new();
    while largest(&point.gradient) > stopping.gradient && used < stopping.max_evaluations {
        let mut direction = quasi_newton(&pairs, &point.gradient);
        if dot(&direction, &point.gradient) >= 0.0 {
            pairs.clear();
            direction = point.gradient.iter().map(|g| -g).collect();
        }
        let first = if pairs.is_empty() { (1.0 / dot(&direction, &direction).sqrt()).min(1.0) } else { 1.0 };
        let found = search(&point, &direction, first, |x| {
            let (point, n) = evaluate(x);
            used = n;
            point
        });
        let Some(next) = found else {
            if pairs.is_empty() {
                break;
            }
            pairs.clear();
            continue;
        };
        remember(&mut pairs, &point, &next);
        point = next;
    }
    let gradient_norm = largest(&point.gradient);
    Minimum {
        converged: gradient_norm <= stopping.gradient,
        x: point.x,
        value: point.value,
        gradient_norm,
        n_evaluations: used,
    }
}

fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |largest, value| if value.abs() <= largest { largest } else { value.abs() })
}

/// Minus the approximate inverse Hessian times the gradient: the two loops.
fn quasi_newton(pairs: &[Pair], gradient: &[f64]) -> Vec<f64> {
    let mut q: Vec<f64> = gradient.iter().map(|g| -g).collect();
    let mut weights = vec![0.0; pairs.len()];
    for (pair, weight) in pairs.iter().zip(&mut weights).rev() {
        *weight = pair.rho * dot(&pair.step, &q);
        add_scaled(&mut q, -*weight, &pair.change);
    }
    if let Some(last) = pairs.last() {
        divide(&mut q, last.rho * dot(&last.change, &last.change));
    }
    for (pair, weight) in pairs.iter().zip(&weights) {
        let back = pair.rho * dot(&pair.change, &q);
        add_scaled(&mut q, weight - back, &pair.step);
    }
    q
}

fn remember(pairs: &mut Vec<Pair>, from: &Point, to: &Point) {
    let step: Vec<f64> = to.x.iter().zip(&from.x).map(|(a, b)| a - b).collect();
    let change: Vec<f64> = to.gradient.iter().zip(&from.gradient).map(|(a, b)| a - b).collect();
    let curvature = dot(&step, &change);
    if curvature <= f64::EPSILON * dot(&change, &change).sqrt() * dot(&step, &step).sqrt() {
        return;
    }
    if pairs.len() == PAIRS {
        pairs.remove(0);
    }
    pairs.push(Pair { step, change, rho: 1.0 / curvature });
}

/// A point along the direction that satisfies Wolfe's conditions; the best one below the start if rounding
/// ends the search first.
fn search(
    from: &Point,
    direction: &[f64],
    first: f64,
    mut evaluate: impl FnMut(Vec<f64>) -> Point,
) -> Option<Point> {
    let slope_0 = dot(&from.gradient, direction);
    let noise = ROUNDING * from.value.abs();
    let (mut low, mut high) = ((0.0, slope_0), None::<(f64, f64)>);
    let mut best: Option<Point> = None;
    let mut t = first;
    for _ in 0..LINE_EVALUATIONS {
        let x = from.x.iter().zip(direction).map(|(x, d)| x + t * d).collect();
        let point = evaluate(x);
        let slope = dot(&point.gradient, direction);
        let is_finite = point.value.is_finite() && slope.is_finite();
        let falls = is_finite && point.value <= from.value + DECREASE * t * slope_0;
        // Where values are equal up to rounding, slopes tell.
        let level = is_finite
            && (point.value - from.value).abs() <= noise
            && slope <= (2.0 * DECREASE - 1.0) * slope_0;
        let accepted = falls || level;
        if accepted && slope.abs() <= -CURVATURE * slope_0 {
            return Some(point);
        }
        if accepted && slope < 0.0 {
            low = (t, slope);
            if best.as_ref().is_none_or(|best| point.value < best.value) {
                best = Some(point);
            }
        } else {
            high = Some((t, if is_finite { slope } else { f64::NAN }));
        }
        t = match high {
            None => 4.0 * t,
            Some(high) => between(low, high),
        };
        if high.is_some_and(|high| high.0 - low.0 <= 1e-16 * high.0) || t == low.0 {
            break;
        }
    }
    best
}

/// Where the slope would be 0 if it were linear, kept off the ends; the middle if the slopes say nothing.
fn between((low, low_slope): (f64, f64), (high, high_slope): (f64, f64)) -> f64 {
    let width = high - low;
    let secant = low - low_slope * width / (high_slope - low_slope);
    if high_slope > 0.0 { secant.clamp(low + 0.1 * width, high - 0.1 * width) } else { low + 0.5 * width }
}

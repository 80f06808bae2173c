//! Numbers with their units, as people say them.

/// A time in the unit that suits it: `72 s`, `14 min`, `3.2 h`, `4.5 days`.
pub(crate) fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7200.0 => format!("{:.0} min", s / 60.0),
        s if s < 172_800.0 => format!("{:.1} h", s / 3600.0),
        s => format!("{:.1} days", s / 86_400.0),
    }
}

/// A number of things: `1 run`, `9 runs`.
pub(crate) fn counted(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each time has a unit in which it has few digits.
    #[test]
    fn times_are_short() {
        let times = [0.4, 72.0, 119.4, 840.0, 11_520.0, 388_800.0].map(duration);
        assert_eq!(times, ["0 s", "72 s", "119 s", "14 min", "3.2 h", "4.5 days"]);
        assert_eq!([1, 2].map(|n| counted(n, "run")), ["1 run", "2 runs"]);
    }
}

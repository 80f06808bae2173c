//! A configuration is refused with a message, or is the same after it was written and read again; so is a sweep.
#![no_main]

use libfuzzer_sys::fuzz_target;
use llp_sweep::SweepError;
use llp_sweep::config::{Layers, RunConfig};
use llp_sweep::grid::Sweep;

fuzz_target!(|text: &str| {
    if let Some(config) = accepted(Layers::new().toml("file", text).and_then(|layers| layers.resolve("digits"))) {
        assert_eq!(RunConfig::from_toml("file", &config.to_toml()).expect("what was written can be read"), config);
        assert!(config.run_name().ends_with(&config.hash8()));
    }
    accepted(RunConfig::from_toml("file", text));
    if let Some(sweep) = accepted(Sweep::parse("file", text))
        && let Some(runs) = accepted(sweep.expand())
    {
        let file = sweep.to_toml().expect("a sweep that expands can be written");
        let again = Sweep::parse("file", &file).expect("what was written can be read");
        assert_eq!(again.expand().expect("the same grid"), runs);
    }
});

/// What was accepted; a refusal is formatted, as for a user.
fn accepted<T>(outcome: Result<T, SweepError>) -> Option<T> {
    outcome.map_err(|error| error.to_string()).ok()
}

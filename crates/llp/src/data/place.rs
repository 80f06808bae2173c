//! Where the data of a run is, if it is still there.

use std::path::Path;

use llp_data::Labels;
use llp_sweep::config::DataConfig;

use crate::failure::{Failure, usage};

/// Refuses a place at which there is nothing: it is relative to the current folder, and data may have moved.
pub(crate) fn check(data: &DataConfig) -> Result<(), Failure> {
    let Some(path) = &data.path else { return Ok(()) };
    let (place, _) = Labels::split(path);
    if Path::new(place).exists() {
        return Ok(());
    }
    Err(usage(format!("there is no data in {place}: say where it is with --data PATH")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Data that is named or there passes, also with the suffix for coarse labels; a place without anything is refused.
    #[test]
    fn places_are_looked_at() {
        let mut config = llp_sweep::config::Layers::new().resolve("digits").unwrap();
        assert!(check(&config.data).is_ok());
        for (place, is_there) in
            [("src", true), ("src#coarse", true), ("none", false), ("none#coarse", false)]
        {
            config.data.path = Some(place.to_owned());
            assert_eq!(check(&config.data).is_ok(), is_there, "{place}");
        }
    }
}

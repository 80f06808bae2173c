//! Why something could not be fetched or sent.

use std::path::Path;

use hf_hub::api::sync::ApiError;

use super::Hub;
use crate::DataError;
use crate::error::Cause;

impl Hub {
    /// Neither `HOME` nor `HF_HOME` says where the cache is.
    pub fn no_cache() -> DataError {
        DataError::new("neither HOME nor HF_HOME says where the cache is").remedy("set one of them")
    }

    /// The cache does not have it, and nothing else may be asked.
    pub(super) fn offline(&self, name: &str, instead: &str) -> DataError {
        let cache = self.cache.display();
        DataError::new(format!("{name} is not in {cache} as a whole, and HF_HUB_OFFLINE is set"))
            .remedy(format!("unset it, or give {instead}"))
    }

    /// A list of files that is not to be trusted.
    pub(super) fn listing(&self, repo: &str) -> DataError {
        DataError::new(format!("{} lists no usable files of {repo}", self.endpoint))
            .remedy("is HF_ENDPOINT a hub that has it?")
    }

    pub(super) fn failed(&self, what: &str, error: ApiError) -> DataError {
        match error {
            ApiError::RequestError(error) => of_request(&self.endpoint, what, *error),
            // The reader of the network and the writer of the cache report alike; only the system has numbers for errors.
            ApiError::IoError(source) if source.raw_os_error().is_some() => source.into(),
            ApiError::IoError(source) => broke_off(&self.endpoint, what, &source),
            ApiError::LockAcquisition(path) => locked(&path),
            error => no_hub(&self.endpoint, what, &error.to_string()),
        }
    }
}

pub(super) fn of_request(endpoint: &str, what: &str, error: ureq::Error) -> DataError {
    match error {
        ureq::Error::StatusCode(status @ (401 | 403)) => {
            DataError::new(format!("{endpoint} does not give {what} to you (status {status})"))
                .remedy("set HF_TOKEN to a token that may read it")
        }
        ureq::Error::StatusCode(status @ (404 | 410)) => not_found(endpoint, what, status),
        ureq::Error::StatusCode(status) => busy(endpoint, what, status),
        ureq::Error::Json(error) => no_hub(endpoint, what, &error.to_string()),
        ureq::Error::BadUri(message) => no_hub(endpoint, what, &message),
        error => broke_off(endpoint, what, &error.into_io()),
    }
}

/// The hub has no such thing.
pub(super) fn not_found(endpoint: &str, what: &str, status: u16) -> DataError {
    DataError::new(format!("{endpoint} does not have {what} (status {status})"))
        .remedy("is HF_ENDPOINT a hub that has it?")
}

/// The hub cannot answer now.
pub(super) fn busy(endpoint: &str, what: &str, status: u16) -> DataError {
    DataError::new(format!("{endpoint} does not answer for {what} now (status {status})"))
        .remedy("the same command goes on later")
        .because(Cause::Passing)
}

/// An answer that is not the hub's way.
pub(super) fn no_hub(endpoint: &str, what: &str, message: &str) -> DataError {
    DataError::new(format!(
        "{endpoint} does not answer as a hub for {what}: {message}; is HF_ENDPOINT right?"
    ))
}

/// A file that came otherwise than the hub said.
pub(super) fn altered(file: &str, got: &str, expected: &str) -> DataError {
    DataError::new(format!("{file} came with {got}, expected {expected}; it was dropped"))
        .remedy("the same command starts it again")
        .because(Cause::Passing)
}

/// There was no answer, or it broke off.
fn broke_off(endpoint: &str, what: &str, source: &std::io::Error) -> DataError {
    DataError::new(format!(
        "the connection to {endpoint} failed at {what}: {source}; the same command goes on"
    ))
    .because(Cause::Passing)
}

/// Another program fetches the same file.
fn locked(path: &Path) -> DataError {
    DataError::new(format!("another program holds {}", path.display()))
        .remedy("wait for it")
        .because(Cause::Passing)
}

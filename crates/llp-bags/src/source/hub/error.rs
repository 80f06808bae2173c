//! Why something could not be fetched.

use std::io;
use std::path::PathBuf;

use hf_hub::api::sync::ApiError;

use super::Hub;

/// Why a data set or a network is not in the cache after all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HubError {
    /// The cache does not have it, and nothing else may be asked.
    #[error("{name} is not in {cache} as a whole, and HF_HUB_OFFLINE is set: unset it, or give {instead}")]
    Offline {
        /// Name of the data set or the network.
        name: String,
        /// Folder of the cache.
        cache: PathBuf,
        /// What could be given in its place, and how.
        instead: &'static str,
    },

    /// No folder for the cache.
    #[error("neither HOME nor HF_HOME says where the cache is: set one of them")]
    NoCache,

    /// The hub wants to know who asks, or does not like it.
    #[error(
        "{endpoint} does not give {what} to you (status {status}): set HF_TOKEN to a token that may read it"
    )]
    Forbidden {
        /// Address of the hub.
        endpoint: String,
        /// What was asked for.
        what: String,
        /// 401 or 403.
        status: u16,
    },

    /// Nothing can be uploaded from here.
    #[error("HF_HUB_OFFLINE is set: unset it to upload")]
    UploadOffline,

    /// The hub lets only those write whom it knows.
    #[error("no token to upload with: set HF_TOKEN to one that may write, or log in with `hf auth login`")]
    NoToken,

    /// The hub does not let this user write.
    #[error(
        "{endpoint} does not let you write to {repo} (status {status}): set HF_TOKEN to a token that may write to it"
    )]
    Refused {
        /// Address of the hub.
        endpoint: String,
        /// Name on the hub.
        repo: String,
        /// 401 or 403.
        status: u16,
    },

    /// The hub does not take it as it is.
    #[error("{endpoint} does not take the files for {repo} (status {status}): {message}")]
    Rejected {
        /// Address of the hub.
        endpoint: String,
        /// Name on the hub.
        repo: String,
        /// 400 and the like.
        status: u16,
        /// What the hub says.
        message: String,
    },

    /// The hub has no such thing.
    #[error("{endpoint} does not have {what} (status {status}): is HF_ENDPOINT a hub that has it?")]
    NotFound {
        /// Address of the hub.
        endpoint: String,
        /// What was asked for.
        what: String,
        /// 404 or 410.
        status: u16,
    },

    /// The hub cannot answer now.
    #[error("{endpoint} does not answer for {what} now (status {status}): the same command goes on later")]
    Busy {
        /// Address of the hub.
        endpoint: String,
        /// What was asked for.
        what: String,
        /// 429, 500, 503 and the like.
        status: u16,
    },

    /// There was no answer, or it broke off.
    #[error("the connection to {endpoint} failed at {what}: {source}; the same command goes on")]
    Connection {
        /// Address of the hub.
        endpoint: String,
        /// What was asked for.
        what: String,
        /// What the reader met.
        source: io::Error,
    },

    /// An answer that is not the hub's way.
    #[error("{endpoint} does not answer as a hub for {what}: {message}; is HF_ENDPOINT right?")]
    Protocol {
        /// Address of the hub.
        endpoint: String,
        /// What was asked for.
        what: String,
        /// What is wrong.
        message: String,
    },

    /// A list of files that is not to be trusted.
    #[error("{endpoint} lists no usable files of {repo}: is HF_ENDPOINT a hub that has it?")]
    Listing {
        /// Address of the hub.
        endpoint: String,
        /// Name on the hub.
        repo: String,
    },

    /// A file of another length than the hub said.
    #[error(
        "{file} came with {got} bytes, expected {expected}; it was dropped: the same command starts it again"
    )]
    Length {
        /// The file.
        file: String,
        /// Bytes that the hub announced.
        expected: u64,
        /// Bytes that came.
        got: u64,
    },

    /// A file of another content than the hub said.
    #[error(
        "{file} came with SHA-256 {got}, expected {expected}; it was dropped: the same command starts it again"
    )]
    Hash {
        /// The file.
        file: String,
        /// The hash that the hub announced.
        expected: String,
        /// The hash of what came.
        got: String,
    },

    /// Whole files with another number of rows.
    #[error(
        "{folder} has {} rows for training and {} for testing, {name} has {} and {}: remove that folder and fetch it again",
        got[0], got[1], expected[0], expected[1]
    )]
    Rows {
        /// The folder in the cache.
        folder: PathBuf,
        /// Name of the data set.
        name: &'static str,
        /// Rows that there should be.
        expected: [usize; 2],
        /// Rows that there are.
        got: [usize; 2],
    },

    /// Another program fetches the same file.
    #[error("another program holds {path}: wait for it")]
    Locked {
        /// The lock.
        path: PathBuf,
    },

    /// The cache cannot be written or read.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl HubError {
    /// Whether the same command would fail again.
    pub fn is_permanent(&self) -> bool {
        matches!(
            self,
            Self::NoCache
                | Self::UploadOffline
                | Self::NoToken
                | Self::Refused { .. }
                | Self::Rejected { .. }
                | Self::Offline { .. }
                | Self::Forbidden { .. }
                | Self::NotFound { .. }
                | Self::Protocol { .. }
                | Self::Listing { .. }
                | Self::Rows { .. }
        )
    }

    pub(super) fn from_api(hub: &Hub, what: &str, error: ApiError) -> Self {
        let (endpoint, what) = (hub.endpoint.clone(), what.to_owned());
        match error {
            ApiError::RequestError(error) => Self::from_request(endpoint, what, *error),
            // The reader of the network and the writer of the cache report alike; only the system has numbers for errors.
            ApiError::IoError(source) if source.raw_os_error().is_some() => Self::Io(source),
            ApiError::IoError(source) => Self::Connection { endpoint, what, source },
            ApiError::LockAcquisition(path) => Self::Locked { path },
            error => Self::Protocol { endpoint, what, message: error.to_string() },
        }
    }

    pub(super) fn from_request(endpoint: String, what: String, error: ureq::Error) -> Self {
        match error {
            ureq::Error::StatusCode(status @ (401 | 403)) => Self::Forbidden { endpoint, what, status },
            ureq::Error::StatusCode(status @ (404 | 410)) => Self::NotFound { endpoint, what, status },
            ureq::Error::StatusCode(status) => Self::Busy { endpoint, what, status },
            ureq::Error::Json(error) => Self::Protocol { endpoint, what, message: error.to_string() },
            ureq::Error::BadUri(message) => Self::Protocol { endpoint, what, message },
            error => Self::Connection { endpoint, what, source: error.into_io() },
        }
    }
}

//! Requests that write to the hub.

use serde::de::DeserializeOwned;
use serde_json::Value;
use ureq::http::Response;
use ureq::{Agent, Body};

use crate::DataError;
use crate::hub::error::{busy, no_hub, not_found, of_request};

/// What Git LFS answers in; the hub's own answers are JSON whatever is asked for.
const ACCEPT: &str = "application/vnd.git-lfs+json";

/// Bytes of an answer that are read at most.
const MAX_ANSWER: u64 = 1 << 20;

/// A user who may write to one repository.
pub(super) struct Client {
    agent: Agent,
    endpoint: String,
    repo: String,
    authorization: String,
}

impl Client {
    pub(super) fn new(endpoint: String, repo: &str, token: &str) -> Self {
        // An answer that refuses says why in its body.
        let agent = Agent::config_builder().http_status_as_error(false).build().into();
        Self { agent, endpoint, repo: repo.to_owned(), authorization: format!("Bearer {token}") }
    }

    /// Posts JSON and reads JSON.
    pub(super) fn post<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T, DataError> {
        let url = format!("{}{path}", self.endpoint);
        self.read(self.accepted(self.send(&url, "application/json", body.to_string().as_bytes())?)?)
    }

    /// Posts JSON values, one a line, and reads JSON.
    pub(super) fn post_lines<T: DeserializeOwned>(
        &self,
        path: &str,
        lines: &[Value],
    ) -> Result<T, DataError> {
        let body: String = lines.iter().flat_map(|line| [line.to_string(), "\n".to_owned()]).collect();
        let url = format!("{}{path}", self.endpoint);
        self.read(self.accepted(self.send(&url, "application/x-ndjson", body.as_bytes())?)?)
    }

    /// Posts JSON that asks for something to be made, which may be there already.
    pub(super) fn post_unless_there(&self, path: &str, body: &Value) -> Result<(), DataError> {
        let url = format!("{}{path}", self.endpoint);
        let response = self.send(&url, "application/json", body.to_string().as_bytes())?;
        if response.status() == 409 { Ok(()) } else { self.accepted(response).map(drop) }
    }

    /// Posts JSON to an address that the hub gave; what it answers does not matter.
    pub(super) fn confirm(&self, url: &str, body: &Value) -> Result<(), DataError> {
        self.accepted(self.send(url, "application/json", body.to_string().as_bytes())?).map(drop)
    }

    /// Puts the content of a file to an address that the hub gave, with the headers that it asked for. The token stays
    /// here: the address may be on another server, and itself grants access.
    pub(super) fn put(&self, url: &str, headers: &Value, file: &str, bytes: &[u8]) -> Result<(), DataError> {
        let headers = headers.as_object().into_iter().flatten();
        let mut request = self.agent.put(url);
        for (name, value) in headers.filter_map(|(name, value)| Some((name, value.as_str()?))) {
            request = request.header(name, value);
        }
        let what = format!("{}/{file}", self.repo);
        let response = request.send(bytes).map_err(|error| self.failed(&what, error))?;
        self.accepted(response).map(drop)
    }

    fn send(&self, url: &str, content_type: &str, body: &[u8]) -> Result<Response<Body>, DataError> {
        let request = self.agent.post(url).header("Authorization", &self.authorization);
        let request = request.header("Accept", ACCEPT).content_type(content_type);
        request.send(body).map_err(|error| self.failed(&self.repo, error))
    }

    /// The response, unless it refuses.
    fn accepted(&self, mut response: Response<Body>) -> Result<Response<Body>, DataError> {
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let body = response.body_mut().with_config().limit(MAX_ANSWER).read_to_string().unwrap_or_default();
        let message = serde_json::from_str::<Value>(&body).ok();
        let message = message.and_then(|body| Some(body["error"].as_str()?.to_owned()));
        let (endpoint, repo, status) = (&self.endpoint, &self.repo, status.as_u16());
        Err(match status {
            401 | 403 => {
                DataError::new(format!("{endpoint} does not let you write to {repo} (status {status})"))
                    .remedy("set HF_TOKEN to a token that may write to it")
            }
            404 | 410 => not_found(endpoint, repo, status),
            408 | 429 | 500.. => busy(endpoint, repo, status),
            _ => DataError::new(format!("{endpoint} does not take the files for {repo} (status {status})"))
                .remedy(message.unwrap_or_default()),
        })
    }

    fn read<T: DeserializeOwned>(&self, mut response: Response<Body>) -> Result<T, DataError> {
        let body = response.body_mut().with_config().limit(MAX_ANSWER).read_to_string();
        let body = body.map_err(|error| self.failed(&self.repo, error))?;
        serde_json::from_str(&body).map_err(|error| no_hub(&self.endpoint, &self.repo, &error.to_string()))
    }

    fn failed(&self, what: &str, error: ureq::Error) -> DataError {
        of_request(&self.endpoint, what, error)
    }
}

//! Files of a network uploaded to a server on loopback, a good one and bad ones.

#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

mod hub_server;
#[path = "../../llp-bags/tests/messages/mod.rs"]
mod messages;

use hub_server::{Manner, Server};
use llp_data::hub::{Hub, UploadFile};
use llp_data::{Cause, DataError};
use messages::Messages;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// A server without anything, and files to upload.
struct World {
    server: Server,
    cache: TempDir,
    files: Vec<UploadFile>,
}

impl World {
    fn new() -> Self {
        let file = |name: &str, bytes: &[u8]| UploadFile { name: name.to_owned(), bytes: bytes.to_vec() };
        let files = vec![
            file("model.safetensors", &[7; 2000]),
            file("README.md", b"# A network"),
            file("metrics.jsonl", b"{}\n"),
        ];
        Self { server: Server::start(Vec::new()), cache: tempfile::tempdir().unwrap(), files }
    }

    fn hub(&self) -> Hub {
        Hub {
            endpoint: self.server.endpoint.clone(),
            cache: self.cache.path().join("hub"),
            token: Some("hf_secret".to_owned()),
            is_offline: false,
        }
    }

    fn upload(&self) -> Result<String, DataError> {
        self.hub().upload("me/mine", &self.files, "a run", &mut |_| {})
    }
}

fn oid(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |oid, byte| format!("{oid}{byte:02x}"))
}

/// One commit names every file: large ones by the hash of what the storage has, others with their content. The
/// repository is private, and requests to the hub carry the token; those to the storage do not.
#[test]
fn one_commit_names_all_files() {
    let world = World::new();
    let mut ends = Vec::new();
    let url = world.hub().upload("me/mine", &world.files, "a run", &mut |progress| {
        ends.push((progress.file.to_owned(), progress.done == progress.len));
    });
    assert_eq!(url.unwrap(), format!("{}/commit/1", world.server.endpoint));
    assert_eq!(ends.iter().filter(|(_, is_whole)| *is_whole).count(), 3);

    let written = world.server.written();
    let repository = written.repository.unwrap();
    assert_eq!(
        (repository["organization"].as_str(), repository["name"].as_str()),
        (Some("me"), Some("mine"))
    );
    assert_eq!(repository["private"].as_bool(), Some(true));
    let oid = oid(&world.files[0].bytes);
    assert_eq!(written.objects[&oid], world.files[0].bytes);
    let [commit] = &written.commits[..] else { panic!("one commit") };
    assert_eq!(commit[0]["value"]["summary"], "a run");
    assert_eq!((&commit[1]["key"], &commit[1]["value"]["oid"]), (&"lfsFile".into(), &oid.into()));
    assert_eq!(commit[1]["value"]["size"], 2000);
    assert_eq!(commit[2]["value"]["content"], "IyBBIG5ldHdvcms=");
    assert_eq!((commit.len(), &commit[3]["value"]["path"]), (4, &"metrics.jsonl".into()));
    for request in world.server.requests() {
        let is_storage = request.contains("/storage/");
        assert_eq!(request.ends_with("Bearer hf_secret"), !is_storage, "{request}");
    }
}

/// An upload that broke off goes on: nothing was to be seen of it, and what the storage has is not sent again.
#[test]
fn an_interrupted_upload_goes_on() {
    let world = World::new();
    for (place, n_objects) in [("/storage/", 0), ("/verify/", 1), ("/commit/", 1)] {
        world.server.behave(Manner::FailsAt(place, 503));
        let error = world.upload().unwrap_err();
        assert!(matches!(error.cause(), Cause::Passing), "{place}: {error}");
        assert!(error.to_string().contains("status 503"), "{place}: {error}");
        assert!(!error.is_permanent());
        let written = world.server.written();
        assert_eq!((written.objects.len(), written.commits.len()), (n_objects, 0), "{place}");
    }
    world.server.requests();
    world.server.behave(Manner::Good);
    world.upload().unwrap();
    assert_eq!(world.server.written().commits.len(), 1);
    assert!(!world.server.requests().iter().any(|request| request.contains("/storage/")));
}

/// The token of the hub's own tools is taken where the environment has none.
#[test]
fn the_token_file_is_enough() {
    let world = World::new();
    fs_err::write(world.cache.path().join("token"), "hf_file").unwrap();
    let hub = Hub { token: None, ..world.hub() };
    hub.upload("me/mine", &world.files, "a run", &mut |_| {}).unwrap();
    assert!(world.server.requests()[0].ends_with("Bearer hf_file"));
}

/// Each refusal has its message and commits nothing.
#[test]
fn refusals() {
    let mut messages = Messages::new(env!("CARGO_MANIFEST_DIR"), "upload", "Uploads to the Hugging Face hub");
    let mut refuse = |input: &str, manner, change: &dyn Fn(Hub) -> Hub| {
        let world = World::new();
        world.server.behave(manner);
        messages.named(&world.server.endpoint, "ENDPOINT");
        let outcome = change(world.hub()).upload("me/mine", &world.files, "a run", &mut |_| {});
        messages.refused(input, outcome);
        assert!(world.server.written().commits.is_empty(), "{input}");
    };
    let same = |hub| hub;
    refuse("no token", Manner::Good, &|hub| Hub { token: None, ..hub });
    refuse("offline", Manner::Good, &|hub| Hub { is_offline: true, ..hub });
    refuse("a token that is none", Manner::Refuses(401), &same);
    refuse("a token that may only read", Manner::FailsAt("/create", 403), &same);
    refuse("a repository of another owner", Manner::FailsAt("/commit/", 403), &same);
    refuse("a repository that is gone", Manner::FailsAt("/preupload/", 404), &same);
    refuse("a card that the hub does not like", Manner::FailsAt("/commit/", 400), &same);
    refuse("too many requests", Manner::FailsAt("/batch", 429), &same);
    refuse("a storage that fails", Manner::FailsAt("/storage/", 500), &same);
    refuse("a web page instead of a hub", Manner::NoHub, &same);
    messages.compare();
}

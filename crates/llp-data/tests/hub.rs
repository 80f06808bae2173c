//! Data sets fetched from a server on loopback, a good one and bad ones.

#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

mod hub_server;
#[path = "../../llp-bags/tests/messages/mod.rs"]
mod messages;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use hub_server::{COMMIT, File, Manner, Server};
use llp_data::hub::{Hub, HubDataset};
use llp_data::{Cause, DataError, Labels, shards};
use messages::Messages;
use sha2::{Digest, Sha256};

const TRAIN: &str = "plain_text/train-00000-of-00001.parquet";
const TEST: &str = "plain_text/test-00000-of-00001.parquet";
const SMALL: HubDataset = HubDataset { name: "cifar10", repo: "uoft-cs/cifar10", n_rows: [100, 20] };

/// A server with a small data set, and an empty cache.
struct World {
    server: Server,
    files: Vec<File>,
    cache: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let file = |name, fixture| {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/cifar");
            let bytes = fs_err::read(folder.join(fixture)).unwrap();
            let etag = Sha256::digest(&bytes).iter().fold(String::new(), |mut etag, byte| {
                write!(etag, "{byte:02x}").unwrap();
                etag
            });
            File { name, bytes, etag }
        };
        let readme = File { name: "README.md", bytes: b"# Cats".to_vec(), etag: "cats".to_owned() };
        let files = vec![readme, file(TRAIN, "cifar10-train.parquet"), file(TEST, "cifar10-test.parquet")];
        Self { server: Server::start(files.clone()), files, cache: tempfile::tempdir().unwrap() }
    }

    fn hub(&self) -> Hub {
        Hub {
            endpoint: self.server.endpoint.clone(),
            cache: self.cache.path().join("hub"),
            token: None,
            is_offline: false,
        }
    }

    fn fetch(&self) -> Result<PathBuf, DataError> {
        self.hub().fetch(&SMALL, &mut |_| {})
    }

    /// A file in the cache under its final name is complete, and unless all are there, nothing is offered.
    fn check_cache(&self) {
        let root = self.cache.path().join("hub/datasets--uoft-cs--cifar10");
        for file in &self.files {
            for path in
                [root.join("blobs").join(&file.etag), root.join("snapshots").join(COMMIT).join(file.name)]
            {
                assert!(!path.exists() || fs_err::read(&path).unwrap() == file.bytes, "{}", path.display());
            }
        }
        let is_named = root.join("refs/main").exists();
        assert_eq!(is_named, self.hub().locate(&SMALL).is_some());
    }
}

fn blob(world: &World, file: usize) -> PathBuf {
    world.cache.path().join("hub/datasets--uoft-cs--cifar10/blobs").join(&world.files[file].etag)
}

/// All Parquet files come into the standard layout, progress ends at their lengths, and once they are there the hub
/// is not asked for them again; the data set reads like any other.
#[test]
fn a_data_set_is_fetched_once() {
    let world = World::new();
    assert_eq!(world.hub().locate(&SMALL), None);
    let mut ends = Vec::new();
    let folder = world
        .hub()
        .fetch(&SMALL, &mut |progress| {
            ends.retain(|(file, _)| *file != progress.file);
            ends.push((progress.file.to_owned(), progress.done == progress.len));
        })
        .unwrap();
    assert_eq!(ends, [(TEST.to_owned(), true), (TRAIN.to_owned(), true)]);
    let root = world.cache.path().join("hub/datasets--uoft-cs--cifar10");
    assert_eq!(folder, root.join("snapshots").join(COMMIT));
    assert_eq!(fs_err::read_to_string(root.join("refs/main")).unwrap(), COMMIT);
    assert!(!world.server.requests().iter().any(|request| request.contains("README")));
    assert_eq!(world.hub().locate(&SMALL), Some(folder.clone()));
    assert_eq!(world.server.requests(), Vec::<String>::new());
    assert_eq!(shards::read(&folder, Labels::Fine).unwrap().train.images.len(), 100);
    world.check_cache();
}

/// A download that broke off goes on where it stopped, and nothing is seen of it before its end.
#[test]
fn an_interrupted_download_goes_on() {
    let world = World::new();
    world.server.behave(Manner::BreaksOff);
    let error = world.fetch().unwrap_err();
    assert!(matches!(error.cause(), Cause::Passing), "{error}");
    assert!(error.to_string().contains("the same command goes on"), "{error}");
    world.check_cache();
    let half = fs_err::metadata(blob(&world, 2).with_extension("part")).unwrap().len();
    assert!(half > 0 && half < world.files[2].bytes.len() as u64);
    world.server.requests();
    world.server.behave(Manner::Good);
    world.fetch().unwrap();
    let go_on = format!("bytes={half}-");
    assert!(world.server.requests().iter().any(|request| request.contains(&go_on)));
    world.check_cache();
}

/// What an interruption can leave (a part as long as the file, or longer; a whole file without its name; the name of a
/// commit cut short) is no obstacle to the next call.
#[test]
fn every_rest_of_an_interruption_is_mended() {
    for extra in [0, 5] {
        let world = World::new();
        let part = blob(&world, 1).with_extension("part");
        fs_err::create_dir_all(part.parent().unwrap()).unwrap();
        fs_err::write(&part, vec![7; world.files[1].bytes.len() + extra]).unwrap();
        world.fetch().unwrap();
        world.check_cache();
        let name = world.cache.path().join("hub/datasets--uoft-cs--cifar10/refs/main");
        fs_err::write(&name, &COMMIT[..9]).unwrap();
        assert_eq!(world.hub().locate(&SMALL), None);
        world.fetch().unwrap();
        world.check_cache();
    }
}

/// A file in the cache that is not what the hub has is dropped, and fetched by the next call.
#[test]
fn a_damaged_file_is_replaced() {
    let world = World::new();
    let folder = world.fetch().unwrap();
    fs_err::write(folder.join(TRAIN), b"PAR1").unwrap();
    assert_eq!(world.hub().locate(&SMALL), None);
    let error = world.fetch().unwrap_err();
    assert!(matches!(error.cause(), Cause::Passing) && error.to_string().contains("4 bytes"), "{error}");
    assert_eq!(world.fetch().unwrap(), folder);
    world.check_cache();
}

/// The token is sent where it is needed, and nowhere else.
#[test]
fn the_token_is_sent_and_not_shown() {
    let world = World::new();
    let hub = Hub { token: Some("hf_secret".to_owned()), ..world.hub() };
    hub.fetch(&SMALL, &mut |_| {}).unwrap();
    let requests = world.server.requests();
    assert!(requests.iter().all(|request| request.ends_with("Bearer hf_secret")), "{requests:?}");
    assert!(!format!("{hub:?}").contains("secret"));
}

/// Offline, the cache is all there is.
#[test]
fn offline_asks_nobody() {
    let world = World::new();
    let offline = Hub { is_offline: true, ..world.hub() };
    let error = offline.fetch(&SMALL, &mut |_| {}).unwrap_err();
    assert!(error.is_permanent() && error.to_string().contains("HF_HUB_OFFLINE"), "{error}");
    assert_eq!(world.server.requests(), Vec::<String>::new());
    let folder = world.fetch().unwrap();
    assert_eq!(offline.locate(&SMALL), Some(folder));
}

/// Each kind of bad answer has its message, leaves nothing half-written, and is no obstacle to the next call.
#[test]
fn bad_answers() {
    let mut messages = Messages::new(env!("CARGO_MANIFEST_DIR"), "hub", "The Hugging Face hub");
    let mut refuse = |input: &str, change: &dyn Fn(&World) -> Result<PathBuf, DataError>| {
        let world = World::new();
        messages.named(&world.server.endpoint, "ENDPOINT");
        messages.named(world.cache.path().display(), "DIR");
        messages.refused(input, change(&world));
        world.check_cache();
        world.server.behave(Manner::Good);
        world.fetch().unwrap();
        world.check_cache();
    };
    let behaving = |manner| {
        move |world: &World| {
            world.server.behave(manner);
            world.fetch()
        }
    };
    refuse("a connection that breaks off half-way", &behaving(Manner::BreaksOff));
    refuse("a file that is shorter than announced", &behaving(Manner::TooShort));
    refuse("a file of another content", &behaving(Manner::Altered));
    refuse("a web page instead of a hub", &behaving(Manner::NoHub));
    refuse("status 401 for the data set", &behaving(Manner::Refuses(401)));
    refuse("status 401 for a file", &behaving(Manner::RefusesFiles(401)));
    refuse("status 404", &behaving(Manner::Refuses(404)));
    refuse("status 429", &behaving(Manner::Refuses(429)));
    refuse("status 503", &behaving(Manner::RefusesFiles(503)));
    refuse("too few rows", &|world| {
        let whole = HubDataset::named("cifar10").unwrap();
        world.hub().fetch(&whole, &mut |_| {})
    });
    refuse("offline, and not in the cache", &|world| {
        Hub { is_offline: true, ..world.hub() }.fetch(&SMALL, &mut |_| {})
    });
    messages.compare();
}

/// Names that lead out of the cache are not followed.
#[test]
fn names_stay_inside() {
    let name = "../../../outside.parquet";
    let server = Server::start(vec![File { name, bytes: vec![1], etag: "e".to_owned() }]);
    let cache = tempfile::tempdir().unwrap();
    let hub = Hub {
        endpoint: server.endpoint.clone(),
        cache: cache.path().to_owned(),
        token: None,
        is_offline: false,
    };
    let outcome = hub.fetch(&SMALL, &mut |_| {});
    let error = outcome.unwrap_err();
    assert!(error.is_permanent() && error.to_string().contains("no usable files"), "{error}");
    assert!(!Path::new(cache.path()).parent().unwrap().join("outside.parquet").exists());
}

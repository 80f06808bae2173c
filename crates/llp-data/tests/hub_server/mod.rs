//! A server on loopback that speaks as much of the hub's protocol as a download and an upload need, and misbehaves on
//! request.

mod writes;

use std::io::{BufRead as _, BufReader, Read as _, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

pub(crate) use writes::Written;

/// The commit that it has.
pub(crate) const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// A file of the data set.
#[derive(Clone)]
pub(crate) struct File {
    pub(crate) name: &'static str,
    pub(crate) bytes: Vec<u8>,
    pub(crate) etag: String,
}

/// What it does with the content of files.
#[derive(Clone, Copy, PartialEq, Eq)]
#[allow(dead_code, reason = "each test uses what it needs")]
pub(crate) enum Manner {
    Good,
    /// Announces all and sends half.
    BreaksOff,
    /// Announces all at first, and then a byte less.
    TooShort,
    /// Another content of the same length.
    Altered,
    /// This status for everything.
    Refuses(u16),
    /// This status for files alone.
    RefusesFiles(u16),
    /// A page for people.
    NoHub,
    /// This status for paths that contain this text.
    FailsAt(&'static str, u16),
}

/// What tests and threads share.
struct Shared {
    files: Vec<File>,
    manner: Manner,
    requests: Vec<String>,
    written: Written,
}

/// Listens until the test ends.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) endpoint: String,
    shared: Arc<Mutex<Shared>>,
}

impl Server {
    pub(crate) fn start(files: Vec<File>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let server = Self {
            endpoint,
            shared: Arc::new(Mutex::new(Shared {
                files,
                manner: Manner::Good,
                requests: Vec::new(),
                written: Written::default(),
            })),
        };
        let listening = server.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                listening.answer(stream.unwrap());
            }
        });
        server
    }

    #[allow(dead_code, reason = "each test uses what it needs")]
    pub(crate) fn behave(&self, manner: Manner) {
        self.shared.lock().unwrap().manner = manner;
    }

    /// What was uploaded.
    #[allow(dead_code, reason = "each test uses what it needs")]
    pub(crate) fn written(&self) -> Written {
        self.shared.lock().unwrap().written.clone()
    }

    /// Path, range and token of each request since the last call; the method too, if it is not that of a download.
    pub(crate) fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.lock().unwrap().requests)
    }

    fn answer(&self, mut stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut lines = reader.by_ref().lines();
        let Some(Ok(first)) = lines.next() else { return };
        let [method, path] = [0, 1].map(|word| first.split(' ').nth(word).unwrap().to_owned());
        let headers: Vec<String> =
            lines.by_ref().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
        let header = |name: &str| {
            let found = headers.iter().find_map(|line| {
                let (key, value) = line.split_once(": ")?;
                key.eq_ignore_ascii_case(name).then(|| value.to_owned())
            });
            found.unwrap_or_default()
        };
        let (range, token) = (header("range"), header("authorization"));
        let mut shared = self.shared.lock().unwrap();
        if method == "GET" {
            shared.requests.push(format!("{path} {range} {token}").trim_end().to_owned());
            // A client that has gone away is no matter of the server.
            let _ = respond(&mut stream, &shared, &path, &range);
            return;
        }
        shared.requests.push(format!("{method} {path} {token}").trim_end().to_owned());
        let mut body = vec![0; header("content-length").parse().unwrap()];
        reader.read_exact(&mut body).unwrap();
        let (status, answer) = shared.write(&self.endpoint, &path, &body);
        let _ = say(&mut stream, status, "", answer.as_bytes());
    }
}

fn respond(stream: &mut TcpStream, shared: &Shared, path: &str, range: &str) -> std::io::Result<()> {
    let is_api = path.starts_with("/api/");
    match shared.manner {
        Manner::Refuses(status) => return say(stream, status, "", b""),
        Manner::RefusesFiles(status) if !is_api => return say(stream, status, "", b""),
        Manner::NoHub => return say(stream, 200, "", b"<html>hello</html>"),
        Manner::FailsAt(text, status) if path.contains(text) => return say(stream, status, "", b""),
        _ => {}
    }
    if is_api {
        let names: Vec<String> =
            shared.files.iter().map(|file| format!(r#"{{"rfilename": "{}"}}"#, file.name)).collect();
        let body = format!(r#"{{"sha": "{COMMIT}", "siblings": [{}]}}"#, names.join(", "));
        return say(stream, 200, "", body.as_bytes());
    }
    let wanted = |file: &&File| path.ends_with(&format!("/resolve/{COMMIT}/{}", file.name));
    let Some(file) = shared.files.iter().find(wanted) else { return say(stream, 404, "", b"") };
    let len = file.bytes.len();
    let (start, end) = range.trim_start_matches("bytes=").split_once('-').unwrap();
    let start: usize = start.parse().unwrap();
    let is_probe = end == "0";
    if start >= len {
        return say(stream, 416, "", b"");
    }
    let mut body = file.bytes[start..if is_probe { 1 } else { len }].to_vec();
    let mut announced = body.len();
    if !is_probe {
        match shared.manner {
            Manner::BreaksOff => body.truncate(announced / 2),
            Manner::TooShort => {
                announced -= 1;
                body.truncate(announced);
            }
            Manner::Altered => body[announced / 2] ^= 1,
            _ => {}
        }
    }
    let headers = format!(
        "ETag: \"{}\"\r\nX-Repo-Commit: {COMMIT}\r\nContent-Range: bytes {start}-{}/{len}\r\nContent-Length: {announced}\r\n",
        file.etag,
        start + announced - 1
    );
    say(stream, 206, &headers, &body)
}

/// Sends an answer and hangs up; the length is announced unless the headers do it.
fn say(stream: &mut TcpStream, status: u16, headers: &str, body: &[u8]) -> std::io::Result<()> {
    let len = if headers.is_empty() { format!("Content-Length: {}\r\n", body.len()) } else { String::new() };
    write!(stream, "HTTP/1.1 {status} Test\r\n{headers}{len}Connection: close\r\n\r\n")?;
    stream.write_all(body)?;
    stream.flush()
}

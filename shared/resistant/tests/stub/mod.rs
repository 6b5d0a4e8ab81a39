//! A vendor of a few lines that speaks HTTP/1.1 by hand, so that a test sees every request that reaches
//! the socket and can break an exchange at any point.

#![allow(dead_code, reason = "each test file uses its part of it")]
#![allow(clippy::disallowed_methods, reason = "a server runs beside its test")]

use std::sync::{Arc, Mutex};

use resistant::{ControlPlane, DataPlane, Endpoints, OrganizationCredential, Vendor};
use serde_json::json;
use shared_core::credential::{Authentication, Credential};
use shared_core::ids::Generation;
use shared_core::place::{Cell, Stage};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn is_token_request(&self) -> bool {
        self.path.ends_with("/v1/token")
    }

    pub(crate) fn form(&self, name: &str) -> Option<String> {
        let (_, value) = url::form_urlencoded::parse(&self.body).find(|(known, _)| known == name)?;
        Some(value.into_owned())
    }
}

/// What becomes of a request.
pub(crate) enum Reply {
    /// An answer, with a JSON body or an empty one.
    Json(u16, serde_json::Value),
    /// An answer with one more header and any body.
    Text(u16, &'static str, String),
    /// An answer, after which the connection is closed without saying so.
    JsonThenClose(u16, serde_json::Value),
    /// The connection is closed before any answer.
    Cut,
    /// Half of an answer, then the connection is closed.
    Half,
    /// No answer, ever.
    Hang,
}

pub(crate) fn token(number: usize) -> Reply {
    Reply::Json(
        200,
        json!({"access_token": format!("token-{number}"), "token_type": "Bearer", "expires_in": 1000}),
    )
}

/// The running stub.
pub(crate) struct Stub {
    pub(crate) base: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Stub {
    /// Starts one. `answer` gets each request and how many of the same path came before it.
    pub(crate) async fn start(answer: impl Fn(&Seen, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (log, answer) = (Arc::clone(&seen), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&log), Arc::clone(&answer)));
            }
        });
        Self { base, seen }
    }

    /// All whole requests so far, but those for tokens.
    pub(crate) fn calls(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().iter().filter(|seen| !seen.is_token_request()).cloned().collect()
    }

    /// The token requests so far.
    pub(crate) fn token_requests(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().iter().filter(|seen| seen.is_token_request()).cloned().collect()
    }

    pub(crate) fn vendor(&self) -> Vendor {
        Vendor::new(Endpoints::local(Stage::Production, &self.base).unwrap()).unwrap()
    }

    pub(crate) fn control(&self) -> ControlPlane {
        control(&self.vendor())
    }

    pub(crate) fn data(&self) -> DataPlane {
        let vendor = self.vendor();
        vendor.data_plane(&credential(&vendor)).unwrap()
    }
}

pub(crate) fn control(vendor: &Vendor) -> ControlPlane {
    let key = include_str!("../../testdata/organization-key.pkcs8.pem");
    let secret = json!({"client_id": "organization", "private_key": key}).to_string();
    let organization = OrganizationCredential::from_secret_value(&secret).unwrap();
    vendor.control_plane(&vendor.endpoints().organization("overridden").unwrap(), &organization)
}

/// A credential with a client secret, in `us-1`.
pub(crate) fn credential(vendor: &Vendor) -> Credential {
    vendor.endpoints().cell(Cell::Us1).unwrap().credential(
        "tenant".parse().unwrap(),
        "application".parse().unwrap(),
        "client".parse().unwrap(),
        Authentication::ClientSecret { client_secret: "client-secret".to_owned().into() },
        Generation::NONE.next(),
        jiff::Timestamp::UNIX_EPOCH,
    )
}

async fn serve(
    mut stream: TcpStream,
    log: Arc<Mutex<Vec<Seen>>>,
    answer: Arc<impl Fn(&Seen, usize) -> Reply + Send + Sync + 'static>,
) {
    while let Some(request) = read(&mut stream).await {
        let reply = {
            let mut log = log.lock().unwrap();
            let before = log.iter().filter(|seen| seen.path == request.path).count();
            let reply = answer(&request, before);
            log.push(request);
            reply
        };
        match reply {
            Reply::Json(status, body) => write(&mut stream, status, "x-none: 0", &text(&body)).await,
            Reply::Text(status, header, body) => write(&mut stream, status, header, &body).await,
            Reply::JsonThenClose(status, body) => {
                write(&mut stream, status, "x-none: 0", &text(&body)).await;
                return;
            }
            Reply::Cut => return,
            Reply::Half => {
                let _ =
                    stream.write_all(b"HTTP/1.1 201 Created\r\ncontent-length: 100\r\n\r\n{\"id\":").await;
                return;
            }
            Reply::Hang => std::future::pending().await,
        }
    }
}

fn text(body: &serde_json::Value) -> String {
    if body.is_null() { String::new() } else { body.to_string() }
}

async fn write(stream: &mut TcpStream, status: u16, header: &str, body: &str) {
    let length = body.len();
    let head = format!("HTTP/1.1 {status} Status\r\n{header}\r\ncontent-length: {length}\r\n\r\n");
    let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
}

/// One whole request; `None` where the connection ends before.
async fn read(stream: &mut TcpStream) -> Option<Seen> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap();
    let mut lines = head.trim_end().split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let mut request = Seen { method, path, headers, body: Vec::new() };
    let length = request.header("content-length").map_or(0, |length| length.parse().unwrap());
    request.body.resize(length, 0);
    stream.read_exact(&mut request.body).await.ok()?;
    Some(request)
}

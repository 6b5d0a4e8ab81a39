//! The guard at the socket: real listeners, and a resolver that answers what the test says.

use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::Mutex;

use bytes::Bytes;
use http_body_util::Full;
use shared_core::credential::Authentication;
use shared_core::failure::{Class, Classified as _};
use shared_core::ids::Generation;
use shared_core::place::{Cell, Stage};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;
use crate::data::DataPlane;
use crate::endpoints::Endpoints;
use crate::error::CallError;
use crate::transport::Http;
use crate::vendor::Vendor;

const URL: &str = "https://bucket.s3.us-east-1.amazonaws.com/key?X-Amz-Signature=very-private";

/// An address of S3. Nothing here ever connects to it.
const PUBLIC: &str = "52.216.0.1";

/// Answers in their order, the last one for ever, and counts the questions.
struct Answers {
    left: Mutex<Vec<Vec<SocketAddr>>>,
    asked: Mutex<usize>,
}

impl Answers {
    fn new(mut answers: Vec<Vec<SocketAddr>>) -> Arc<Self> {
        answers.reverse();
        Arc::new(Self { left: Mutex::new(answers), asked: Mutex::new(0) })
    }

    fn asked(&self) -> usize {
        *self.asked.lock().unwrap()
    }
}

impl Resolve for Answers {
    fn resolve(&self, _: Name) -> Resolving {
        *self.asked.lock().unwrap() += 1;
        let mut left = self.left.lock().unwrap();
        let answer = if left.len() > 1 { left.pop() } else { left.last().cloned() };
        Box::pin(async move { Ok(Box::new(answer.unwrap_or_default().into_iter()) as Addrs) })
    }
}

/// Something on loopback that must not be reached.
struct Target(TcpListener);

impl Target {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }

    /// The kernel has a connection ready to be accepted before its maker learns that it was made.
    fn assert_untouched(&self) {
        let error = self.0.accept().expect_err("a connection reached the target");
        assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
    }
}

fn at(address: &str, port: u16) -> SocketAddr {
    SocketAddr::new(address.parse().unwrap(), port)
}

fn plane(lookup: Arc<dyn Resolve>) -> DataPlane {
    let vendor = Vendor::with_lookup(Endpoints::new(Stage::Production), lookup).unwrap();
    let credential = vendor.endpoints().cell(Cell::Us1).unwrap().credential(
        "tenant".parse().unwrap(),
        "application".parse().unwrap(),
        "client".parse().unwrap(),
        Authentication::ClientSecret { client_secret: "secret".to_owned().into() },
        Generation::NONE.next(),
        jiff::Timestamp::UNIX_EPOCH,
    );
    vendor.data_plane(&credential).unwrap()
}

async fn upload(plane: &DataPlane) -> Result<(), CallError> {
    let url = plane.upload_url(URL).unwrap();
    plane.upload(&url, 1, Full::new(Bytes::from_static(b"x"))).await
}

fn refused(outcome: Result<(), CallError>) -> IpAddr {
    let error = outcome.unwrap_err();
    let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    assert!(!format!("{error} {error:?} {cause}").contains("very-private"), "{error:?}");
    assert!(!error.may_have_happened(), "{error:?}");
    assert_eq!(error.class(), Class::Retry);
    assert!(cause.starts_with("`bucket.s3.us-east-1.amazonaws.com` has the address "), "{cause}");
    match error {
        CallError::UnsafeAddress { operation: "upload", source } => source.address,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_name_that_moves_to_loopback_after_it_was_looked_at_reaches_nothing() {
    let target = Target::new();
    let answers = Answers::new(vec![vec![at(PUBLIC, 0)], vec![target.address()]]);
    // Whoever checks a name first and connects by it later sees the public address here.
    let guarded = Guarded { reach: Reach::Public, lookup: answers.clone() };
    let first: Vec<_> = guarded.resolve("bucket.s3.amazonaws.com".parse().unwrap()).await.unwrap().collect();
    assert_eq!(first, [at(PUBLIC, 0)]);

    assert_eq!(refused(upload(&plane(answers.clone())).await), target.address().ip());
    assert_eq!(answers.asked(), 2, "once for each connection");
    target.assert_untouched();
}

#[tokio::test]
async fn one_bad_address_refuses_the_name_wherever_it_stands() {
    let target = Target::new();
    let (bad, port) = (target.address(), target.address().port());
    let mapped = at("::ffff:127.0.0.1", port);
    for answer in [
        vec![bad],
        vec![bad, at(PUBLIC, port)],
        vec![at(PUBLIC, port), bad],
        vec![at(PUBLIC, port), at("2600:1f18::1", port), bad],
        vec![at(PUBLIC, port), mapped],
        vec![mapped],
        vec![at("0.0.0.0", port)],
        vec![at("::", port)],
        vec![at("::1", port)],
        vec![at("64:ff9b::127.0.0.1", port)],
        vec![at("169.254.169.254", port)],
        vec![at("169.254.100.1", port)],
    ] {
        let addresses: Vec<_> = answer.iter().map(SocketAddr::ip).collect();
        assert!(addresses.contains(&refused(upload(&plane(Answers::new(vec![answer]))).await)));
        target.assert_untouched();
    }
}

#[tokio::test]
async fn a_name_without_addresses_is_not_sent_to() {
    let error = upload(&plane(Answers::new(vec![vec![]]))).await.unwrap_err();
    assert!(matches!(error, CallError::NotSent { .. }), "{error:?}");
}

/// One answered PUT on each connection, which is then closed.
async fn serve(listener: tokio::net::TcpListener, times: usize) {
    for _ in 0..times {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\nx") {
            head.push(stream.read_u8().await.unwrap());
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    }
}

/// The other side of the coin: what passes is connected to, at the address that was checked, without a
/// second question, and the next connection is checked anew.
#[tokio::test]
async fn the_checked_address_is_the_one_connected_to() {
    let (target, listener) = (Target::new(), tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap());
    let good = listener.local_addr().unwrap();
    let elsewhere = at("192.0.2.1", target.address().port());
    let answers = Answers::new(vec![vec![good], vec![target.address(), elsewhere]]);
    let http = Http::new(Reach::Loopback, answers.clone()).unwrap();
    let put = async || {
        let request = http.client().put("http://rebinding.invalid/key").body("x");
        http.send_document(std::time::Duration::from_secs(10), "upload", request).await
    };
    let (answer, ()) = tokio::join!(put(), serve(listener, 1));
    answer.unwrap().ok("upload").unwrap();
    assert_eq!(answers.asked(), 1);

    let error = put().await.unwrap_err();
    assert!(matches!(&error, CallError::UnsafeAddress { source, .. } if source.address == elsewhere.ip()));
    assert_eq!(answers.asked(), 2);
    target.assert_untouched();
}

#[tokio::test]
async fn outside_a_local_run_nothing_is_sent_without_tls() {
    let target = Target::new();
    let answers = Answers::new(vec![vec![at(PUBLIC, 0)]]);
    let http = Http::new(Reach::Public, answers.clone()).unwrap();
    // Not even to an address literal, which no resolver sees.
    for url in [format!("http://{}/key", target.address()), "http://bucket.s3.amazonaws.com/key".to_owned()] {
        let request = http.client().put(url).body("x");
        let sent = http.send_document(std::time::Duration::from_secs(10), "upload", request).await;
        assert!(matches!(sent, Err(CallError::NotSent { .. })), "{sent:?}");
    }
    assert_eq!(answers.asked(), 0);
    target.assert_untouched();
}

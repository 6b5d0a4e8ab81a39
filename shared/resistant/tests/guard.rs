//! Redirects at real sockets: wherever an answer points, nobody is called there.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod stub;

use std::io::ErrorKind;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use stub::{Reply, Stub, token};

/// Something on loopback that must not be reached.
struct Target(TcpListener);

impl Target {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    fn port(&self) -> u16 {
        self.0.local_addr().unwrap().port()
    }

    /// The kernel has a connection ready to be accepted before its maker learns that it was made.
    fn assert_untouched(&self) {
        let error = self.0.accept().expect_err("a connection reached the target");
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
    }
}

/// A vendor that grants tokens and answers everything else with this status and `location`.
async fn redirecting(status: u16, location: &str) -> Stub {
    // The stub's headers live as long as the test program.
    let header: &'static str = format!("location: {location}").leak();
    Stub::start(move |request, before| {
        if request.is_token_request() { token(before) } else { Reply::Text(status, header, String::new()) }
    })
    .await
}

#[tokio::test]
async fn an_upload_follows_no_redirect() {
    let target = Target::new();
    for status in [300, 301, 302, 303, 305, 307, 308] {
        for host in ["127.0.0.1", "localhost"] {
            let stub = redirecting(status, &format!("http://{host}:{}/taken", target.port())).await;
            // Who follows would wait for the target, which never answers.
            let plane = stub.data().with_deadline(Instant::now() + Duration::from_secs(10));
            let url =
                plane.upload_url(&format!("{}/upload/x?X-Amz-Signature=very-private", stub.base)).unwrap();
            let error = plane.upload(&url, 1, Full::new(Bytes::from_static(b"x"))).await.unwrap_err();
            assert!(error.to_string().ends_with(&format!("the vendor answered {status}")), "{error:?}");
            assert!(!format!("{error} {error:?}").contains("very-private"), "{error:?}");
            target.assert_untouched();
            assert_eq!(stub.calls().len(), 1);
            assert_eq!(stub.token_requests().len(), 0);
        }
    }
}

#[tokio::test]
async fn no_token_follows_a_redirect() {
    let target = Target::new();
    for status in [301, 302, 303, 307, 308] {
        let stub = redirecting(status, &format!("http://127.0.0.1:{}/taken", target.port())).await;
        let error = stub.control().tenant(&"tenant-1".parse().unwrap()).await.unwrap_err();
        assert!(error.may_have_happened(), "{error:?}");
        target.assert_untouched();
        assert_eq!(stub.calls().len(), 1);
    }
}

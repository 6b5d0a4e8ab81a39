use std::collections::BTreeMap;

use shared_core::place::{Cell, Stage};

use super::*;
use crate::endpoints::Endpoints;

fn check_in(cell: Cell, text: &str) -> Result<UploadUrl, UnsafeUploadUrl> {
    UploadUrl::check(text, &Endpoints::new(Stage::Production).cell(cell).unwrap())
}

fn check(text: &str) -> Result<UploadUrl, UnsafeUploadUrl> {
    check_in(Cell::Us1, text)
}

fn local() -> CellEndpoints {
    Endpoints::local(Stage::Production, "http://127.0.0.1:1").unwrap().cell(Cell::Us1).unwrap()
}

/// URLs by what is wrong with them, for cell `us-1`.
fn hostile() -> BTreeMap<String, Vec<String>> {
    serde_json::from_str(include_str!("../../testdata/hostile-urls.json")).unwrap()
}

#[test]
fn the_documented_hosts_of_the_cells_region_pass() {
    for url in [
        "https://bucket.s3.us-east-1.amazonaws.com/key?X-Amz-Signature=x",
        "https://bucket.s3.us-east-1.amazonaws.com",
        "https://ap-1-2.s3-object-lambda.us-east-1.amazonaws.com/key",
        "https://bucket.s3.amazonaws.com/key",
        "https://bucket.s3.amazonaws.com:443/key",
        "HTTPS://BUCKET.S3.AMAZONAWS.COM/key",
        "https://bucket.s3.amazonaws.com/key@user:x?next=https://evil.example/;.s3.amazonaws.com",
    ] {
        assert!(check(url).is_ok(), "{url}");
    }
    let url = "https://bucket.s3.us-east-1.amazonaws.com/a%20b?X-Amz-Signature=a%2Fb";
    assert_eq!(check(url).unwrap().expose(), url);
}

#[test]
fn a_cell_has_the_hosts_of_its_own_region() {
    for cell in Cell::ALL {
        for other in Cell::ALL {
            for service in ["s3", "s3-object-lambda"] {
                let url = format!("https://bucket.{service}.{}.amazonaws.com/key", other.aws_region());
                assert_eq!(check_in(cell, &url).is_ok(), cell == other, "{cell}: {url}");
            }
        }
    }
}

#[test]
fn every_hostile_url_is_refused() {
    let hostile = hostile();
    assert!(hostile.values().map(Vec::len).sum::<usize>() >= 250);
    for (wrong, urls) in &hostile {
        for url in urls {
            let Err(refused) = check(url) else { panic!("{wrong}: {url:?}") };
            assert!(!format!("{refused} {refused:?}").contains("very-private"), "{wrong}: {url:?}");
        }
    }
}

#[test]
fn a_hostile_url_appears_once() {
    let mut urls: Vec<_> = hostile().into_values().flatten().collect();
    let all = urls.len();
    urls.sort_unstable();
    urls.dedup();
    assert_eq!(urls.len(), all);
}

/// So that the others above are refused for what is hostile in them, and not for a slip of the pen.
#[test]
fn each_kind_of_fault_is_found_by_its_own_rule() {
    for (url, problem) in [
        ("https://bucket.s3.amazonaws.com/k y", "it has a character that no URL has"),
        ("nonsense", "it is not a URL"),
        ("https://user@bucket.s3.amazonaws.com/k", "it names a user"),
        ("https://bucket.s3.amazonaws.com/k#f", "it has a fragment"),
        ("https://bucket%2es3.amazonaws.com/k", "its host is not written plainly"),
        ("https://0x7f.1/k", "its host is not written plainly"),
        ("http://bucket.s3.amazonaws.com/k", "it is not https"),
        ("https://bucket.s3.amazonaws.com:8443/k", "it names a port"),
        ("https://127.0.0.1/k", "its host is not a name"),
        ("https://evil.example/k", "its host is not a storage host of the cell's region"),
    ] {
        assert_eq!(check(url).unwrap_err().problem, problem, "{url}");
    }
}

#[test]
fn a_very_long_url_is_refused() {
    let good = format!("https://bucket.s3.amazonaws.com/{}", "k".repeat(LONGEST));
    assert!(check(&good[..LONGEST]).is_ok());
    for url in [
        good[..=LONGEST].to_owned(),
        format!("https://bucket.s3.amazonaws.com/?{}", "a=b&".repeat(1 << 20)),
        format!("https://{}.s3.amazonaws.com/", "b".repeat(64)),
        format!("https://{}s3.amazonaws.com/", "b.".repeat(100)),
    ] {
        assert!(check(&url).is_err(), "{}", url.len());
    }
}

#[test]
fn a_local_run_goes_to_loopback_and_nowhere_else() {
    for url in ["http://127.0.0.1:9/upload/x?signature=y", "http://[::1]:9/x", "http://localhost:9/x"] {
        assert!(UploadUrl::check(url, &local()).is_ok(), "{url}");
    }
    for url in [
        "https://bucket.s3.us-east-1.amazonaws.com/key",
        "http://10.0.0.1/x",
        "http://user@127.0.0.1/x",
        "http://2130706433/x",
        "http://127.1/x",
        "http://localhost.evil.example/x",
        "http://[::ffff:127.0.0.1]/x",
    ] {
        assert!(UploadUrl::check(url, &local()).is_err(), "{url}");
    }
    for url in hostile().into_values().flatten() {
        if let Ok(url) = UploadUrl::check(&url, &local()) {
            assert!(is_loopback(url.url()), "{}", url.expose());
        }
    }
}

#[test]
fn neither_debug_nor_a_refusal_shows_the_signature() {
    let url = check("https://bucket.s3.amazonaws.com/key?X-Amz-Signature=very-private").unwrap();
    assert_eq!(format!("{url:?}"), "UploadUrl(https://bucket.s3.amazonaws.com/[withheld])");
    let refused = check("https://evil.example/key?X-Amz-Signature=very-private").unwrap_err();
    assert!(!format!("{refused} {refused:?}").contains("very-private"));
}

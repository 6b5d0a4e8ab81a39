//! S3, in path style: method, path and query.

use std::collections::BTreeMap;

use http::request::Parts;
use url::form_urlencoded;

use super::super::call::Target;
use super::{Identity, decode, header, target};

/// The action and its bucket or object.
pub(super) fn identify(parts: &Parts) -> Identity {
    let query: BTreeMap<String, String> =
        form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let path = parts.uri.path().trim_start_matches('/');
    let (bucket, key) = path.split_once('/').map_or((path, ""), |(bucket, key)| (bucket, key));
    let key = (!key.is_empty()).then(|| decode(key));
    let copies = parts.headers.contains_key("x-amz-copy-source");
    let action = action(parts.method.as_str(), &query, bucket, key.is_some(), copies);
    let resource = key.map_or_else(|| bucket.to_owned(), |key| format!("{bucket}/{key}"));
    let permission = permission(&action, query.contains_key("versionId"));
    let target = conditions(target(&format!("s3:{permission}"), resource), parts, &query);
    Identity { action, targets: vec![target] }
}

/// The SDKs name the operation in `x-id`; curl and presigned URLs do not.
fn action(
    method: &str,
    query: &BTreeMap<String, String>,
    bucket: &str,
    object: bool,
    copies: bool,
) -> String {
    if let Some(id) = query.get("x-id") {
        return id.clone();
    }
    let has = |name: &str| query.contains_key(name);
    let name = match (method, object) {
        ("GET", _) if bucket.is_empty() => "ListBuckets",
        ("GET", false) if has("list-type") => "ListObjectsV2",
        ("GET", false) if has("versions") => "ListObjectVersions",
        ("GET", false) if has("uploads") => "ListMultipartUploads",
        ("GET", false) if has("location") => "GetBucketLocation",
        ("GET", false) if has("versioning") => "GetBucketVersioning",
        ("GET", false) if has("notification") => "GetBucketNotificationConfiguration",
        ("GET", false) => "ListObjects",
        ("GET", true) if has("uploadId") => "ListParts",
        ("GET", true) if has("tagging") => "GetObjectTagging",
        ("GET", true) if has("attributes") => "GetObjectAttributes",
        ("GET", true) => "GetObject",
        ("HEAD", false) => "HeadBucket",
        ("HEAD", true) => "HeadObject",
        ("PUT", false) if has("versioning") => "PutBucketVersioning",
        ("PUT", false) if has("notification") => "PutBucketNotificationConfiguration",
        ("PUT", false) => "CreateBucket",
        ("PUT", true) if has("partNumber") => "UploadPart",
        ("PUT", true) if has("tagging") => "PutObjectTagging",
        ("PUT", true) if copies => "CopyObject",
        ("PUT", true) => "PutObject",
        ("POST", false) if has("delete") => "DeleteObjects",
        ("POST", true) if has("uploads") => "CreateMultipartUpload",
        ("POST", true) if has("uploadId") => "CompleteMultipartUpload",
        ("DELETE", false) => "DeleteBucket",
        ("DELETE", true) if has("uploadId") => "AbortMultipartUpload",
        ("DELETE", true) => "DeleteObject",
        _ => "unknown",
    };
    name.to_owned()
}

/// The permission of an operation (S3 User Guide, using-with-s3-policy-actions): reading or deleting a
/// version needs another one than reading or deleting the object.
fn permission(action: &str, version: bool) -> &str {
    match (action, version) {
        ("GetObject" | "HeadObject", true) => "GetObjectVersion",
        ("GetObject" | "HeadObject", false) => "GetObject",
        ("GetObjectAttributes", true) => "GetObjectVersionAttributes",
        ("GetObjectTagging", true) => "GetObjectVersionTagging",
        ("DeleteObject", true) => "DeleteObjectVersion",
        ("ListObjectsV2" | "ListObjects" | "HeadBucket", _) => "ListBucket",
        ("ListObjectVersions", _) => "ListBucketVersions",
        ("ListMultipartUploads", _) => "ListBucketMultipartUploads",
        ("ListParts", _) => "ListMultipartUploadParts",
        ("ListBuckets", _) => "ListAllMyBuckets",
        ("UploadPart" | "CreateMultipartUpload" | "CompleteMultipartUpload" | "CopyObject", _) => "PutObject",
        ("DeleteObjects", _) => "DeleteObject",
        ("GetBucketNotificationConfiguration", _) => "GetBucketNotification",
        (action, _) => action,
    }
}

fn conditions(mut target: Target, parts: &Parts, query: &BTreeMap<String, String>) -> Target {
    for (condition, parameter) in
        [("s3:VersionId", "versionId"), ("s3:prefix", "prefix"), ("s3:delimiter", "delimiter")]
    {
        if let Some(value) = query.get(parameter) {
            target.conditions.insert(condition.to_owned(), value.clone());
        }
    }
    for name in [
        "x-amz-expected-bucket-owner",
        "x-amz-server-side-encryption",
        "x-amz-server-side-encryption-aws-kms-key-id",
    ] {
        if let Some(value) = header(&parts.headers, name) {
            target.conditions.insert(format!("s3:{name}"), value.to_owned());
        }
    }
    target
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn seen(method: &str, uri: &str) -> (String, String, String) {
        let (parts, ()) = Request::builder().method(method).uri(uri).body(()).unwrap().into_parts();
        let mut identity = identify(&parts);
        let target = identity.targets.remove(0);
        (identity.action, target.permission, target.resource)
    }

    #[test]
    fn requests_are_named() {
        for (method, uri, action, permission, resource) in [
            ("GET", "/b/a/x%20y+z.pdf?versionId=1", "GetObject", "s3:GetObjectVersion", "b/a/x y+z.pdf"),
            ("GET", "/b/k?x-id=GetObject", "GetObject", "s3:GetObject", "b/k"),
            ("HEAD", "/b/k", "HeadObject", "s3:GetObject", "b/k"),
            ("HEAD", "/b", "HeadBucket", "s3:ListBucket", "b"),
            ("PUT", "/b/k", "PutObject", "s3:PutObject", "b/k"),
            ("PUT", "/b/", "CreateBucket", "s3:CreateBucket", "b"),
            ("PUT", "/b/k?partNumber=1&uploadId=u", "UploadPart", "s3:PutObject", "b/k"),
            ("POST", "/b/k?uploads", "CreateMultipartUpload", "s3:PutObject", "b/k"),
            ("GET", "/b?list-type=2&prefix=p", "ListObjectsV2", "s3:ListBucket", "b"),
            ("GET", "/b?notification", "GetBucketNotificationConfiguration", "s3:GetBucketNotification", "b"),
            ("GET", "/", "ListBuckets", "s3:ListAllMyBuckets", ""),
            ("DELETE", "/b/k?versionId=1", "DeleteObject", "s3:DeleteObjectVersion", "b/k"),
        ] {
            assert_eq!(
                seen(method, uri),
                (action.to_owned(), permission.to_owned(), resource.to_owned()),
                "{uri}"
            );
        }
    }
}

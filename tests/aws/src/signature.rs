//! What a request's signature says.

use http::HeaderMap;
use http::header::AUTHORIZATION;

/// The region that a request is signed for: `Credential=<key>/<date>/<region>/<service>/aws4_request` (IAM User
/// Guide, "Elements of an AWS API request signature").
pub fn region(headers: &HeaderMap) -> Option<&str> {
    let (_, scope) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once("Credential=")?;
    scope.split([',', ' ']).next()?.split('/').nth(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_region_is_the_third_part_of_the_scope() {
        let mut headers = HeaderMap::new();
        assert_eq!(region(&headers), None);
        let signed = "AWS4-HMAC-SHA256 Credential=AKID/20260101/eu-west-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0";
        headers.insert(AUTHORIZATION, signed.parse().unwrap());
        assert_eq!(region(&headers), Some("eu-west-1"));
    }
}

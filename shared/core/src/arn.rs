//! ARNs, as far as they say where something is.

/// The region in an ARN; `None` for a plain name, and for what is in no region.
///
/// `arn:<partition>:<service>:<region>:<account>:<resource>` (AWS: IAM User Guide, "Amazon Resource Names").
pub fn region(name: &str) -> Option<&str> {
    let (partition, rest) = name.strip_prefix("arn:")?.split_once(':')?;
    let (service, rest) = rest.split_once(':')?;
    let (region, _) = rest.split_once(':')?;
    [partition, service, region].iter().all(|part| !part.is_empty()).then_some(region)
}

#[cfg(test)]
mod tests {
    use super::region;

    #[test]
    fn an_arn_says_its_region_and_a_name_does_not() {
        let cases = [
            ("arn:aws:dynamodb:eu-west-1:123456789012:table/stack-Customers-1", Some("eu-west-1")),
            ("arn:aws-us-gov:events:us-gov-west-1:123456789012:event-bus/tenants", Some("us-gov-west-1")),
            ("arn:aws:s3:::bucket", None),
            ("arn:aws:dynamodb", None),
            ("arn:aws:dynamodb:eu-west-1", None),
            ("arn::dynamodb:eu-west-1:1:table/t", None),
            ("customers", None),
            ("", None),
        ];
        for (name, expected) in cases {
            assert_eq!(region(name), expected, "{name}");
        }
    }
}

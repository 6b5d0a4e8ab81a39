//! The documents bucket.

use aws_sdk_s3::Client;
use aws_sdk_s3::operation::get_bucket_notification_configuration::GetBucketNotificationConfigurationOutput;
use aws_sdk_s3::operation::get_bucket_versioning::GetBucketVersioningOutput;
use aws_sdk_s3::types::{BucketVersioningStatus, Event};

use super::Site;
use super::check::{Check, Code};

/// The function that is fed from the bucket.
const READER: &str = "submit-document";

/// `BUCKET`: versions, the notification, the owner.
pub(super) async fn examine(site: &Site<'_>) -> Vec<Check> {
    let premises = site.premises;
    let (Some(bucket), Some(owner)) = (&premises.bucket, &premises.bucket_owner) else {
        return vec![Check::skipped(
            Code::Bucket,
            "its variables cannot be used",
            "first what CONFIGURATION says",
        )];
    };
    let queue = premises.queues.iter().find(|queue| queue.function == READER).map(|queue| queue.url.as_str());
    let bucket = Bucket { client: Client::new(site.aws), name: bucket, owner };
    let (versions, notification) = tokio::join!(bucket.versions(), bucket.notification(queue));
    [("versions", versions), ("notification", notification)].map(|(what, check)| check.of(what)).into()
}

struct Bucket<'a> {
    client: Client,
    name: &'a str,
    owner: &'a str,
}

impl Bucket<'_> {
    async fn versions(&self) -> Check {
        let asked = |owner: Option<&str>| {
            let call = self.client.get_bucket_versioning().bucket(self.name);
            call.set_expected_bucket_owner(owner.map(str::to_owned)).send()
        };
        match asked(Some(self.owner)).await {
            Ok(output) => versions(self.name, &output),
            Err(error) => {
                let check = self.failed("s3:GetBucketVersioning", &error);
                // S3 denies a call that expects another owner in the words of one that is not allowed. Allowed
                // as soon as nobody is expected, it was the owner.
                if check.denied.is_some() && asked(None).await.is_ok() {
                    return Check::problem(
                        Code::Bucket,
                        format!("`{}` does not belong to account {}", self.name, self.owner),
                        "correct DOCUMENTS_BUCKET or BUCKET_OWNER: documents of a foreign bucket are not taken",
                    );
                }
                check
            }
        }
    }

    async fn notification(&self, queue: Option<&str>) -> Check {
        let asked = self.client.get_bucket_notification_configuration().bucket(self.name);
        match asked.expected_bucket_owner(self.owner).send().await {
            Ok(output) => notification(self.name, queue, &output),
            Err(error) => self.failed("s3:GetBucketNotification", &error),
        }
    }

    fn failed(&self, permission: &str, error: &(dyn std::error::Error + 'static)) -> Check {
        let next_step =
            format!("aws s3api head-bucket --bucket {}: is it there, and in this region?", self.name);
        Check::failed(Code::Bucket, permission, error, &next_step)
    }
}

fn versions(bucket: &str, output: &GetBucketVersioningOutput) -> Check {
    let code = Code::Bucket;
    match output.status() {
        Some(BucketVersioningStatus::Enabled) => {
            Check::ok(code, format!("`{bucket}` keeps versions, and is ours"))
        }
        other => {
            let state = other.map_or("off", BucketVersioningStatus::as_str);
            Check::problem(
                code,
                format!("versioning of `{bucket}` is {state}: content could change under a document"),
                format!(
                    "aws s3api put-bucket-versioning --bucket {bucket} --versioning-configuration Status=Enabled"
                ),
            )
        }
    }
}

/// New objects must come to the queue: from the bucket itself, or over EventBridge by a rule of one's own.
fn notification(
    bucket: &str,
    queue: Option<&str>,
    output: &GetBucketNotificationConfigurationOutput,
) -> Check {
    let code = Code::Bucket;
    let Some(tail) = queue.and_then(arn_tail) else {
        return Check::skipped(
            code,
            "FUNCTION_QUEUES names no queue of submit-document",
            "first what CONFIGURATION says",
        );
    };
    let created = |event: &Event| event.as_str().starts_with("s3:ObjectCreated:");
    let ours = output.queue_configurations().iter().find(|configuration| {
        configuration.queue_arn().ends_with(&tail) && configuration.events().iter().any(created)
    });
    if let Some(ours) = ours {
        let whole = ours.events().iter().any(|event| event.as_str() == "s3:ObjectCreated:*");
        return match (whole, ours.filter()) {
            (true, None) => Check::ok(code, format!("new objects are told to {}", ours.queue_arn())),
            (_, _) => Check::warning(
                code,
                "only some of the new objects are told to the queue: the notification has a filter, or not all events",
                "deploy the template again, unless that is wanted",
            ),
        };
    }
    if output.event_bridge_configuration().is_some() {
        let seen = "the bucket tells EventBridge and not the queue";
        return Check::warning(
            code,
            seen,
            "make sure that a rule puts Object Created events into the queue of submit-document",
        );
    }
    Check::problem(
        code,
        format!(
            "`{bucket}` does not tell the queue of submit-document of new objects: they lie there unseen"
        ),
        format!(
            "deploy the template again, or: aws s3api put-bucket-notification-configuration --bucket {bucket} --notification-configuration file://notification.json"
        ),
    )
}

/// The end of a queue's ARN, from its URL: `:<account>:<name>`.
fn arn_tail(url: &str) -> Option<String> {
    let (rest, name) = url.trim_end_matches('/').rsplit_once('/')?;
    let account = rest.rsplit('/').next()?;
    Some(format!(":{account}:{name}"))
}

//! The fast forms in the adapters' places: each method is one call through the gate.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use collect_result::results::{Results, ResultsError, key_of};
use futures::stream;
use http::StatusCode;
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use jiff::Timestamp;
use reconcile_tenants::reconcile::reports::{Reports, ReportsError};
use registry::{
    Acquired, Admission, Cause, Change, Claim, Claimed, Customers, DocumentTable, Handled, Lease, Looked,
    Open, Operation, Page, RegistryError, Seen, Settled, Standing, Trail,
};
use resistant::{Answer, CallError, Exchange};
use runtime::bus::{Announce, AnnounceError};
use runtime::{Backlog, BoxError, Parcel, Postpone};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use shared_core::customer::{Customer, Sealed};
use shared_core::document::{Document, DocumentId, Kept, Source};
use shared_core::event::OutboundEvent;
use shared_core::ids::{CustomerId, RequestId};
use shared_core::request::OnboardingRequest;
use submit_document::storage::{Opened, Storage, StorageError};
use vault::{
    Context, Description, NewSecret, NewVersion, Region, Schedule, Seal, SecretName, SecretPage, Secrets,
    Stage, VaultError, VersionId,
};

use crate::fault::Service;
use crate::files::File;
use crate::gate::{Gate, Trouble};
use crate::request::Request;
use crate::world::{Function, World};

/// The way of the functions to everything outside.
#[derive(Clone, Debug)]
pub(crate) struct Port(pub(crate) Arc<Gate>);

/// What a struck call to AWS says.
#[derive(Debug)]
struct Struck(Trouble);

impl fmt::Display for Struck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a fault that was asked for: {:?}", self.0)
    }
}

impl std::error::Error for Struck {}

impl Port {
    async fn table<T>(
        &self,
        operation: &'static str,
        effect: impl FnOnce(&mut World) -> Result<T, RegistryError>,
    ) -> Result<T, RegistryError> {
        let struck = |trouble| RegistryError::Call { operation, source: Struck(trouble).into() };
        self.0.pass(Service::DynamoDb, operation, effect).await.map_err(struck)?
    }
}

#[async_trait]
impl Customers for Port {
    async fn customer(&self, id: &CustomerId) -> Result<Customer, RegistryError> {
        self.table("GetItem", |world| Ok(world.table.customer(id))).await
    }

    async fn look(&self, id: &CustomerId) -> Result<Seen, RegistryError> {
        self.table("GetItem", |world| Ok(world.table.look(id))).await
    }

    async fn list(&self, after: Option<&CustomerId>) -> Result<Page, RegistryError> {
        self.table("Query", |world| Ok(world.table.list(after))).await
    }

    async fn acquire(
        &self,
        id: &CustomerId,
        owner: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Acquired, RegistryError> {
        self.table("UpdateItem", |world| Ok(world.table.acquire(id, owner, now, until))).await
    }

    async fn trail(
        &self,
        id: &CustomerId,
        before: Option<&str>,
        limit: usize,
    ) -> Result<Trail, RegistryError> {
        self.table("Query", |world| Ok(world.table.trail(id, before, limit))).await
    }

    async fn admission(&self, id: &RequestId) -> Result<Option<Admission>, RegistryError> {
        self.table("GetItem", |world| Ok(world.table.admission(id))).await
    }

    async fn count_offboarding(
        &self,
        id: &RequestId,
        hour: Timestamp,
        most: usize,
    ) -> Result<bool, RegistryError> {
        self.table("UpdateItem", |world| Ok(world.table.count_offboarding(id, hour, most))).await
    }

    async fn hold(&self, id: &RequestId) -> Result<(), RegistryError> {
        self.table("PutItem", |world| {
            world.table.hold(id);
            Ok(())
        })
        .await
    }

    async fn approve(&self, id: &RequestId) -> Result<(), RegistryError> {
        self.table("PutItem", |world| {
            world.table.approve(id);
            Ok(())
        })
        .await
    }

    async fn note_operation(&self, operation: &Operation) -> Result<(), RegistryError> {
        self.table("PutItem", |world| {
            world.table.note_operation(operation);
            Ok(())
        })
        .await
    }

    async fn save(&self, lease: &mut Lease, change: &Change<'_>, cause: &Cause) -> Result<(), RegistryError> {
        self.table("TransactWriteItems", |world| world.table.save(lease, change, cause)).await
    }

    async fn finish(
        &self,
        lease: Lease,
        change: &Change<'_>,
        cause: &Cause,
        handled: &Handled,
    ) -> Result<(), RegistryError> {
        self.table("TransactWriteItems", |world| world.table.finish(&lease, change, cause, handled)).await
    }

    async fn release(&self, lease: Lease) -> Result<(), RegistryError> {
        self.table("UpdateItem", |world| world.table.release(&lease)).await
    }

    async fn handled(&self, id: &RequestId) -> Result<Option<Handled>, RegistryError> {
        self.table("GetItem", |world| Ok(world.table.handled(id))).await
    }

    async fn record_handled(&self, handled: Handled) -> Result<Handled, RegistryError> {
        self.table("PutItem", |world| Ok(world.table.record_handled(handled))).await
    }

    async fn mark_announced(&self, id: &RequestId) -> Result<(), RegistryError> {
        self.table("UpdateItem", |world| match world.table.mark_announced(id) {
            true => Ok(()),
            false => Err(RegistryError::Call { operation: "UpdateItem", source: "no such request".into() }),
        })
        .await
    }
}

impl Port {
    async fn secret(&self, operation: &'static str, name: &str, input: Value) -> Result<Value, VaultError> {
        let call = |source: BoxError| VaultError::Call { operation, name: name.to_owned(), source };
        let answered = self.0.pass(Service::SecretsManager, operation, |world| {
            let mut input = input;
            if operation == "RotateSecret" && input["ClientRequestToken"].is_null() {
                input["ClientRequestToken"] = world.token().into();
            }
            let now = world.now;
            world.secrets.call(operation, &input, now)
        });
        let refused = match answered.await.map_err(|trouble| call(Struck(trouble).into()))? {
            Ok(answer) => return Ok(answer),
            Err(refused) => refused,
        };
        let of_code = VaultError::of_code(operation, name, refused.code, &refused.message);
        Err(of_code.unwrap_or_else(|| call(refused.message.into())))
    }
}

#[async_trait]
impl Secrets for Port {
    async fn create(&self, new: &NewSecret<'_>) -> Result<(), VaultError> {
        let input = json!({
            "Name": new.name.as_str(), "ClientRequestToken": new.version.as_str(),
            "SecretString": new.value.expose_secret(), "KmsKeyId": new.key_id,
            "AddReplicaRegions": in_regions(new.replica_regions)
        });
        self.secret("CreateSecret", new.name.as_str(), input).await.map(drop)
    }

    async fn put(&self, new: &NewVersion<'_>) -> Result<(), VaultError> {
        let input = json!({
            "SecretId": new.name.as_str(), "ClientRequestToken": new.version.as_str(),
            "SecretString": new.value.expose_secret(), "VersionStages": [new.stage.as_str()],
            "RotationToken": new.token.map(|token| token.as_str())
        });
        self.secret("PutSecretValue", new.name.as_str(), input).await.map(drop)
    }

    async fn get(
        &self,
        secret_id: &str,
        version: Option<&VersionId>,
        stage: Stage,
    ) -> Result<(VersionId, SecretString), VaultError> {
        let version = version.map(VersionId::as_str);
        let input = json!({"SecretId": secret_id, "VersionId": version, "VersionStage": stage.as_str()});
        let answer = self.secret("GetSecretValue", secret_id, input).await?;
        let text = |field: &str| answer[field].as_str().unwrap_or_default();
        Ok((VersionId::from(text("VersionId")), text("SecretString").to_owned().into()))
    }

    async fn describe(&self, secret_id: &str) -> Result<Description, VaultError> {
        let answer = self.secret("DescribeSecret", secret_id, json!({"SecretId": secret_id})).await?;
        let labels = answer["VersionIdsToStages"].clone();
        Ok(Description {
            name: answer["Name"].as_str().unwrap_or_default().to_owned(),
            rotation_enabled: answer["RotationEnabled"].as_bool().unwrap_or(false),
            rotation_function: answer["RotationLambdaARN"].as_str().map(str::to_owned),
            rotation_schedule: answer["RotationRules"]["ScheduleExpression"].as_str().map(str::to_owned),
            deletion_date: seconds(&answer["DeletedDate"]),
            changed_at: seconds(&answer["LastChangedDate"]),
            next_rotation_at: seconds(&answer["NextRotationDate"]),
            replicas: answer["ReplicationStatus"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|status| status["Region"].as_str()?.parse().ok())
                .collect(),
            versions: serde_json::from_value(labels).unwrap_or_default(),
        })
    }

    async fn list(&self, prefix: &str, after: Option<&str>) -> Result<SecretPage, VaultError> {
        let input = json!({
            "Filters": [{"Key": "name", "Values": [prefix]}], "MaxResults": SecretPage::SIZE, "NextToken": after
        });
        let answer = self.secret("ListSecrets", prefix, input).await?;
        let listed = answer["SecretList"].as_array().cloned().unwrap_or_default();
        Ok(SecretPage {
            names: listed.iter().filter_map(|one| Some(one["Name"].as_str()?.to_owned())).collect(),
            next: answer["NextToken"].as_str().map(str::to_owned),
        })
    }

    async fn move_label(
        &self,
        name: &SecretName,
        stage: Stage,
        to: Option<&VersionId>,
        from: Option<&VersionId>,
    ) -> Result<(), VaultError> {
        let input = json!({
            "SecretId": name.as_str(), "VersionStage": stage.as_str(),
            "MoveToVersionId": to.map(VersionId::as_str), "RemoveFromVersionId": from.map(VersionId::as_str)
        });
        self.secret("UpdateSecretVersionStage", name.as_str(), input).await.map(drop)
    }

    async fn delete(&self, name: &SecretName, window_days: i64) -> Result<Option<Timestamp>, VaultError> {
        let input = json!({"SecretId": name.as_str(), "RecoveryWindowInDays": window_days});
        let answer = self.secret("DeleteSecret", name.as_str(), input).await?;
        Ok(seconds(&answer["DeletionDate"]))
    }

    async fn replicate(&self, name: &SecretName, regions: &[Region]) -> Result<(), VaultError> {
        let input = json!({"SecretId": name.as_str(), "AddReplicaRegions": in_regions(regions)});
        self.secret("ReplicateSecretToRegions", name.as_str(), input).await.map(drop)
    }

    async fn remove_replicas(&self, name: &SecretName, regions: &[Region]) -> Result<(), VaultError> {
        let regions: Vec<_> = regions.iter().map(Region::as_str).collect();
        let input = json!({"SecretId": name.as_str(), "RemoveReplicaRegions": regions});
        self.secret("RemoveRegionsFromReplication", name.as_str(), input).await.map(drop)
    }

    async fn restore(&self, name: &SecretName) -> Result<(), VaultError> {
        self.secret("RestoreSecret", name.as_str(), json!({"SecretId": name.as_str()})).await.map(drop)
    }

    async fn schedule_rotation(&self, name: &SecretName, schedule: &Schedule) -> Result<(), VaultError> {
        let input = json!({
            "SecretId": name.as_str(), "RotationLambdaARN": schedule.function_arn,
            "RotationRules": {"ScheduleExpression": format!("rate({} hours)", schedule.every_hours(name))},
            "RotateImmediately": false
        });
        self.secret("RotateSecret", name.as_str(), input).await.map(drop)
    }

    async fn rotate_now(&self, name: &SecretName, version: &VersionId) -> Result<(), VaultError> {
        let input = json!({"SecretId": name.as_str(), "ClientRequestToken": version.as_str()});
        self.secret("RotateSecret", name.as_str(), input).await.map(drop)
    }

    async fn cancel_rotation(&self, name: &SecretName) -> Result<(), VaultError> {
        self.secret("CancelRotateSecret", name.as_str(), json!({"SecretId": name.as_str()})).await.map(drop)
    }
}

fn in_regions(regions: &[Region]) -> Vec<Value> {
    regions.iter().map(|region| json!({"Region": region.as_str()})).collect()
}

/// A time as Secrets Manager tells it.
fn seconds(told: &Value) -> Option<Timestamp> {
    told.as_f64().and_then(|seconds| Timestamp::from_second(seconds as i64).ok())
}

/// What a sealed value begins with: its context.
fn seal_of(context: &Context<'_>) -> String {
    format!("{}/{}/{}|", context.customer_id, context.cell, context.generation)
}

#[async_trait]
impl Seal for Port {
    async fn seal(&self, value: &SecretString, context: &Context<'_>) -> Result<Sealed, VaultError> {
        let struck = |trouble| VaultError::Call {
            operation: "Encrypt",
            name: "key".to_owned(),
            source: Struck(trouble).into(),
        };
        let sealed = STANDARD.encode(format!("{}{}", seal_of(context), value.expose_secret()));
        self.0.pass(Service::Kms, "Encrypt", |_| Sealed(sealed)).await.map_err(struck)
    }

    async fn open(&self, sealed: &Sealed, context: &Context<'_>) -> Result<SecretString, VaultError> {
        let call =
            |source: BoxError| VaultError::Call { operation: "Decrypt", name: "key".to_owned(), source };
        self.0.pass(Service::Kms, "Decrypt", |_| ()).await.map_err(|trouble| call(Struck(trouble).into()))?;
        let opened = STANDARD.decode(&sealed.0).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let value = opened.as_deref().and_then(|opened| opened.strip_prefix(&seal_of(context)));
        value.map(|value| value.to_owned().into()).ok_or_else(|| call("another context".into()))
    }
}

#[async_trait]
impl DocumentTable for Port {
    async fn claim(
        &self,
        source: &Source,
        owner: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Claimed, RegistryError> {
        self.table("UpdateItem", |world| Ok(world.documents.claim(source, owner, now, until))).await
    }

    async fn save(&self, claim: &Claim, document: &Document) -> Result<(), RegistryError> {
        self.table("UpdateItem", |world| world.documents.save(claim, document)).await
    }

    async fn release(&self, claim: Claim) -> Result<(), RegistryError> {
        self.table("UpdateItem", |world| match world.documents.release(&claim) {
            true => Ok(()),
            false => Err(RegistryError::ClaimLost),
        })
        .await
    }

    async fn mark_announced(&self, id: &DocumentId) -> Result<(), RegistryError> {
        self.table("UpdateItem", |world| match world.documents.mark_announced(id) {
            true => Ok(()),
            false => Err(RegistryError::Call { operation: "UpdateItem", source: "no such document".into() }),
        })
        .await
    }

    async fn standing(&self, id: &DocumentId) -> Result<Option<Standing>, RegistryError> {
        self.table("GetItem", |world| Ok(world.documents.standing(id))).await
    }

    async fn look(&self, id: &DocumentId, number: u32) -> Result<Looked, RegistryError> {
        self.table("UpdateItem", |world| Ok(world.documents.look(id, number))).await
    }

    async fn settle(&self, document: &Document, results: Option<&str>) -> Result<Settled, RegistryError> {
        self.table("UpdateItem", |world| world.documents.settle(document, results)).await
    }

    async fn mark_told(&self, id: &DocumentId) -> Result<(), RegistryError> {
        self.table("UpdateItem", |world| match world.documents.mark_told(id) {
            true => Ok(()),
            false => Err(RegistryError::Call { operation: "UpdateItem", source: "no such document".into() }),
        })
        .await
    }

    async fn open(&self, customer_id: &CustomerId) -> Result<Open, RegistryError> {
        self.table("Query", |world| Ok(world.documents.open(customer_id))).await
    }
}

impl Port {
    async fn object(
        &self,
        operation: &'static str,
        source: &Source,
        etag: Option<&str>,
    ) -> Result<(File, bool), StorageError> {
        let struck = |trouble| StorageError::Call(Struck(trouble).into());
        let read = self.0.pass(Service::S3, operation, |world| {
            let cut = std::mem::take(&mut world.cut);
            (world.object(source), cut)
        });
        let (file, cut) = read.await.map_err(struck)?;
        let file = file.ok_or(StorageError::Gone)?;
        match etag.is_none_or(|etag| etag.trim_matches('"') == file.etag()) {
            true => Ok((file, cut)),
            false => Err(StorageError::Replaced),
        }
    }
}

#[async_trait]
impl Storage for Port {
    async fn get(&self, source: &Source, etag: Option<&str>, offset: u64) -> Result<Opened, StorageError> {
        let (file, cut) = self.object("GetObject", source, etag).await?;
        let bytes = file.content.as_bytes().get(offset as usize..).unwrap_or_default();
        let sent = if cut { &bytes[..bytes.len() / 2] } else { bytes };
        let mut frames = vec![Ok(Frame::data(Bytes::from_static(sent)))];
        frames.extend(cut.then(|| Err(BoxError::from("the connection broke"))));
        Ok(Opened {
            size_bytes: bytes.len() as u64,
            offset,
            etag: Some(format!("\"{}\"", file.etag())),
            version_id: file.version.map(str::to_owned),
            metadata: file.metadata.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect(),
            hidden_metadata: 0,
            tags: 0,
            checksum: None,
            body: StreamBody::new(stream::iter(frames)).boxed_unsync(),
        })
    }

    async fn tags(&self, source: &Source, _: Option<&str>) -> Result<Vec<(String, String)>, StorageError> {
        self.object("GetObjectTagging", source, None).await.map(|_| Vec::new())
    }
}

#[async_trait]
impl Results for Port {
    async fn put(&self, id: &DocumentId, json: &str) -> Result<Kept, ResultsError> {
        let (key, text) = (key_of(id), json.to_owned());
        let put =
            self.0.pass(Service::S3, "PutObject", |world| world.results.insert(key.clone(), text)).await;
        put.map_err(|trouble| ResultsError(Struck(trouble).into()))?;
        Ok(Kept::Bucket { bucket: "results".to_owned(), key })
    }
}

#[async_trait]
impl Reports for Port {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, ReportsError> {
        let failed = |operation, source| ReportsError { operation, key: key.to_owned(), source };
        let read = self.0.pass(Service::S3, "GetObject", |world| {
            let cut = std::mem::take(&mut world.cut);
            (world.reports.get(key).cloned(), cut)
        });
        match read.await {
            Ok((body, false)) => Ok(body),
            Ok((_, true)) => Err(failed("GetObject", "the connection broke".into())),
            Err(trouble) => Err(failed("GetObject", Struck(trouble).into())),
        }
    }

    async fn put(&self, key: &str, body: Vec<u8>) -> Result<(), ReportsError> {
        let put = |world: &mut World| drop(world.reports.insert(key.to_owned(), body));
        let struck = |trouble| ReportsError {
            operation: "PutObject",
            key: key.to_owned(),
            source: Struck(trouble).into(),
        };
        self.0.pass(Service::S3, "PutObject", put).await.map_err(struck)
    }
}

#[async_trait]
impl Backlog for Port {
    async fn waiting(&self, queue_url: &str) -> Result<u64, BoxError> {
        let told = |world: &mut World| world.dead_letters.get(queue_url).copied().unwrap_or_default();
        let told = self.0.pass(Service::Sqs, "GetQueueAttributes", told).await;
        told.map_err(|trouble| Struck(trouble).into())
    }
}

#[async_trait]
impl Announce for Port {
    async fn announce(&self, event: &OutboundEvent) -> Result<(), AnnounceError> {
        let detail_type = event.detail_type();
        let put = self.0.pass(Service::EventBridge, "PutEvents", |world| world.bus.push(event.clone())).await;
        put.map_err(|trouble| AnnounceError::Call { detail_type, source: Struck(trouble).into() })
    }

    async fn ask(&self, kind: &'static str, request: &Value) -> Result<(), AnnounceError> {
        let function = match kind {
            OnboardingRequest::TYPE => Function::Onboard,
            _ => Function::Offboard,
        };
        let put = |world: &mut World| world.put_on_the_bus(function, request);
        let put = self.0.pass(Service::EventBridge, "PutEvents", put).await;
        put.map_err(|trouble| AnnounceError::Call { detail_type: kind, source: Struck(trouble).into() })
    }
}

/// A function's own queue.
#[derive(Clone, Debug)]
pub(crate) struct Queue {
    pub(crate) port: Port,
    pub(crate) function: Function,
}

#[async_trait]
impl Postpone for Queue {
    async fn postpone(&self, parcel: &Parcel) -> Result<(), BoxError> {
        let send = |world: &mut World| world.send(self.function, parcel.clone());
        self.port.0.pass(Service::Sqs, "SendMessage", send).await.map_err(|trouble| Struck(trouble).into())
    }
}

#[async_trait]
impl Exchange for Port {
    async fn exchange(
        &self,
        operation: &'static str,
        mut sent: reqwest::Request,
    ) -> Result<Answer, CallError> {
        let request = Request::of(&mut sent).await.map_err(|error| CallError::Unclear {
            operation,
            problem: "the body broke".to_owned(),
            source: Some(Arc::new(error)),
        })?;
        let unclear = || CallError::Unclear { operation, problem: "asked for".to_owned(), source: None };
        let answer = |status: u16, body: &Value| {
            Answer::new(StatusCode::from_u16(status).expect("a status"), Bytes::from(body.to_string()))
        };
        let passed =
            self.0.pass(Service::Vendor, operation, |world| world.vendor.answer(&request, world.now));
        match passed.await {
            Ok((status, body)) => Ok(answer(status, &body)),
            Err(Trouble::Status(status)) => Ok(answer(status, &json!({"message": "asked for"}))),
            Err(Trouble::Refused) => {
                Err(CallError::NotSent { operation, problem: "asked for", source: None })
            }
            Err(Trouble::Unclear) => Err(unclear()),
            Err(Trouble::Late) => {
                let at = self.0.lands_at();
                self.0.world().landing.push((at, request));
                Err(unclear())
            }
        }
    }
}

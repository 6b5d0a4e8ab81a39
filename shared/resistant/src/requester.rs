//! Who asks for a client's tokens: always the same, or the organization as its secret has it now.

use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use crate::clock::{Clock, Moment};
use crate::organization::OrganizationCredential;
use crate::token::Client;
use crate::transport::Http;

/// How old the organization's credential may be when a token is asked for with it. A key that the
/// vendor refuses is asked for again with every call, and must not cost a read each time.
const FRESH: Duration = Duration::from_secs(60);

/// The longest time for reading it again: there is one at hand, which probably still works.
const LONGEST_READ: Duration = Duration::from_secs(5);

/// Where the organization's credential can be read again.
#[async_trait]
pub trait CredentialSource: Send + Sync {
    /// Reads it as it is now.
    ///
    /// # Errors
    /// Why it cannot be had, without any of its value. The one that was read before is used on.
    async fn read(&self) -> Result<OrganizationCredential, Box<dyn Error + Send + Sync>>;
}

/// A client, and where it is kept up to date from.
pub(crate) struct Requester {
    client: Mutex<Arc<Client>>,
    renewal: Option<Renewal>,
}

struct Renewal {
    source: Box<dyn CredentialSource>,
    last: Mutex<Last>,
}

/// The last read: when it began, and what it found.
struct Last {
    begun: Moment,
    identity: [u8; 32],
}

impl Requester {
    /// Always this client.
    pub(crate) fn fixed(client: Client) -> Self {
        Self { client: Mutex::new(Arc::new(client)), renewal: None }
    }

    /// The organization, whose credential was read just now.
    pub(crate) fn renewed(
        client: Client,
        credential: &OrganizationCredential,
        source: impl CredentialSource + 'static,
        clock: &Clock,
    ) -> Self {
        let last = Mutex::new(Last { begun: Moment::now(clock), identity: credential.identity() });
        Self { renewal: Some(Renewal { source: Box::new(source), last }), ..Self::fixed(client) }
    }

    /// The client to ask for a token with. This is the one moment at which a credential matters, so it
    /// is read again here, whatever led here: the end of a token, a token or a client that the vendor
    /// refuses. Nothing has to be told apart, and a key that was changed in time is never refused.
    pub(crate) async fn client(&self, http: &Http, clock: &Clock) -> Arc<Client> {
        if let Some(renewal) = &self.renewal
            && renewal.begin(Moment::now(clock))
        {
            match tokio::time::timeout(http.at_most(LONGEST_READ), renewal.source.read()).await {
                Ok(Ok(credential)) => self.take(renewal, &credential),
                Ok(Err(error)) => tracing::warn!(
                    error = &*error as &dyn Error,
                    "the organization's credential could not be read again; the last one is used"
                ),
                Err(_) => tracing::warn!(
                    "the organization's credential could not be read again in time; the last one is used"
                ),
            }
        }
        Arc::clone(&lock(&self.client))
    }

    fn take(&self, renewal: &Renewal, credential: &OrganizationCredential) {
        let identity = credential.identity();
        if std::mem::replace(&mut lock(&renewal.last).identity, identity) == identity {
            return;
        }
        tracing::info!(client_id = %credential.client_id(), "the organization's credential has changed");
        let mut client = lock(&self.client);
        *client = Arc::new(Client {
            client_id: credential.client_id().clone(),
            proof: credential.proof(),
            token_url: client.token_url.clone(),
            scope: client.scope.clone(),
        });
    }
}

impl Renewal {
    /// Whether it is time to read again. Counted from now on, however the read ends.
    fn begin(&self, now: Moment) -> bool {
        let mut last = lock(&self.last);
        let due = now.since(last.begun) >= FRESH;
        if due {
            last.begun = now;
        }
        due
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! Tenant management: tenants and their applications, in the name of the organization.

use std::collections::HashSet;
use std::time::Instant;

use http::Method;
use serde::Deserialize;
use serde_json::Value;
use shared_core::ids::{ApplicationId, TenantId, TenantName};
use shared_core::place::Cell;

use crate::answer::Answer;
use crate::api::Api;
use crate::error::{CallError, TokenError};
use crate::tenant::{
    Application, ApplicationAnswer, ApplicationList, CreatedApplication, DocumentsScope, Gone,
    NewApplication, NewAuthentication, NewTenant, Tenant, link,
};
use crate::token::Control;

const TENANTS: &str = "tenants";
const APPLICATIONS: &str = "applications";

/// How many tenants are asked for at once. No maximum is declared; a server that gives fewer says so
/// by a `next` link.
const PAGE_SIZE: usize = 100;

/// The vendor's page size where none is asked for. A page that is shorter than this is the last one
/// even if it comes without the links that the contract requires.
const SMALLEST_FULL_PAGE: usize = 20;

/// Tenant management with the organization's credential. Clones share its token.
#[derive(Clone)]
pub struct ControlPlane {
    api: Api<Control>,
}

impl ControlPlane {
    pub(crate) fn new(api: Api<Control>) -> Self {
        Self { api }
    }

    /// The same plane, whose calls all end by `deadline`.
    pub fn with_deadline(&self, deadline: Instant) -> Self {
        Self { api: self.api.with_deadline(deadline) }
    }

    /// Asks for a token ahead of the first call.
    ///
    /// # Errors
    /// There is none to be had.
    pub async fn warm(&self) -> Result<(), TokenError> {
        self.api.tokens().get(self.api.http()).await.map(|_| ())
    }

    /// Creates a tenant. After an error that [may have happened](CallError::may_have_happened), and
    /// after any refusal, look for the name: it is the only natural key.
    ///
    /// # Errors
    /// The call's outcome. What the vendor answers to a duplicate name or a full quota is not known.
    pub async fn create_tenant(&self, name: &TenantName, cells: &[Cell]) -> Result<Tenant, CallError> {
        let operation = "createTenant";
        let call = self.api.call(operation, Method::POST, &[TENANTS]).json(&NewTenant { name, cells });
        self.api.send(call).await?.json(operation)
    }

    /// All tenants of the organization, page by page.
    pub fn tenants(&self) -> TenantPages {
        TenantPages { api: self.api.clone(), next: Next::First, seen: HashSet::new() }
    }

    /// All tenants of the organization.
    ///
    /// # Errors
    /// Any page's; a part of a listing proves nothing.
    pub async fn all_tenants(&self) -> Result<Vec<Tenant>, CallError> {
        let (mut pages, mut tenants) = (self.tenants(), Vec::new());
        while let Some(page) = pages.next().await? {
            tenants.extend(page);
        }
        Ok(tenants)
    }

    /// Looks through the listing for a name.
    ///
    /// # Errors
    /// Any page's.
    pub async fn find_tenant_by_name(&self, name: &TenantName) -> Result<Option<Tenant>, CallError> {
        let mut pages = self.tenants();
        while let Some(page) = pages.next().await? {
            if let Some(tenant) = page.into_iter().find(|tenant| tenant.is_named(name)) {
                return Ok(Some(tenant));
            }
        }
        Ok(None)
    }

    /// Reads a tenant; `None` where there is none (404).
    ///
    /// # Errors
    /// The call's outcome.
    pub async fn tenant(&self, id: &TenantId) -> Result<Option<Tenant>, CallError> {
        let operation = "getTenant";
        let answer = self.api.send(self.api.call(operation, Method::GET, &[TENANTS, id.as_str()])).await;
        found(answer)?.map(|answer| answer.json(operation)).transpose()
    }

    /// Deletes a tenant, whose applications must be gone.
    ///
    /// # Errors
    /// The call's outcome. What the vendor answers while applications remain is not known: list them.
    pub async fn delete_tenant(&self, id: &TenantId) -> Result<Gone, CallError> {
        gone(self.api.send(self.api.call("deleteTenant", Method::DELETE, &[TENANTS, id.as_str()])).await)
    }

    /// A tenant's applications, in every cell; `None` where the tenant does not exist (404).
    ///
    /// # Errors
    /// The call's outcome.
    pub async fn applications(&self, tenant: &TenantId) -> Result<Option<Vec<Application>>, CallError> {
        let operation = "getTenantApplications";
        let call = self.api.call(operation, Method::GET, &[TENANTS, tenant.as_str(), APPLICATIONS]);
        let Some(answer) = found(self.api.send(call).await)? else { return Ok(None) };
        let list: ApplicationList = answer.json(operation)?;
        Ok(Some(list.items.into_iter().map(Application::from).collect()))
    }

    /// Reads an application; `None` where there is none (404).
    ///
    /// # Errors
    /// The call's outcome.
    pub async fn application(
        &self,
        tenant: &TenantId,
        id: &ApplicationId,
    ) -> Result<Option<Application>, CallError> {
        let operation = "getTenantApplication";
        let path = [TENANTS, tenant.as_str(), APPLICATIONS, id.as_str()];
        let Some(answer) = found(self.api.send(self.api.call(operation, Method::GET, &path)).await)? else {
            return Ok(None);
        };
        Ok(Some(answer.json::<ApplicationAnswer>(operation)?.into()))
    }

    /// Creates an application. Every call that succeeds makes another one, so record the intent first;
    /// after an error that [may have happened](CallError::may_have_happened), list.
    ///
    /// # Errors
    /// The call's outcome. An answer without the secret that was asked for is unclear: the application
    /// exists, and nobody has its secret.
    pub async fn create_application(
        &self,
        tenant: &TenantId,
        cell: Cell,
        scopes: &[DocumentsScope],
        authentication: &NewAuthentication,
    ) -> Result<CreatedApplication, CallError> {
        let operation = "createTenantApplication";
        let call = self
            .api
            .call(operation, Method::POST, &[TENANTS, tenant.as_str(), APPLICATIONS])
            .json(&NewApplication::new(cell, scopes, authentication));
        let answer: ApplicationAnswer = self.api.send(call).await?.json(operation)?;
        let created = CreatedApplication::from(answer);
        if *authentication == NewAuthentication::ClientSecret && created.client_secret.is_none() {
            return Err(unclear(operation, "the new application came without its secret"));
        }
        Ok(created)
    }

    /// Deletes an application.
    ///
    /// # Errors
    /// The call's outcome.
    pub async fn delete_application(&self, tenant: &TenantId, id: &ApplicationId) -> Result<Gone, CallError> {
        let path = [TENANTS, tenant.as_str(), APPLICATIONS, id.as_str()];
        gone(self.api.send(self.api.call("deleteTenantApplication", Method::DELETE, &path)).await)
    }
}

/// "Does not exist" is an answer to a read.
fn found(outcome: Result<Answer, CallError>) -> Result<Option<Answer>, CallError> {
    match outcome {
        Ok(answer) => Ok(Some(answer)),
        Err(CallError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// "Does not exist" is what a delete is for.
fn gone(outcome: Result<Answer, CallError>) -> Result<Gone, CallError> {
    found(outcome).map(|answer| if answer.is_some() { Gone::Deleted } else { Gone::AlreadyGone })
}

fn unclear(operation: &'static str, problem: &str) -> CallError {
    CallError::Unclear { operation, problem: problem.to_owned(), source: None }
}

/// The listing of tenants, page by page.
pub struct TenantPages {
    api: Api<Control>,
    next: Next,
    seen: HashSet<String>,
}

#[derive(Debug, PartialEq, Eq)]
enum Next {
    First,
    After(String),
    End,
}

#[derive(Deserialize)]
struct Page {
    items: Vec<Tenant>,
    #[serde(default, rename = "_links")]
    links: Value,
}

impl TenantPages {
    /// The next page; `None` after the last one.
    ///
    /// # Errors
    /// The call's outcome, or a listing that cannot be followed to its end. It does not go on after
    /// that: start again.
    pub async fn next(&mut self) -> Result<Option<Vec<Tenant>>, CallError> {
        let operation = "getTenants";
        let mut call =
            self.api.call(operation, Method::GET, &[TENANTS]).query("limit", &PAGE_SIZE.to_string());
        match std::mem::replace(&mut self.next, Next::End) {
            Next::First => {}
            Next::After(cursor) => call = call.query("after_id", &cursor),
            Next::End => return Ok(None),
        }
        let page: Page = self.api.send(call).await?.json(operation)?;
        let next = next(&page).map_err(|problem| unclear(operation, problem))?;
        if let Next::After(cursor) = &next
            && !self.seen.insert(cursor.clone())
        {
            return Err(unclear(operation, "the listing's cursor does not move"));
        }
        self.next = next;
        Ok(Some(page.items))
    }
}

/// Where the listing goes on. The `next` link's path lacks the API's version, so only its `after_id` is
/// read. What cannot be read is an error: an end that is not one would prove absence.
fn next(page: &Page) -> Result<Next, &'static str> {
    if page.links.is_null() && page.items.len() >= SMALLEST_FULL_PAGE {
        return Err("a full page came without links");
    }
    let named = match &page.links {
        Value::Array(list) => list.iter().any(|entry| entry["rel"] == "next"),
        links => links.get("next").is_some_and(|next| !next.is_null()),
    };
    match (link(&page.links, "next"), named) {
        (Some(href), _) => cursor(href).map(Next::After).ok_or("the `next` link has no `after_id`"),
        (None, false) => Ok(Next::End),
        (None, true) => Err("the `next` link cannot be read"),
    }
}

fn cursor(href: &str) -> Option<String> {
    let (_, query) = href.split_once('?')?;
    let query = query.split('#').next()?;
    let (_, cursor) = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "after_id")?;
    (!cursor.is_empty()).then(|| cursor.into_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn page(links: Value, items: usize) -> Page {
        let tenant = |n| json!({"id": format!("t{n}"), "name": format!("n{n}")});
        let items: Vec<_> = (0..items).map(tenant).collect();
        serde_json::from_value(json!({"items": items, "_links": links})).unwrap()
    }

    #[test]
    fn the_cursor_is_read_from_the_links_query() {
        for (href, expected) in [
            ("/tenants?limit=100&after_id=t-9", Some("t-9")),
            ("/v0/tenants?after_id=t-9&limit=100", Some("t-9")),
            ("https://elsewhere.example/tenants?after_id=a%2Bb%20c", Some("a+b c")),
            ("?after_id=x#fragment", Some("x")),
            ("/tenants?limit=100", None),
            ("/tenants?after_id=", None),
            ("/tenants", None),
        ] {
            assert_eq!(cursor(href).as_deref(), expected, "{href}");
        }
    }

    #[test]
    fn the_listing_ends_only_where_it_says_so() {
        let after = |text: &str| Ok(Next::After(text.to_owned()));
        assert_eq!(next(&page(json!({"next": {"href": "/tenants?after_id=x"}}), 1)), after("x"));
        assert_eq!(next(&page(json!([{"rel": "next", "href": "/tenants?after_id=x"}]), 1)), after("x"));
        assert_eq!(next(&page(json!({}), 100)), Ok(Next::End));
        assert_eq!(next(&page(json!([]), 100)), Ok(Next::End));
        assert_eq!(next(&page(json!({"next": null}), 100)), Ok(Next::End));
        assert_eq!(next(&page(Value::Null, 19)), Ok(Next::End));
        for (links, items) in [
            (Value::Null, 20),
            (json!({"next": {"href": "/tenants?limit=1"}}), 1),
            (json!({"next": {"url": "/tenants?after_id=x"}}), 1),
            (json!({"next": 7}), 1),
        ] {
            assert!(next(&page(links.clone(), items)).is_err(), "{links}");
        }
    }
}

//! Tenant applications: one cell each, credentials shown once.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::call::Call;
use crate::keys::{AuthMethod, Authentication};
use crate::life::Life;
use crate::places::Cell;
use crate::scene::Scene;
use crate::tenants;

/// An OAuth client of a tenant.
#[derive(Clone, Debug)]
pub(crate) struct Application {
    pub(crate) id: String,
    pub(crate) tenant: String,
    pub(crate) client_id: String,
    pub(crate) cell: Cell,
    /// The prefixed names of the management API.
    pub(crate) scopes: Vec<String>,
    pub(crate) authentication: Authentication,
    pub(crate) life: Life,
    /// When token endpoints begin to know it.
    pub(crate) accepted_from: Timestamp,
}

impl Application {
    pub(crate) fn has_secret(&self, secret: &str) -> bool {
        matches!(&self.authentication, Authentication::Secret(own) if own == secret)
    }

    fn body(&self, scene: &Scene<'_>) -> Value {
        let server = format!("{}/oauth2/{}", scene.base_url, scene.stage.server(self.cell));
        json!({
            "id": self.id,
            "client_id": self.client_id,
            "auth_server": server,
            "cell": self.cell.as_str(),
            "scopes": self.scopes,
            "_links": { "token_url": format!("{server}/v1/token") },
        })
    }
}

#[derive(Deserialize)]
struct CreateApplication {
    cell: String,
    scopes: Vec<String>,
    auth_method: AuthMethod,
}

pub(crate) fn create(scene: &mut Scene<'_>, call: &Call) -> Result<Answer, Answer> {
    let tenant = tenants::find(scene, &call.target.tenant)?;
    let bad = |message: String| Answer::error(400, message);
    let asked: CreateApplication =
        serde_json::from_slice(&call.body).map_err(|error| bad(error.to_string()))?;
    let cell = tenants::cell(scene, &asked.cell)?;
    if scene.settings.application_cell_must_be_tenants && !scene.world.tenants[tenant].cells.contains(&cell) {
        return Err(bad("cell: is none of the tenant's".to_owned()));
    }
    let known = |scope: &&String| {
        ["documents.submissions.read", "documents.submissions.write"].contains(&scope.as_str())
    };
    if let Some(scope) = asked.scopes.iter().find(|scope| !known(scope)) {
        return Err(bad(format!("scopes: {scope:?} is not known")));
    }
    let authentication = asked.auth_method.accept(scene.settings.rsa_2048).map_err(bad)?;
    let application = Application {
        id: crate::fresh::application_id(),
        tenant: call.target.tenant.clone(),
        client_id: crate::fresh::client_id(),
        cell,
        scopes: asked.scopes,
        authentication,
        life: Life::begin(scene.now, call.lag.listing),
        accepted_from: scene.now + call.lag.acceptance,
    };
    Ok(keep(scene, application))
}

/// The one answer with the credentials.
fn keep(scene: &mut Scene<'_>, application: Application) -> Answer {
    let mut body = application.body(scene);
    body["credentials"] = application.authentication.credentials();
    let location = format!("/tenants/{}/applications/{}", application.tenant, application.id);
    scene.world.applications.push(application);
    Answer::json(201, &body).with("location", location)
}

pub(crate) fn list(scene: &mut Scene<'_>, call: &Call) -> Result<Answer, Answer> {
    tenants::find(scene, &call.target.tenant)?;
    let at = scene.now - call.lag.listing;
    let listed = |application: &&Application| {
        application.tenant == call.target.tenant && application.life.is_listed(at)
    };
    let items: Vec<Value> =
        scene.world.applications.iter().filter(listed).map(|one| one.body(scene)).collect();
    Ok(Answer::json(200, &json!({ "items": items })))
}

fn find(scene: &Scene<'_>, call: &Call) -> Result<usize, Answer> {
    tenants::find(scene, &call.target.tenant)?;
    let found = scene.world.applications.iter().position(|application| {
        application.id == call.target.application
            && application.tenant == call.target.tenant
            && application.life.exists()
    });
    found.ok_or_else(|| Answer::error(404, "the application does not exist"))
}

pub(crate) fn get(scene: &mut Scene<'_>, call: &Call) -> Result<Answer, Answer> {
    let at = find(scene, call)?;
    Ok(Answer::json(200, &scene.world.applications[at].body(scene)))
}

pub(crate) fn delete(scene: &mut Scene<'_>, call: &Call) -> Result<Answer, Answer> {
    let at = find(scene, call)?;
    scene.world.applications[at].life.end(scene.now, call.lag.listing);
    Ok(Answer::empty(204))
}

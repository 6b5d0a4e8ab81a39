//! Whom a call concerns, for matching faults and for the log.

use serde::Deserialize;

use crate::call::Call;
use crate::operations::Operation;
use crate::scene::Scene;
use crate::tokens;

/// Whom a call concerns, as far as its path, token and body tell. Nothing of it is checked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Who {
    pub(crate) tenant: Option<String>,
    pub(crate) tenant_name: Option<String>,
    pub(crate) application: Option<String>,
    pub(crate) client: Option<String>,
    pub(crate) cell: Option<String>,
}

/// What a create tells. Not a `Value`: that would overflow at a modulus of 925 digits.
#[derive(Default, Deserialize)]
struct Told {
    name: Option<String>,
    cell: Option<String>,
}

impl Who {
    pub(crate) fn of(scene: &Scene<'_>, call: &Call) -> Self {
        let target = &call.target;
        let some = |text: &String| (!text.is_empty()).then(|| text.clone());
        let mut who = Self {
            tenant: some(&target.tenant),
            application: some(&target.application),
            cell: target.cell.map(|cell| cell.to_string()),
            ..Self::default()
        };
        match target.operation {
            Operation::Token => who.client = tokens::claimed_client(call),
            Operation::Upload | Operation::Download => who.by_submission(scene, &target.submission),
            Operation::CreateTenant | Operation::CreateTenantApplication => who.by_body(&call.body),
            _ => who.by_token(scene, call),
        }
        who.by_application(scene);
        who
    }

    fn by_submission(&mut self, scene: &Scene<'_>, id: &str) {
        let found = scene.world.submissions.iter().find(|one| one.id == id);
        self.tenant = found.map(|one| one.tenant.clone());
        self.application = found.map(|one| one.application.clone());
    }

    fn by_body(&mut self, body: &[u8]) {
        let told: Told = serde_json::from_slice(body).unwrap_or_default();
        self.tenant_name = told.name;
        self.cell = told.cell;
    }

    fn by_token(&mut self, scene: &Scene<'_>, call: &Call) {
        let token = call.bearer().and_then(|text| scene.world.tokens.get(text));
        if let Some((tenant, application)) = token.and_then(|token| token.owner.clone()) {
            self.tenant.get_or_insert(tenant);
            self.application.get_or_insert(application);
        }
    }

    /// What the application that is known by now adds.
    fn by_application(&mut self, scene: &Scene<'_>) {
        let known = scene.world.applications.iter().find(|one| {
            self.application.as_ref() == Some(&one.id) || self.client.as_ref() == Some(&one.client_id)
        });
        if let Some(application) = known {
            self.tenant.get_or_insert_with(|| application.tenant.clone());
            self.application.get_or_insert_with(|| application.id.clone());
            self.cell.get_or_insert_with(|| application.cell.to_string());
        }
    }
}

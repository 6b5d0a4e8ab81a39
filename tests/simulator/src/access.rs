//! Bearer tokens and content types: what every API call must bring.

use crate::answer::Answer;
use crate::call::Call;
use crate::places::Audience;
use crate::scene::Scene;
use crate::tokens::Token;

/// 401 unless the token is ours, alive and for this API; 403 unless its scope covers the call.
pub(crate) fn authorize(scene: &Scene<'_>, call: &Call) -> Result<(), Answer> {
    let Some(scope) = call.target.operation.scope() else { return Ok(()) };
    let unauthorized = || Answer::error(401, "Unauthorized");
    let token = call.bearer().and_then(|text| scene.world.tokens.get(text)).ok_or_else(unauthorized)?;
    let audience = call.target.cell.map_or(Audience::Organization, Audience::Cell);
    if token.expires <= scene.now || token.audience != audience || !owner_exists(scene, token) {
        return Err(unauthorized());
    }
    if !token.scopes.iter().any(|granted| granted == scope) {
        return Err(Answer::error(403, format!("the token lacks the scope {scope}")));
    }
    Ok(())
}

/// A token dies with its tenant; with its application only where that is chosen.
fn owner_exists(scene: &Scene<'_>, token: &Token) -> bool {
    let Some((tenant, application)) = &token.owner else { return true };
    let tenant = scene.world.tenants.iter().any(|known| known.id == *tenant && known.life.exists());
    let application =
        || scene.world.applications.iter().any(|known| known.id == *application && known.life.exists());
    tenant && (!scene.settings.deletion_revokes_tokens || application())
}

/// 415 unless a body that is read as JSON is declared as JSON.
pub(crate) fn content_type(call: &Call) -> Result<(), Answer> {
    let wanted = match call.target.operation.json_body() {
        None => false,
        Some(required) => required || !call.body.is_empty(),
    };
    if wanted && !call.content_type_is("application/json") {
        return Err(Answer::error(415, "the content type must be application/json"));
    }
    Ok(())
}

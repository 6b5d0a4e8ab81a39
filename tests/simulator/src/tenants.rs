//! Tenants: a unique name, a quota, pages.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::call::Call;
use crate::life::Life;
use crate::places::Cell;
use crate::scene::Scene;

/// A tenant of the organization.
#[derive(Clone, Debug)]
pub(crate) struct Tenant {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) cells: Vec<Cell>,
    pub(crate) life: Life,
}

impl Tenant {
    /// The links are an array of objects without a scheme, against the vendor's own schema, as in
    /// every example it gives.
    fn body(&self) -> Value {
        let link = |cell: &Cell| {
            let host = format!("{}-simulated.{}documents.resistant.ai", self.name, cell.host_prefix());
            json!({ "href": host, "rel": cell.as_str() })
        };
        json!({
            "id": self.id,
            "name": self.name,
            "created": self.life.created.to_string(),
            "updated": self.life.created.to_string(),
            "cells": self.cells.iter().map(|cell| cell.as_str()).collect::<Vec<_>>(),
            "_links": { "documents-ui": self.cells.iter().map(link).collect::<Vec<_>>() },
        })
    }
}

#[derive(Deserialize)]
struct CreateTenant {
    name: String,
    cells: Option<Vec<String>>,
}

pub(crate) fn create(scene: &mut Scene<'_>, call: &Call) -> Result<Answer, Answer> {
    let asked: CreateTenant =
        serde_json::from_slice(&call.body).map_err(|error| Answer::error(400, error.to_string()))?;
    if !is_name(&asked.name) {
        return Err(Answer::error(400, "name: must match ^[a-z0-9]{1,61}$"));
    }
    let cells = cells(scene, asked.cells)?;
    room(scene, &asked.name)?;
    let life = Life::begin(scene.now, call.lag.listing);
    let tenant = Tenant { id: crate::fresh::tenant_id(), name: asked.name, cells, life };
    let answer = Answer::json(201, &tenant.body()).with("location", format!("/tenants/{}", tenant.id));
    scene.world.tenants.push(tenant);
    Ok(answer)
}

fn is_name(name: &str) -> bool {
    (1..=61).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

fn cells(scene: &Scene<'_>, asked: Option<Vec<String>>) -> Result<Vec<Cell>, Answer> {
    let asked = asked.unwrap_or_else(|| vec!["eu-1".to_owned()]);
    asked.iter().map(|name| cell(scene, name)).collect()
}

/// A cell of this stage.
pub(crate) fn cell(scene: &Scene<'_>, name: &str) -> Result<Cell, Answer> {
    let known = Cell::parse(name).filter(|cell| scene.stage.has(*cell));
    known.ok_or_else(|| Answer::error(400, format!("cell: {name:?} is not known")))
}

fn room(scene: &Scene<'_>, name: &str) -> Result<(), Answer> {
    let mut living = scene.world.tenants.iter().filter(|tenant| tenant.life.exists());
    if living.clone().any(|tenant| tenant.name == name) {
        return Err(Answer::error(scene.settings.duplicate_name_status, "name: is taken"));
    }
    if living.nth(scene.settings.quota.saturating_sub(1)).is_some() || scene.settings.quota == 0 {
        return Err(Answer::error(
            scene.settings.quota_status,
            "the organization's quota of tenants is used up",
        ));
    }
    Ok(())
}

/// One page, in the order of creation. `after_id` names the last tenant of the page before, which
/// may be deleted by now.
pub(crate) fn list(scene: &mut Scene<'_>, call: &Call) -> Result<Answer, Answer> {
    let limit = limit(call)?;
    let tenants = &scene.world.tenants;
    let start = match call.parameter("after_id") {
        None => 0,
        Some(id) => tenants
            .iter()
            .position(|tenant| tenant.id == id)
            .map(|at| at + 1)
            .ok_or_else(|| Answer::error(400, "after_id: is not known"))?,
    };
    let at = scene.now - call.lag.listing;
    let length = limit.min(scene.settings.largest_page);
    let mut rest = tenants.iter().skip(start).filter(|tenant| tenant.life.is_listed(at));
    let page: Vec<&Tenant> = rest.by_ref().take(length).collect();
    let links = match (rest.next(), page.last()) {
        (Some(_), Some(last)) => {
            json!({ "next": { "href": format!("/tenants?limit={limit}&after_id={}", last.id) } })
        }
        _ => json!({}),
    };
    let items: Vec<Value> = page.into_iter().map(Tenant::body).collect();
    Ok(Answer::json(200, &json!({ "items": items, "_links": links })))
}

fn limit(call: &Call) -> Result<usize, Answer> {
    match call.parameter("limit").map(str::parse::<usize>) {
        None => Ok(20),
        Some(Ok(limit)) if limit > 0 => Ok(limit),
        Some(_) => Err(Answer::error(400, "limit: must be a positive integer")),
    }
}

/// A living tenant's place in the world.
pub(crate) fn find(scene: &Scene<'_>, id: &str) -> Result<usize, Answer> {
    let found = scene.world.tenants.iter().position(|tenant| tenant.id == id && tenant.life.exists());
    found.ok_or_else(|| Answer::error(404, "the tenant does not exist"))
}

pub(crate) fn get(scene: &mut Scene<'_>, call: &Call) -> Result<Answer, Answer> {
    let at = find(scene, &call.target.tenant)?;
    Ok(Answer::json(200, &scene.world.tenants[at].body()))
}

pub(crate) fn delete(scene: &mut Scene<'_>, call: &Call) -> Result<Answer, Answer> {
    let at = find(scene, &call.target.tenant)?;
    let in_use = |tenant: &str| {
        scene
            .world
            .applications
            .iter()
            .any(|application| application.tenant == tenant && application.life.exists())
    };
    if in_use(&call.target.tenant) {
        return Err(Answer::error(scene.settings.tenant_in_use_status, "the tenant has applications"));
    }
    scene.world.tenants[at].life.end(scene.now, call.lag.listing);
    Ok(Answer::empty(204))
}

//! Every operation of the vendor: its name, its route, its plane and the scope it needs.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::places::Cell;

/// One operation. The names are the vendor's operation ids; `token`, `upload` and `download` are
/// what lies outside its two documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "each is the vendor's operation of that name")]
pub enum Operation {
    CreateTenant,
    GetTenants,
    GetTenant,
    DeleteTenant,
    CreateTenantApplication,
    GetTenantApplications,
    GetTenantApplication,
    DeleteTenantApplication,
    CreateSubmission,
    PutSubmissionCharacteristics,
    GetFraud,
    GetContent,
    GetQuality,
    GetDecision,
    GetClassification,
    GetReport,
    DeleteSubmission,
    Token,
    Upload,
    Download,
}

use Operation as Op;

/// Where an operation lives: method and path. `{…}` stands for one segment.
const ROUTES: [(Op, &str, &str); 20] = [
    (Op::CreateTenant, "POST", "/tenants-api/v0/tenants"),
    (Op::GetTenants, "GET", "/tenants-api/v0/tenants"),
    (Op::GetTenant, "GET", "/tenants-api/v0/tenants/{tenant}"),
    (Op::DeleteTenant, "DELETE", "/tenants-api/v0/tenants/{tenant}"),
    (Op::CreateTenantApplication, "POST", "/tenants-api/v0/tenants/{tenant}/applications"),
    (Op::GetTenantApplications, "GET", "/tenants-api/v0/tenants/{tenant}/applications"),
    (Op::GetTenantApplication, "GET", "/tenants-api/v0/tenants/{tenant}/applications/{application}"),
    (Op::DeleteTenantApplication, "DELETE", "/tenants-api/v0/tenants/{tenant}/applications/{application}"),
    (Op::CreateSubmission, "POST", "/documents/{cell}/v2/submission"),
    (Op::PutSubmissionCharacteristics, "PUT", "/documents/{cell}/v2/submission/{submission}/characteristics"),
    (Op::GetFraud, "GET", "/documents/{cell}/v2/submission/{submission}/fraud"),
    (Op::GetContent, "GET", "/documents/{cell}/v2/submission/{submission}/content"),
    (Op::GetQuality, "GET", "/documents/{cell}/v2/submission/{submission}/quality"),
    (Op::GetDecision, "GET", "/documents/{cell}/v2/submission/{submission}/decision"),
    (Op::GetClassification, "GET", "/documents/{cell}/v2/submission/{submission}/classification"),
    (Op::GetReport, "GET", "/documents/{cell}/v2/submission/{submission}/report"),
    (Op::DeleteSubmission, "DELETE", "/documents/{cell}/v2/submission/{submission}"),
    (Op::Token, "POST", "/oauth2/{server}/v1/token"),
    (Op::Upload, "PUT", "/upload/{cell}/{submission}"),
    (Op::Download, "GET", "/download/{cell}/{submission}/{what}"),
];

impl Operation {
    /// Every operation.
    pub fn all() -> impl Iterator<Item = Self> {
        ROUTES.into_iter().map(|(operation, _, _)| operation)
    }

    /// The method and the path template under the simulator's base URL.
    pub fn route(self) -> (&'static str, &'static str) {
        let found = ROUTES.into_iter().find(|(operation, _, _)| *operation == self);
        found.map(|(_, method, path)| (method, path)).expect("every operation has a route")
    }

    /// The scope its bearer token needs; `None` where none is used.
    pub(crate) fn scope(self) -> Option<&'static str> {
        match self {
            Op::CreateTenant | Op::DeleteTenant => Some("tenants.write"),
            Op::GetTenants | Op::GetTenant => Some("tenants.read"),
            Op::CreateTenantApplication | Op::DeleteTenantApplication => Some("tenants.applications.write"),
            Op::GetTenantApplications | Op::GetTenantApplication => Some("tenants.applications.read"),
            Op::CreateSubmission | Op::PutSubmissionCharacteristics | Op::DeleteSubmission => {
                Some("submissions.write")
            }
            Op::GetFraud
            | Op::GetContent
            | Op::GetQuality
            | Op::GetDecision
            | Op::GetClassification
            | Op::GetReport => Some("submissions.read"),
            Op::Token | Op::Upload | Op::Download => None,
        }
    }

    /// Whether a JSON body must be there (`Some(true)`), may be there, or is not looked at.
    pub(crate) fn json_body(self) -> Option<bool> {
        match self {
            Op::CreateTenant | Op::CreateTenantApplication | Op::PutSubmissionCharacteristics => Some(true),
            Op::CreateSubmission => Some(false),
            _ => None,
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

impl FromStr for Operation {
    type Err = serde_json::Error;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        serde_json::from_value(name.into())
    }
}

/// What a path names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) operation: Operation,
    pub(crate) server: String,
    pub(crate) cell: Option<Cell>,
    pub(crate) tenant: String,
    pub(crate) application: String,
    pub(crate) submission: String,
    pub(crate) what: String,
}

/// Finds the operation of a request. `None` is an unknown path, method or cell.
pub(crate) fn route(method: &str, path: &str) -> Option<Target> {
    ROUTES
        .iter()
        .filter(|(_, its, _)| *its == method)
        .find_map(|(operation, _, template)| Target::new(*operation).fill(template, path))
}

impl Target {
    fn new(operation: Operation) -> Self {
        let none = String::new;
        Self {
            operation,
            server: none(),
            cell: None,
            tenant: none(),
            application: none(),
            submission: none(),
            what: none(),
        }
    }

    fn fill(mut self, template: &str, path: &str) -> Option<Self> {
        let mut segments = path.split('/');
        for wanted in template.split('/') {
            let segment = segments.next()?;
            if wanted.starts_with('{') {
                self.set(wanted, segment)?;
            } else if wanted != segment {
                return None;
            }
        }
        segments.next().is_none().then_some(self)
    }

    fn set(&mut self, name: &str, segment: &str) -> Option<()> {
        let field = match name {
            "{cell}" => {
                self.cell = Some(Cell::parse(segment)?);
                return Some(());
            }
            "{server}" => &mut self.server,
            "{tenant}" => &mut self.tenant,
            "{application}" => &mut self.application,
            "{submission}" => &mut self.submission,
            _ => &mut self.what,
        };
        segment.clone_into(field);
        (!segment.is_empty()).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_one_operation() {
        let target = route("GET", "/documents/us-1/v2/submission/abc/fraud").expect("a route");
        assert_eq!((target.operation, target.cell), (Op::GetFraud, Some(Cell::Us1)));
        assert_eq!(target.submission, "abc");
        assert_eq!(route("GET", "/documents/xx-1/v2/submission/abc/fraud"), None);
        assert_eq!(route("PATCH", "/tenants-api/v0/tenants/t1"), None);
        assert_eq!(route("GET", "/tenants-api/v0/tenants/"), None);
        assert_eq!(route("GET", "/tenants-api/v0/tenants/t1/more/and/more"), None);
    }

    #[test]
    fn names_are_the_vendors() {
        assert_eq!(Op::GetTenantApplications.to_string(), "getTenantApplications");
        assert_eq!("createSubmission".parse::<Operation>().ok(), Some(Op::CreateSubmission));
    }
}

//! What the doctor is told of the deployment: as much of it as can be read.
//!
//! Every other function stops at its start where a variable is wrong. The doctor says which, and goes on with
//! the others.

use std::str::FromStr;

use resistant::{Endpoints, OrganizationEndpoints};
use runtime::environment::{Environment, Problem, list, number, text};
use shared_core::place::{Cell, Stage};
use vault::{Prefix, Schedule};

use super::check::{Check, Code};
use crate::Config;

/// The variables that say where at the vendor we are.
const PLACE: [&str; 4] = ["STAGE", "RESISTANT_LOCAL_URL", "ORGANIZATION_TOKEN_URL", "CELLS"];

/// The deployment. `None` is what cannot be used; `problems` say why.
#[derive(Debug)]
pub struct Premises {
    pub(super) problems: Vec<Problem>,
    pub(super) endpoints: Option<Endpoints>,
    pub(super) control: Option<OrganizationEndpoints>,
    /// Whether the endpoints are a simulator's.
    local: bool,
    pub(super) cells: Vec<Cell>,
    pub(super) organization_secret_id: Option<String>,
    pub(super) secret_prefix: Option<Prefix>,
    pub(super) customers_table: Option<String>,
    pub(super) documents_table: Option<String>,
    pub(super) bucket: Option<String>,
    pub(super) bucket_owner: Option<String>,
    pub(super) queues: Vec<FunctionQueue>,
    pub(super) quota: Option<usize>,
    pub(super) schedule: Option<Schedule>,
}

/// A queue, and the function that is fed from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FunctionQueue {
    pub(super) function: String,
    /// The function's time limit.
    pub(super) seconds: u64,
    pub(super) url: String,
}

impl FromStr for FunctionQueue {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rule = "a list with commas, each the function, its time limit in seconds, and its queue's URL";
        match text.split_whitespace().collect::<Vec<_>>()[..] {
            [function, seconds, url] => Ok(Self {
                function: function.to_owned(),
                seconds: seconds.parse().map_err(|_| rule)?,
                url: url.to_owned(),
            }),
            _ => Err(rule),
        }
    }
}

impl Premises {
    /// Reads the environment.
    pub fn read(environment: &Environment) -> Self {
        let mut reading = environment.reading();
        let stage = reading.required("STAGE", Stage::from_str);
        let local = stage.and_then(|stage| {
            reading.maybe("RESISTANT_LOCAL_URL", |base| {
                Endpoints::local(stage, base).map_err(|error| error.to_string())
            })
        });
        // Against the published table, in a local run too: there the URL is replaced, and nobody would learn
        // before the deployment that it is wrong.
        let published = stage.and_then(|stage| {
            reading.required("ORGANIZATION_TOKEN_URL", |url| {
                Endpoints::new(stage).organization(url).map_err(|error| error.to_string())
            })
        });
        let local = local.flatten();
        let control = match &local {
            Some(local) => local.organization("").ok(),
            None => published,
        };
        let cells = reading.required("CELLS", list(Cell::from_str)).unwrap_or_default();
        if let Some(stage) = stage {
            for cell in cells.iter().filter(|cell| !stage.has(**cell)) {
                reading.problem("CELLS", cell.as_str(), "the testing stage exists in `eu-1` only");
            }
        }
        let function_arn = reading.required("ROTATION_FUNCTION_ARN", text);
        let every_days = reading.optional("ROTATION_DAYS", 30, number(1..=999));
        let mut premises = Self {
            local: local.is_some(),
            endpoints: local.or(stage.map(Endpoints::new)),
            control,
            cells,
            organization_secret_id: reading.required("ORGANIZATION_SECRET_ID", text),
            secret_prefix: reading.required("SECRET_PREFIX", Prefix::from_str),
            customers_table: reading.required("CUSTOMERS_TABLE", text),
            documents_table: reading.required("DOCUMENTS_TABLE", text),
            bucket: reading.required("DOCUMENTS_BUCKET", text),
            bucket_owner: reading.required("BUCKET_OWNER", text),
            queues: reading.required("FUNCTION_QUEUES", list(FunctionQueue::from_str)).unwrap_or_default(),
            quota: reading.optional("TENANT_QUOTA", 20, number(1..=1_000_000)),
            schedule: function_arn
                .zip(every_days)
                .map(|(function_arn, every_days)| Schedule { function_arn, every_days }),
            problems: reading.into_problems(),
        };
        premises.add_what_the_work_misses(environment);
        premises
    }

    fn add_what_the_work_misses(&mut self, environment: &Environment) {
        for problem in Config::read(environment).err().into_iter().flat_map(|error| error.problems) {
            if !self.problems.iter().any(|known| known.variable == problem.variable) {
                self.problems.push(problem);
            }
        }
    }

    /// `CONFIGURATION` and `STAGE_CONSISTENT`.
    pub(super) fn checks(&self) -> Vec<Check> {
        let mut checks: Vec<Check> = self.problems.iter().map(problem).collect();
        let tells_of = |code| checks.iter().any(|check| check.code == code);
        let (configuration, place) = (tells_of(Code::Configuration), tells_of(Code::StageConsistent));
        if !configuration {
            checks.push(Check::ok(Code::Configuration, "every variable can be used"));
        }
        if let (false, Some(endpoints), Some(control)) = (place, &self.endpoints, &self.control) {
            let cells: Vec<&str> = self.cells.iter().map(|cell| cell.as_str()).collect();
            let seen = format!(
                "stage {}, cells {}, API {}, token URL {}{}",
                endpoints.stage(),
                cells.join(", "),
                control.api_base(),
                control.token_url(),
                if self.local { "; a local run, in which every vendor URL is a simulator's" } else { "" }
            );
            checks.push(Check::ok(Code::StageConsistent, seen));
        }
        checks
    }
}

fn problem(problem: &Problem) -> Check {
    let variable = problem.variable.as_str();
    let code = if PLACE.contains(&variable) { Code::StageConsistent } else { Code::Configuration };
    let next_step = "correct the stack's parameter and deploy again (infra/README.md, Parameters)";
    Check::problem(code, problem.to_string(), next_step).of(variable)
}

#[cfg(test)]
mod tests {
    use super::super::check::Outcome;
    use super::*;

    const ORGANIZATION: &str = "https://eu.id.resistant.ai/oauth2/aus17c172cLOCWEyk417/v1/token";
    const TESTING: &str = "https://eu.id.resistant.ai/oauth2/aus17c52xbW6c0yA9417/v1/token";

    fn checks(changes: &[(&str, &str)]) -> Vec<Check> {
        let whole = [
            ("STAGE", "production"),
            ("ORGANIZATION_TOKEN_URL", ORGANIZATION),
            ("CELLS", "eu-1,us-1"),
            ("ORGANIZATION_SECRET_ID", "organization"),
            ("SECRET_PREFIX", "resistant"),
            ("CUSTOMERS_TABLE", "customers"),
            ("DOCUMENTS_TABLE", "documents"),
            ("DOCUMENTS_BUCKET", "documents"),
            ("BUCKET_OWNER", "123456789012"),
            ("INSTALLATION_ID", "test-1"),
            ("REPORTS_BUCKET", "reports"),
            ("DEAD_LETTER_QUEUE_URLS", "https://sqs/1/dead"),
            (
                "FUNCTION_QUEUES",
                "onboard-customer 60 https://sqs/1/onboarding, submit-document 300 https://sqs/1/s",
            ),
            ("ROTATION_FUNCTION_ARN", "arn"),
            ("EVENT_BUS_NAME", "bus"),
        ];
        Premises::read(&Environment::of(whole.into_iter().chain(changes.iter().copied()))).checks()
    }

    fn bad(checks: &[Check]) -> Vec<(Code, &str)> {
        let bad = checks.iter().filter(|check| check.result != Outcome::Ok);
        bad.map(|check| (check.code, check.subject.as_deref().unwrap_or_default())).collect()
    }

    #[test]
    fn a_whole_environment_is_consistent_and_shown() {
        let checks = checks(&[]);
        assert_eq!(bad(&checks), []);
        let place = checks.iter().find(|check| check.code == Code::StageConsistent).unwrap();
        for part in ["production", "eu-1, us-1", "https://api.tenants.resistant.ai/v0", ORGANIZATION] {
            assert!(place.seen.contains(part), "{place:?}");
        }
    }

    #[test]
    fn mixed_stages_are_named() {
        for local in ["", "http://127.0.0.1:1"] {
            let checks = checks(&[("ORGANIZATION_TOKEN_URL", TESTING), ("RESISTANT_LOCAL_URL", local)]);
            assert_eq!(bad(&checks), [(Code::StageConsistent, "ORGANIZATION_TOKEN_URL")]);
            let seen = &checks[0].seen;
            assert!(seen.contains("Documents API of cell eu-1 in the testing stage"), "{seen}");
        }
        let checks = checks(&[("STAGE", "testing")]);
        assert_eq!(bad(&checks), [(Code::StageConsistent, "CELLS")]);
        assert!(checks[0].seen.contains("us-1"), "{checks:?}");
    }

    #[test]
    fn what_the_other_work_needs_is_checked_too() {
        let checks =
            checks(&[("EVENT_BUS_NAME", ""), ("OVERLAP_SECONDS", "soon"), ("FUNCTION_QUEUES", "a b")]);
        let expected = ["FUNCTION_QUEUES", "EVENT_BUS_NAME", "OVERLAP_SECONDS"];
        assert_eq!(bad(&checks), expected.map(|variable| (Code::Configuration, variable)));
    }

    #[test]
    fn what_can_be_read_is_used_although_the_rest_cannot() {
        let premises =
            Premises::read(&Environment::of([("DOCUMENTS_BUCKET", "documents"), ("STAGE", "moon")]));
        assert_eq!(premises.bucket.as_deref(), Some("documents"));
        assert!(premises.endpoints.is_none() && premises.quota == Some(20));
    }
}

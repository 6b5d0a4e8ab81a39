//! Reading settings: all of them, once, at the start. Where they are looked up is the caller's to say.
//!
//! Every variable that is missing or malformed is named, with its value and its rule, before the
//! function refuses to start; nobody corrects them one deployment at a time.

use std::collections::HashMap;
use std::fmt;
use std::ops::RangeBounds;
use std::str::FromStr;
use std::time::Duration;

use serde::Serialize;

use crate::event::redact;
use crate::ids::Invalid;

/// The variable that says how fine the log is; every function has it.
pub const LOG_LEVEL: &str = "LOG_LEVEL";

/// Where variables are looked up: the process's own, or a test's.
pub struct Environment {
    lookup: Lookup,
}

type Lookup = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;

impl Environment {
    /// Variables that are looked up like this.
    pub fn new(lookup: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self { lookup: Box::new(lookup) }
    }

    /// These variables and no others.
    pub fn of<'a>(variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let owned = variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let variables: HashMap<String, String> = owned.collect();
        Self { lookup: Box::new(move |name| variables.get(name).cloned()) }
    }

    /// A variable's text. Empty counts as absent: a template cannot leave a variable out by condition
    /// without leaving an empty one.
    pub fn get(&self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|value| !value.trim().is_empty())
    }

    /// Begins reading. `LOG_LEVEL`, which every function has, is checked by itself.
    pub fn reading(&self) -> Reading<'_> {
        let mut reading = Reading { environment: self, problems: Vec::new() };
        let _ = reading.maybe(LOG_LEVEL, level);
        reading
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Environment")
    }
}

/// A reading of variables that keeps every problem until the end.
#[derive(Debug)]
pub struct Reading<'a> {
    environment: &'a Environment,
    problems: Vec<Problem>,
}

impl Reading<'_> {
    /// A variable that must be there.
    pub fn required<T, E: Into<Rule>>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        match self.environment.get(name) {
            Some(text) => self.parse(name, &text, parse),
            None => {
                self.problems.push(Problem {
                    variable: name.to_owned(),
                    value: None,
                    rule: "it is required".into(),
                });
                None
            }
        }
    }

    /// A variable with a default.
    pub fn optional<T, E: Into<Rule>>(
        &mut self,
        name: &str,
        default: T,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        match self.environment.get(name) {
            Some(text) => self.parse(name, &text, parse),
            None => Some(default),
        }
    }

    /// A variable that may be absent. The outer `None` means that it is malformed.
    pub fn maybe<T, E: Into<Rule>>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<Option<T>> {
        match self.environment.get(name) {
            Some(text) => self.parse(name, &text, parse).map(Some),
            None => Some(None),
        }
    }

    /// Notes a problem of its own: two values that do not go together.
    pub fn problem(&mut self, name: &str, value: &str, rule: impl Into<Rule>) {
        let value = Some(redact::field("", &value.into()).as_str().unwrap_or_default().to_owned());
        self.problems.push(Problem { variable: name.to_owned(), value, rule: rule.into().0 });
    }

    /// What was built, or every problem.
    ///
    /// # Errors
    /// [`Misconfigured`], where any variable was missing or malformed.
    pub fn finish<T>(self, build: impl FnOnce() -> Option<T>) -> Result<T, Misconfigured> {
        match build() {
            Some(built) if self.problems.is_empty() => Ok(built),
            _ => Err(Misconfigured { problems: self.problems }),
        }
    }

    /// Every problem, for whoever goes on with what could be read.
    pub fn into_problems(self) -> Vec<Problem> {
        self.problems
    }

    fn parse<T, E: Into<Rule>>(
        &mut self,
        name: &str,
        text: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        match parse(text.trim()) {
            Ok(value) => Some(value),
            Err(rule) => {
                self.problem(name, text, rule);
                None
            }
        }
    }
}

/// The rule that a value breaks, in words.
#[derive(Clone, Debug)]
pub struct Rule(String);

impl From<&str> for Rule {
    fn from(rule: &str) -> Self {
        Self(rule.to_owned())
    }
}

impl From<String> for Rule {
    fn from(rule: String) -> Self {
        Self(rule)
    }
}

impl From<Invalid> for Rule {
    fn from(invalid: Invalid) -> Self {
        Self(invalid.rule.to_owned())
    }
}

/// One variable that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Its name.
    pub variable: String,
    /// Its value, unless it looks like a secret; absent where the variable is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The rule it breaks.
    pub rule: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "{} is `{value}`: {}", self.variable, self.rule),
            None => write!(f, "{} is not set: {}", self.variable, self.rule),
        }
    }
}

/// The environment cannot be used; every reason.
#[derive(Debug, thiserror::Error)]
#[error("the configuration cannot be used: {}", self.list())]
pub struct Misconfigured {
    /// At least one.
    pub problems: Vec<Problem>,
}

impl Misconfigured {
    fn list(&self) -> String {
        self.problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    }
}

/// Any text. An empty variable counts as absent, so it is not empty.
///
/// # Errors
/// None; it has the shape of a parser.
pub fn text(text: &str) -> Result<String, Rule> {
    Ok(text.to_owned())
}

/// An AWS account's id.
///
/// # Errors
/// The rule, where it is none.
pub fn account(text: &str) -> Result<String, Rule> {
    let legal = text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
    if legal { Ok(text.to_owned()) } else { Err("12 digits: the AWS account that owns the bucket".into()) }
}

/// A whole number in a range.
pub fn number<T>(range: impl RangeBounds<T> + fmt::Debug) -> impl FnOnce(&str) -> Result<T, Rule>
where
    T: FromStr + PartialOrd,
{
    move |text| match text.parse() {
        Ok(number) if range.contains(&number) => Ok(number),
        Ok(_) | Err(_) => Err(format!("a whole number in {range:?}").into()),
    }
}

/// A whole number of seconds in a range.
pub fn seconds(range: impl RangeBounds<u64> + fmt::Debug) -> impl FnOnce(&str) -> Result<Duration, Rule> {
    |text| number(range)(text).map(Duration::from_secs)
}

fn level(text: &str) -> Result<(), &'static str> {
    let known = ["error", "warn", "info", "debug", "trace", "off"].contains(&text.to_lowercase().as_str());
    known.then_some(()).ok_or("one of `error`, `warn`, `info`, `debug`, `trace` and `off`")
}

/// A list with commas, of at least one.
pub fn list<T, E: Into<Rule>>(
    parse: impl Fn(&str) -> Result<T, E>,
) -> impl FnOnce(&str) -> Result<Vec<T>, Rule> {
    move |text| text.split(',').map(|item| parse(item.trim()).map_err(Into::into)).collect()
}

#[cfg(test)]
mod tests {
    use crate::place::{Cell, Stage};

    use super::*;

    #[derive(Debug, PartialEq)]
    struct Sample {
        stage: Stage,
        cells: Vec<Cell>,
        days: u32,
        settle: Duration,
        local: Option<String>,
    }

    fn read(environment: &Environment) -> Result<Sample, Misconfigured> {
        let mut reading = environment.reading();
        let stage = reading.required("STAGE", Stage::from_str);
        let cells = reading.required("CELLS", list(Cell::from_str));
        let days = reading.optional("ROTATION_DAYS", 30, number(1..=1000));
        let settle = reading.optional("SETTLE_SECONDS", Duration::from_secs(60), seconds(0..=900));
        let local = reading.maybe("RESISTANT_LOCAL_URL", text);
        reading.finish(|| {
            Some(Sample { stage: stage?, cells: cells?, days: days?, settle: settle?, local: local? })
        })
    }

    #[test]
    fn a_whole_environment_is_read() {
        let environment = Environment::of([
            ("STAGE", "production"),
            ("CELLS", "eu-1, us-1"),
            ("ROTATION_DAYS", " 7 "),
            ("SETTLE_SECONDS", ""),
            ("RESISTANT_LOCAL_URL", "http://127.0.0.1:1"),
        ]);
        let sample = read(&environment).unwrap();
        assert_eq!(sample.cells, [Cell::Eu1, Cell::Us1]);
        assert_eq!((sample.days, sample.settle), (7, Duration::from_secs(60)));
        assert_eq!(sample.local.as_deref(), Some("http://127.0.0.1:1"));
    }

    #[test]
    fn every_problem_is_named_at_once() {
        let environment = Environment::of([
            ("LOG_LEVEL", "loud"),
            ("CELLS", "eu-1,,mars"),
            ("ROTATION_DAYS", "0"),
            ("SETTLE_SECONDS", "soon"),
        ]);
        let problems = read(&environment).unwrap_err().problems;
        let names: Vec<&str> = problems.iter().map(|problem| problem.variable.as_str()).collect();
        assert_eq!(names, ["LOG_LEVEL", "STAGE", "CELLS", "ROTATION_DAYS", "SETTLE_SECONDS"]);
        assert_eq!(problems[1].to_string(), "STAGE is not set: it is required");
        assert_eq!(problems[3].to_string(), "ROTATION_DAYS is `0`: a whole number in 1..=1000");
        assert!(problems[2].to_string().contains("`us-1`"), "{}", problems[2]);
    }

    #[test]
    fn a_secret_in_the_wrong_variable_is_not_shown() {
        let pem = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\n-----END PRIVATE KEY-----";
        let error = read(&Environment::of([("STAGE", pem), ("CELLS", "eu-1")])).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("MIIEvQ"), "{error}");
    }
}

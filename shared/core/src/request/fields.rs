//! Reading an event's fields one by one, keeping what is wrong with each.

use std::str::FromStr;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{AuditText, Cells, Refusal, VERSION, Violation};
use crate::credential::AuthenticationKind;
use crate::event::ReasonCode;
use crate::ids::Invalid;
use crate::place::Cell;

/// An event's object, and what was found wrong with it so far.
pub(super) struct Fields<'a> {
    object: &'a Map<String, Value>,
    wrong: Vec<(ReasonCode, Violation)>,
}

impl<'a> Fields<'a> {
    /// Takes an event of this type and of our version. Of another type or version nothing else is
    /// read: its fields may mean something else.
    pub(super) fn of(event: &'a Value, expected_type: &'static str) -> Result<Self, Refusal> {
        let Some(object) = event.as_object() else {
            let violation = Violation::new("event", event, "a JSON object with `type` and `version`");
            return Err(Refusal::new(ReasonCode::NotAnEvent, violation));
        };
        let mut fields = Self { object, wrong: Vec::new() };
        fields.constant("type", expected_type, ReasonCode::WrongType);
        fields.constant("version", VERSION, ReasonCode::WrongVersion);
        if fields.wrong.is_empty() { Ok(fields) } else { Err(fields.refusal()) }
    }

    /// What was built, or everything that is wrong.
    pub(super) fn finish<T>(self, build: impl FnOnce() -> Option<T>) -> Result<T, Refusal> {
        match build() {
            Some(built) if self.wrong.is_empty() => Ok(built),
            _ => Err(self.refusal()),
        }
    }

    fn refusal(self) -> Refusal {
        let readable = |field: &str| self.object.get(field).and_then(Value::as_str);
        Refusal {
            reason_code: self.wrong.first().map_or(ReasonCode::InvalidField, |(code, _)| code.clone()),
            request_id: readable("request_id").and_then(|id| id.parse().ok()),
            customer_id: readable("customer_id").and_then(|id| id.parse().ok()),
            violations: self.wrong.into_iter().map(|(_, violation)| violation).collect(),
        }
    }

    fn constant(&mut self, field: &str, expected: &str, code: ReasonCode) {
        let rule = format!("it must be the text `{expected}`");
        match self.object.get(field) {
            Some(Value::String(text)) if text == expected => {}
            Some(other) => self.wrong.push((code, Violation::new(field, other, &rule))),
            None => self.missing(field, &rule),
        }
    }

    fn missing(&mut self, field: &str, rule: &str) {
        self.wrong.push((ReasonCode::MissingField, Violation::missing(field, rule)));
    }

    fn invalid<T>(&mut self, field: &str, value: &Value, rule: &str) -> Option<T> {
        self.wrong.push((ReasonCode::InvalidField, Violation::new(field, value, rule)));
        None
    }

    /// A required text that has one door.
    fn text<T>(
        &mut self,
        field: &str,
        rule: &str,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let Some(value) = self.object.get(field) else {
            self.missing(field, rule);
            return None;
        };
        match value.as_str().map(read) {
            Some(Ok(read)) => Some(read),
            Some(Err(rule)) => self.invalid(field, value, &rule),
            None => self.invalid(field, value, rule),
        }
    }

    pub(super) fn id<T: FromStr<Err = Invalid>>(&mut self, field: &str) -> Option<T> {
        self.text(field, "a text is required", |text| {
            text.parse().map_err(|invalid: Invalid| invalid.rule.to_owned())
        })
    }

    pub(super) fn id_if_any<T: FromStr<Err = Invalid>>(&mut self, field: &str) -> Option<Option<T>> {
        if self.object.contains_key(field) { self.id(field).map(Some) } else { Some(None) }
    }

    pub(super) fn timestamp(&mut self, field: &str) -> Option<Timestamp> {
        let rule = "a time with its offset as in RFC 3339, e.g. `2026-01-31T09:00:00Z`";
        self.text(field, rule, |text| text.parse().map_err(|_| rule.to_owned()))
    }

    pub(super) fn audit_text(&mut self, field: &str) -> Option<AuditText> {
        self.text(field, AuditText::RULE, |text| AuditText::parse(text).map_err(str::to_owned))
    }

    pub(super) fn cells(&mut self) -> Option<Cells> {
        let value = match self.object.get("cells") {
            None => return Some(Cells::default()),
            Some(value) => value,
        };
        let Some(list) = value.as_array() else {
            return self.invalid("cells", value, Cells::RULE);
        };
        let cells: Option<Vec<Cell>> =
            list.iter().enumerate().map(|(at, item)| self.cell(&format!("cells[{at}]"), item)).collect();
        match Cells::new(cells?) {
            Ok(cells) => Some(cells),
            Err(rule) => self.invalid("cells", value, rule),
        }
    }

    fn cell(&mut self, field: &str, value: &Value) -> Option<Cell> {
        match value.as_str().unwrap_or_default().parse::<Cell>() {
            Ok(cell) => Some(cell),
            Err(invalid) => self.invalid(field, value, invalid.rule),
        }
    }

    pub(super) fn authentication(&mut self) -> Option<AuthenticationKind> {
        self.authentication_if_any().map(|kind| kind.unwrap_or(AuthenticationKind::KeyPair))
    }

    pub(super) fn authentication_if_any(&mut self) -> Option<Option<AuthenticationKind>> {
        match self.object.get("authentication") {
            None => Some(None),
            Some(Value::String(text)) if text == "KEY_PAIR" => Some(Some(AuthenticationKind::KeyPair)),
            Some(Value::String(text)) if text == "CLIENT_SECRET" => {
                Some(Some(AuthenticationKind::ClientSecret))
            }
            Some(other) => self.invalid("authentication", other, "it is `KEY_PAIR` or `CLIENT_SECRET`"),
        }
    }

    /// False where it is not said.
    pub(super) fn flag(&mut self, field: &str) -> Option<bool> {
        match self.object.get(field) {
            None => Some(false),
            Some(Value::Bool(flag)) => Some(*flag),
            Some(other) => self.invalid(field, other, "it is `true` or `false`"),
        }
    }

    /// The id of a secret's version (Secrets Manager: `VersionId`).
    pub(super) fn version_id(&mut self, field: &str) -> Option<String> {
        let rule = "32 to 64 characters, as `describe-secret` shows it";
        self.text(field, rule, |text| match text.len() {
            32..=64 => Ok(text.to_owned()),
            _ => Err(rule.to_owned()),
        })
    }
}

//! When a secret rotates next.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::clock::days;
use super::error::Refusal;

/// `RotationRules`, as they travel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RotationRules {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    automatically_after_days: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    duration: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    schedule_expression: Option<String>,
}

impl RotationRules {
    /// Whether they can be kept.
    pub(super) fn check(&self) -> Result<(), Refusal> {
        let interval = self.interval()?;
        match self.duration.as_deref().map(hours) {
            None => Ok(()),
            Some(Some(window)) if SignedDuration::from_hours(window) <= interval.min(days(1)) => Ok(()),
            Some(_) => Err(Refusal::parameter(
                "Duration must be a number of hours, such as 3h, and end before the day and the next window.",
            )),
        }
    }

    /// The time from one rotation to the next.
    ///
    /// - "you can set the rotation schedule in RotationRules with AutomaticallyAfterDays or
    ///   ScheduleExpression, but not both"; days are 1 to 1000;
    /// - "rate() expressions represent the interval in hours or days"; "You can rotate a secret as
    ///   often as every four hours" (API_RotationRulesType).
    ///
    /// `cron()` is legal at AWS. It is refused here, so that no test waits for a rotation that this
    /// server would never start.
    pub(super) fn interval(&self) -> Result<SignedDuration, Refusal> {
        match (self.automatically_after_days, self.schedule_expression.as_deref()) {
            (Some(_), Some(_)) => Err(Refusal::parameter(
                "You can't specify both AutomaticallyAfterDays and ScheduleExpression in RotationRules.",
            )),
            (Some(count), None) if (1..=1000).contains(&count) => Ok(days(count)),
            (Some(_), None) => Err(Refusal::parameter("AutomaticallyAfterDays must be between 1 and 1000.")),
            (None, Some(expression)) => rate(expression).ok_or_else(|| {
                Refusal::parameter(format!("The schedule expression {expression} is not supported."))
            }),
            (None, None) => Err(Refusal::parameter("RotationRules must have a schedule.")),
        }
    }
}

/// "Length Constraints: Minimum length of 2. Maximum length of 3. Pattern: [0-9]+h"; "The window must
/// not extend into the next rotation window or the next UTC day" (API_RotationRulesType, Duration).
/// A window of none is taken to be no window.
fn hours(duration: &str) -> Option<i64> {
    let digits = duration.strip_suffix('h').filter(|digits| (1..=2).contains(&digits.len()))?;
    let digits = digits.bytes().all(|byte| byte.is_ascii_digit()).then_some(digits)?;
    digits.parse().ok().filter(|&hours| hours > 0)
}

fn rate(expression: &str) -> Option<SignedDuration> {
    let (count, unit) = expression.strip_prefix("rate(")?.strip_suffix(')')?.split_once(' ')?;
    let count: i64 = count.parse().ok()?;
    match unit {
        "hour" | "hours" if (4..=24_000).contains(&count) => Some(SignedDuration::from_hours(count)),
        "day" | "days" if (1..=1000).contains(&count) => Some(days(count)),
        _ => None,
    }
}

/// How a secret is rotated.
#[derive(Clone, Debug, Default)]
pub(super) struct Schedule {
    /// None before the first RotateSecret: "If the secret has never been configured for rotation,
    /// Secrets Manager returns null" (API_DescribeSecret, RotationEnabled).
    pub(super) enabled: Option<bool>,
    pub(super) function: Option<String>,
    pub(super) rules: Option<RotationRules>,
    pub(super) last: Option<Timestamp>,
    pub(super) next: Option<Timestamp>,
}

impl Schedule {
    /// Counts the interval from `now`. "Secrets Manager calculates the next rotation date based on
    /// the previous rotation. Manually updating the secret value by calling PutSecretValue or
    /// UpdateSecret is considered a valid rotation" (API_RotationRulesType, AutomaticallyAfterDays).
    /// AWS rotates at some time within a window that ends then; here it is due exactly then.
    pub(super) fn restart(&mut self, now: Timestamp) {
        let interval = self.rules.as_ref().and_then(|rules| rules.interval().ok());
        self.next = interval.filter(|_| self.is_on()).map(|interval| now + interval);
    }

    pub(super) fn is_on(&self) -> bool {
        self.enabled == Some(true)
    }

    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        self.is_on() && self.next.is_some_and(|next| next <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(json: &str) -> RotationRules {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn intervals_are_read() {
        assert_eq!(rules(r#"{"AutomaticallyAfterDays": 30}"#).interval().unwrap(), days(30));
        assert_eq!(
            rules(r#"{"ScheduleExpression": "rate(4 hours)"}"#).interval().unwrap(),
            SignedDuration::from_hours(4)
        );
        assert_eq!(rules(r#"{"ScheduleExpression": "rate(10 days)"}"#).interval().unwrap(), days(10));
    }

    #[test]
    fn illegal_schedules_are_refused() {
        for json in [
            "{}",
            r#"{"AutomaticallyAfterDays": 0}"#,
            r#"{"AutomaticallyAfterDays": 1001}"#,
            r#"{"AutomaticallyAfterDays": 1, "ScheduleExpression": "rate(1 day)"}"#,
            r#"{"ScheduleExpression": "rate(3 hours)"}"#,
            r#"{"ScheduleExpression": "cron(0 8 * * ? *)"}"#,
            r#"{"AutomaticallyAfterDays": 1, "Duration": "3"}"#,
            r#"{"AutomaticallyAfterDays": 1, "Duration": "+3h"}"#,
            r#"{"AutomaticallyAfterDays": 1, "Duration": "0h"}"#,
            r#"{"AutomaticallyAfterDays": 1, "Duration": "003h"}"#,
            r#"{"AutomaticallyAfterDays": 1, "Duration": "25h"}"#,
            r#"{"ScheduleExpression": "rate(4 hours)", "Duration": "5h"}"#,
        ] {
            assert_eq!(rules(json).check().unwrap_err().code, "InvalidParameterException", "{json}");
        }
    }
}

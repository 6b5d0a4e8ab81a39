//! Which calls are treated how.

use super::call::{Call, Service};

/// What happens to a call that a rule matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It waits before it is forwarded.
    HoldBefore,
    /// It is forwarded, and its answer waits.
    HoldAfter,
    /// The connection is closed, nothing is forwarded.
    CutBefore,
    /// It is forwarded, and the connection is closed instead of answering.
    LoseAnswer,
    /// Nothing is forwarded; this is the answer.
    Answer {
        /// The HTTP status.
        status: u16,
        /// The body. AWS's JSON services name an error in `__type`.
        body: String,
    },
}

/// Which calls a rule is for. Every part that is given has to fit.
#[derive(Clone, Debug, Default)]
pub struct Matcher {
    service: Option<Service>,
    action: Option<String>,
    resource: Option<String>,
    caller: Option<String>,
    skip: usize,
    times: Option<usize>,
}

impl Matcher {
    /// Every call.
    pub fn any() -> Self {
        Self::default()
    }

    /// Only calls of this service.
    #[must_use]
    pub fn service(mut self, service: Service) -> Self {
        self.service = Some(service);
        self
    }

    /// Only this API action.
    #[must_use]
    pub fn action(mut self, action: &str) -> Self {
        self.action = Some(action.to_owned());
        self
    }

    /// Only calls with a target whose resource or key contains this.
    #[must_use]
    pub fn resource(mut self, part: &str) -> Self {
        self.resource = Some(part.to_owned());
        self
    }

    /// Only calls of this function.
    #[must_use]
    pub fn caller(mut self, name: &str) -> Self {
        self.caller = Some(name.to_owned());
        self
    }

    /// Not the first `count` calls that fit.
    #[must_use]
    pub fn skip(mut self, count: usize) -> Self {
        self.skip = count;
        self
    }

    /// Only `count` calls, then never again.
    #[must_use]
    pub fn times(mut self, count: usize) -> Self {
        self.times = Some(count);
        self
    }

    fn fits(&self, call: &Call) -> bool {
        let contains = |part: &String| {
            call.targets.iter().any(|target| {
                target.resource.contains(part.as_str())
                    || target.key.as_ref().is_some_and(|key| key.contains(part))
            })
        };
        self.service.is_none_or(|service| service == call.service)
            && self.action.as_ref().is_none_or(|action| *action == call.action)
            && self.caller.as_ref().is_none_or(|caller| Some(caller) == call.caller.as_ref())
            && self.resource.as_ref().is_none_or(contains)
    }
}

/// A rule's name, to take it away again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleId(usize);

/// All rules. The first that applies decides.
#[derive(Debug, Default)]
pub(super) struct Rules {
    next: usize,
    rules: Vec<Rule>,
}

#[derive(Debug)]
struct Rule {
    id: RuleId,
    matcher: Matcher,
    effect: Effect,
    seen: usize,
}

impl Rules {
    pub(super) fn add(&mut self, matcher: Matcher, effect: Effect) -> RuleId {
        let id = RuleId(self.next);
        self.next += 1;
        self.rules.push(Rule { id, matcher, effect, seen: 0 });
        id
    }

    pub(super) fn remove(&mut self, id: RuleId) {
        self.rules.retain(|rule| rule.id != id);
    }

    /// What is to happen to a call. Every rule that fits counts it, whichever of them decides.
    pub(super) fn effect(&mut self, call: &Call) -> Option<Effect> {
        let mut decided = None;
        for rule in self.rules.iter_mut().filter(|rule| rule.matcher.fits(call)) {
            rule.seen += 1;
            let place = rule.seen.checked_sub(rule.matcher.skip + 1);
            let applies = place.is_some_and(|place| rule.matcher.times.is_none_or(|times| place < times));
            if applies && decided.is_none() {
                decided = Some(rule.effect.clone());
            }
        }
        decided
    }
}

#[cfg(test)]
mod tests {
    use super::super::call::{Outcome, Target};
    use super::*;

    fn call(action: &str, key: &str) -> Call {
        let target = Target {
            permission: format!("dynamodb:{action}"),
            resource: "customers".to_owned(),
            key: Some(key.to_owned()),
            conditions: Default::default(),
        };
        Call {
            number: 1,
            service: Service::DynamoDb,
            action: action.to_owned(),
            targets: vec![target],
            caller: Some("f".to_owned()),
            region: None,
            trace: None,
            outcome: Outcome::Pending,
        }
    }

    #[test]
    fn a_rule_skips_then_applies_then_rests() {
        let mut rules = Rules::default();
        rules.add(Matcher::any().action("PutItem").skip(1).times(2), Effect::CutBefore);
        let effects: Vec<_> = (0..4).map(|_| rules.effect(&call("PutItem", "a")).is_some()).collect();
        assert_eq!(effects, [false, true, true, false]);
        assert_eq!(rules.effect(&call("GetItem", "a")), None);
    }

    #[test]
    fn every_part_of_a_matcher_counts() {
        let fits = |matcher: Matcher| matcher.fits(&call("PutItem", "CUSTOMER#1/RECORD"));
        assert!(fits(Matcher::any().service(Service::DynamoDb).caller("f").resource("CUSTOMER#1")));
        assert!(!fits(Matcher::any().service(Service::S3)));
        assert!(!fits(Matcher::any().caller("g")));
        assert!(!fits(Matcher::any().resource("CUSTOMER#2")));
    }

    #[test]
    fn the_first_rule_decides_and_a_removed_one_does_not() {
        let mut rules = Rules::default();
        let first = rules.add(Matcher::any(), Effect::CutBefore);
        rules.add(Matcher::any(), Effect::LoseAnswer);
        assert_eq!(rules.effect(&call("GetItem", "a")), Some(Effect::CutBefore));
        rules.remove(first);
        assert_eq!(rules.effect(&call("GetItem", "a")), Some(Effect::LoseAnswer));
    }
}

//! Whether those who rely on a published event can go on.
//!
//! Two sides meet at an event: one writes it and one reads it. A producer writes requests as they were
//! published, and we read them as they are now; we write announcements as they are now, and a consumer reads
//! them as they were published. All that the writer may write, the reader must take. What a schema promises
//! is compared in one plain form, see [`promise`].

use std::fmt;

use serde_json::Value;

mod promise;
mod variations;

use promise::each;
pub use promise::promise;
pub use variations::variations;

/// Who writes an event, and who reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Others write it, and we read it.
    Request,
    /// We write it, and others read it.
    Announcement,
}

/// What somebody cannot rely on any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The field: `cells[].status`; empty for the event itself.
    pub field: String,
    /// What is different.
    pub what: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let field = if self.field.is_empty() { "the event" } else { &self.field };
        write!(f, "`{field}` {}", self.what)
    }
}

/// What is broken in `current` of what `published` promised; both as [`promise`] has them.
pub fn broken(direction: Direction, published: &Value, current: &Value) -> Vec<Broken> {
    let mut comparison = Comparison { direction, broken: Vec::new() };
    comparison.compare("", published, current);
    comparison.broken
}

/// Whether two objects are told apart by a fixed value of one of their fields.
fn another_form(one: &Value, other: &Value) -> bool {
    let fields = one["properties"].as_object().into_iter().flatten();
    fields.into_iter().any(|(name, field)| {
        let (values, others) = (&field["enum"], &other["properties"][name]["enum"]);
        match (values.as_array(), others.as_array()) {
            (Some(values), Some(others)) => !values.iter().any(|value| others.contains(value)),
            _ => false,
        }
    })
}

struct Comparison {
    direction: Direction,
    broken: Vec<Broken>,
}

impl Comparison {
    fn compare(&mut self, field: &str, published: &Value, current: &Value) {
        // Who leaves a field out means the default that was published.
        if self.direction == Direction::Request && published["default"] != current["default"] {
            let what = format!("means {} where it is left out", current["default"]);
            self.add(field, what, &published["default"]);
        }
        let (writer, reader) = match self.direction {
            Direction::Request => (published, current),
            Direction::Announcement => (current, published),
        };
        for written in each(writer) {
            match written["enum"].as_array() {
                Some(values) => self.values(field, values, reader),
                None => self.alternative(field, written, reader),
            }
        }
    }

    fn add(&mut self, field: &str, what: String, before: &Value) {
        self.broken.push(Broken { field: field.to_owned(), what: format!("{what}; before: {before}") });
    }

    fn values(&mut self, field: &str, values: &[Value], reader: &Value) {
        for value in values.iter().filter(|value| !jsonschema::is_valid(reader, value)) {
            let what = match self.direction {
                Direction::Request => format!("is not taken as {value} any more"),
                Direction::Announcement => format!("may be {value}, which no reader expects"),
            };
            self.broken.push(Broken { field: field.to_owned(), what });
        }
    }

    /// Something that may be written is to be taken in at least one of the ways of the reader. Where it is in none,
    /// what is said is of the one that comes closest.
    fn alternative(&mut self, field: &str, written: &Value, reader: &Value) {
        let takes = |read: &&Value| {
            let wider = read["type"] == "number" && written["type"] == "integer";
            wider || read["type"].is_null() || read["type"] == written["type"]
        };
        let tried = each(reader).filter(takes).map(|read| {
            let mut inner = Self { direction: self.direction, broken: Vec::new() };
            inner.constraints(field, written, read);
            (another_form(written, read), inner.broken)
        });
        match tried.min_by_key(|(another, broken)| (*another, broken.len())) {
            Some((_, broken)) => self.broken.extend(broken),
            None => {
                let what = match self.direction {
                    Direction::Request => "is not taken any more as",
                    Direction::Announcement => "may be, which no reader expects,",
                };
                let kind = written["type"].as_str().unwrap_or("anything");
                self.broken.push(Broken { field: field.to_owned(), what: format!("{what} {kind}") });
            }
        }
    }

    fn constraints(&mut self, field: &str, written: &Value, read: &Value) {
        let limit = |schema: &Value, key: &str| schema[key].as_i64();
        let looser = |key: &str| match key {
            "minimum" | "minLength" | "minItems" => limit(written, key) < limit(read, key),
            "maximum" | "maxLength" | "maxItems" => {
                limit(read, key).is_some_and(|most| limit(written, key).is_none_or(|written| written > most))
            }
            // Which of two patterns takes more cannot be told.
            _ => !read[key].is_null() && written[key] != read[key],
        };
        let keys = [
            "minimum",
            "minLength",
            "minItems",
            "maximum",
            "maxLength",
            "maxItems",
            "pattern",
            "format",
            "uniqueItems",
        ];
        for key in keys.into_iter().filter(|key| looser(key)) {
            let (before, now) = self.published_first(&read[key], &written[key]);
            self.add(field, format!("has `{key}` {now}"), before);
        }
        for (key, name) in [("items", format!("{field}[]")), ("additionalProperties", format!("{field}.*"))] {
            if !read[key].is_null() {
                let (published, current) = self.published_first(&read[key], &written[key]);
                self.compare(&name, published, current);
            }
        }
        let (published, current) = self.published_first(read, written);
        self.fields(field, published, current);
    }

    /// A reader's and a writer's part, the published one first.
    fn published_first<'a>(&self, read: &'a Value, written: &'a Value) -> (&'a Value, &'a Value) {
        match self.direction {
            Direction::Request => (written, read),
            Direction::Announcement => (read, written),
        }
    }

    fn fields(&mut self, field: &str, published: &Value, current: &Value) {
        let path = |name: &str| if field.is_empty() { name.to_owned() } else { format!("{field}.{name}") };
        let requires = |schema: &Value, name: &Value| {
            schema["required"].as_array().is_some_and(|required| required.contains(name))
        };
        let (more, less, what) = match self.direction {
            Direction::Request => (current, published, "is required, and may be left out so far"),
            Direction::Announcement => (published, current, "may be absent, and is always there so far"),
        };
        let gone = |name: &str| current["properties"].get(name).is_none();
        for name in more["required"].as_array().into_iter().flatten() {
            let name_text = name.as_str().unwrap_or_default();
            if !requires(less, name) && !gone(name_text) {
                self.broken.push(Broken { field: path(name_text), what: what.to_owned() });
            }
        }
        for (name, before) in published["properties"].as_object().into_iter().flatten() {
            match current["properties"].get(name) {
                Some(now) => self.compare(&path(name), before, now),
                None => {
                    let what = match self.direction {
                        Direction::Request => "is not read any more",
                        Direction::Announcement => "is not written any more",
                    };
                    self.broken.push(Broken { field: path(name), what: what.to_owned() });
                }
            }
        }
    }
}

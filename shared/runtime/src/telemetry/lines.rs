//! The form of a log line: one flat JSON object.
//!
//! The fields of the enclosing spans and of the event stand side by side, so that one line answers
//! a query without its neighbours. Texts that look like keys or tokens are taken out here too, as
//! the last of several guards.
//!
//! An event without a message says all of itself: of its spans, it takes only what names the work.

use std::fmt;
use std::io::Write;
use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value};
use shared_core::event::redact;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::tally::Tally;
use crate::clock;

/// The field that names the work, in every line about it: the request's id, or the document's.
const CORRELATION: &str = "correlation_id";

/// A subscriber's layer that writes the lines.
pub struct Lines {
    out: Mutex<Box<dyn Write + Send>>,
}

impl Lines {
    /// To standard output, from where Lambda takes them.
    pub fn to_stdout() -> Self {
        Self::to(std::io::stdout())
    }

    /// To any place.
    pub fn to(out: impl Write + Send + 'static) -> Self {
        Self { out: Mutex::new(Box::new(out)) }
    }
}

/// The fields of a span, kept with it.
struct Kept(Map<String, Value>);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Lines {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut fields = Fields(Map::new());
            attributes.record(&mut fields);
            span.extensions_mut().insert(Kept(fields.0));
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut fields = Fields(Map::new());
            values.record(&mut fields);
            if let Some(Kept(kept)) = span.extensions_mut().get_mut() {
                kept.extend(fields.0);
            }
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields(Map::new());
        // To the millisecond: each byte of a line is paid for.
        fields.0.insert("timestamp".to_owned(), format!("{:.3}", clock::now()).into());
        fields.0.insert("level".to_owned(), event.metadata().level().as_str().into());
        let brief = event.metadata().fields().field("message").is_none();
        for span in context.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(Kept(kept)) = span.extensions().get() {
                let kept = kept.iter().filter(|(name, _)| !brief || *name == CORRELATION);
                fields.0.extend(kept.map(|(name, value)| (name.clone(), value.clone())));
            }
            if event.metadata().target() == super::UNIT
                && let Some(tally) = span.extensions().get::<Tally>()
            {
                fields.0.extend(tally.fields());
            }
        }
        event.record(&mut fields);
        let line = format!("{}\n", Value::Object(fields.0));
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        // There is nowhere to report that there is nowhere to report to.
        let _ = out.write_all(line.as_bytes()).and_then(|()| out.flush());
    }
}

/// Collects fields as JSON.
#[derive(Default)]
pub(super) struct Fields(pub(super) Map<String, Value>);

impl Fields {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, redact::by_looks(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, redact::by_looks(&format!("{value:?}")));
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;
    use crate::telemetry::written::Written;

    fn lines(log: impl FnOnce()) -> Vec<Value> {
        let written = Written::default();
        let subscriber = tracing_subscriber::registry().with(Lines::to(written.clone()));
        tracing::subscriber::with_default(subscriber, log);
        written.lines()
    }

    #[test]
    fn a_line_is_flat_and_complete() {
        let lines = lines(|| {
            let span = tracing::info_span!("unit", request.id = "r-1", customer.id = tracing::field::Empty);
            span.record("customer.id", "acme");
            span.in_scope(|| tracing::info!(attempt = 2, duration_ms = 7_u64, "Onboarded a customer."));
        });
        assert_eq!(lines.len(), 1);
        let line = &lines[0];
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["message"], "Onboarded a customer.");
        assert_eq!((&line["request.id"], &line["customer.id"]), (&"r-1".into(), &"acme".into()));
        assert_eq!((&line["attempt"], &line["duration_ms"]), (&2.into(), &7.into()));
        assert!(line["timestamp"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok());
    }

    #[test]
    fn a_line_without_a_message_is_brief() {
        let lines = lines(|| {
            let span =
                tracing::info_span!("unit", correlation_id = "r-1", request.id = "i-1", origin = "sqs");
            span.in_scope(|| tracing::info!(outcome = "DocumentSubmitted"));
        });
        let mut names: Vec<_> = lines[0].as_object().unwrap().keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["correlation_id", "level", "outcome", "timestamp"]);
        assert_eq!(lines[0]["timestamp"].as_str().unwrap().len(), "2026-01-01T00:00:00.000Z".len());
    }

    #[test]
    fn a_line_stays_one_line() {
        let lines = lines(|| tracing::warn!(error = "a\nb\"c", "Two\nlines."));
        assert_eq!(lines[0]["error"], "a\nb\"c");
    }

    #[test]
    fn what_looks_like_a_key_or_token_is_not_written() {
        let jwt = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJlLXNpZ25hdHVyZQ";
        let pem = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\n-----END PRIVATE KEY-----";
        let lines = lines(|| {
            tracing::error!(jwt, debug = ?pem, "Refused: {jwt}");
        });
        let text = lines[0].to_string();
        assert!(!text.contains("eyJzdWI") && !text.contains("MIIEvQ"), "{text}");
    }
}

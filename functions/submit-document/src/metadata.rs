//! What an object's metadata and tags ask for: the analysis, and what the vendor is told beforehand.
//!
//! The README's table "What a file can ask for" is this mapping; a test holds the two together. Nothing
//! is made up: what no key says is not sent. No value is repeated in a refusal or a log, for it may be
//! personal data.

use std::collections::BTreeMap;

use resistant::{Characteristics, DocumentCharacteristics, Pipeline};
use shared_core::document::Refusal;
use shared_core::ids::Invalid;

/// What our keys begin with. All other keys are somebody else's.
const PREFIX: &str = "resistant-";

/// In text of one of these, S3 hides what is not ASCII (RFC 2047), and what stands there is not what
/// was meant.
const ENCODED: &str = "ASCII only in metadata: put other letters into a tag of the same name";

/// What is asked for where the object does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Defaults {
    /// `PIPELINE_CONFIGURATION`
    pub pipeline: Pipeline,
    /// `ENABLE_DECISION`
    pub decision: bool,
}

/// What a submission is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) pipeline: Pipeline,
    pub(crate) decision: bool,
    pub(crate) characteristics: Characteristics,
}

impl Asked {
    /// Whether there is anything to tell the vendor. Announcing nothing saves a call.
    pub(crate) fn has_characteristics(&self) -> bool {
        self.characteristics != Characteristics::default()
    }

    fn document(&mut self) -> &mut DocumentCharacteristics {
        self.characteristics.document_characteristics.get_or_insert_default()
    }
}

type Set = fn(&mut Asked, &str) -> Result<(), Invalid>;

/// Every key, and what it sets.
const KEYS: [(&str, Set); 11] = [
    ("resistant-pipeline", |asked, text| text.parse().map(|value| asked.pipeline = value)),
    ("resistant-decision", |asked, text| yes_or_no(text).map(|value| asked.decision = value)),
    ("resistant-customer-tenant-id", |asked, text| {
        text.parse().map(|value| asked.characteristics.customer_tenant_id = Some(value))
    }),
    ("resistant-case-id", |asked, text| {
        text.parse().map(|value| asked.characteristics.customer_case_id = Some(value))
    }),
    ("resistant-document-type", |asked, text| {
        text.parse().map(|value| asked.document().document_type = Some(value))
    }),
    ("resistant-document-type-string", |asked, text| {
        text.parse().map(|value| asked.document().document_type_string = Some(value))
    }),
    ("resistant-country", |asked, text| {
        text.parse().map(|value| asked.document().issuing_country_code = Some(value))
    }),
    ("resistant-document-id", |asked, text| {
        text.parse().map(|value| asked.document().document_id = Some(value))
    }),
    ("resistant-filename", |asked, text| {
        text.parse().map(|value| asked.document().document_filename = Some(value))
    }),
    ("resistant-channel", |asked, text| {
        text.parse().map(|value| asked.document().source_channel = Some(value))
    }),
    ("resistant-side", |asked, text| text.parse().map(|value| asked.document().document_side = Some(value))),
];

/// `true` or `false`, and nothing else.
pub(crate) fn yes_or_no(text: &str) -> Result<bool, Invalid> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(Invalid::new("enable_decision", text, "it is `true` or `false`")),
    }
}

/// Where a value was found.
#[derive(Clone, Copy)]
enum Place {
    Metadata,
    Tag,
}

/// Reads what an object asks for. Where metadata and a tag have the same key, metadata wins: it cannot
/// change under a version, a tag can.
///
/// # Errors
/// [`Refusal::Metadata`], with every key that cannot be used and its rule.
pub(crate) fn read(
    defaults: Defaults,
    metadata: impl IntoIterator<Item = (String, String)>,
    tags: impl IntoIterator<Item = (String, String)>,
) -> Result<Asked, Refusal> {
    let mut found: BTreeMap<String, (Place, String)> =
        tags.into_iter().filter(ours).map(|(key, value)| (key, (Place::Tag, value))).collect();
    found.extend(metadata.into_iter().filter(ours).map(|(key, value)| (key, (Place::Metadata, value))));
    let mut asked = Asked { pipeline: defaults.pipeline, decision: defaults.decision, ..Asked::default() };
    let mut problems = Vec::new();
    for (key, (place, value)) in &found {
        if let Err(rule) = set(&mut asked, key, *place, value) {
            problems.push(format!("{} `{}`: {rule}", place.name(), cut(key)));
        }
    }
    if problems.is_empty() { Ok(asked) } else { Err(Refusal::Metadata(problems.join("; "))) }
}

/// A typing error must not go unnoticed, not even one in the case of a letter.
fn ours((key, _): &(String, String)) -> bool {
    key.get(..PREFIX.len()).is_some_and(|head| head.eq_ignore_ascii_case(PREFIX))
}

fn set(asked: &mut Asked, key: &str, place: Place, value: &str) -> Result<(), &'static str> {
    let known = KEYS.iter().find(|(known, _)| *known == key);
    let (_, set) =
        known.ok_or("there is no such key; keys that begin with `resistant-` are this system's")?;
    if matches!(place, Place::Metadata) && (!value.is_ascii() || value.contains("=?")) {
        return Err(ENCODED);
    }
    set(asked, value).map_err(|invalid| invalid.rule)
}

impl Place {
    fn name(self) -> &'static str {
        match self {
            Self::Metadata => "metadata",
            Self::Tag => "tag",
        }
    }
}

/// An unknown key is not known to be harmless either, and a tag's may have 128 characters.
fn cut(key: &str) -> &str {
    key.char_indices().nth(64).map_or(key, |(end, _)| &key[..end])
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn of(metadata: &[(&str, &str)], tags: &[(&str, &str)]) -> Result<Asked, Refusal> {
        read(Defaults::default(), pairs(metadata), pairs(tags))
    }

    fn why(metadata: &[(&str, &str)], tags: &[(&str, &str)]) -> String {
        of(metadata, tags).unwrap_err().to_string()
    }

    #[test]
    fn what_nobody_says_is_not_sent_and_other_keys_are_not_ours() {
        let asked = of(&[("author", "Jane"), ("resistantish", "x")], &[("cost-centre", "7")]).unwrap();
        assert_eq!(asked, Asked::default());
        assert!(!asked.has_characteristics());
        let defaults = Defaults { pipeline: Pipeline::QualityOnly, decision: true };
        let asked = read(defaults, [], []).unwrap();
        assert!(asked.pipeline == Pipeline::QualityOnly && asked.decision && !asked.has_characteristics());
        let own = [("resistant-pipeline", "FRAUD_ONLY"), ("resistant-decision", "false")];
        assert_eq!(read(defaults, pairs(&own), []).unwrap(), Asked::default());
    }

    #[test]
    fn metadata_wins_over_a_tag_of_the_same_key() {
        let (metadata, tags) =
            ([("resistant-side", "front")], [("resistant-side", "?"), ("resistant-channel", "web")]);
        let sent = serde_json::to_value(of(&metadata, &tags).unwrap().characteristics).unwrap();
        assert_eq!(
            sent,
            json!({"document_characteristics": {"document_side": "front", "source_channel": "web"}})
        );
    }

    #[test]
    fn a_refusal_names_every_key_and_its_rule_and_no_value() {
        let long = "s3cret".repeat(200);
        let said = why(
            &[("resistant-pipeline", "s3cret"), ("resistant-case-id", ""), ("resistant-decision", "s3cret")],
            &[
                ("resistant-document-type", "s3cret"),
                ("Resistant-side", "front"),
                ("resistant-filename", &long),
            ],
        );
        for told in [
            "metadata `resistant-pipeline`: it is `FRAUD_ONLY`",
            "metadata `resistant-case-id`: 1 to 1,024 characters",
            "metadata `resistant-decision`: it is `true` or `false`",
            "tag `resistant-document-type`: one of the vendor's document types",
            "tag `Resistant-side`: there is no such key",
            "tag `resistant-filename`: 1 to 1,024",
        ] {
            assert!(said.contains(told), "`{told}` is not in: {said}");
        }
        assert!(!said.contains("s3cret"), "{said}");
        assert!(
            why(&[("resistant-pipelin", "FRAUD_ONLY")], &[]).contains("`resistant-pipelin`: there is no")
        );
    }

    #[test]
    fn what_s3_has_encoded_is_not_taken_for_what_was_meant() {
        let said = why(&[("resistant-filename", "=?UTF-8?B?TcO8bGxlcg==?=")], &[]);
        assert!(said.contains("put other letters into a tag") && !said.contains("TcO8"), "{said}");
        assert!(of(&[], &[("resistant-filename", "Müller.pdf")]).unwrap().has_characteristics());
    }

    #[test]
    fn what_is_asked_for_shows_no_text_when_it_is_printed() {
        let asked = of(&[("resistant-filename", "jane-doe.pdf")], &[]).unwrap();
        assert!(!format!("{asked:?}").contains("jane"), "{asked:?}");
    }

    /// Sample values, by key; the README says which there are.
    fn sample(key: &str) -> &'static str {
        match key {
            "resistant-pipeline" => "QUALITY_ONLY",
            "resistant-decision" => "true",
            "resistant-document-type" => "payslip",
            "resistant-channel" => "mobile",
            "resistant-side" => "back",
            _ => "some text",
        }
    }

    /// All that one key changes at the vendor, by field.
    fn sent(asked: &Asked) -> BTreeMap<String, Value> {
        let mut sent = BTreeMap::new();
        if asked.pipeline != Pipeline::default() {
            sent.insert("pipeline_configuration".to_owned(), json!(asked.pipeline));
        }
        if asked.decision {
            sent.insert("enable_decision".to_owned(), json!(true));
        }
        let characteristics = serde_json::to_value(&asked.characteristics).unwrap();
        for (name, value) in characteristics.as_object().unwrap() {
            match value.as_object() {
                Some(group) => {
                    sent.extend(
                        group.iter().map(|(field, value)| (format!("{name}.{field}"), value.clone())),
                    );
                }
                None => drop(sent.insert(name.clone(), value.clone())),
            }
        }
        sent
    }

    #[test]
    fn the_readme_s_table_is_the_mapping() {
        let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");
        let readme = std::fs::read_to_string(readme).unwrap();
        let (_, rest) = readme.split_once("<!-- metadata -->\n").unwrap();
        let rows = rest.lines().take_while(|line| line.starts_with('|')).skip(2);
        let told: Vec<(String, String)> = rows
            .map(|row| {
                let cells: Vec<&str> = row.trim_matches('|').split('|').map(|cell| cell.trim()).collect();
                (cells[0].trim_matches('`').to_owned(), cells[1].trim_matches('`').to_owned())
            })
            .collect();
        let keys: Vec<&str> = told.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, KEYS.map(|(key, _)| key), "the README's keys (left) are the code's (right)");
        for (key, field) in told {
            let value = sample(&key);
            let asked = of(&[(&key, value)], &[]).unwrap();
            let value = if value == "true" { json!(true) } else { json!(value) };
            assert_eq!(sent(&asked), BTreeMap::from([(field, value)]), "`{key}` in the README");
        }
    }
}

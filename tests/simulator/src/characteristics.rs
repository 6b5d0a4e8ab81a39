//! What a tenant may tell about a document. Where it was announced, no analysis begins without it.

use serde_json::{Map, Value};

use crate::answer::Answer;
use crate::call::Call;
use crate::scene::Scene;
use crate::submissions;

/// What a field may hold. Everything may be null.
#[derive(Clone, Copy)]
enum Kind {
    /// Text of so many characters at most.
    Text(usize),
    /// One of some words.
    Word(&'static [&'static str]),
    Integer,
    /// A whole number that is not negative.
    Count,
    Number,
    /// SHA-256 in hexadecimal digits, any number of them.
    Hashes,
    Corners,
}

use Kind::{Corners, Count, Hashes, Integer, Number, Text, Word};

/// The fields whose rule is not just "text of up to 1024 characters".
const FIELDS: [(&str, &[(&str, Kind)]); 7] = [
    (
        "document_characteristics",
        &[
            ("document_type", Word(&DOCUMENT_TYPES)),
            ("document_position_on_image", Corners),
            ("source_channel", Word(&["api", "web", "mobile"])),
            ("document_side", Word(&["front", "back"])),
        ],
    ),
    (
        "device_characteristics",
        &[
            ("device_ip_address", Text(39)),
            ("server_ip_address", Text(39)),
            ("screen_height", Integer),
            ("screen_width", Integer),
        ],
    ),
    ("identity_characteristics", &[("date_of_birth", Text(10))]),
    ("transaction_characteristics", &[("amount_usd", Number), ("maturity_days", Integer)]),
    (
        "email_characteristics",
        &[
            ("originator_address_hashes", Hashes),
            ("originator_domain_hashes", Hashes),
            ("subject_hash", Text(64)),
            ("number_of_recipients", Count),
            ("recipient_hashes", Hashes),
        ],
    ),
    (
        "claims_characteristics",
        &[("incident_date", Text(10)), ("reported_date", Text(10)), ("claim_value", Number)],
    ),
    ("", &[("submission_time", Text(usize::MAX))]),
];

const DOCUMENT_TYPES: [&str; 42] = [
    "unknown",
    "id_card",
    "drivers_license",
    "birth_certificate",
    "health_insurance_card",
    "id_certificate",
    "passport",
    "residence_permit",
    "account_confirmation",
    "account_statement",
    "bank_details",
    "delivery_note",
    "company_detail",
    "earnings_confirmation",
    "employer_identification_number",
    "fees_statement",
    "government_registry_confirmation",
    "incorporation_certificate",
    "insurance_claim",
    "insurance_documentation",
    "invoice",
    "order",
    "order_confirmation",
    "payment",
    "payment_confirmation",
    "payslip",
    "proof_of_address",
    "receipt",
    "registration_certificate",
    "rental_agreement",
    "report",
    "residence_certificate",
    "tax_form",
    "tax_information",
    "ticket",
    "tracking_note",
    "transaction_detail",
    "transaction_history",
    "transport_order",
    "utility_bill",
    "vehicle_appraisal",
    "vehicle_registration_certificate",
];

pub(crate) fn put(scene: &mut Scene<'_>, call: &Call) -> Result<Answer, Answer> {
    let body = call.object()?;
    if let Some(fields) = body.as_object() {
        check(fields).map_err(|message| Answer::error(400, message))?;
    }
    let at = submissions::find(scene, call)?;
    let (now, again) = (scene.now, scene.settings.second_characteristics);
    let submission = &mut scene.world.submissions[at];
    if !submission.characteristics_wanted {
        return Err(Answer::error(400, "submission characteristics are not enabled for this submission"));
    }
    if submission.characteristics_at.is_some() && !again {
        return Err(Answer::error(400, "submission characteristics were sent before"));
    }
    submission.characteristics_at.get_or_insert(now);
    submission.characteristics = Some(body);
    Ok(Answer::empty(204))
}

fn check(body: &Map<String, Value>) -> Result<(), String> {
    for (name, value) in body {
        match (FIELDS.iter().any(|(group, _)| group == name), value) {
            (_, Value::Null) => {}
            (true, Value::Object(fields)) => check_group(name, fields)?,
            (true, _) => return Err(format!("{name}: must be an object")),
            (false, value) => check_field("", name, value)?,
        }
    }
    Ok(())
}

fn check_group(group: &str, fields: &Map<String, Value>) -> Result<(), String> {
    fields.iter().try_for_each(|(name, value)| check_field(group, name, value))
}

fn check_field(group: &str, name: &str, value: &Value) -> Result<(), String> {
    match value.is_null() || kind(group, name).allows(value) {
        true => Ok(()),
        false => Err(format!("{group}.{name}: is not allowed to be this")),
    }
}

fn kind(group: &str, name: &str) -> Kind {
    let fields =
        FIELDS.iter().find(|(known, _)| *known == group).map(|(_, fields)| *fields).unwrap_or_default();
    fields.iter().find(|(field, _)| *field == name).map_or(Text(1024), |(_, kind)| *kind)
}

impl Kind {
    fn allows(self, value: &Value) -> bool {
        match self {
            Text(most) => value.as_str().is_some_and(|text| text.chars().count() <= most),
            Word(words) => value.as_str().is_some_and(|text| words.contains(&text)),
            Integer => value.is_i64() || value.is_u64(),
            Count => value.is_u64(),
            Number => value.is_number(),
            Hashes => value.as_array().is_some_and(|hashes| hashes.iter().all(|hash| Text(64).allows(hash))),
            Corners => ["corner_1", "corner_2", "corner_3", "corner_4"]
                .iter()
                .all(|corner| ["x", "y"].iter().all(|axis| Integer.allows(&value[corner][axis]))),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn verdict(body: &Value) -> Result<(), String> {
        check(body.as_object().expect("an object"))
    }

    #[test]
    fn each_kind_of_field_is_checked() {
        let good = json!({
            "customer_case_id": "c-1",
            "document_characteristics": { "document_type": "payslip", "document_side": null },
            "email_characteristics": { "recipient_hashes": ["ab"], "number_of_recipients": 1 },
            "claims_characteristics": null,
        });
        assert_eq!(verdict(&good), Ok(()));
        for bad in [
            json!({ "customer_case_id": "c".repeat(1025) }),
            json!({ "document_characteristics": { "document_type": "novel" } }),
            json!({ "document_characteristics": { "document_position_on_image": { "corner_1": {} } } }),
            json!({ "device_characteristics": { "device_ip_address": "1".repeat(40) } }),
            json!({ "device_characteristics": "phone" }),
            json!({ "transaction_characteristics": { "maturity_days": 1.5 } }),
        ] {
            assert!(verdict(&bad).is_err(), "{bad}");
        }
    }
}

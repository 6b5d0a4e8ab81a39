//! What a submission may be told about beside its document. All of it is optional.

use serde::{Deserialize, Serialize};
use shared_core::ids::Invalid;

/// The vendor's kinds of document that a characteristic may name.
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

/// A text of 1 to 1,024 characters, the vendor's limit for characteristics. No personal data belongs
/// into the ids among them; as a name of a file may hold some, `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct ShortText(String);

/// One of the vendor's 42 kinds of document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct DocumentType(&'static str);

/// How the document came to the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceChannel {
    /// By an interface.
    Api,
    /// By a web page.
    Web,
    /// By an app.
    Mobile,
}

/// Which side of a card it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentSide {
    /// The front.
    Front,
    /// The back.
    Back,
}

/// The characteristics of a submission. The groups on persons, devices, transactions, mails and claims
/// are left out: they are personal data, or nothing that a file in a bucket knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Characteristics {
    /// The platform's id of its customer, to keep the vendor's monitoring apart. Neither the vendor's
    /// tenant id nor a client id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_tenant_id: Option<ShortText>,
    /// The platform's id of the case; the same again marks a resubmission.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_case_id: Option<ShortText>,
    /// On the document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document_characteristics: Option<DocumentCharacteristics>,
}

/// What is known of the document beforehand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DocumentCharacteristics {
    /// Its kind, in the vendor's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document_type: Option<DocumentType>,
    /// Its kind, in the platform's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document_type_string: Option<ShortText>,
    /// Where it was issued.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuing_country_code: Option<ShortText>,
    /// The platform's id of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document_id: Option<ShortText>,
    /// The name of its file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document_filename: Option<ShortText>,
    /// How it came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_channel: Option<SourceChannel>,
    /// Which side it shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document_side: Option<DocumentSide>,
}

impl std::fmt::Debug for ShortText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ShortText(not shown)")
    }
}

impl std::str::FromStr for ShortText {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if (1..=1024).contains(&text.chars().count()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Invalid::new("characteristic", text, "1 to 1,024 characters"))
        }
    }
}

impl std::str::FromStr for DocumentType {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let known = DOCUMENT_TYPES.into_iter().find(|known| *known == text);
        known
            .map(Self)
            .ok_or_else(|| Invalid::new("document_type", text, "one of the vendor's document types"))
    }
}

impl std::str::FromStr for SourceChannel {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text {
            "api" => Ok(Self::Api),
            "web" => Ok(Self::Web),
            "mobile" => Ok(Self::Mobile),
            _ => Err(Invalid::new("source_channel", text, "it is `api`, `web` or `mobile`")),
        }
    }
}

impl std::str::FromStr for DocumentSide {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text {
            "front" => Ok(Self::Front),
            "back" => Ok(Self::Back),
            _ => Err(Invalid::new("document_side", text, "it is `front` or `back`")),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_known_is_written() {
        assert_eq!(serde_json::to_value(Characteristics::default()).unwrap(), json!({}));
        let characteristics = Characteristics {
            customer_case_id: Some("case-1".parse().unwrap()),
            document_characteristics: Some(DocumentCharacteristics {
                document_type: Some("payslip".parse().unwrap()),
                source_channel: Some("web".parse().unwrap()),
                document_side: Some("back".parse().unwrap()),
                ..Default::default()
            }),
            ..Default::default()
        };
        let expected = json!({
            "customer_case_id": "case-1",
            "document_characteristics": {"document_type": "payslip", "source_channel": "web", "document_side": "back"}
        });
        assert_eq!(serde_json::to_value(characteristics).unwrap(), expected);
    }

    #[test]
    fn what_the_vendor_does_not_take_does_not_exist() {
        assert!("ä".repeat(1024).parse::<ShortText>().is_ok());
        assert!("x".repeat(1025).parse::<ShortText>().is_err());
        assert!("".parse::<ShortText>().is_err());
        assert!("pay slip".parse::<DocumentType>().is_err());
        assert!("fax".parse::<SourceChannel>().is_err());
        assert!("left".parse::<DocumentSide>().is_err());
    }
}

//! The organization: its client id and the RSA key pair that the vendor knows the public half of.

use std::sync::OnceLock;

use anyhow::{Context, Result, anyhow};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::DecodingKey;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;

/// The client id unless another is chosen.
const CLIENT_ID: &str = "0oaOrganizationClient";

/// The scopes the organization may ask for.
pub(crate) const SCOPES: [&str; 5] = [
    "tenants.read",
    "tenants.write",
    "tenants.applications.read",
    "tenants.applications.write",
    "organization.read",
];

/// The customer of the vendor whose tenants these are.
pub(crate) struct Organization {
    pub(crate) client_id: String,
    pub(crate) private_key_pem: String,
    pub(crate) key: DecodingKey,
}

impl Organization {
    pub(crate) fn new(client_id: Option<String>, private_key_pem: Option<String>) -> Result<Self> {
        let private_key_pem = match private_key_pem {
            Some(pem) => pem,
            None => generated()?,
        };
        let pair = read(&private_key_pem)?;
        let key = DecodingKey::from_rsa_der(pair.public_key().as_ref());
        Ok(Self { client_id: client_id.unwrap_or_else(|| CLIENT_ID.to_owned()), private_key_pem, key })
    }
}

/// Made once in a process: a key of 3072 bits takes longer than most tests.
fn generated() -> Result<String> {
    static PEM: OnceLock<String> = OnceLock::new();
    if let Some(pem) = PEM.get() {
        return Ok(pem.clone());
    }
    let pair = KeyPair::generate(KeySize::Rsa3072).map_err(|_| anyhow!("no RSA key could be generated"))?;
    let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).map_err(|_| anyhow!("no PKCS#8 of the RSA key"))?;
    Ok(PEM.get_or_init(|| pem(der.as_ref())).clone())
}

fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut lines = vec!["-----BEGIN PRIVATE KEY-----"];
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, tail) = rest.split_at(rest.len().min(64));
        lines.push(line);
        rest = tail;
    }
    lines.push("-----END PRIVATE KEY-----\n");
    lines.join("\n")
}

fn read(pem: &str) -> Result<KeyPair> {
    let key = PrivateKeyDer::from_pem_slice(pem.as_bytes())
        .context("the organization's key is no PEM private key")?;
    match &key {
        PrivateKeyDer::Pkcs8(der) => KeyPair::from_pkcs8(der.secret_pkcs8_der()),
        PrivateKeyDer::Pkcs1(der) => KeyPair::from_der(der.secret_pkcs1_der()),
        _ => return Err(anyhow!("the organization's key must be PKCS#8 or PKCS#1")),
    }
    .map_err(|rejected| anyhow!("the organization's key is no RSA key: {rejected}"))
}
